"""The analysis of a table of cells from anywhere: every result of landscapes and seeds. Needs pandas and pyarrow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from prunescape.analysis.axes import DEFAULT, Choice
from prunescape.analysis.cells_table import scores
from prunescape.analysis.landscape.band import BAND_COLUMNS, band
from prunescape.analysis.landscape.ellipse import ELLIPSE_COLUMNS, ellipses
from prunescape.analysis.landscape.regions import ROI_COLUMNS, THRESHOLDS, regions
from prunescape.analysis.landscape.risk import RISK_COLUMNS, risk
from prunescape.analysis.seeds.seed_tables import SEED_TABLES, seed_tables
from prunescape.analysis.sources.optuna_storage import read_cells_or_trials
from prunescape.analysis.verdict.study_verdicts import Terms, judge_study
from prunescape.analysis.verdict.verdicts import VERDICT_COLUMNS
from prunescape.errors import InputError
from prunescape.store.tables import write_result

if TYPE_CHECKING:
    import pandas as pd

Tables = dict[str, tuple["pd.DataFrame", dict[str, tuple[str, str]]]]


def analyse(
    cells: Path | str, out: Path | str, *, partial: bool = False, terms: Terms | None = None, choice: Choice = DEFAULT
) -> dict[str, Path]:
    """Write each of `tables` (.parquet and .csv) about `cells`, a table or an Optuna storage, into the folder `out`.

    Gives the written paths by file name. `choice` names other axes or another metric than the default ones; results
    then carry their names, and a minimised metric its own sign. `partial` allows a study in progress, as in
    `read_cells`; `terms` are those of the verdicts, as in `judge_study`. Raises InputError for a table that
    `read_cells` refuses, or when `out` cannot be a folder.
    """
    known = read_cells_or_trials(cells, partial=partial, choice=choice)
    landscapes = scores(known)
    choice = replace(choice, thresholds=choice.thresholds or default_thresholds(choice, landscapes, cells))
    out, written = Path(out), {}
    try:
        for name, table in tables(known, landscapes, choice, terms or {}).items():
            written |= {path.name: path for path in (out / f"{name}.parquet", out / f"{name}.csv")}
            write_result(*choice.result(*table), parquet=out / f"{name}.parquet", csv=out / f"{name}.csv")
    except OSError as error:
        raise InputError(f"the results cannot be written ({error.strerror})", where=out) from None
    return written


def tables(cells: pd.DataFrame, landscapes: pd.DataFrame, choice: Choice, terms: Terms) -> Tables:
    """Each result by its file's name, with its columns. `landscapes` are the `scores` of `cells`.

    Verdicts and what else counts in percentage points need such a metric, the band its two axes.
    """
    roi = regions(landscapes, choice.thresholds)
    shapes = ellipses(roi, landscapes)
    risks = risk(landscapes, roi, base_threshold=choice.thresholds[0])
    found: Tables = {
        "roi": (roi, ROI_COLUMNS),
        "ellipses": (shapes, ELLIPSE_COLUMNS),
        "risk": (risks, RISK_COLUMNS),
    }
    usual = choice.in_percent and choice.thresholds == THRESHOLDS
    if usual:
        found["verdicts"] = (judge_study(cells, terms), VERDICT_COLUMNS)
    if usual and (choice.x, choice.y) == (DEFAULT.x, DEFAULT.y):
        found["band"] = (band(landscapes, roi, shapes), BAND_COLUMNS)
    seeds = seed_tables(landscapes, roi, shapes, risks, choice.thresholds)
    return found | {name: (table, SEED_TABLES[name]) for name, table in seeds.items()}


def default_thresholds(choice: Choice, landscapes: pd.DataFrame, path: Path | str) -> tuple[float, ...]:
    """0.5 and 1.0 percentage points; what is near the best in another unit only its owner knows: InputError."""
    if choice.in_percent:
        return THRESHOLDS
    low, high = sorted(landscapes["score"].agg(["min", "max"]) * (-1 if choice.minimise else 1))
    what = f'how near the best "{choice.metric}" counts as good is not said'
    hint = f"--thresholds, in its own unit: its values go from {low:g} to {high:g}"
    raise InputError(what, where=path, hint=hint)
