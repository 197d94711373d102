"""The report of a study: one page that holds all it needs and opens without a network."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.axes import METRICS
from prunescape.analysis.cost.speedups import odd_widths
from prunescape.analysis.results import (
    ARCHITECTURE,
    INT8,
    LANDSCAPE,
    PIPELINES,
    TARGET,
    TRIALS,
    TUNING,
    Analysis,
    result_names,
)
from prunescape.analysis.trials import read_trial_cells, trial_cells
from prunescape.errors import InputError
from prunescape.present.figures.figure import INDEX, LIBRARY, LINKED, OPEN
from prunescape.present.labels import experiment_title, joined, roi_title
from prunescape.present.report.answer import grid_answer
from prunescape.present.report.efficiency_tables import efficiency_tables
from prunescape.present.report.findings import experiment_findings
from prunescape.present.report.inferred_tables import inferred_estimators
from prunescape.present.report.landscape_tables import OF_EXPERIMENT, OF_METRIC
from prunescape.present.report.pipelines import pipeline_tests_table, pipelines_table
from prunescape.present.report.price_tables import tuning_cost_table
from prunescape.present.report.recommendation_tables import comparison_tables
from prunescape.present.report.setup import Pairs, plan_pairs, run_pairs, table_pairs, target_pairs
from prunescape.present.report.system_tables import system_tables
from prunescape.present.report.table import ExperimentResults, Table
from prunescape.present.report.target_sentences import limit_pairs
from prunescape.present.report.target_tables import measured_tables
from prunescape.present.report.trials import trials_section
from prunescape.present.report.tuning import tuning_section
from prunescape.present.study_terms import StudyTerms
from prunescape.store.files import read_json, whole_file
from prunescape.store.stages import TUNING as TUNING_STAGE
from prunescape.store.tables import read_result

BENCHMARK_FIELDS = (
    *("experiment", "variant", "target", "rank", "precision", "threads", "batch", "latency_median_s"),
    *("latency_relative_iqr", "noisy", "file_bytes", "encoded_bytes", "top1", "accuracy_agrees", "flush_to_zero"),
    *("samples", "latency_dataset_s", "peak_memory_bytes", "energy_j"),
)
ANSWERING = ("verdict", "pipelines", "again")  # kinds of figures that stand at the top of their section
MOST_NAMED = 4  # hyperparameters in the page's headline
IN_FILES = '<p class="note">To keep this page light, this figure is in its own files only.</p>'


def write_report(
    study: dict[str, Any],
    results: Path | str,
    *,
    figures: Path | str,
    missing: list[dict[str, str]],
    unmeasured: list[dict[str, str]],
    out: Path | str,
    variants: Path | None = None,
) -> None:
    """Write the report of whatever cells exist to `out`.

    `study` is the study's summary. The folder `results` holds cells.parquet, the result tables and, where targets were
    measured, benchmarks.parquet; `figures` is a folder that `write_figures` wrote. `missing` holds {cell, reason, log}
    per cell that was not finished, `unmeasured` {experiment, target, reason, log} per target without measurements; each
    makes the report a partial one. The folders of the variants, with their widths, lie in `variants`, by default in
    `results`. Raises InputError for unusable tables.
    """
    results, terms = Path(results), StudyTerms.of(study)
    cells = terms.read_cells(results / "cells.parquet")
    measured = (results / "benchmarks.parquet").exists()
    benchmarks = read_result(results / "benchmarks.parquet", dict.fromkeys(BENCHMARK_FIELDS)) if measured else None
    names = [*result_names(LANDSCAPE), *(result_names(TARGET) if measured else [])]
    names += result_names(PIPELINES) if study.get("compares_pipelines") else []
    names += result_names(INT8) if study.get("measures_int8") and _has(results, INT8) else []
    names += result_names(ARCHITECTURE) if study.get("measures_first") and _has(results, ARCHITECTURE) else []
    tables = {name: terms.read(name, results / f"{name}.parquet") for name in names}
    trained, trials, searched = None, None, None
    if terms.spaces:
        trained, trials = read_trial_cells(results / "cells.parquet", results / "trials.parquet")
        tables |= {name: read_result(results / f"{name}.parquet", {}) for name in result_names(TRIALS)}
    if terms.searches:
        tables |= {name: read_result(results / f"{name}.parquet", {}) for name in result_names(TUNING)}
        searched = read_result(results / "cells.parquet", {})
        searched = searched[searched["stage"] == TUNING_STAGE]
    odd = odd_widths(variants or results)
    emulates = {name: target["emulates"] for name, target in study.get("targets", {}).items() if target.get("emulates")}

    def cells_of(experiment: str) -> pd.DataFrame:
        return searched if experiment in terms.searches else trained if experiment in terms.spaces else cells

    def of(experiment: str) -> ExperimentResults:
        return ExperimentResults(
            axes=None if experiment in (*terms.spaces, *terms.searches) else terms.axes_of(experiment),
            risk_threshold=terms.risk_threshold,
            cells=_of(cells_of(experiment), experiment),
            tables={name: _of(table, experiment) for name, table in tables.items()},
            benchmarks=None if benchmarks is None else _of(benchmarks, experiment),
            emulates=emulates,
            adaptive=experiment in terms.adaptive,
            odd_widths=odd.get(experiment, {}),
        )

    sections = []
    for name, plan in sorted(study["experiments"].items()):
        experiment = of(name)
        if plan.get("tune"):
            sections.append(tuning_section(name, plan, experiment))
            continue
        if name in terms.spaces:
            own = _of(trials, name)
            sections.append(trials_section(name, plan, experiment, own, trial_cells(experiment.cells, own)))
            continue
        sections.append(_section(name, plan["model"], plan["dataset"], plan_pairs(plan, experiment.axes), experiment))
    targets = target_pairs(study.get("targets", {}), benchmarks) + limit_pairs(study.get("objectives", {}))
    known = {"study": study["study"], "missing": missing, "unmeasured": unmeasured, "targets": targets}
    known["expected"] = len(cells) + sum(len(table) for table in (trained, searched) if table is not None)
    known["expected"] += len(missing)
    _write_page({**known, "sections": sections, "of_table": False}, terms, Path(figures), Path(out))


def write_table_report(
    analysis: Analysis, name: str, terms: StudyTerms, *, figures: Path | None, out: Path | str
) -> None:
    """Write the report of a table from elsewhere, called `name`, to `out`: findings, tables and what limits them.

    Of what `analysis` holds, whose metric is top1. `figures` is a folder that `write_figures` wrote, or None. What only
    a study knows, as its recipe and its measurements, is left out.
    """
    names = [*result_names(LANDSCAPE), *result_names(PIPELINES)]
    tables = {name: analysis[name] if analysis.applies(name) else analysis.result(name) for name in names}
    sections = []
    for experiment, cells in analysis["cells"].groupby("experiment", sort=True):
        known = {name: _of(table, experiment) for name, table in tables.items()}
        results = ExperimentResults(analysis["axes"], terms.risk_threshold, cells, known)
        model, dataset = (", ".join(cells[column].unique()) for column in ("model", "dataset"))
        pairs = table_pairs(cells, analysis["axes"], analysis["base"])
        sections.append(_section(experiment, model, dataset, pairs, results))
    known = {"study": name, "missing": [], "unmeasured": [], "expected": len(analysis["cells"]), "targets": []}
    _write_page({**known, "sections": sections, "of_table": True}, terms, figures, Path(out))


def question(varied: list[str]) -> str:
    """What the page's headline asks of the hyperparameters that vary: of many only their number."""
    named = len(varied) <= MOST_NAMED
    return f"must {joined(varied)}" if named else f"which of {len(varied)} hyperparameters must"


