"""How many workers decode beside a training, and what is tried between its epochs: from `system` and the data set."""

from typing import Any

from prunescape.config.datasets import GPU_WORKERS, decoding_workers, is_image_folder
from prunescape.config.system import System
from prunescape.space.system_parameters import AUTO, NEUTRAL


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
