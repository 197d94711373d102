"""What the section `system` of an experiment may not say, beside its data set and the device of the study."""

import os
from pathlib import Path
from typing import Any

from prunescape.config.datasets import IMAGES, examples_of, is_image_folder, task_of
from prunescape.config.system import NOWHERE, System
from prunescape.config.types import first_repeated, refuse_tilde
from prunescape.errors import InputError, located, nearest
from prunescape.space.system_parameters import AUTO, NEUTRAL, SYSTEM, SystemParameter, system_parameter
from prunescape.store.files import LONGEST_NAME, is_path

ON_A_CPU = ("threads", "memory_format")


def check_system(system: System | None, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for values that are not allowed, or do not act with this data set."""
    if system is None:
        return
    if not system.parameters:
        raise InputError("no system parameter is named", where=f"{where}.parameters", allowed=", ".join(SYSTEM))
    for name, values in system.parameters.items():
        parameter = located(f"{where}.parameters", system_parameter, name)
        located(f"{where}.parameters.{name}", check_values, parameter, values)
        if name == "memory_format" and task_of(options) != IMAGES:
            what = f"{options['name']} holds {examples_of(options)}, and {name} is one of images"
            raise InputError(what, where=f"{where}.parameters.{name}", hint=f"leave {name} out")
        if name in NEUTRAL:
            check_decoded(name, options, f"{where}.parameters.{name}")
    if options.get("workers") is not None and "workers" in system.parameters:
        what = f"the data set {options['name']} has the option workers: {options['workers']} already"
        raise InputError(what, where=f"{where}.parameters.workers", hint="give one of the two")
    if system.store not in (None, NOWHERE):
        _check_store(system.store, f"{where}.store")


def check_decoded(name: str, options: dict[str, Any], where: str) -> None:
    """Raise InputError where the neutral parameter `name` does not act: nothing is decoded during a training."""
    if not is_image_folder(options):
        what = f"nothing is decoded beside a training on {options['name']}, whose examples are in memory"
        raise InputError(what, where=where, hint=f"leave {name} out")


def _check_store(store: str, where: str) -> None:
    """Refuse what is no path, and one that only a shell would read as the user meant it."""
    allowed = f"the path of a file, or {NOWHERE}"
    if not store.strip():
        raise InputError("an empty path", where=where, allowed=allowed)
    if store.casefold() == NOWHERE:
        hint = nearest(store, [NOWHERE])
        raise InputError(f"{store} would be a file of that name", where=where, allowed=allowed, hint=hint)
    if not is_path(store):
        raise InputError(f"{repr(store)[:60]} is no path", where=where, allowed=allowed)
    if len(os.fsencode(Path(store).name)) > LONGEST_NAME:
        what = f"the name of {repr(store)[:60]} is too long"
        raise InputError(what, where=where, allowed=f"a name of up to {LONGEST_NAME} bytes")
    located(where, refuse_tilde, store)


def check_values(parameter: SystemParameter, values: Any) -> None:
    """Raise InputError for what is no list of different values of a system parameter."""
    if parameter.name == "workers" and values == AUTO:
        return
    if not isinstance(values, list) or not values:
        auto = f"{AUTO}, or " if parameter.name == "workers" else ""
        allowed = f"{auto}a list, each {parameter.allowed}"
        raise InputError(f"{values!r} is no list of values", allowed=allowed, hint=_list_meant(parameter, values))
    for value in values:
        parameter.check(value)
    repeated = first_repeated(values)
    if repeated is not None:
        raise InputError(f"{repeated} is given more than once", allowed="each value once")


def _list_meant(parameter: SystemParameter, given: Any) -> str:
    """Which values were meant by what is no list: auto, or one value, in whatever case."""
    if not given or isinstance(given, dict):
        return ""
    if parameter.name == "workers" and (hint := nearest(str(given), [AUTO])):
        return hint
    levels = {level.casefold(): level for level in parameter.levels}
    return f"did you mean [{levels.get(str(given).casefold(), given)}]?"


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
