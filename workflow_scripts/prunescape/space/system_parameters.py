"""The registry of system parameters: how a training uses its host, apart from what it computes (pipetune2020, 3.2).

A neutral one changes no bit of a result: it may change between the epochs of a training and is no part of a cell's
identity. Any other one changes how sums are rounded: it is settled once per experiment and declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prunescape.errors import InputError, nearest

AUTO = "auto"  # workers: as many as the cores of a job allow, and none
Configuration = Mapping[str, Any]  # a value of each system parameter, by name


@dataclass(frozen=True)
class SystemParameter:
    """One system parameter.

    Its values are `levels`, or whole numbers between `bounds`. `default` is the value of a training that nobody tunes.
    It acts where another one, `needs`, is not 0. `meaning` says what it is, `why` why it is neutral or what it changes;
    `applied` names the code that applies it.
    """

    name: str
    neutral: bool
    default: Any
    meaning: str
    applied: str
    why: str
    levels: tuple[str, ...] = ()
    bounds: tuple[int, int] = (0, 0)
    needs: str | None = None

    @property
    def allowed(self) -> str:
        """Its values in words."""
        return ", ".join(self.levels) or "a whole number from {} to {}".format(*self.bounds)

    def check(self, value: Any) -> None:
        """Raise InputError for what is no value of it."""
        if self.levels:
            fits, hint = value in self.levels, nearest(str(value), self.levels)
        else:
            fits, hint = type(value) is int and self.bounds[0] <= value <= self.bounds[1], ""
        if not fits:
            raise InputError(f"{value!r} is no value of {self.name}", allowed=self.allowed, hint=hint)

    def acts(self, configuration: Configuration) -> bool:
        """Whether another value of it could make a difference beside the others of `configuration`."""
        return self.needs is None or bool(configuration.get(self.needs, 1))


ENTRIES = (
    SystemParameter(
        "workers",
        neutral=True,
        default=0,
        meaning="processes that decode the images of an image folder beside the training",
        applied="tasks/system.py",
        why="every random number is drawn in the training process, batch by batch, in the order of the batches",
        bounds=(0, 256),
    ),
    SystemParameter(
        "prefetch",
        neutral=True,
        default=2,
        meaning="batches that each worker decodes ahead of the training",
        applied="tasks/system.py",
        why="batches are handed over in their order, however many are waiting",
        bounds=(1, 64),
        needs="workers",
    ),
    SystemParameter(
        "affinity",
        neutral=True,
        default="free",
        meaning="whether workers move between cores (free) or each is bound to one (bound)",
        applied="tasks/system.py",
        why="which core decodes an image does not change its pixels",
        levels=("free", "bound"),
        needs="workers",
    ),
    SystemParameter(
        "threads",
        neutral=False,
        default=1,
        meaning="threads that compute one training on a CPU",
        applied="training/numerics.py",
        why="sums are split among the threads, and so rounded otherwise",
        bounds=(1, 256),
    ),
    SystemParameter(
        "precision",
        neutral=False,
        default="fp32",
        meaning="precision of training, as the recipe has it",
        applied="training/device.py",
        why="products are rounded to fewer bits",
        levels=("fp32", "tf32", "bf16"),
    ),
    SystemParameter(
        "memory_format",
        neutral=False,
        default="channels_last",
        meaning="order in which a CPU stores images and filters: channels_last, or contiguous, channel by channel",
        applied="training/numerics.py",
        why="other kernels add up in another order",
        levels=("channels_last", "contiguous"),
    ),
)
SYSTEM = {entry.name: entry for entry in ENTRIES}
NEUTRAL = tuple(name for name, entry in SYSTEM.items() if entry.neutral)
CHANGING = tuple(name for name in SYSTEM if name not in NEUTRAL)


def system_parameter(name: str) -> SystemParameter:
    """The system parameter of this name; raises InputError with the nearest one for another."""
    if name not in SYSTEM:
        what = f'there is no system parameter "{name}"'
        raise InputError(what, allowed=", ".join(SYSTEM), hint=nearest(name, SYSTEM))
    return SYSTEM[name]
