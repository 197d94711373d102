"""Measures on this host under limits: fewer CPUs, a share of CPU time, less memory. Linux only.

Fewer CPUs are an affinity; the others need systemd or a control group that this user may make.
"""

import math
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prunescape.errors import InputError
from prunescape.measure import local

PERIOD_US = 10_000  # over which a share of CPU time is counted: short against a sample, so that each gets its share
LEAST_QUOTA_US = 1000  # the kernel takes no less
MEBIBYTE = 2**20
MOUNTS, OWN_GROUPS = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
# Joins the groups named before --, then becomes the command behind it.
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Limits:
    """At most `cpu_quota` CPUs' worth of time and `memory` bytes, both or one of them."""

    cpu_quota: float | None
    memory: int | None


def measure(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` under the limits of `target`: cpus, cpu_quota, memory_mb (MiB) or None.

    Raises InputError when this host cannot be limited so, or the memory is not enough for the agent.
    """
    where = f"targets.{target['name']}"
    require_linux(where)
    memory = None if target["memory_mb"] is None else target["memory_mb"] * MEBIBYTE
    with on_cpus(target["cpus"], where), held_to(Limits(target["cpu_quota"], memory), where) as held:
        return local.run_agent(spec, held)


def require_linux(where: str) -> None:
    """Raises InputError on another system, which has no affinities and no control groups."""
    if not hasattr(os, "sched_setaffinity"):
        hint = "take a target of kind local, or ssh to a Linux host"
        raise InputError("an emulated target needs Linux", where=where, hint=hint)


@contextmanager
def on_cpus(count: int | None, where: str) -> Iterator[None]:
    """Lets this process and those that it starts use the first `count` of its CPUs only."""
    usable = os.sched_getaffinity(0)
    if count is None:
        yield
        return
    if count > len(usable):
        raise InputError(f"{count} CPUs cannot be had here", where=f"{where}.cpus", allowed=f"at most {len(usable)}")
    os.sched_setaffinity(0, sorted(usable)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


@contextmanager
def held_to(limits: Limits, where: str) -> Iterator[list[str]]:
    """A command that runs what follows it under `limits`: through systemd, or control groups of version 2 or 1."""
    if limits.cpu_quota is None and limits.memory is None:
        yield []
        return
    by_systemd = systemd_command(limits)
    if by_systemd:
        yield by_systemd
        return
    with ExitStack() as stack:
        for make in (unified_group, separate_groups):
            groups = make(limits, stack)
            if groups:
                yield ["sh", "-c", JOIN, "sh", *(str(group / "cgroup.procs") for group in groups), "--"]
                return
    what = "this host can be held to no CPU quota or memory: neither systemd nor control groups can be used"
    raise InputError(what, where=where, hint="as root or in a systemd session they can; `cpus` alone needs neither")


def systemd_command(limits: Limits) -> list[str]:
    """`systemd-run` with the limits as properties of a scope; empty where it does not work."""
    if not shutil.which("systemd-run"):
        return []
    properties = []
    if limits.cpu_quota is not None:
        properties += [f"CPUQuota={100 * limits.cpu_quota:g}%", f"CPUQuotaPeriodSec={_period(limits)}us"]
    properties += [] if limits.memory is None else [f"MemoryMax={limits.memory}", "MemorySwapMax=0"]
    command = ["systemd-run", *([] if os.getuid() == 0 else ["--user"]), "--scope", "--quiet", "--collect"]
    command += [part for value in properties for part in ("-p", value)]
    tried = subprocess.run([*command, "--", "true"], capture_output=True)
    return [*command, "--"] if tried.returncode == 0 else []


def unified_group(limits: Limits, stack: ExitStack) -> list[Path]:
    """One new group of version 2, beside or within that of this process, removed with `stack`; or none."""
    files = {} if limits.cpu_quota is None else {"cpu.max": f"{_quota(limits)} {_period(limits)}"}
    files |= {} if limits.memory is None else {"memory.max": str(limits.memory)}
    mounted = [group for kind, _, group in mounted_groups() if kind == "cgroup2"]
    for own in mounted[:1]:
        for above in (own, own.parent):
            made = _made(above, files, stack, optional={"memory.swap.max": "0"} if limits.memory else {})
            if made:
                return [made]
    return []


def separate_groups(limits: Limits, stack: ExitStack) -> list[Path]:
    """New groups of version 1, one for each limit, removed with `stack`; or none where one of them cannot be made."""
    wanted: dict[str, dict[str, str]] = {}
    if limits.cpu_quota is not None:
        wanted["cpu"] = {"cpu.cfs_period_us": str(_period(limits)), "cpu.cfs_quota_us": str(_quota(limits))}
    wanted |= {} if limits.memory is None else {"memory": {"memory.limit_in_bytes": str(limits.memory)}}
    groups = []
    for controller, files in wanted.items():
        own = [group for kind, names, group in mounted_groups() if kind == "cgroup" and controller in names]
        swap = {"memory.memsw.limit_in_bytes": str(limits.memory)} if controller == "memory" else {}
        made = _made(own[0], files, stack, optional=swap) if own else None
        if made is None:
            return []
        groups.append(made)
    return groups


def mounted_groups() -> list[tuple[str, list[str], Path]]:
    """(cgroup or cgroup2, controllers, this process's folder) of every mounted hierarchy of control groups."""
    own: dict[str, str] = {}
    for line in _lines(OWN_GROUPS):
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    found = []
    for line in _lines(MOUNTS):
        mount, _, rest = line.partition(" - ")
        root, place = mount.split()[3:5]
        kind, options = rest.split()[0], rest.split()[-1].split(",")
        if kind in ("cgroup", "cgroup2"):
            names = [name for name in options if name in own] if kind == "cgroup" else [""]
            path = own.get(names[0], "/") if names else "/"
            below = path.removeprefix(root) if root != "/" else path
            found.append((kind, names, Path(place) / below.lstrip("/")))
    return found


def _made(above: Path, files: dict[str, str], stack: ExitStack, optional: dict[str, str]) -> Path | None:
    """A new group with these limits written, or None where this user may not, or a controller is not there."""
    group = above / f"prunescape-{secrets.token_hex(4)}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        for name, value in files.items():
            with open(group / name, "r+") as file:  # never made: a missing file is a missing controller
                file.write(value)
    except OSError:
        _remove(group)
        return None
    for name, value in optional.items():
        with suppress(OSError), open(group / name, "r+") as file:
            file.write(value)
    stack.callback(_remove, group)
    return group


def _remove(group: Path) -> None:
    """Delete a group; it may be busy for a moment after its last process has ended."""
    for _ in range(20):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
    print(f"the control group {group} stays behind", file=sys.stderr)


def _period(limits: Limits) -> int:
    return max(PERIOD_US, math.ceil(LEAST_QUOTA_US / limits.cpu_quota))


def _quota(limits: Limits) -> int:
    return max(LEAST_QUOTA_US, round(limits.cpu_quota * _period(limits)))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
