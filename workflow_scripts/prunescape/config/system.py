"""The section `system` of an experiment: which system parameters are tried, for what, and where it is remembered."""

import os
from pathlib import Path
from typing import Any, Literal

from prunescape.config.datasets import GPU_WORKERS, decoding_workers, is_image_folder
from prunescape.config.types import Part, first_repeated
from prunescape.errors import InputError, located
from prunescape.space.system_parameters import AUTO, NEUTRAL, SYSTEM, SystemParameter, system_parameter

NOWHERE = "none"


class System(Part):
    """System parameters that are found while training and remembered (docs/system.md). They change no result."""

    parameters: dict[str, Any]
    """The values to try of each, the first one first."""
    goal: Literal["epoch_seconds", "joules"] = "epoch_seconds"
    """What is minimised: the wall time of an epoch; or its energy, which takes a counter and a training alone."""
    store: str | None = None
    """A file, shared by all studies, that remembers what was found; none: nothing is. Left out: in the user's cache."""

    @property
    def store_path(self) -> str | None:
        """Where it is remembered."""
        if self.store == NOWHERE:
            return None
        return str(default_store()) if self.store is None else self.store


def default_store() -> Path:
    """The store in the user's cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder) / "prunescape" / "system.parquet"


UNASKED = System(parameters={"workers": AUTO})  # of an image folder of which nothing is said


def check_system(system: System | None, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for values that are not allowed, or do not act with this data set."""
    if system is None:
        return
    if not system.parameters:
        raise InputError("no system parameter is named", where=f"{where}.parameters", allowed=", ".join(SYSTEM))
    for name, values in system.parameters.items():
        parameter = located(f"{where}.parameters", system_parameter, name)
        located(f"{where}.parameters.{name}", _check_values, parameter, values)
        if name in NEUTRAL and not is_image_folder(options):
            what = f"nothing is decoded beside a training on {options['name']}, whose examples are in memory"
            raise InputError(what, where=f"{where}.parameters.{name}", hint=f"leave {name} out")
    if options.get("workers") is not None and "workers" in system.parameters:
        what = f"the data set {options['name']} has the option workers: {options['workers']} already"
        raise InputError(what, where=f"{where}.parameters.workers", hint="give one of the two")
    if system.store == "":
        raise InputError("an empty path", where=f"{where}.store", allowed=f"the path of a file, or {NOWHERE}")


def _check_values(parameter: SystemParameter, values: Any) -> None:
    if parameter.name == "workers" and values == AUTO:
        return
    if not isinstance(values, list) or not values:
        hint = f"did you mean [{values}]?" if values and not isinstance(values, dict) else ""
        raise InputError(f"{values!r} is no list of values", allowed=f"a list, each {parameter.allowed}", hint=hint)
    for value in values:
        parameter.check(value)
    repeated = first_repeated(values)
    if repeated is not None:
        raise InputError(f"{repeated} is given more than once", allowed="each value once")


def system_of(system: System | None, options: dict[str, Any]) -> System | None:
    """What an experiment tries: what it says, or the workers of an image folder of which nothing is said."""
    unsaid = is_image_folder(options) and options["workers"] is None
    return system or (UNASKED if unsaid else None)


def tried_while_training(system: System | None, options: dict[str, Any], device: str) -> dict[str, Any] | None:
    """What a job tries between epochs, as plain values (training/system/opening.py); None for nothing.

    Workers that nobody asked for stay as many as they are beside a GPU, which waits for them.
    """
    known = system_of(system, options)
    if known is None or (system is None and device == "cuda"):
        return None
    values = {name: known.parameters[name] for name in NEUTRAL if name in known.parameters}
    return {"values": values, "goal": known.goal, "store": known.store_path} if values else None


def cores_of_cell(system: System | None, options: dict[str, Any], device: str, spare: int) -> int:
    """The cores that the training of one cell declares: one trains, the others decode.

    As many decode as the largest number of workers that is tried. Where nobody asked for any, a training on a CPU takes
    `spare` ones, which no other cell needs: decoding beside a training ends it earlier, but cells side by side use the
    same cores better.
    """
    known = system_of(system, options)
    workers = known.parameters.get("workers") if known else None
    if isinstance(workers, list):
        return 1 + max(workers)
    decoded = decoding_workers(options, device)
    return 1 + (min(spare, GPU_WORKERS) if workers == AUTO and device == "cpu" else decoded)
