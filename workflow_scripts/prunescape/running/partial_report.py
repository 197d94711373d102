"""The report of a run that failed: every analysis of the cells that are there, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prunescape.analysis.analyse import analyse_study, compare_targets
from prunescape.analysis.collect import write_benchmarks, write_cells
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, read_round
from prunescape.present.figures.folder import draw_figures
from prunescape.present.report.page import write_report


def write_partial_report(
    results: Path,
    study: dict[str, Any],
    *,
    plans: dict[str, Plan],
    terms: dict[str, Any],
    records: list[str],
    rounds: list[str],
    measured: list[str],
    missing: list[dict[str, str]],
) -> Path:
    """Write `results`/partial/report.html from the `records` of cells and the benchmarks `measured`; give its path.

    `study` is the study's summary, `plans` holds each experiment's, `terms` are those of `Study.analysis_terms`;
    `missing` holds {cell, reason, log} per cell without a record. Raises InputError for a damaged record.
    """
    folder = results / "partial"
    cells, benchmarks, figures = folder / "cells.parquet", folder / "benchmarks.parquet", folder / "figures"
    names = write_cells(records, cells, places=Places(plans, [read_round(path) for path in rounds]))
    write_benchmarks(measured, benchmarks, hyperparameters=names)
    analyse_study(cells, terms, folder)
    compare_targets(study["objectives"], cells=cells, benchmarks=benchmarks, out=folder)
    drawn = {name: folder / f"{name}.parquet" for name in ("roi", "ellipses", "pareto")}
    draw_figures(study, cells=cells, **drawn, out=figures)
    report = folder / "report.html"
    write_report(study, folder, figures=figures, missing=missing, out=report)
    return report
