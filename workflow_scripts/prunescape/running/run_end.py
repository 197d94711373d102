"""The lines at the end of a run: what it reached, what failed and why, where the report is."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prunescape.designs.plan import Plan
from prunescape.errors import InputError
from prunescape.running.failures import Failure, reason_in
from prunescape.store.files import read_json, write_json

LEAST_FREE = 1_000_000  # bytes; below, a job may have had no room for its error message
PARTIAL, LACKING = "partial", "lacking.json"
OF_UNTRAINED = ("export_architecture", "measure_architecture", "measure_remote_architecture")
OF_TARGETS = ("export_onnx", "benchmark_target", "benchmark_remote_target", *OF_UNTRAINED)
# tables that figures show
DRAWN = ("roi", "ellipses", "pareto", "inferred_roi", "inferred_ellipses", "verdicts", "looks", "efficiency", "curves")
DRAWN_OF_TRIALS = ("trials", "trial_efficiency")


@dataclass(frozen=True)
class Expected:
    """The files that a whole study has, as far as its `rounds` are planned; `plans` holds each experiment's.

    `untrained` are the measurements of variants before training, none where the study asks for none.
    `all_planned`: no round is to come. `search_rounds` are those of searches, which have the terms `searches`;
    `search_costs` are what `write_search_tables` reads the costs of variants from.
    """

    plans: dict[str, Plan]
    records: list[str]
    rounds: list[str]
    measured: list[str]
    data: list[str]
    untrained: list[str] = field(default_factory=list)
    all_planned: bool = True
    search_rounds: list[str] = field(default_factory=list)
    searches: dict[str, Any] = field(default_factory=dict)
    search_costs: dict[str, Any] = field(default_factory=dict)


def finished_lines(results: Path | str) -> list[str]:
    """The summary of the finished study in the folder `results`; raises InputError when it is not finished.

    A study whose cells are all there, but not all of its targets, is finished but for them, and the lines say so.
    """
    results = Path(results)
    report, lacking = results / "report.html", results / PARTIAL / LACKING
    if not report.exists():
        raise InputError("there is no report yet", where=results, hint="run snakemake to its end")
    unmeasured = read_json(lacking)["targets"] if lacking.exists() else []
    lines = [*_summary(results, results), *(unmeasured_line(results, entry) for entry in unmeasured)]
    return [*lines, f"report: {report.resolve()}"]


def _summary(folder: Path, results: Path) -> list[str]:
    """What the tables of results in a folder show, what has no answer first; `results` is the study's folder."""
    from prunescape.analysis.cost.measured import written_columns
    from prunescape.analysis.cost.speedups import SPEEDUP_COLUMNS, odd_widths
    from prunescape.present.report.target_sentences import slower_lines
    from prunescape.present.summary import no_answer_lines, summary_lines, trial_lines, verdict_lines
    from prunescape.store.tables import read_result

    shown = {"chance_tests": no_answer_lines, "risk": summary_lines, "verdicts": verdict_lines}
    shown |= {"best_settings": trial_lines} if (folder / "best_settings.parquet").exists() else {}
    known = [line for name, lines in shown.items() for line in lines(read_result(folder / f"{name}.parquet", {}))]
    speedups = folder / "speedups.parquet"  # a study that lacks a target has its comparison elsewhere, if any
    if not speedups.exists():
        return known
    compared = read_result(speedups, written_columns(SPEEDUP_COLUMNS, None))
    return [*known, *slower_lines(compared, odd_widths(results))]