def _write_page(content: dict[str, Any], terms: StudyTerms, figures: Path | None, out: Path) -> None:
    """The page of the `content`, whose sections get their figures here."""
    index = read_json(figures / INDEX, "figures", "files") if figures else {"figures": []}
    drawn = placed_figures(index, figures, out)
    more = {
        "sections": [section | _figures(drawn.get(section["name"], [])) for section in content["sections"]],
        "hyperparameters": joined(terms.varied),
        "question": question(terms.varied),
        "has_grid": bool(terms.axes) or not (terms.spaces or terms.searches),
        "risk_region": roi_title(terms.risk_threshold),
        "overview": drawn.get(None, []),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "plotly": read_drawing(index, figures, LIBRARY) if figures else "",
    }
    with whole_file(out) as temporary:
        temporary.write_text(render("page.html.j2", content | more), encoding="utf-8")


def _figures(drawn: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The figures of a section: those of its answer, and the others."""
    return {
        "answer_figures": [figure for figure in drawn if figure["kind"] in ANSWERING],
        "figures": [figure for figure in drawn if figure["kind"] not in ANSWERING],
    }


def _section(name: str, model: str, dataset: str, plan: Pairs, results: ExperimentResults) -> dict[str, Any]:
    """One experiment on the page; no findings where no cell of it exists."""
    title = experiment_title(model, dataset)
    known = {"name": name, "title": title, "plan": plan, "has_landscape": True}
    if results.cells.empty:
        return {**known, "findings": None, "run": []}
    found = {"findings": experiment_findings(results), "run": run_pairs(results.cells, results.axes)}
    return {**known, **found, "answer": grid_answer(results), "tables": report_tables(results)}


def report_tables(results: ExperimentResults) -> list[Table]:
    """Every table of one experiment that has rows, in the order of the report."""
    tables = [make(results) for make in (*OF_EXPERIMENT, pipelines_table, pipeline_tests_table)]
    tables += [make(results, metric) for metric in METRICS for make in (*OF_METRIC, inferred_estimators)]
    tables += efficiency_tables(results.cells, results.tables["efficiency"])
    tables += [tuning_cost_table(results.tables["tuning_cost"]), *system_tables(results.tables["system"])]
    tables += [*measured_tables(results), *comparison_tables(results.tables)]
    return [table for table in tables if table is not None and table.rows]


def _has(results: Path, group: str) -> bool:
    """Whether every table of a group is there: a partial study may lack it."""
    return all((results / f"{name}.parquet").exists() for name in result_names(group))


def _of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]


def placed_figures(index: dict[str, Any], folder: Path | None, out: Path) -> dict[str | None, list[dict[str, Any]]]:
    """The figures of each experiment, and under None of the whole study, with drawing and address for the page."""
    beside = Path(os.path.relpath(folder, out.parent)).as_posix() if folder else ""
    found: dict[str | None, list[dict[str, Any]]] = {}
    for figure in index["figures"]:
        drawn = figure["place"] != LINKED
        drawing = read_drawing(index, folder, f"{figure['name']}.fragment.html") if drawn else IN_FILES
        shown = {"drawing": drawing, "beside": beside, "open": figure["place"] == OPEN}
        found.setdefault(figure["experiment"], []).append({**figure, **shown})
    return found


def read_drawing(index: dict[str, Any], folder: Path, name: str) -> str:
    """A file of the figures' folder, which must be the one that the index names."""
    path, hint = folder / name, f"delete {folder / INDEX} and run again"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", where=path, hint=hint) from None
    if hashlib.sha256(content).hexdigest() != index["files"].get(name):
        raise InputError("the file is damaged: it is not the one that was drawn", where=path, hint=hint)
    return content.decode()


def render(template: str, content: dict[str, Any]) -> str:
    """The page that a template makes of the content; every text is escaped but our own drawings and plotly.js."""
    import jinja2

    loader = jinja2.PackageLoader("prunescape.present.report", ".")
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return pages.get_template(template).render(content)
