"""The folder of a study's tables as a paper prints them: each as Parquet, CSV, Markdown and LaTeX."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from prunescape.analysis.analyse import trial_analysis
from prunescape.analysis.results import Analysis
from prunescape.errors import InputError
from prunescape.present.published import check_reference
from prunescape.present.study_terms import StudyTerms
from prunescape.present.tables import paper_tables as paper
from prunescape.present.tables.arm_tables import arm_tables
from prunescape.present.tables.formats import latex, markdown
from prunescape.present.tables.printed import PrintedTable
from prunescape.store.files import whole_file
from prunescape.store.tables import Columns, write_result

FORMATS = {"md": markdown, "tex": latex}


def write_tables(
    study: dict[str, Any],
    *,
    cells: Path | str,
    ellipses: Path | str,
    risk: Path | str,
    out: Path | str,
    trials: Path | str | None = None,
    benchmarks: Path | str | None = None,
    arms: Mapping[str, Path | str] = MappingProxyType({}),
) -> dict[str, Path]:
    """Write confidence_ellipses, performance_risk and best_accuracies (.parquet, .csv, .md, .tex) into `out`.

    With `trials`, `benchmarks` and the result tables of `arms`, by name, it writes those of arms, too, as `arm_tables`.
    `cells` is a table that the analysis takes, `ellipses` and `risk` are what the analysis wrote of it. `study` is the
    study's summary, or empty; with its `reference` (see `published`) what that work published of the same models and
    data sets stands beside our values. Gives the written paths by file name. Raises InputError for a table that cannot
    be used, an unknown reference, or when `out` cannot be a folder.
    """
    check_reference(study.get("reference"))
    terms = StudyTerms.of(study)
    results = {"ellipses": terms.read("ellipses", ellipses), "risk": terms.read("risk", risk)}
    scores = terms.scores(terms.read_cells(cells))
    written = write_paper_tables(results, scores, terms, study.get("reference"), out)
    if trials and benchmarks and arms:
        places = {"cells": cells, "trials": trials, "benchmarks": benchmarks, "written": arms}
        written |= write_printed(arm_tables(trial_analysis(study["trials"], **places)), out)
    return written


def write_paper_tables(
    results: Mapping[str, pd.DataFrame] | Analysis,
    scores: Mapping[str, pd.DataFrame],
    terms: StudyTerms,
    reference: str | None,
    out: Path | str,
) -> dict[str, Path]:
    """As `write_tables`, from the tables themselves: `ellipses` and `risk`, and the landscapes of every experiment."""
    plane = (terms.all_axes, terms.thresholds)
    ellipse_rows = paper.ellipse_table(results["ellipses"], *plane, reference)
    risk_rows = paper.risk_table(results["risk"], reference)
    accuracy_rows = paper.accuracy_table(scores, terms, reference)
    tables = [
        (ellipse_rows, paper.ellipse_table_columns(*plane), paper.print_ellipses(ellipse_rows, *plane, reference)),
        (risk_rows, paper.RISK_TABLE_COLUMNS, paper.print_risk(risk_rows, reference)),
        (accuracy_rows, paper.ACCURACY_TABLE_COLUMNS, paper.print_accuracies(accuracy_rows, reference)),
    ]
    return write_printed(tables, out)


def write_printed(tables: list[tuple[pd.DataFrame, Columns, PrintedTable]], out: Path | str) -> dict[str, Path]:
    """Write each table, with its columns and its print, in the four formats; gives the written paths by file name."""
    written = {}
    try:
        for frame, columns, printed in tables:
            paths = {kind: Path(out) / f"{printed.name}.{kind}" for kind in ("parquet", "csv", *FORMATS)}
            write_result(frame, columns, parquet=paths["parquet"], csv=paths["csv"])
            for kind, rendered in FORMATS.items():
                with whole_file(paths[kind]) as temporary:
                    temporary.write_text(rendered(printed), encoding="utf-8")
            written |= {path.name: path for path in paths.values()}
    except OSError as error:
        raise InputError(f"the tables cannot be written ({error.strerror})", where=out) from None
    return written
