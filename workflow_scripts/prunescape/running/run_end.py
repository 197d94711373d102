"""The lines at the end of a run: what it reached, what failed and why, where the report is."""

import shutil
from pathlib import Path
from typing import Any

from prunescape.designs.plan import Plan
from prunescape.errors import InputError
from prunescape.running.job_log import ERROR
from prunescape.running.progress import Failure

LEAST_FREE = 1_000_000  # bytes; below, a job may have had no room for its error message
KILLED = "ended from outside (killed), most often for want of memory or time"


def finished_lines(results: Path | str) -> list[str]:
    """The summary of the finished study in the folder `results`; raises InputError when it is not finished."""
    from prunescape.analysis.cost.speedups import odd_widths
    from prunescape.present.report.target_sentences import slower_lines
    from prunescape.present.summary import summary_lines, verdict_lines
    from prunescape.store.tables import read_result

    results = Path(results)
    report = results / "report.html"
    if not report.exists():
        raise InputError("there is no report yet", where=results, hint="run snakemake to its end")
    lines = summary_lines(read_result(results / "risk.parquet", {}))
    lines += verdict_lines(read_result(results / "verdicts.parquet", {}))
    lines += slower_lines(read_result(results / "speedups.parquet", {}), odd_widths(results))
    return [*lines, f"report: {report.resolve()}"]


def failed_lines(
    results: Path | str,
    study: dict[str, Any],
    *,
    plans: dict[str, Plan],
    terms: dict[str, Any],
    records: list[str],
    rounds: list[str],
    measured: list[str],
    failures: list[Failure],
) -> list[str]:
    """What failed, why, and its log; writes the partial report of what is there and names it.

    `study` is the study's summary, `plans` holds each experiment's, `terms` are those of `Study.analysis_terms`.
    `records` and `measured` are the files that a whole study has, as far as its `rounds` are planned. A partial report
    that cannot be written becomes a line, not an error: why the run failed matters more.
    """
    from prunescape.analysis.study_tables import is_readable

    results = Path(results)
    present = [path for path in records if Path(path).exists() and is_readable(path)]
    absent = [Path(path).parent.relative_to(results) for path in records if path not in set(present)]
    lines = [f"failed jobs: {len(failures)}; missing cells: {len(absent)} of {len(records)}"]
    for failure in failures:
        lines.append(f"  {failure.rule}: {reason_in(failure.log)}\n    log: {Path(failure.log).resolve()}")
    if shutil.disk_usage(results).free < LEAST_FREE:
        lines.append(f"no space left on the disk of {results.resolve()}: free some and run again")
    try:
        cells, benchmarks = _collect(results / "partial", plans, present, rounds, measured)
        missing = missing_cells(results, absent, failures)
        report = _write_partial_report(study, terms, cells=cells, benchmarks=benchmarks, missing=missing)
    except Exception as error:  # whatever breaks here must not hide why the run failed
        return [*lines, f"no partial report: {error}"]
    return [*lines, f"partial report: {report.resolve()}"]


def _collect(folder: Path, plans: dict[str, Plan], records, rounds, measured) -> tuple[Path, Path]:
    """The tables of the `records` of cells and of the benchmarks `measured` so far, written to `folder`."""
    from prunescape.analysis.study_tables import write_benchmarks, write_cells
    from prunescape.designs.rounds import Places, read_round

    cells, benchmarks = folder / "cells.parquet", folder / "benchmarks.parquet"
    names = write_cells(records, cells, places=Places(plans, [read_round(path) for path in rounds]))
    write_benchmarks([path for path in measured if Path(path).exists()], benchmarks, hyperparameters=names)
    return cells, benchmarks


def _write_partial_report(
    study: dict[str, Any], terms: dict[str, Any], *, cells: Path, benchmarks: Path, missing: list[dict[str, str]]
) -> Path:
    """Write every analysis of these cells, and the report; `missing` holds {cell, reason, log} per missing cell."""
    from prunescape.analysis.analyse import analyse_study, compare_targets
    from prunescape.present.figures.folder import draw_figures
    from prunescape.present.report.page import write_report

    folder, figures, report = cells.parent, cells.parent / "figures", cells.parent / "report.html"
    analyse_study(cells, terms, folder)
    compare_targets(study["objectives"], cells=cells, benchmarks=benchmarks, out=folder)
    drawn = {name: folder / f"{name}.parquet" for name in ("roi", "ellipses", "pareto")}
    draw_figures(study, cells=cells, **drawn, out=figures)
    write_report(study, folder, figures=figures, missing=missing, out=report, variants=folder.parent)
    return report


def missing_cells(results: Path, missing: list[Path], failures: list[Failure]) -> list[dict[str, str]]:
    """Each missing cell's path, why it is missing, and the log of its own job or of one it waited for, if any."""
    causes = {Path(item.log).parent: item.log for item in failures}
    found = []
    for path in missing:
        above = [results / path, *(results / path).parents, results / "data"]
        log = next((causes[folder] for folder in above if folder in causes), "")
        damaged = (results / path / "record.json").exists()
        unknown = "its record is damaged" if damaged else "not trained: the run ended before"
        reason = reason_in(log) if log else unknown
        found.append({"cell": str(path), "reason": reason, "log": log})
    return found


def reason_in(log: str) -> str:
    """Why a job failed: the last line of its log; a job whose log does not end in its error was killed."""
    path = Path(log)
    lines = path.read_text(errors="replace").split("\n") if log and path.is_file() else []
    written = [line.strip() for line in lines if line.strip()]
    if not written:
        return f"{KILLED}; its log is empty"
    return written[-1] if written[-1].startswith(ERROR) else f"{KILLED}; its last line: {written[-1]}"
