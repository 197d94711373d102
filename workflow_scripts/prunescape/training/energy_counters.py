"""Counters of used energy: Linux's powercap (RAPL) for processors, NVIDIA's library (NVML) for a GPU.

A counter adds up joules: no snapshot of a power is read, and nothing is estimated. `measure/agent.py` reads the same
ones, in a file of its own that runs on hosts without this package.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
RAPL_PERIOD, NVML_PERIOD = 0.001, 0.1  # seconds between updates
MICRO = 1e-6
LIBRARY = "install prunescape[nvidia]"


@dataclass(frozen=True)
class Counter:
    """`read()` gives the microjoules of every zone; a zone starts again at 0 after its range (0: it never does).

    `covers` says what uses the energy that it counts, `period` is how many seconds pass between updates. `others()`
    tells whether something else computes there now; None where only processor time can tell.
    """

    source: str
    covers: str
    ranges: tuple[int, ...]
    period: float
    read: Callable[[], tuple[int, ...]]
    others: Callable[[], bool] | None = None

    def joules(self, before: Sequence[int], after: Sequence[int]) -> float:
        """What was used between two readings, less than one range apart."""
        used = [late - early for early, late in zip(before, after, strict=True)]
        return MICRO * sum(more + (size if more < 0 else 0) for more, size in zip(used, self.ranges, strict=True))


class NoCounterError(Exception):
    """Why there is no counter, in one line."""


def rapl_counter(powercap: Path = POWERCAP) -> Counter:
    """The packages of this host and their memory, idle power included. Raises NoCounterError.

    Cores and uncore are within their package and psys is around all: none of them counts again. The memory (dram)
    stands below a package but is not within it.
    """
    zones = sorted(zone for zone in powercap.glob("intel-rapl:*") if _counted(zone))
    if not zones:
        raise NoCounterError(f"{powercap} lists no package: no RAPL on this host, or a container or guest hides it")
    try:
        ranges = tuple(_number(zone / "max_energy_range_uj") for zone in zones)
        _read_zones(zones)
    except PermissionError as error:
        raise NoCounterError(f"{error.filename} may not be read by this user: root can allow it (chmod a+r)") from None
    except (OSError, ValueError) as error:
        raise NoCounterError(f"a counter below {powercap} cannot be read ({error})") from None
    names = [zone.joinpath("name").read_text().strip() for zone in zones]
    return Counter("rapl", ", ".join(names), ranges, RAPL_PERIOD, lambda: _read_zones(zones))


def _counted(zone: Path) -> bool:
    try:
        return zone.joinpath("name").read_text().startswith(("package", "dram"))
    except OSError:
        return False


def _number(file: Path) -> int:
    return int(file.read_text())


def _read_zones(zones: Sequence[Path]) -> tuple[int, ...]:
    return tuple(_number(zone / "energy_uj") for zone in zones)


def nvml_counter(uuid: str, *, claimed: bool) -> Counter:
    """The GPU with this UUID as torch gives it, without its host. Raises NoCounterError.

    `claimed` says that no other training of this user has it: that counts where the driver shows no processes.
    """
    try:
        import pynvml
    except ImportError:
        raise NoCounterError(f"NVIDIA's library is not installed: {LIBRARY}") from None
    try:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu)
        name = pynvml.nvmlDeviceGetName(gpu)
    except pynvml.NVMLError as error:
        raise NoCounterError(f"this GPU tells no total energy ({error})") from None

    def read() -> tuple[int, ...]:
        try:
            return (1000 * pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu),)  # told in millijoules
        except pynvml.NVMLError as error:
            raise OSError(str(error)) from None

    def others() -> bool:
        try:
            count = len(pynvml.nvmlDeviceGetComputeRunningProcesses(gpu))
        except pynvml.NVMLError:
            count = 0
        return count > 1 or (count == 0 and not claimed)

    return Counter("nvml", name, (0,), NVML_PERIOD, read, others)
