"""What the report knows and says of one experiment with given cells."""

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.cost.measured import complete
from prunescape.analysis.cost.speedups import variant_flops
from prunescape.analysis.read_cells import read_cells
from prunescape.analysis.results import LANDSCAPE, TARGET, Analysis, result_names
from prunescape.config.analysis import Objectives
from prunescape.present.report.findings import experiment_findings
from prunescape.present.report.table import ExperimentResults


def results_of(tmp_path, frame, *, axes=AXES, benchmarks=None, terms=None, thresholds=(0.5, 1.0)) -> ExperimentResults:
    """What the report knows of one experiment with these cells, with verdicts by `terms`."""
    frame.to_parquet(tmp_path / "cells.parquet")
    cells = read_cells(tmp_path / "cells.parquet", partial=True, axes=axes)
    limits = {"thresholds": thresholds, "risk_threshold": thresholds[0], "terms": {"d-m": terms or {}}}
    analysis = Analysis.of_cells(cells, axes=axes, **limits)
    tables = {name: analysis.result(name) for name in result_names(LANDSCAPE)}
    if benchmarks is not None:
        measured, flops = complete(benchmarks.drop(columns="learnt", errors="ignore")), variant_flops(cells)
        objectives = Objectives().model_dump(mode="json")
        of_targets = Analysis.of_targets(measured, flops, objectives, costs=tables["tuning_cost"])
        tables |= {name: of_targets.result(name) for name in result_names(TARGET)}
    return ExperimentResults(axes, thresholds[0], cells, tables, benchmarks)


def findings_of(tmp_path, frame, **more):
    found = experiment_findings(results_of(tmp_path, frame, **more))
    return found, {part.variant: " ".join([part.headline, *part.sentences]) for part in found.variants}