def failed_lines(
    results: Path | str, study: dict[str, Any], expected: Expected, *, terms: dict[str, Any], failures: list[Failure]
) -> list[str]:
    """What failed, why, and its log; writes the report of what is there and names it.

    `study` is the study's summary, `terms` are those of `Study.analysis_terms`. Where all cells are there and only
    targets or exports failed, the report is the study's, without these targets; else it is a partial one. A report that
    cannot be written becomes a line, not an error: why the run failed matters more.
    """
    from prunescape.analysis.study_tables import is_readable

    results = Path(results)
    present = [path for path in expected.records if Path(path).exists() and is_readable(path)]
    absent = [Path(path).parent.relative_to(results) for path in expected.records if path not in set(present)]
    lines = [f"failed jobs: {len(failures)}; missing cells: {len(absent)} of {len(expected.records)}"]
    lines += [f"  {text}" for text in failure_texts(failures)]
    if shutil.disk_usage(results).free < LEAST_FREE:
        lines.append(f"no space left on the disk of {results.resolve()}: free some and run again")
    missing = missing_cells(results, absent, failures)
    unmeasured = unmeasured_targets(results, expected.measured, failures)
    done = bool(failures) and expected.all_planned and not absent
    whole = done and {failure.rule for failure in failures} <= set(OF_TARGETS)
    try:
        cells, benchmarks = _collect(results / PARTIAL, expected, present, expected.data if whole else [])
        lacking = {"missing": missing, "unmeasured": unmeasured}
        before = _collect_untrained(cells.parent, study, expected)
        given = {"cells": cells, "benchmarks": benchmarks, "architectures": before}
        report = _write_report(study, terms, **given, lacking=lacking, whole=whole)
        reached = ["", *_summary(cells.parent, results)] if whole else []
    except Exception as error:  # whatever breaks here must not hide why the run failed
        return [*lines, f"no partial report: {error}"]
    reached += [unmeasured_line(results, entry) for entry in unmeasured] if whole else []
    return [*lines, *reached, f"{'report without these targets' if whole else 'partial report'}: {report.resolve()}"]


def failure_texts(failures: list[Failure]) -> list[str]:
    """Which jobs failed, and why; variants that a target could not measure for one reason are one line."""
    alike: dict[tuple, list[Failure]] = {}
    for place, failure in enumerate(failures):
        untrained = failure.rule in OF_UNTRAINED
        key = (failure.rule, failure.wildcards.get("target"), reason_in(failure.log)) if untrained else place
        alike.setdefault(key, []).append(failure)
    return [_text_of(each) for each in alike.values()]


def _text_of(alike: list[Failure]) -> str:
    """The text of the first of these, with the number of the others."""
    from prunescape.present.numbers import counted

    more = f" (and {counted(len(alike) - 1, 'variant')} more)\n" if len(alike) > 1 else "\n"
    return alike[0].text.replace("\n", more, 1)


def architecture_lines(measured: list[str], objectives: dict[str, Any], failures: list[Failure]) -> list[str]:
    """What failed, and what targets rule out of the untrained variants that were `measured` by now."""
    from prunescape.analysis.cost.architectures import read_architectures
    from prunescape.analysis.cost.inference_settings import ruled_out
    from prunescape.present.architecture_words import ruled_out_lines

    there = [path for path in measured if Path(path).exists()]
    failed = [f"failed jobs: {len(failures)}", *(f"  {text}" for text in failure_texts(failures))]
    lines = failed if failures else []
    return [*lines, *ruled_out_lines(ruled_out(read_architectures(there), objectives))]


def _collect(folder: Path, expected: Expected, records: list[str], data: list[str]) -> tuple[Path, Path]:
    """The tables of the `records` of cells, learnt from `data`, and of the benchmarks so far, written to `folder`."""
    from prunescape.analysis.efficiency.curves import write_curves
    from prunescape.analysis.study_tables import write_benchmarks, write_cells, write_trials
    from prunescape.designs.rounds import Places, read_round
    from prunescape.designs.searched import write_search_tables
    from prunescape.designs.trials import trial_rows

    cells, benchmarks = folder / "cells.parquet", folder / "benchmarks.parquet"
    rounds = [*expected.rounds, *expected.search_rounds]
    places = Places(expected.plans, [read_round(path) for path in rounds])
    write_cells(records, cells, places=places, data=data)
    write_trials(trial_rows(expected.plans), folder / "trials.parquet")
    write_curves(records, folder / "curves.parquet")
    write_benchmarks([path for path in expected.measured if Path(path).exists()], benchmarks, cells=cells)
    if expected.searches:
        rounds = expected.search_rounds
        write_search_tables(expected.searches, cells=cells, rounds=rounds, out=folder, **expected.search_costs)
    return cells, benchmarks


