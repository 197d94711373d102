"""The plan of one experiment, from which its cells follow, and the contract of a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from prunescape.space.cells import Cell, grid_cells
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE, Variant

if TYPE_CHECKING:
    from prunescape.config.study import Study

Axes = dict[str, list[str]]


@dataclass(frozen=True)
class Plan:
    """Everything of one experiment's config that a design may look at, as values that survive JSON.

    `axes` holds the configured grid's values as their texts by name; `verdict` has its terms.
    `most_settings` is how many of the grid's settings an adaptive design may train of a variant, None for a whole grid.
    `trials` are the terms of a design with a space instead of a grid (`Experiment.trial_terms`).
    `tuning` are the terms of a search with budgets (`Experiment.tuning_terms`).
    `bases_per_seed`: what inherits trained weights does so from the base at the prior with the cell's own seed.
    `thresholds` and `risk_threshold` are the study's, `claims` is the number of its pruned variants.
    """

    experiment: str
    variants: list[str]
    axes: Axes
    prior: dict[str, str]
    seeds: list[int]
    select_on: str
    max_rounds: int
    verdict: dict[str, Any]
    thresholds: list[float]
    risk_threshold: float
    claims: int
    most_settings: int | None = None
    trials: dict[str, Any] | None = None
    tuning: dict[str, Any] | None = None
    bases_per_seed: bool = False

    @property
    def pruned(self) -> list[str]:
        """The variants but for the base."""
        return [name for name in self.variants if name != BASE.name]

    @property
    def fresh_seeds(self) -> list[int]:
        """The seeds of replicates, in the order in which looks take them."""
        return self.verdict["fresh_seeds"]

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
        select_on=experiment.select_on,
        max_rounds=experiment.extension.max_rounds,
        verdict=experiment.verdict_terms,
        thresholds=sorted(study.analysis.thresholds),
        risk_threshold=study.analysis.risk_threshold,
        claims=sum(len(each.all_variants) - 1 for each in study.experiments.values() if each.axes),
        most_settings=experiment.most_settings,
        trials=experiment.trial_terms,
        tuning=study.tuning_terms().get(name),
        bases_per_seed=experiment.bases_per_seed,
    )


class Design(Protocol):
    """The contract of the modules in this room: each is one design, and its cells belong to one stage."""

    STAGE: str

    def first_cells(self, plan: Plan) -> list[Cell]:
        """The cells that no result decides on."""

    def most_rounds(self, plan: Plan) -> int:
        """How many rounds of further cells results may decide on; 0 for none."""

    def next_cells(self, plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
        """The cells that the study's finished `cells`, a checked table, call for, and the grid's axes afterwards.

        `axes` are the grid's now. A design without cells to add is done.
        """
