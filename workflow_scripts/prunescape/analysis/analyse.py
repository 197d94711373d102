"""From files of cells and measurements to files of results, for a study or for a table from anywhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC, Axes, Metric
from prunescape.analysis.cost.architectures import ARCHITECTURE_KEYS, read_architectures
from prunescape.analysis.cost.int8_losses import read_explained
from prunescape.analysis.cost.measured import read_measured, with_network
from prunescape.analysis.cost.speedups import variant_flops
from prunescape.analysis.efficiency.tuning_cost import tuning_cost
from prunescape.analysis.landscape.chance import VARIANT, chance_tests, learnt_nothing
from prunescape.analysis.read_cells import read_cells, read_lone_bases, read_study_cells
from prunescape.analysis.results import (
    ARCHITECTURE,
    INT8,
    LANDSCAPE,
    PIPELINES,
    RESULTS,
    TARGET,
    TRIALS,
    Analysis,
    joined_result,
    result_names,
)
from prunescape.analysis.trials import Terms, read_trial_cells
from prunescape.analysis.verdict.screening import claim_count
from prunescape.config.analysis import RISK_THRESHOLD, AnalysisTerms
from prunescape.errors import InputError
from prunescape.store.tables import read_result, write_result


def analyse(cells: Path | str, out: Path | str, **chosen: Any) -> dict[str, Path]:
    """Write every landscape table that applies to `cells`, a table or an Optuna storage, into the folder `out`.

    Each as Parquet and CSV; gives the written paths by file name. What may be `chosen`, and what is raised: see
    `table_analysis`; InputError, too, when `out` cannot be a folder.
    """
    return write_landscapes(table_analysis(cells, **chosen), out)


def table_analysis(
    cells: Path | str,
    *,
    axes: Axes = DEFAULT_AXES,
    metric: Metric = DEFAULT_METRIC,
    base: str = BASE,
    studies: Sequence[str] = (),
    thresholds: Sequence[float] = (),
    terms: Mapping[str, Mapping[str, Any]] | None = None,
) -> Analysis:
    """The analysis of `cells`, a table or an Optuna storage of which `studies` may choose some.

    Results carry the names of the `axes`, and a metric to minimise its own sign. `thresholds` are in the metric's unit,
    by default 0.5 and 1 percentage points; risks are taken over the base's region of the smallest. `terms` are those of
    the verdicts, as in `judge_study`. Raises InputError for a table that `read_cells` refuses.
    """
    for x in thresholds:
        if not 0 <= x < float("inf"):
            raise InputError(f"the threshold {x} is no distance to the best", allowed="0 or more")
    ordered = tuple(sorted(set(thresholds)))
    known = read_cells(cells, axes=axes, metric=metric, base=base, studies=studies)
    if not ordered and not metric.in_percent:
        low, high = known[metric.names[0]].agg(["min", "max"])
        what = f'how near the best "{metric.name}" counts as good is not said'
        hint = f"--thresholds, in its own unit: its values go from {low:g} to {high:g}"
        raise InputError(what, where=cells, hint=hint)
    ordered = ordered or tuple(AnalysisTerms().thresholds)
    limits = {"thresholds": ordered, "risk_threshold": ordered[0]}
    return Analysis.of_cells(known, axes=axes, metric=metric, base=base, terms=terms, **limits)


def write_landscapes(analysis: Analysis, out: Path | str) -> dict[str, Path]:
    """Write every landscape table that applies into the folder `out`; gives the written paths by file name."""
    names = [*result_names(LANDSCAPE), *result_names(PIPELINES)]
    return write_results([analysis], [name for name in names if analysis.applies(name)], out)


def analyse_study(cells: Path | str, terms: Mapping[str, Any], out: Path | str) -> dict[str, Path]:
    """Write every landscape table of whatever cells of a study exist into the folder `out`, as `analyse` does.

    `terms` as `Study.analysis_terms` gives them: thresholds, risk_threshold, and for each experiment its axes, its
    recipe (batch size and momentum, None where they vary), the terms of its verdicts, and its grid by axis where a
    share of that is trained. With `retraining`, as `known` in `candidates`, the tables about pipelines are written,
    too. Raises InputError for an unusable table.
    """
    experiments = terms["experiments"]
    axes = {name: Axes.of(plan["axes"]) for name, plan in experiments.items()}
    known = read_study_cells(cells, axes)
    shared = {
        "thresholds": tuple(sorted(terms["thresholds"])),
        "risk_threshold": terms["risk_threshold"],
        "terms": {name: plan["verdict"] for name, plan in experiments.items()},
        "recipes": {name: plan["recipe"] for name, plan in experiments.items() if None not in plan["recipe"]},
        "claims": claim_count(known[known["variant"] != BASE]),
        "grids": {name: plan["grid"] for name, plan in experiments.items() if plan.get("grid")},
        "retraining": terms.get("retraining", {}),
    }
    analyses = []
    for each in dict.fromkeys(axes.values()) or [DEFAULT_AXES]:
        rows = known[known["experiment"].isin([name for name in axes if axes[name] == each])]
        if len(rows) or not analyses:
            lone = read_lone_bases(cells, rows["experiment"].unique())
            analyses.append(Analysis.of_cells(rows, axes=each, lone_bases=lone, **shared))
    names = [*result_names(LANDSCAPE), *(result_names(PIPELINES) if "retraining" in terms else [])]
    return write_results(analyses, names, out)


def collect_architectures(
    objectives: Mapping[str, Any], *, measured: Sequence[Path | str], out: Path | str
) -> dict[str, Path]:
    """Write every table of untrained variants into the folder `out`, from the files that measure_architecture wrote.

    `objectives` as `compare_targets` takes them. Raises InputError for a file that cannot be used.
    """
    analysis = Analysis.of_architectures(read_architectures(measured), objectives)
    return write_results([analysis], result_names(ARCHITECTURE), out)


def collect_int8(explained: Sequence[Path | str], out: Path | str) -> dict[str, Path]:
    """Write the tables of what int8 costs into the folder `out`, from the files that explain_int8 wrote.

    Raises InputError for a file that cannot be used.
    """
    return write_results([Analysis.of_int8(read_explained(explained))], result_names(INT8), out)


def compare_targets(
    objectives: Mapping[str, Any],
    *,
    cells: Path | str,
    benchmarks: Path | str,
    out: Path | str,
    architectures: Path | str | None = None,
    risk_threshold: float = RISK_THRESHOLD,
) -> dict[str, Path]:
    """Write every target table into the folder `out`, as `analyse` does.

    `objectives` holds the limits and the load as `objectives.Objectives` dumps them; `architectures` is the table of
    the same variants before training, where they were measured; `risk_threshold` as in `property_roi`. Nothing measured
    gives tables without rows; a variant of a network that learnt nothing is not recommended. Raises InputError for a
    table that cannot be used.
    """
    trained = with_network(read_result(cells, dict.fromkeys(("experiment", "variant"), ("string", ""))))
    measured = read_measured(benchmarks)
    if {*VARIANT, DEFAULT_METRIC.names[0]} <= set(trained):
        for network, rows in measured.groupby("network"):
            tests = chance_tests(trained[trained["network"] == network])
            measured.loc[rows.index, "learnt"] = ~learnt_nothing(rows, tests)
    keys = {name: column for name, column in ARCHITECTURE_KEYS.items() if name != "network"}
    untrained = None if architectures is None else with_network(read_result(architectures, keys))
    costs = tuning_cost(trained) if {*VARIANT, "stage"} <= set(trained) else None
    analysis = Analysis.of_targets(measured, variant_flops(trained), objectives, untrained, costs, risk_threshold)
    return write_results([analysis], result_names(TARGET), out)


def analyse_trials(
    terms: Terms, *, cells: Path | str, trials: Path | str, benchmarks: Path | str, out: Path | str
) -> dict[str, Path]:
    """Write every table about the trials of a study into the folder `out`, as `analyse` does.

    `terms` as `Study.trial_terms` gives them; a study without a design that has a space gives tables without rows.
    Raises InputError for a table that cannot be used.
    """
    analysis = trial_analysis(terms, cells=cells, trials=trials, benchmarks=benchmarks)
    return write_results([analysis], result_names(TRIALS), out)


def trial_analysis(
    terms: Terms,
    *,
    cells: Path | str,
    trials: Path | str,
    benchmarks: Path | str,
    written: Mapping[str, Path | str] = MappingProxyType({}),
) -> Analysis:
    """The analysis of a study's trials, as `analyse_trials`; results that are `written` are read from their files."""
    known = {name: read_result(path, RESULTS[name].columns()) for name, path in written.items()}
    return Analysis.of_trials(*read_trial_cells(cells, trials), terms, read_measured(benchmarks), known)


def write_results(analyses: Sequence[Analysis], names: Sequence[str], out: Path | str) -> dict[str, Path]:
    """Write the tables called `names` as NAME.parquet and NAME.csv; gives the paths by file name."""
    out, written = Path(out), {}
    try:
        for name in names:
            parquet, csv = out / f"{name}.parquet", out / f"{name}.csv"
            write_result(*joined_result(analyses, name), parquet=parquet, csv=csv)
            written |= {path.name: path for path in (parquet, csv)}
    except OSError as error:
        raise InputError(f"the results cannot be written ({error.strerror})", where=out) from None
    return written
