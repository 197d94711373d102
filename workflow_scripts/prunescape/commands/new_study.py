"""The config that `prunescape init` writes: a template, filled in from a data set and a model, checked as in a run."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from prunescape.commands.image_folders import ImageFolder, look_at
from prunescape.config.datasets import DATASETS, IMAGES, task_of
from prunescape.config.messages import NAMES
from prunescape.config.models import MODELS_OF, TORCHVISION, WHOLE, architecture_of
from prunescape.config.source import ENDINGS, read_config
from prunescape.config.study import Study, load_study
from prunescape.errors import InputError, nearest
from prunescape.space.cells import NAME_PATTERN
from prunescape.store.files import whole_file

SMALL, LARGE = 32, 224  # pixels: what networks for small images were made for; what ImageNet's crops are
FIXED_SIZES = {"vit_": LARGE, "maxvit": LARGE, "inception_v3": 299}  # of torchvision's, by how their names start
LONGEST = 50  # characters of a folder's name that a data set and an experiment take over
BATCH_SIZES = (64, 48, 32, 24, 16, 12, 8, 6, 4, 2)


def write_study(name: str, path: Path, dataset: str, model: str | None) -> list[str]:
    """Write the config of a study of that name to `path`; gives what was found, as lines for a person.

    `dataset` names one or is the path of a folder of images. Raises InputError for a name that no study can have, a
    file that is there already, and for what a run would refuse; then nothing is written.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(f'"{name}" cannot name a study', allowed=NAMES)
    if Path(name).suffix in ENDINGS:
        hint = f'did you mean "{Path(name).stem}"?'
        raise InputError(f'"{name}" is a file', allowed="the name of a study", hint=hint)
    if path.exists():
        raise InputError("the file is there already", where=path, hint="take another name, or delete it")
    data = find_data(dataset)
    with whole_file(path) as temporary:
        temporary.write_text(study_text(name, data, model or MODELS_OF.get(data.task, ("resnet8",))[0]))
        study = load_study(read_config(temporary), str(path))
    return written_lines(path, study, data)


@dataclass(frozen=True)
class Data:
    """A data set by its name in the config; `folder` and `path` of a folder of images."""

    name: str
    path: str = ""
    folder: ImageFolder | None = None
    task: str = IMAGES


def find_data(named: str) -> Data:
    """The data set of that name, else the folder of images at that path; raises InputError when it is neither."""
    if named in DATASETS and not Path(named).is_dir():
        return Data(named, task=task_of({"name": named}))
    if not named or not Path(named).is_dir():
        allowed = f"a folder of images, {', '.join(DATASETS)}"
        what, hint = f'there is no folder "{named}"', nearest(named, DATASETS)
        raise InputError(what, where="--dataset", allowed=allowed, hint=hint)
    name = re.sub(r"[^A-Za-z0-9._-]+|^[._-]+", "-", Path(named).absolute().name).strip("-")[:LONGEST] or "images"
    return Data(f"{name}-images" if name in DATASETS else name, named, look_at(Path(named)))


def study_text(name: str, data: Data, model: str) -> str:
    """The config of a study of `model` on a data set; raises InputError for an unknown model."""
    architecture_of(model)
    templates = Environment(
        loader=PackageLoader("prunescape.commands", "."),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # this is no HTML
    )
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", model.removeprefix(TORCHVISION))
    templates.filters["text"] = _text
    return templates.get_template("study.yaml.j2").render(
        name=name,
        dataset=data.name,
        path=_quoted(data.path),
        folder=data.folder,
        size=crop_size(model, data.folder.side) if data.folder else None,
        images=data.task == IMAGES,
        experiment=f"{data.name}-{short}",
        model=model,
        pruned=model not in WHOLE,
        batch_size=batch_size(data.folder.train) if data.folder else BATCH_SIZES[0],
        log10_lr=-2.0 if ":" in model else -1.0,  # networks without batch norm diverge at more
    )


def _text(name: str) -> str:
    """A name as YAML takes it for a text: in quotes where it reads a number, a date or a switch, as 2023 or no."""
    try:
        return name if yaml.safe_load(name) == name else _quoted(name)
    except ValueError:  # of a date that is none
        return _quoted(name)


def _quoted(text: str) -> str:
    """A text as YAML takes it whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def crop_size(model: str, side: int) -> int:
    """The side of the crops in pixels, for images whose shorter sides have `side`.

    Networks for small images get 32; all others what ImageNet's crops are of its images, 7/8, in steps of 32, the
    stride of most, from 32 to 224. Some want one size only.
    """
    name = model.removeprefix(TORCHVISION)
    fixed = [size for start, size in FIXED_SIZES.items() if name.startswith(start) and name != model]
    if fixed:
        return fixed[0]
    if ":" not in model and model != "resnet50":
        return SMALL
    return min(LARGE, max(SMALL, side * 7 // 8 // SMALL * SMALL))


def batch_size(images: int) -> int:
    """The largest of the usual sizes of which an epoch has 4 batches, and no image is left alone in the last."""
    fitting = [size for size in BATCH_SIZES if 4 * size <= images and images % size != 1]
    return fitting[0] if fitting else BATCH_SIZES[-1]


def written_lines(path: Path, study: Study, data: Data) -> list[str]:
    """What was found and written, for a person."""
    (experiment,) = study.experiments.values()
    lines = []
    if data.folder:
        counts = f"{data.folder.classes} classes, {data.folder.train} images in train/, {data.folder.test} in val/"
        lines.append(f"{data.path}: {counts}, shorter sides of {data.folder.side} pixels (median)")
    variants, settings = len(experiment.all_variants), experiment.grid_size
    of = f"{experiment.model} on {experiment.dataset}, variants: {variants}, settings of each: {settings}"
    next_step = f"next: look at its prior, then `prunescape run {path} -n` shows what would run, without -n it runs"
    return [*lines, f"written to {path}: {of}", next_step]
