"""The CPU frequency of this host, where Linux lets the user set it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from glob import glob
from pathlib import Path

from prunescape.errors import InputError

POLICIES = "/sys/devices/system/cpu/cpufreq/policy*"
LEAST, MOST = "scaling_min_freq", "scaling_max_freq"  # kHz
NOT_ASKED, NOT_HERE = "not asked for", "only a local target's can be set"
NONE, DENIED = "this host shows no CPU frequency (cpufreq)", "this user may not set the CPU frequency"


def unsettable(policies: str = POLICIES) -> str:
    """Why the frequency of this host's CPUs cannot be set, empty where it can."""
    folders = glob(policies)
    if not folders:
        return NONE
    writable = all(os.access(Path(folder) / name, os.W_OK) for folder in folders for name in (LEAST, MOST))
    return "" if writable else DENIED


@contextmanager
def held_at(mhz: int | None, policies: str = POLICIES) -> Iterator[None]:
    """Hold every CPU at `mhz` within, and put the bounds back; with None nothing is set.

    Raises InputError for a frequency that the host does not have.
    """
    with ExitStack() as restored:
        for folder in map(Path, sorted(glob(policies)) if mhz is not None else ()):
            before = [_read(folder / name) for name in (LEAST, MOST)]
            lowest, highest = (_read(folder / f"cpuinfo_{end}_freq") for end in ("min", "max"))
            if not lowest <= 1000 * mhz <= highest:
                allowed = f"{lowest / 1000:g} to {highest / 1000:g} MHz"
                raise InputError(f"this host's CPUs do not run at {mhz} MHz", where="frequency_mhz", allowed=allowed)
            restored.callback(_bound, folder, *before)
            _bound(folder, 1000 * mhz, 1000 * mhz)
        yield


def _bound(folder: Path, least: int, most: int) -> None:
    """Set both bounds, the one first that does not cross the other."""
    first, second = ((MOST, most), (LEAST, least)) if most >= _read(folder / LEAST) else ((LEAST, least), (MOST, most))
    for name, value in (first, second):
        (folder / name).write_text(f"{value}\n")


def _read(path: Path) -> int:
    return int(path.read_text())
