"""The lines at the end of a run: what it reached, what failed and why, where the report is."""

from __future__ import annotations

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
    from prunescape.present.summary import summary_lines, verdict_lines
    from prunescape.store.tables import read_result

    results = Path(results)
    report = results / "report.html"
    if not report.exists():
        raise InputError("there is no report yet", where=results, hint="run snakemake to its end")
    lines = summary_lines(read_result(results / "risk.parquet", {}))
    lines += verdict_lines(read_result(results / "verdicts.parquet", {}))
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

    `study`, `plans` and `terms` as `write_partial_report` takes them.
    `records` and `measured` are the files that a whole study has, as far as its `rounds` are planned. A partial report
    that cannot be written becomes a line, not an error: why the run failed matters more.
    """
    from prunescape.analysis.collect import is_readable
    from prunescape.running.partial_report import write_partial_report

    results = Path(results)
    present = [path for path in records if Path(path).exists() and is_readable(path)]
    absent = [Path(path).parent.relative_to(results) for path in records if path not in set(present)]
    known = {"plans": plans, "terms": terms}
    there = {"records": present, "rounds": rounds, "measured": [path for path in measured if Path(path).exists()]}
    listed = [{"rule": item.rule, "log": item.log, "reason": reason_in(item.log)} for item in failures]
    lines = [f"failed jobs: {len(failures)}; missing cells: {len(absent)} of {len(records)}"]
    lines += [f"  {item['rule']}: {item['reason']}\n    log: {Path(item['log']).resolve()}" for item in listed]
    if shutil.disk_usage(results).free < LEAST_FREE:
        lines.append(f"no space left on the disk of {results.resolve()}: free some and run again")
    try:
        report = write_partial_report(
            results, study, **known, **there, missing=missing_cells(results, absent, failures)
        )
    except Exception as error:  # whatever breaks here must not hide why the run failed
        return [*lines, f"no partial report: {error}"]
    return [*lines, f"partial report: {report.resolve()}"]


def missing_cells(results: Path, missing: list[Path], failures: list[Failure]) -> list[dict[str, str]]:
    """For each missing cell: its path, why it is missing, and the log with the reason, if there is one.

    A cell is missing because of its own job, or of one that it waited for: its variant's plan, its data.
    """
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
