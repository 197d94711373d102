"""One experiment of a config: its parts, their defaults, and what must fit together. Needs pydantic, no torch."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from prunescape.config.datasets import is_image_folder
from prunescape.config.models import architecture_of
from prunescape.config.recipe import Recipe
from prunescape.config.types import (
    LOG10_BOUNDS,
    Count,
    Distinct,
    ErrorRate,
    Log10Decay,
    Log10Rate,
    Part,
    Points,
    Ratio,
    Seed,
)
from prunescape.errors import InputError
from prunescape.space.cells import BASE, METHODS, Variant, canonical, equally_spaced

AXIS_OR_VALUES = Discriminator(lambda given: "axis" if isinstance(given, dict | Part) else "values")
MODELS = "one of ours or torchvision:NAME: a change in other code would go unnoticed"
RANKING_SEED = 0  # the ONE base training whose weights rank the filters of nonuniform variants


class Pruning(Part):
    """How filters are ranked and how far a layer may be cut (matthiesen2023, 2.2.3 and 3.2)."""

    score: Literal["l1_layer", "l1"] = "l1_layer"
    min_keep: Annotated[float, Field(ge=0, lt=1)] = 0.1
    ranking: Literal["trained", "initial"] = "trained"


class Prior(Part):
    """The setting that the unpruned model is known to train well with: a point of the grid."""

    log10_lr: Log10Rate
    log10_wd: Log10Decay


class Axis(Part):
    """Equally spaced values around the prior: `size` values, `step` apart in log10."""

    step: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)]
    size: Annotated[int, Field(ge=1, le=99)]

    def around(self, prior: str) -> list[str]:
        """The values as canonical text, lowest first; an even size has one more below the prior than above."""
        step, first = Decimal(canonical(self.step)), -(self.size // 2)
        return [canonical(Decimal(prior) + step * (first + index)) for index in range(self.size)]


class Grid(Part):
    """The grid, each axis as a list of values or as step and size around the prior."""

    log10_lr: Annotated[Annotated[Axis, Tag("axis")] | Annotated[Distinct[Log10Rate], Tag("values")], AXIS_OR_VALUES]
    log10_wd: Annotated[Annotated[Axis, Tag("axis")] | Annotated[Distinct[Log10Decay], Tag("values")], AXIS_OR_VALUES]


class Export(Part):
    """Which cells are exported to ONNX: the best so many of each variant."""

    best: Count = 1


class Extension(Part):
    """How the grid grows towards the optimal area (matthiesen2023, 3.3); 0 rounds leave it as configured."""

    max_rounds: Annotated[int, Field(ge=0, le=20)] = 0


class Verdict(Part):
    """How it is judged whether a variant needs tuning again (see docs/verdict.md); 0 replicates train no fresh seeds.

    `margin` is in percentage points; `sigma`, the standard deviation of a score over seeds in points, replaces the
    pilot's estimate.
    """

    replicates: Annotated[int, Field(ge=0, le=1000)] = 0
    margin: Points = 0.5
    alpha: ErrorRate = 0.05
    alpha_screen: ErrorRate = 0.01
    sigma: Points | None = None


class Experiment(Part):
    """One model on one data set with its variants and grid."""

    model: str
    dataset: str
    recipe: Recipe
    variants: dict[Literal[METHODS], Distinct[Ratio]]
    pruning: Pruning = Pruning()
    prior: Prior
    grid: Grid
    seeds: Distinct[Seed] = [RANKING_SEED]
    extension: Extension = Extension()
    verdict: Verdict = Verdict()
    select_on: Literal["test", "validation"] = "test"
    export: Export = Export()

    @property
    def architecture(self) -> str:
        """The module of prunescape.models that builds the model."""
        return architecture_of(self.model)

    @property
    def all_variants(self) -> list[Variant]:
        """The base, then every pruned variant by method and falling ratio."""
        pruned = [(method, ratio) for method in METHODS for ratio in self.variants.get(method, [])]
        ordered = sorted(pruned, key=lambda item: (METHODS.index(item[0]), -float(item[1])))
        return [BASE, *(Variant(method, ratio) for method, ratio in ordered)]

    @property
    def fresh_seeds(self) -> list[int]:
        """The seeds that replicate the kept points: the next ones after those of the grid."""
        first = max(self.seeds) + 1
        return list(range(first, first + self.verdict.replicates))

    @property
    def axes(self) -> dict[str, list[str]]:
        """The values of both axes of the configured grid."""
        return {name: self.axis(name) for name in LOG10_BOUNDS}

    def axis(self, name: Literal["log10_lr", "log10_wd"]) -> list[str]:
        """The values of one axis of the configured grid, lowest first."""
        axis = getattr(self.grid, name)
        values = axis.around(getattr(self.prior, name)) if isinstance(axis, Axis) else axis
        return sorted(values, key=float)


def check_experiment(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for parts that do not fit together or the data set's `options`."""
    if experiment.architecture == "external_models":
        hint = "prune one of your own with `prunescape prune`"
        raise InputError(f"{experiment.model} cannot be studied", where=f"{where}.model", allowed=MODELS, hint=hint)
    _check_data(experiment, options, where)
    _check_milestones(experiment.recipe, f"{where}.recipe.milestones")
    _check_verdict(experiment.verdict, f"{where}.verdict")
    for axis, (low, high) in LOG10_BOUNDS.items():
        values, prior = experiment.axis(axis), getattr(experiment.prior, axis)
        outside = [value for value in values if not low <= float(value) <= high]
        if outside:
            raise InputError(f"{outside[0]} is out of bounds", where=f"{where}.grid.{axis}", allowed=f"{low} to {high}")
        if prior not in values:
            raise InputError(f"{prior} is not on the grid", where=f"{where}.prior.{axis}", allowed=", ".join(values))
        if experiment.extension.max_rounds and not equally_spaced(values):
            hint = "give the axis as {step, size}, or set extension.max_rounds to 0"
            what = f"{', '.join(values)} are not equally spaced"
            raise InputError(what, where=f"{where}.grid.{axis}", allowed="equal steps where a grid extends", hint=hint)


def _check_verdict(verdict: Verdict, where: str) -> None:
    if verdict.alpha_screen >= verdict.alpha:
        allowed = f"below alpha, {verdict.alpha}"
        raise InputError(f"{verdict.alpha_screen} cannot be used", where=f"{where}.alpha_screen", allowed=allowed)


def _check_data(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Whether the recipe and the choice of settings can be had with the data set of these resolved options."""
    if is_image_folder(options) and experiment.recipe.crop_padding:
        hint = f"{options['name']} is cropped from images resized to `resize` pixels, without padding"
        place = f"{where}.recipe.crop_padding"
        raise InputError(f"{experiment.recipe.crop_padding} has no meaning here", where=place, allowed="0", hint=hint)
    if experiment.select_on == "validation" and not options["validation"]:
        hint = f"give datasets.{options['name']} the option `validation`, a number of training images to hold out"
        raise InputError("no images are held out for validation", where=f"{where}.select_on", hint=hint)


def _check_milestones(recipe: Recipe, where: str) -> None:
    milestones = list(recipe.milestones)
    if recipe.schedule == "cosine" and milestones:
        raise InputError("a cosine schedule has no milestones", where=where, hint="remove them, or use schedule: step")
    if milestones != sorted(set(milestones)) or any(epoch >= recipe.epochs for epoch in milestones):
        allowed = f"rising epochs below {recipe.epochs}"
        raise InputError(f"{milestones} cannot be reached in order", where=where, allowed=allowed)
