"""The report of a study: one page that holds all it needs and opens without a network. Needs pandas and jinja2."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescape.errors import InputError
from prunescape.figures.folder import INDEX, LIBRARY
from prunescape.files import read_json, whole_file
from prunescape.landscape.ellipse import ELLIPSE_COLUMNS
from prunescape.landscape.result import read_result
from prunescape.landscape.risk import RISK_COLUMNS
from prunescape.landscape.table import read_cells
from prunescape.landscape.verdict import VERDICT_COLUMNS
from prunescape.report.answer import ExperimentAnswer, answer_experiment
from prunescape.report.setup import Pairs, plan_pairs, run_pairs, target_pairs
from prunescape.report.tables import Table, benchmarks_table, ellipses_table, risk_table, variants_table, verdicts_table
from prunescape.report.target_tables import emulation_table, subnormals_kept, weights_table

if TYPE_CHECKING:
    import pandas as pd

BENCHMARK_FIELDS = (
    *("experiment", "variant", "target", "rank", "precision", "threads", "batch", "latency_median_s"),
    *("latency_relative_iqr", "noisy", "file_bytes", "encoded_bytes", "top1", "accuracy_agrees", "flush_to_zero"),
    *("samples", "latency_dataset_s", "peak_memory_bytes", "energy_j"),
)


@dataclass(frozen=True)
class Section:
    """One experiment on the page; `answer` is None where no cell of it exists."""

    name: str
    model: str
    dataset: str
    answer: ExperimentAnswer | None
    tables: list[Table]
    figures: list[dict[str, Any]]
    plan: Pairs
    run: Pairs


def write_report(
    study: dict[str, Any],
    *,
    cells: Path | str,
    ellipses: Path | str,
    risk: Path | str,
    verdicts: Path | str,
    benchmarks: Path | str | None,
    figures: Path | str,
    missing: list[dict[str, str]],
    out: Path | str,
) -> None:
    """Write the report of whatever cells exist to `out`.

    `study` is the study's summary; `missing` holds {cell, reason, log} per cell that was not finished and makes the
    report a partial one; `figures` is a folder that `write_figures` wrote. Raises InputError for unusable tables.
    """
    table = read_cells(cells, partial=True)
    measured = read_result(benchmarks, dict.fromkeys(BENCHMARK_FIELDS, ("", ""))) if benchmarks else None
    shapes, risks = read_result(ellipses, ELLIPSE_COLUMNS), read_result(risk, RISK_COLUMNS)
    judged = read_result(verdicts, VERDICT_COLUMNS)
    drawn = _figures(Path(figures), Path(out))
    known = study.get("targets", {})
    emulates = {name: target["emulates"] for name, target in known.items() if target.get("emulates")}
    sections = [
        _section(
            name,
            plan,
            *(_of(part, name) for part in (table, shapes, risks, judged, measured)),
            drawn.get(name, []),
            emulates,
        )
        for name, plan in sorted(study["experiments"].items())
    ]
    content = {
        "study": study["study"],
        "sections": sections,
        "missing": missing,
        "expected": len(table) + len(missing),
        "targets": target_pairs(study.get("targets", {}), measured),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "plotly": _text(Path(figures) / LIBRARY),
    }
    with whole_file(out) as temporary:
        temporary.write_text(_render(content), encoding="utf-8")


def _of(table: pd.DataFrame | None, experiment: str) -> pd.DataFrame | None:
    return None if table is None else table[table["experiment"] == experiment]


def _section(name, plan, cells, ellipses, risk, verdicts, benchmarks, figures, emulates) -> Section:
    known = {"name": name, "model": plan["model"], "dataset": plan["dataset"], "plan": plan_pairs(plan)}
    if cells.empty:
        return Section(**known, answer=None, tables=[], figures=[], run=[])
    tables = [variants_table(cells)]
    if (verdicts["replicates_most"] > 0).any():
        tables.insert(0, verdicts_table(verdicts))
    for metric in ("top1", "top5"):
        both = ((ellipses, ellipses_table), (risk, risk_table))
        tables += [make(rows, metric) for rows, make in both if (rows["metric"] == metric).any()]
    if benchmarks is not None and not benchmarks.empty:
        further = [weights_table(benchmarks), emulation_table(benchmarks, emulates)]
        benchmarks = subnormals_kept(benchmarks)
        tables += [benchmarks_table(benchmarks, cells), *(table for table in further if table)]
    answer = answer_experiment(cells, risk, benchmarks, verdicts)
    return Section(**known, answer=answer, tables=tables, figures=figures, run=run_pairs(cells))


def _figures(folder: Path, out: Path) -> dict[str, list[dict[str, Any]]]:
    """The figures of each experiment with their drawing and their address as the page sees it."""
    beside = Path(os.path.relpath(folder, out.parent)).as_posix()
    found: dict[str, list[dict[str, Any]]] = {}
    for figure in read_json(folder / INDEX, "figures")["figures"]:
        drawing = _text(folder / f"{figure['name']}.fragment.html")
        found.setdefault(figure["experiment"], []).append({**figure, "drawing": drawing, "beside": beside})
    for figures in found.values():
        first = min(figure["seed"] for figure in figures)
        for figure in figures:
            figure["open"] = figure["metric"] == "top1" and figure["seed"] == first
        figures.sort(key=lambda figure: not figure["open"])
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        hint = "delete the folder and run again"
        raise InputError(f"the file cannot be read ({error.strerror})", where=path, hint=hint) from None


def _render(content: dict[str, Any]) -> str:
    """The page; every text is escaped but our own drawings and plotly.js."""
    import jinja2

    loader = jinja2.PackageLoader("prunescape.report", ".")
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return pages.get_template("page.html.j2").render(content)