def _collect_untrained(folder: Path, study: dict[str, Any], expected: Expected) -> Path | None:
    """The table of what was measured of untrained variants so far, in `folder`; None where the study asks for none."""
    from prunescape.analysis.analyse import collect_architectures

    if not expected.untrained:
        return None
    there = [path for path in expected.untrained if Path(path).exists()]
    return collect_architectures(study["objectives"], measured=there, out=folder)["architectures.parquet"]


def _write_report(
    study: dict[str, Any],
    terms: dict[str, Any],
    *,
    cells: Path,
    benchmarks: Path,
    architectures: Path | None,
    lacking: dict[str, list[dict[str, str]]],
    whole: bool,
) -> Path:
    """Write every analysis of these cells, and the report, beside them or, if `whole`, where a finished study has it.

    `lacking` is what `write_report` takes as missing and unmeasured.
    """
    from prunescape.analysis.analyse import analyse_study, analyse_trials, compare_targets
    from prunescape.present.figures.folder import DRAWN_ARMS, DRAWN_FACTORS, draw_figures
    from prunescape.present.report.page import write_report

    folder = cells.parent
    place = folder.parent if whole else folder
    analyse_study(cells, terms, folder)
    given = {"cells": cells, "benchmarks": benchmarks, "architectures": architectures}
    compare_targets(study["objectives"], **given, risk_threshold=terms["risk_threshold"], out=folder)
    trials = folder / "trials.parquet"
    analyse_trials(study.get("trials", {}), cells=cells, trials=trials, benchmarks=benchmarks, out=folder)
    drawn = {name: folder / f"{name}.parquet" for name in (*DRAWN, *DRAWN_OF_TRIALS)}
    factors, arms = ({name: folder / f"{name}.parquet" for name in names} for names in (DRAWN_FACTORS, DRAWN_ARMS))
    more = {"factor_tables": factors, "benchmarks": benchmarks, "arm_tables": arms}
    searched = folder / "tuning_trials.parquet"
    more |= {"tuning_trials": searched} if searched.exists() else {}
    more |= {"pipelines": folder / "pipelines.parquet"} if study.get("compares_pipelines") else {}
    draw_figures(study, cells=cells, **drawn, **more, out=place / "figures")
    write_report(study, folder, figures=place / "figures", **lacking, out=place / "report.html", variants=folder.parent)
    write_json(folder / LACKING, {"targets": lacking["unmeasured"]})
    if whole:  # figures and report rest on this table: without it the next run makes all of them again
        (place / benchmarks.name).unlink(missing_ok=True)
    return place / "report.html"


def unmeasured_targets(results: Path, measured: list[str], failures: list[Failure]) -> list[dict[str, str]]:
    """Each target that gave no measurements of an experiment, why, and the log of its job or of one it waited for.

    Logs are named from the folder `results`, which may be moved.
    """
    found = []
    for path in map(Path, measured):
        if path.exists():
            continue
        logs = [Path(failure.log) for failure in failures]
        own = [log for log in logs if log == path.with_suffix(".log")]
        before = [log for log in logs if path.parent in log.parents]
        log = next(iter(own + before + logs), None)
        reason = reason_in(str(log)) if log else "the run ended before"
        log = os.path.relpath(log, results) if log else ""
        target = path.stem.removeprefix("target=")
        experiment = path.parent.name.removeprefix("experiment=")
        found.append({"target": target, "experiment": experiment, "reason": reason, "log": log})
    return found


def unmeasured_line(results: Path, entry: dict[str, str]) -> str:
    """What a target lacks, as one line."""
    log = f"; log: {(results / entry['log']).resolve()}" if entry["log"] else ""
    return f"{entry['experiment']}: target {entry['target']} was not measured: {entry['reason']}{log}"


def missing_cells(results: Path, missing: list[Path], failures: list[Failure]) -> list[dict[str, str]]:
    """Each missing cell's path, why it is missing, and the log of its own job or of one it waited for, if any."""
    causes = {Path(item.log).parent: item for item in failures}
    found = []
    for path in missing:
        above = [results / path, *(results / path).parents, results / "data"]
        cause = next((causes[folder] for folder in above if folder in causes), None)
        damaged = (results / path / "record.json").exists()
        unknown = "its record is damaged" if damaged else "not trained: the run ended before"
        reason, log = (cause.reason, cause.log) if cause else (unknown, "")
        found.append({"cell": str(path), "reason": reason, "log": log})
    return found
