"""The report of a study: one page that holds all it needs and opens without a network. Needs pandas and jinja2."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescape.analysis.cells_table import METRICS, read_cells
from prunescape.analysis.cost.compare import read_comparisons
from prunescape.analysis.landscape.band import BAND_COLUMNS
from prunescape.analysis.landscape.ellipse import ELLIPSE_COLUMNS
from prunescape.analysis.landscape.risk import RISK_COLUMNS
from prunescape.analysis.seeds.seed_tables import SEED_TABLES
from prunescape.analysis.verdict.verdicts import VERDICT_COLUMNS
from prunescape.errors import InputError
from prunescape.present.figures.choice import LINKED, OPEN
from prunescape.present.figures.folder import INDEX, LIBRARY
from prunescape.present.report.findings import ExperimentAnswer, answer_experiment
from prunescape.present.report.recommendation import limit_pairs, target_sentences
from prunescape.present.report.recommendation_tables import target_tables
from prunescape.present.report.setup import Pairs, plan_pairs, run_pairs, target_pairs
from prunescape.present.report.shape import band_table, likeness_table, spread_table
from prunescape.present.report.tables import (
    Table,
    benchmarks_table,
    ellipses_table,
    risk_table,
    variants_table,
    verdicts_table,
)
from prunescape.present.report.target_tables import emulation_table, subnormals_kept, weights_table
from prunescape.store.files import read_json, whole_file
from prunescape.store.tables import read_result

if TYPE_CHECKING:
    import pandas as pd

BENCHMARK_FIELDS = (
    *("experiment", "variant", "target", "rank", "precision", "threads", "batch", "latency_median_s"),
    *("latency_relative_iqr", "noisy", "file_bytes", "encoded_bytes", "top1", "accuracy_agrees", "flush_to_zero"),
    *("samples", "latency_dataset_s", "peak_memory_bytes", "energy_j"),
)


# the study's tables that the page needs beside cells and benchmarks, by the name of their file
TABLES = {
    "ellipses": ELLIPSE_COLUMNS,
    "risk": RISK_COLUMNS,
    "verdicts": VERDICT_COLUMNS,
    "band": BAND_COLUMNS,
    **{name: SEED_TABLES[name] for name in ("spread", "shift", "similarity", "risk_tests")},
}
IN_FILES = '<p class="note">To keep this page light, this figure is in its own files only.</p>'


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
    tables: dict[str, Path | str],
    benchmarks: Path | str | None,
    figures: Path | str,
    missing: list[dict[str, str]],
    out: Path | str,
    compared: Path | str | None = None,
) -> None:
    """Write the report of whatever cells exist to `out`.

    `study` is the study's summary; `tables` holds the file of every name in `TABLES`; `missing` holds {cell, reason,
    log} per cell that was not finished and makes the report a partial one; `figures` is a folder that `write_figures`
    wrote, `compared` one that `compare_targets` wrote. Raises InputError for unusable tables.
    """
    table = read_cells(cells, partial=True)
    found = {name: read_result(tables[name], columns) for name, columns in TABLES.items()}
    measured = read_result(benchmarks, dict.fromkeys(BENCHMARK_FIELDS, ("", ""))) if benchmarks else None
    index = read_json(Path(figures) / INDEX, "figures", "files")
    drawn = _figures(index, Path(figures), Path(out))
    costs = read_comparisons(compared) if compared else {}
    known = study.get("targets", {})
    emulates = {name: target["emulates"] for name, target in known.items() if target.get("emulates")}
    sections = [
        _section(
            name,
            plan,
            _of(table, name),
            {key: _of(frame, name) for key, frame in found.items()},
            _of(measured, name),
            drawn.get(name, []),
            emulates,
        )
        for name, plan in sorted(study["experiments"].items())
    ]
    sections = [with_targets(section, costs) for section in sections]
    content = {
        "study": study["study"],
        "sections": sections,
        "overview": drawn.get(None, []),
        "missing": missing,
        "expected": len(table) + len(missing),
        "targets": target_pairs(study.get("targets", {}), measured) + limit_pairs(study.get("objectives", {})),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "plotly": _drawing(index, Path(figures), LIBRARY),
    }
    with whole_file(out) as temporary:
        temporary.write_text(_render(content), encoding="utf-8")


def _of(table: pd.DataFrame | None, experiment: str) -> pd.DataFrame | None:
    return None if table is None else table[table["experiment"] == experiment]


def _section(name, plan, cells, found: dict[str, pd.DataFrame], benchmarks, figures, emulates) -> Section:
    known = {"name": name, "model": plan["model"], "dataset": plan["dataset"], "plan": plan_pairs(plan)}
    if cells.empty:
        return Section(**known, answer=None, tables=[], figures=[], run=[])
    verdicts = found["verdicts"]
    tables = [verdicts_table(verdicts)] if (verdicts["replicates_most"] > 0).any() else []
    tables.append(variants_table(cells))
    tables += [table for metric in METRICS for table in _landscape_tables(found, metric)]
    if benchmarks is not None and not benchmarks.empty:
        further = [weights_table(benchmarks), emulation_table(benchmarks, emulates)]
        benchmarks = subnormals_kept(benchmarks)
        tables += [benchmarks_table(benchmarks, cells), *(table for table in further if table)]
    answer = answer_experiment(cells, found["risk"], benchmarks, verdicts)
    return Section(**known, answer=answer, tables=tables, figures=figures, run=run_pairs(cells))


def with_targets(section: Section, costs: dict[str, pd.DataFrame]) -> Section:
    """A section with what its models cost on the targets, where that was compared."""
    own = {name: _of(table, section.name) for name, table in costs.items()}
    if section.answer is None or not own:
        return section
    answer = replace(section.answer, opening=[*section.answer.opening, *target_sentences(own)])
    return replace(section, answer=answer, tables=[*section.tables, *target_tables(own)])


def _landscape_tables(found: dict[str, pd.DataFrame], metric: str) -> list[Table]:
    """What the landscapes of one experiment show in one metric; nothing of what has no rows."""
    own = {name: rows[rows["metric"] == metric] for name, rows in found.items()}
    made = {
        "ellipses": lambda: ellipses_table(own["ellipses"], metric),
        "risk": lambda: risk_table(own["risk"], metric),
        "similarity": lambda: likeness_table(own["similarity"], own["shift"], own["risk_tests"], metric),
        "band": lambda: band_table(own["band"], metric),
    }
    tables = [make() for name, make in made.items() if len(own[name])]
    several = (own["spread"]["n_seeds"] > 1).any()
    return [*tables, spread_table(own["spread"], metric)] if several else tables


def _figures(index: dict[str, Any], folder: Path, out: Path) -> dict[str | None, list[dict[str, Any]]]:
    """The figures of each experiment, and under None of the whole study, with drawing and address as the page sees it.

    One that the index only links has no drawing here: many seeds must not swell the page.
    """
    beside = Path(os.path.relpath(folder, out.parent)).as_posix()
    found: dict[str | None, list[dict[str, Any]]] = {}
    for figure in index["figures"]:
        drawn = figure["place"] != LINKED
        drawing = _drawing(index, folder, f"{figure['name']}.fragment.html") if drawn else IN_FILES
        shown = {"drawing": drawing, "beside": beside, "open": figure["place"] == OPEN}
        found.setdefault(figure["experiment"], []).append({**figure, **shown})
    return found


def _drawing(index: dict[str, Any], folder: Path, name: str) -> str:
    """A file of the figures' folder, which must be the one that the index names."""
    path, hint = folder / name, f"delete {folder / INDEX} and run again"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", where=path, hint=hint) from None
    if hashlib.sha256(content).hexdigest() != index["files"].get(name):
        raise InputError("the file is damaged: it is not the one that was drawn", where=path, hint=hint)
    return content.decode()


def _render(content: dict[str, Any]) -> str:
    """The page; every text is escaped but our own drawings and plotly.js."""
    import jinja2

    loader = jinja2.PackageLoader("prunescape.present.report", ".")
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return pages.get_template("page.html.j2").render(content)
