"""Cells of a base, and where the files of a cell's training lie."""

from pathlib import Path

from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE

BASE_PLAN = {"architecture": "resnet_cifar", "model": "resnet8", "method": "base"}  # as write_widths takes it


def base_cell(experiment: str = "e", seed: int = 0, **setting) -> Cell:
    """A cell of the base at this setting: -1 and -4 where neither rate nor decay is given."""
    return Cell(experiment, BASE, Setting.of(setting or {"log10_lr": -1, "log10_wd": -4}), seed)


def cell_files(out: Path, **inputs: Path) -> dict[str, str]:
    """The files of a training as `train_cell` takes them: `inputs` by their names, and what it leaves in `out`."""
    outputs = {"record": "record.json", "weights": "weights.safetensors", "checkpoint": "checkpoint.safetensors"}
    return {name: str(path) for name, path in (inputs | {name: out / outputs[name] for name in outputs}).items()}


def named(variant: str = "base", log10_lr: float = -1.0, seed: int = 0, **more) -> dict:
    """How a record or an export names a cell of the experiment `small`, with `more` that it says."""
    known = {"experiment": "small", "model": "resnet8", "dataset": "digits", "variant": variant, "seed": seed}
    return {**known, "setting": {"log10_lr": log10_lr, "log10_wd": -4.0}, **more}
