"""The section `system` of an experiment: which system parameters are tried, for what, and where it is remembered."""

import os
from pathlib import Path
from typing import Any, Literal

from prunescape.config.datasets import GPU_WORKERS, decoding_workers, is_image_folder
from prunescape.config.texts import is_text
from prunescape.config.types import Part, first_repeated
from prunescape.errors import InputError, located
from prunescape.space.system_parameters import AUTO, CHANGING, NEUTRAL, SYSTEM, SystemParameter, system_parameter

NOWHERE = "none"
ON_A_CPU = ("threads", "memory_format")


class System(Part):
    """System parameters that are found and remembered (docs/system.md).

    Most change no result; threads, precision and memory_format are settled once for all cells.
    """

    parameters: dict[str, Any]
    """The values to try of each, the first one first."""
    goal: Literal["epoch_seconds", "joules"] = "epoch_seconds"
    """What is minimised: the wall time of an epoch; or its energy, which takes a counter and a training alone."""
    store: str | None = None
    """A file, shared by all studies, that remembers what was found; none: nothing is. Left out: in the user's cache."""

    @property
    def settled_values(self) -> dict[str, list[Any]]:
        """The values of those that change how sums are rounded: settled once per experiment."""
        return {name: self.parameters[name] for name in CHANGING if name in self.parameters}

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


def check_system(system: System | None, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for values that are not allowed, or do not act with this data set."""
    if system is None:
        return
    if not system.parameters:
        raise InputError("no system parameter is named", where=f"{where}.parameters", allowed=", ".join(SYSTEM))
    for name, values in system.parameters.items():
        parameter = located(f"{where}.parameters", system_parameter, name)
        located(f"{where}.parameters.{name}", _check_values, parameter, values)
        if name == "memory_format" and is_text(options):
            what = f"{options['name']} holds texts, and {name} is one of images"
            raise InputError(what, where=f"{where}.parameters.{name}", hint=f"leave {name} out")
        if name in NEUTRAL and not is_image_folder(options):
            what = f"nothing is decoded beside a training on {options['name']}, whose examples are in memory"
            raise InputError(what, where=f"{where}.parameters.{name}", hint=f"leave {name} out")
    if options.get("workers") is not None and "workers" in system.parameters:
        what = f"the data set {options['name']} has the option workers: {options['workers']} already"
        raise InputError(what, where=f"{where}.parameters.workers", hint="give one of the two")
    if system.store is not None:
        _check_store(system.store, f"{where}.store")


def _check_store(store: str, where: str) -> None:
    """Refuse what is no path, and one that only a shell would read as the user meant it."""
    allowed = f"the path of a file, or {NOWHERE}"
    if not store.strip():
        raise InputError("an empty path", where=where, allowed=allowed)
    if "\0" in store:
        raise InputError(f"{store!r} is no path", where=where, allowed=allowed)
    if store.startswith("~"):
        hint = f"did you mean {Path(store).expanduser()}?" if store.startswith("~/") else "write the whole path"
        raise InputError(f"{store} would be a folder called {Path(store).parts[0]}", where=where, hint=hint)


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


def check_settled(system: System | None, precision: str | None, device: str, where: str) -> None:
    """Raise InputError for what is settled for all cells and cannot be on this `device` (cpu or cuda).

    `precision` is that which the experiment gives; None where it varies.
    """
    settled = {} if system is None else system.settled_values
    for name in ON_A_CPU:
        if name in settled and device != "cpu":
            raise InputError(f"{name} acts on a CPU", where=f"{where}.parameters.{name}", hint=f"leave {name} out")
    if "precision" not in settled:
        return
    place = f"{where}.parameters.precision"
    if precision != SYSTEM["precision"].default:
        what = "the precision varies" if precision is None else f"the recipe has the precision {precision} already"
        raise InputError(what, where=place, hint="give one of the two")
    if device == "cpu" and "tf32" in settled["precision"]:
        raise InputError("a CPU has no tf32", where=place, allowed="fp32, bf16")


def system_of(system: System | None, options: dict[str, Any]) -> System | None:
    """What an experiment tries: what it says, and workers of an image folder where nothing is said of them."""
    if not is_image_folder(options) or options["workers"] is not None or _asks_for_workers(system):
        return system
    known = system or System(parameters={})
    return known.model_copy(update={"parameters": known.parameters | {"workers": AUTO}})


def _asks_for_workers(system: System | None) -> bool:
    return system is not None and "workers" in system.parameters


def tried_while_training(system: System | None, options: dict[str, Any], device: str) -> dict[str, Any] | None:
    """What a job tries between epochs, as plain values (training/system/opening.py); None for nothing.

    Workers that nobody asked for stay as many as they are beside a GPU, which waits for them.
    """
    known = system_of(system, options)
    values = {name: known.parameters[name] for name in NEUTRAL if name in known.parameters} if known else {}
    if device == "cuda" and not _asks_for_workers(system):
        values.pop("workers", None)
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
