"""What decides the cells of one experiment, and what its designs have added so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from prunescape.space.cells import Cell, grid_cells
from prunescape.space.settings import Setting
from prunescape.space.variants import Variant

if TYPE_CHECKING:
    from prunescape.config.study import Study

Axes = dict[str, list[str]]


@dataclass(frozen=True)
class Plan:
    """Everything of one experiment's config that a design may look at, as values that survive JSON.

    `axes` holds the configured grid's values as their texts by name; `verdict` is that section of the config, and
    `thresholds` and `risk_threshold` are the study's, `claims` the
    number of its pruned variants.
    """

    experiment: str
    variants: list[str]
    axes: Axes
    prior: dict[str, str]
    seeds: list[int]
    fresh_seeds: list[int]
    select_on: str
    max_rounds: int
    verdict: dict[str, Any]
    thresholds: list[float]
    risk_threshold: float
    claims: int

    def grid(self, axes: Axes, seeds: list[int]) -> list[Cell]:
        """Every variant at every setting of `axes` with every one of `seeds`, in a fixed order."""
        return grid_cells(self.experiment, map(Variant.parse, self.variants), axes, seeds)

    def at(self, variant: str, setting: Setting, seeds: list[int]) -> list[Cell]:
        """One variant at one setting with every one of `seeds`."""
        return [Cell(self.experiment, Variant.parse(variant), setting, seed) for seed in seeds]


def experiment_plan(study: Study, name: str) -> Plan:
    """The plan of one experiment of a study."""
    experiment = study.experiments[name]
    return Plan(
        experiment=name,
        variants=[variant.name for variant in experiment.all_variants],
        axes=experiment.axes,
        prior=dict(experiment.prior_setting.texts),
        seeds=sorted(experiment.seeds),
        fresh_seeds=experiment.fresh_seeds,
        select_on=experiment.select_on,
        max_rounds=experiment.extension.max_rounds,
        verdict=experiment.verdict.model_dump(),
        thresholds=sorted(study.analysis.thresholds),
        risk_threshold=study.analysis.risk_threshold,
        claims=sum(len(each.all_variants) - 1 for each in study.experiments.values()),
    )


@dataclass(frozen=True)
class Progress:
    """How far the designs of one experiment are: the grid's `axes` now, and how many rounds each design has had."""

    axes: Axes
    rounds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Addition:
    """What a design adds in one round; `axes` are the grid's afterwards, `done` says that it will add nothing more."""

    cells: list[Cell]
    axes: Axes
    done: bool


class Design(Protocol):
    """The contract of the modules in this room: each is one design, and its cells belong to one stage."""

    STAGE: str

    def first_cells(self, plan: Plan) -> list[Cell]:
        """The cells that no result decides on."""

    def has_rounds(self, plan: Plan) -> bool:
        """Whether results decide on further cells."""

    def next_cells(self, plan: Plan, progress: Progress, cells: Any) -> Addition:
        """The cells that the study's finished `cells`, a checked table, call for; none when the design is done."""
