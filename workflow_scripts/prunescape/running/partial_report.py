"""The report of a run that failed: every analysis of the cells that are there, in a folder of its own. Needs pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prunescape.analysis.analyse import analyse
from prunescape.analysis.collect import write_benchmarks, write_cells
from prunescape.analysis.cost.compare import compare_targets
from prunescape.designs.rounds import Places, read_round
from prunescape.present.figures.folder import draw_figures
from prunescape.present.report.page import write_report


def write_partial_report(
    results: Path,
    study: dict[str, Any],
    *,
    records: list[str],
    rounds: list[str],
    measured: list[str],
    missing: list[dict[str, str]],
) -> Path:
    """Write `results`/partial/report.html from the `records` of cells and the benchmarks `measured`; give its path.

    `missing` holds {cell, reason, log} per cell without a record. Raises InputError for a damaged record.
    """
    folder = results / "partial"
    cells, benchmarks, figures = folder / "cells.parquet", folder / "benchmarks.parquet", folder / "figures"
    write_cells(records, cells, places=Places(study["experiments"], [read_round(path) for path in rounds]))
    write_benchmarks(measured, benchmarks)
    terms = {name: plan["verdict"] for name, plan in study["experiments"].items()}
    written = analyse(cells, folder, partial=True, terms=terms)
    tables = {Path(name).stem: path for name, path in written.items() if path.suffix == ".parquet"}
    compared = compare_targets(study["objectives"], cells=cells, benchmarks=benchmarks, out=folder)
    drawn = {"roi": tables["roi"], "ellipses": tables["ellipses"], "pareto": compared["pareto"]}
    draw_figures(study, cells=cells, **drawn, out=figures)
    page = {"cells": cells, "tables": tables, "benchmarks": benchmarks, "figures": figures, "compared": folder}
    report = folder / "report.html"
    write_report(study, **page, missing=missing, out=report)
    return report
