"""The one registry of result tables: what each is made of, its columns, and where it applies.

Rules, `prunescape analyse`, the partial report and the report read it. It imports without pandas and scipy, as rules
read it whenever a job starts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Self

import pandas as pd

from prunescape.analysis.arms import comparisons as arms
from prunescape.analysis.arms import optimisation, searches
from prunescape.analysis.arms import spread as arm_spread
from prunescape.analysis.arms.of_study import study_arms
from prunescape.analysis.arms.trials import ArmTerms, ArmTrials, RankedArms, ranked_arms
from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC, Axes, Metric
from prunescape.analysis.cost.architectures import ARCHITECTURE_COLUMNS, read_architectures
from prunescape.analysis.cost.inference_settings import (
    INFERENCE_SETTING_COLUMNS,
    RULED_OUT_COLUMNS,
    inference_settings,
    ruled_out,
)
from prunescape.analysis.cost.int8_losses import INT8_LAYER_COLUMNS, INT8_WAY_COLUMNS, int8_layers, int8_ways
from prunescape.analysis.cost.measured import written_columns
from prunescape.analysis.cost.pareto import PARETO_COLUMNS, pareto
from prunescape.analysis.cost.payback import PAYBACK_COLUMNS, payback
from prunescape.analysis.cost.property_risk import (
    PROPERTY_RISK_COLUMNS,
    PROPERTY_ROI_COLUMNS,
    property_risk,
    property_roi,
)
from prunescape.analysis.cost.property_tables import (
    CORRELATION_COLUMNS,
    PROPERTY_COLUMNS,
    correlation_table,
    property_table,
)
from prunescape.analysis.cost.recommendation import RECOMMENDATION_COLUMNS
from prunescape.analysis.cost.rivals import RIVAL_COLUMNS, comparisons, recommendations, rivals
from prunescape.analysis.cost.scenarios import SCENARIO_COLUMNS, scenarios
from prunescape.analysis.cost.speedups import SPEEDUP_COLUMNS, Flops, speedups
from prunescape.analysis.cost.untrained_errors import UNTRAINED_ERROR_COLUMNS, untrained_errors
from prunescape.analysis.efficiency.confirmation import CONFIRMATION_COLUMNS, confirmation, has_confirmation
from prunescape.analysis.efficiency.efficiency import EFFICIENCY_COLUMNS, efficiency, has_efficiency
from prunescape.analysis.efficiency.system import SYSTEM_COLUMNS, has_system, system_table
from prunescape.analysis.efficiency.tuning_cost import TUNING_COST_COLUMNS, tuning_cost
from prunescape.analysis.factors.columns import TABLES
from prunescape.analysis.factors.of_trials import factor_columns, trial_factors
from prunescape.analysis.landscape.band import band, band_columns
from prunescape.analysis.landscape.chance import CHANCE_TEST_COLUMNS, chance_tests
from prunescape.analysis.landscape.regions import ellipse_columns, ellipses, regions, roi_columns
from prunescape.analysis.landscape.risk import risk, risk_columns, risk_points, risk_test_columns, risk_tests
from prunescape.analysis.pipelines.candidates import candidates, pipeline_columns, pipelines
from prunescape.analysis.pipelines.pairs import PIPELINE_TEST_COLUMNS, pipeline_tests
from prunescape.analysis.read_cells import scores
from prunescape.analysis.search.histories import Histories
from prunescape.analysis.search.replay import REPLAY_COLUMNS, replay
from prunescape.analysis.search.rungs import RUNG_COLUMNS, rungs
from prunescape.analysis.search.terms import SearchTerms
from prunescape.analysis.search.tuning_tables import (
    RUNG_COLUMNS as TUNING_RUNG_COLUMNS,
)
from prunescape.analysis.search.tuning_tables import (
    TUNING_COLUMNS,
    Ended,
    Placed,
    trial_columns,
    tuning,
    tuning_rungs,
    tuning_trials,
)
from prunescape.analysis.search.tuning_tables import (
    Terms as TuningTerms,
)
from prunescape.analysis.seeds.membership import membership, membership_columns
from prunescape.analysis.seeds.similarity import SIMILARITY_COLUMNS, similarity
from prunescape.analysis.seeds.spread import shift, shift_columns, spread, spread_columns
from prunescape.analysis.surface.inference import CHECK_COLUMNS, Grids, inferences, inferred_table, surface_checks
from prunescape.analysis.surface.inferred import (
    inferred_ellipse_columns,
    inferred_ellipses,
    inferred_risk,
    inferred_risk_columns,
    inferred_roi,
    inferred_roi_columns,
)
from prunescape.analysis.trials import (
    Terms,
    best_columns,
    best_settings,
    confirmation_columns,
    confirmations,
    trial_cells,
)
from prunescape.analysis.verdict.columns import LOOK_COLUMNS, verdict_columns
from prunescape.analysis.verdict.verdicts import judge_study
from prunescape.config.analysis import RISK_THRESHOLD
from prunescape.store.tables import Columns

LANDSCAPE, TARGET, TRIALS, ARMS, SEARCH = "landscape", "target", "trials", "arms", "search"
TUNING, PIPELINES = "tuning", "pipelines"
ARCHITECTURE, INT8 = "architecture", "int8"
# columns of results that hold the metric itself; every other one holds differences
METRIC_VALUES = ("score", "chosen_on", "best", "best_chosen_on")


class Analysis:
    """The results about one table of cells, or of measurements, each computed once, when it is first asked for.

    `analysis[name]` is an input, an intermediate table of STEPS or a table of RESULTS.
    """

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._known = dict(inputs)

    @classmethod
    def of_cells(
        cls,
        cells: pd.DataFrame,
        *,
        thresholds: tuple[float, ...],
        risk_threshold: float,
        axes: Axes = DEFAULT_AXES,
        metric: Metric = DEFAULT_METRIC,
        base: str = BASE,
        terms: Mapping[str, Mapping[str, Any]] | None = None,
        recipes: Mapping[str, Sequence[float]] | None = None,
        claims: int | None = None,
        grids: Grids | None = None,
        retraining: Mapping[str, Mapping[str, Any]] | None = None,
        lone_bases: pd.DataFrame | None = None,
    ) -> Self:
        """The landscape tables of checked `cells`, whose experiments all have these `axes`.

        `thresholds` are the x of the x-ROIs, ascending, in the metric's unit; risks and verdicts are over the base's
        region of `risk_threshold`, one of them. `base` is what results call the base. `terms` and `claims` are those of
        verdicts, as in `judge_study`, `recipes` as in `band`, `grids` as in `inferences`, `retraining` as `known` in
        `candidates`. `lone_bases` are cells of no landscape, trained for their weights, which cost what they cost.
        """
        limits = {"thresholds": thresholds, "risk_threshold": risk_threshold}
        more = {"terms": terms or {}, "recipes": recipes or {}, "claims": claims, "grids": grids or {}}
        more |= {"retraining": retraining or {}}
        some = lone_bases is not None and len(lone_bases)
        more |= {"paid": pd.concat([cells, lone_bases], ignore_index=True) if some else cells}
        return cls({"cells": cells, "axes": axes, "metric": metric, "base": base, **limits, **more})

    @classmethod
    def of_targets(
        cls,
        measured: pd.DataFrame,
        flops: Flops,
        objectives: Mapping[str, Any],
        untrained: pd.DataFrame | None = None,
        costs: pd.DataFrame | None = None,
        risk_threshold: float = RISK_THRESHOLD,
    ) -> Self:
        """The target tables of measurements; `flops` as `variant_flops`, `objectives` as a study dumps them.

        `untrained` are measurements of the same variants before training, where there are any; `costs` is what tuning
        the variants took, as `tuning_cost` gives it, where cells tell it. Regions of properties
        have the `risk_threshold`, percentage points or percent.
        """
        before = read_architectures([]) if untrained is None else untrained
        costs = pd.DataFrame(columns=list(TUNING_COST_COLUMNS)) if costs is None else costs
        known = {"measured": measured, "flops": flops, "objectives": objectives, "risk_threshold": risk_threshold}
        return cls({**known, "untrained": before, "tuning_costs": costs})

    @classmethod
    def of_architectures(cls, untrained: pd.DataFrame, objectives: Mapping[str, Any]) -> Self:
        """The tables of `untrained` variants on targets, as `read_architectures` reads what was measured."""
        return cls({"untrained": untrained, "objectives": objectives})

    @classmethod
    def of_int8(cls, explained: Sequence[Mapping[str, Any]]) -> Self:
        """The tables of what int8 costs exported models, as `read_explained` gives it."""
        return cls({"explained": explained})

    @classmethod
    def of_trials(
        cls,
        cells: pd.DataFrame,
        trials: pd.DataFrame,
        terms: Terms,
        measured: pd.DataFrame,
        known: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    ) -> Self:
        """The tables of trials: of the `cells` of designs with a space and their `trials`, as `read_trial_cells` reads.

        `terms` by experiment as `Study.trial_terms` gives them; `measured` are the measurements of the study. Results
        that are `known` are not computed again.
        """
        return cls({"cells": cells, "trials": trials, "trial_terms": terms, "measured": measured, **known})

    @classmethod
    def of_arms(cls, trials: pd.DataFrame, measured: pd.DataFrame | None, terms: ArmTerms, where: object = "") -> Self:
        """The tables of arms of random searches, from their `trials` and what was `measured` of them.

        As `ArmTrials`; trials have experiment, variant, arm, trial and what they are ranked by.
        """
        return cls({"arm_trials": [ArmTrials(trials, measured, terms, where)]})

    @classmethod
    def of_searches(cls, histories: Sequence[Histories], terms: SearchTerms) -> Self:
        """The tables of searches over finished trainings, whose `histories` `read_histories` gives."""
        return cls({"histories": histories, "search_terms": terms})

    @classmethod
    def of_tuning(cls, cells: pd.DataFrame, placed: Sequence[Placed], terms: TuningTerms, ended: Ended) -> Self:
        """The tables of searches that were trained: where each of the `cells` is `placed`, and how they `ended`."""
        return cls({"cells": cells, "placed": placed, "tuning_terms": terms, "ended": ended})

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            step = STEPS.get(name) or RESULTS[name]
            self._known[name] = step.make(*(self[need] for need in step.needs))
        return self._known[name]

    def columns(self, name: str) -> Columns:
        """The columns of a table of RESULTS: name -> (arrow type, meaning)."""
        table = RESULTS[name]
        return table.columns(*(self[need] for need in table.columns_need))

    def applies(self, name: str) -> bool:
        """Whether a table of RESULTS has a meaning here."""
        return RESULTS[name].applies(self)

    def result(self, name: str) -> pd.DataFrame:
        """A table of RESULTS as it is written: a minimised metric in its own sign, the base under its own name."""
        columns = self.columns(name)
        if not self.applies(name):
            return pd.DataFrame(columns=list(columns))
        frame = self[name][list(columns)]
        if LANDSCAPE not in RESULTS[name].groups:
            return frame
        if self["metric"].minimise:
            frame = frame.assign(**{value: 0.0 - frame[value] for value in METRIC_VALUES if value in frame})
        return frame if self["base"] == BASE else frame.assign(variant=frame["variant"].replace(BASE, self["base"]))


@dataclass(frozen=True)
class Step:
    """An intermediate table: the function that makes it, and what that needs, by name in an Analysis."""

    make: Callable[..., Any]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class ResultTable(Step):
    """A table of results; `columns` makes its columns from what it needs, and `applies` says where it has a meaning.

    Tables of the group LANDSCAPE come from cells, those of the group ARCHITECTURE from measurements of untrained
    variants, those of the group INT8 from exported models, those of the group TARGET from measurements and cells, those
    of the group TRIALS from the trials of designs with a space, their cells and measurements, those of the group ARMS
    from trials of random searches, a study's among them, those of the group SEARCH from the histories of finished
    trainings, those of the group TUNING from the rounds of searches that were trained, those of the group PIPELINES
    from cells of several pipelines or scores.
    """

    columns: Callable[..., Columns]
    columns_need: tuple[str, ...] = ()
    applies: Callable[[Analysis], bool] = lambda analysis: True
    groups: tuple[str, ...] = (LANDSCAPE,)


def _in_percent(analysis: Analysis) -> bool:
    return analysis["metric"].in_percent


def _of_rate_and_decay(analysis: Analysis) -> bool:
    axes = analysis["axes"]
    placed = any(axis.zero is not None for axis in axes)  # a line through a place that was chosen says nothing
    return analysis["metric"].in_percent and axes.names == DEFAULT_AXES.names and not placed


def _target(make: Callable[..., pd.DataFrame], needs: tuple[str, ...], columns: Columns) -> ResultTable:
    return ResultTable(make, needs, partial(written_columns, columns), ("measured",), groups=(TARGET,))


def _architecture(make: Callable[..., pd.DataFrame], columns: Columns, *needs: str) -> ResultTable:
    """A table about untrained variants."""
    of_columns = partial(written_columns, columns)
    return ResultTable(make, ("untrained", *needs), of_columns, ("untrained",), groups=(ARCHITECTURE,))


def _trials(make: Callable[..., pd.DataFrame], *needs: str, columns: Callable[..., Columns]) -> ResultTable:
    """A table about trials, whose columns depend on those of trials.parquet."""
    return ResultTable(make, needs, columns, ("trials",), groups=(TRIALS,))


def _any_cells(cells: pd.DataFrame) -> bool:
    return True


def _of_trained(
    make: Callable[[pd.DataFrame], pd.DataFrame], columns: Columns, has: Callable[[pd.DataFrame], bool] = _any_cells
) -> ResultTable:
    """The same about the cells of designs with a space."""
    return replace(_of_design(make, columns, has), groups=(TRIALS,))


def _factors(name: str) -> ResultTable:
    """A table of `prunescape factors` over trials."""
    return ResultTable(lambda tables: tables[name], ("trial_factors",), partial(factor_columns, name), groups=(TRIALS,))


def _of_design(
    make: Callable[[pd.DataFrame], pd.DataFrame], columns: Columns, has: Callable[[pd.DataFrame], bool] = _any_cells
) -> ResultTable:
    """A table about cells of any design, whatever varies in it, where the cells have what it needs."""
    return ResultTable(make, ("cells",), lambda: columns, applies=lambda analysis: has(analysis["cells"]))


def _arms(make: Callable[[pd.DataFrame, ArmTerms], pd.DataFrame], columns: Columns) -> ResultTable:
    """A table about arms, of a table of random searches or of a study with more than one arm."""

    def table(searches: Sequence[RankedArms]) -> pd.DataFrame:
        made = [make(each.models, each.terms) for each in searches]
        parts = [part for part in made if len(part)] or made[:1] or [pd.DataFrame(columns=list(columns))]
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    return ResultTable(table, ("arm_models",), lambda: columns, groups=(TRIALS, ARMS))


def _inferred(
    make: Callable[..., pd.DataFrame], terms: str, columns: Callable[..., Columns], *need: str
) -> ResultTable:
    """A table over all surfaces, which `make` computes from the `terms` of that name, and its columns from `need`."""

    def table(found: list, known: Any, *needed: Any) -> pd.DataFrame:
        return inferred_table(make, columns(*needed), found, known)

    return ResultTable(table, ("inferences", terms, *need), columns, need, applies=_in_percent)


def _pipelines(make: Callable[..., pd.DataFrame], columns: Callable[..., Columns], *need: str) -> ResultTable:
    """A table about pipelines and scores, of cuts with several; accuracies are compared."""

    def applies(analysis: Analysis) -> bool:
        return analysis["metric"].is_top1 and bool(analysis["candidates"])

    return ResultTable(make, ("candidates", *need), columns, need, applies, (PIPELINES,))


STEPS: dict[str, Step] = {
    "scores": Step(scores, ("cells", "axes", "metric")),
    "judged": Step(judge_study, ("cells", "axes", "terms", "risk_threshold", "metric", "claims", "chance_tests")),
    "risk_points": Step(risk_points, ("scores", "roi", "axes", "risk_threshold", "chance_tests")),
    "comparisons": Step(comparisons, ("measured", "objectives")),
    "candidates": Step(candidates, ("cells", "axes", "terms", "retraining")),
    "trial_cells": Step(trial_cells, ("cells", "trials")),
    "trial_factors": Step(trial_factors, ("trial_cells", "trials")),
    "arm_trials": Step(study_arms, ("trial_cells", "trials", "trial_terms", "measured")),
    "arm_models": Step(ranked_arms, ("arm_trials",)),
    "inferences": Step(inferences, ("scores", "axes", "metric", "thresholds", "grids", "chance_tests")),
}
RESULTS: dict[str, ResultTable] = {
    "chance_tests": ResultTable(chance_tests, ("cells", "metric"), lambda: CHANCE_TEST_COLUMNS, applies=_in_percent),
    "roi": ResultTable(regions, ("scores", "axes", "thresholds"), roi_columns, ("axes", "metric")),
    "ellipses": ResultTable(ellipses, ("roi", "scores", "axes"), ellipse_columns, ("axes", "metric")),
    "risk": ResultTable(risk, ("scores", "risk_points", "axes"), risk_columns, ("axes", "risk_threshold", "metric")),
    "verdicts": ResultTable(
        lambda judged: judged.verdicts,
        ("judged",),
        verdict_columns,
        ("axes", "risk_threshold"),
        applies=_in_percent,
    ),
    "looks": ResultTable(lambda judged: judged.looks, ("judged",), lambda: LOOK_COLUMNS, applies=_in_percent),
    "band": ResultTable(
        band,
        ("scores", "roi", "ellipses", "recipes", "thresholds"),
        band_columns,
        ("thresholds",),
        applies=_of_rate_and_decay,
    ),
    "surface_checks": ResultTable(surface_checks, ("inferences",), lambda: CHECK_COLUMNS, applies=_in_percent),
    "inferred_roi": _inferred(inferred_roi, "thresholds", inferred_roi_columns, "axes"),
    "inferred_ellipses": _inferred(inferred_ellipses, "thresholds", inferred_ellipse_columns, "axes"),
    "inferred_risk": _inferred(inferred_risk, "risk_threshold", inferred_risk_columns, "axes", "risk_threshold"),
    "membership": ResultTable(
        membership,
        ("scores", "roi", "axes", "thresholds", "inferred_roi", "surface_checks"),
        membership_columns,
        ("axes",),
        applies=_in_percent,
    ),
    "spread": ResultTable(spread, ("ellipses", "risk", "axes"), spread_columns, ("metric",)),
    "shift": ResultTable(shift, ("roi", "ellipses", "axes"), shift_columns, ("axes", "metric")),
    "similarity": ResultTable(similarity, ("scores", "axes"), lambda: SIMILARITY_COLUMNS, applies=_in_percent),
    "risk_tests": ResultTable(risk_tests, ("risk_points", "axes"), risk_test_columns, ("risk_threshold",)),
    "pipelines": _pipelines(pipelines, pipeline_columns, "axes"),
    "pipeline_tests": _pipelines(pipeline_tests, lambda: PIPELINE_TEST_COLUMNS),
    "efficiency": _of_design(efficiency, EFFICIENCY_COLUMNS, has_efficiency),
    "tuning_cost": ResultTable(tuning_cost, ("paid",), lambda: TUNING_COST_COLUMNS),
    "system": _of_design(system_table, SYSTEM_COLUMNS, has_system),
    "architectures": _architecture(lambda untrained: untrained, ARCHITECTURE_COLUMNS),
    "inference_settings": _architecture(inference_settings, INFERENCE_SETTING_COLUMNS, "objectives"),
    "ruled_out": _architecture(ruled_out, RULED_OUT_COLUMNS, "objectives"),
    "int8_ways": ResultTable(int8_ways, ("explained",), lambda: INT8_WAY_COLUMNS, groups=(INT8,)),
    "int8_layers": ResultTable(int8_layers, ("explained",), lambda: INT8_LAYER_COLUMNS, groups=(INT8,)),
    "recommendations": _target(recommendations, ("measured", "rivals", "objectives"), RECOMMENDATION_COLUMNS),
    "rivals": _target(rivals, ("measured", "objectives", "comparisons"), RIVAL_COLUMNS),
    "pareto": _target(pareto, ("measured",), PARETO_COLUMNS),
    "scenarios": _target(scenarios, ("measured", "objectives"), SCENARIO_COLUMNS),
    "untrained_errors": _target(untrained_errors, ("untrained", "measured"), UNTRAINED_ERROR_COLUMNS),
    "speedups": _target(speedups, ("measured", "flops", "comparisons"), SPEEDUP_COLUMNS),
    "payback": _target(payback, ("measured", "comparisons", "tuning_costs"), PAYBACK_COLUMNS),
    "properties": _target(property_table, ("measured", "flops"), PROPERTY_COLUMNS),
    "property_roi": _target(property_roi, ("measured", "risk_threshold"), PROPERTY_ROI_COLUMNS),
    "property_risk": _target(property_risk, ("property_roi",), PROPERTY_RISK_COLUMNS),
    "correlations": _target(correlation_table, ("measured", "flops"), CORRELATION_COLUMNS),
    # of designs with a space
    "best_settings": _trials(best_settings, "trial_cells", "trials", "trial_terms", columns=best_columns),
    "confirmations": _trials(confirmations, "cells", "trials", "trial_terms", columns=confirmation_columns),
    "confirmation_tests": _of_trained(confirmation, CONFIRMATION_COLUMNS, has_confirmation),
    "trial_efficiency": _of_trained(efficiency, EFFICIENCY_COLUMNS, has_efficiency),
    "trial_tuning_cost": _of_trained(tuning_cost, TUNING_COST_COLUMNS),
    "trial_system": _of_trained(system_table, SYSTEM_COLUMNS, has_system),
    **{name: _factors(name) for name in TABLES},
    "arm_comparisons": _arms(arms.arm_comparisons, arms.COMPARISON_COLUMNS),
    "arm_searches": _arms(searches.arm_searches, searches.SEARCH_COLUMNS),
    "arm_spread": _arms(arm_spread.arm_spread, arm_spread.SPREAD_COLUMNS),
    "arm_scaled": _arms(arm_spread.arm_scaled, arm_spread.SCALED_COLUMNS),
    "arm_changes": _arms(optimisation.arm_changes, optimisation.CHANGE_COLUMNS),
    "arm_pairs": _arms(optimisation.arm_pairs, optimisation.PAIR_COLUMNS),
    "arm_pair_tests": _arms(optimisation.arm_pair_tests, optimisation.PAIR_TEST_COLUMNS),
    "arm_split": _arms(optimisation.arm_split, optimisation.SPLIT_COLUMNS),
    "replay": ResultTable(replay, ("histories", "search_terms"), lambda: REPLAY_COLUMNS, groups=(SEARCH,)),
    "rungs": ResultTable(rungs, ("histories", "search_terms"), lambda: RUNG_COLUMNS, groups=(SEARCH,)),
    "tuning_trials": ResultTable(
        tuning_trials,
        ("cells", "placed", "tuning_terms", "ended"),
        trial_columns,
        ("tuning_terms",),
        groups=(TUNING,),
    ),
    "tuning_rungs": ResultTable(tuning_rungs, ("tuning_trials",), lambda: TUNING_RUNG_COLUMNS, groups=(TUNING,)),
    "tuning": ResultTable(tuning, ("tuning_trials", "tuning_terms", "ended"), lambda: TUNING_COLUMNS, groups=(TUNING,)),
}


def result_names(group: str) -> list[str]:
    """The tables of one group, in order."""
    return [name for name, table in RESULTS.items() if group in table.groups]


def joined_result(analyses: Sequence[Analysis], name: str) -> tuple[pd.DataFrame, Columns]:
    """A table over experiments with different axes, sorted by experiment, and all its columns.

    A value is null where an axis is not one of the row's experiment.
    """
    columns: Columns = {}
    for analysis in analyses:
        columns |= analysis.columns(name)
    frames = [analysis.result(name) for analysis in analyses if analysis.applies(name)] or [analyses[0].result(name)]
    if len(frames) == 1:
        return frames[0].reindex(columns=list(columns)), columns
    frame = pd.concat(frames, ignore_index=True).reindex(columns=list(columns))
    return frame.sort_values("experiment", kind="stable", ignore_index=True), columns
