"""The table of confidence ellipses, with the rows and columns of matthiesen2023, Table 4.1. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import VARIANT_KEY
from prunescape.present.published import suffix
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (1.0, 0.5)
SHAPE = {
    "length": "longest diameter of the ellipse, decades (log10 units)",
    "width": "shortest diameter, decades; 0 when the points lie on a line",
    "centre_log10_wd": "mean log10 weight decay of the ROI",
    "centre_log10_lr": "mean log10 learning rate of the ROI",
}
COUNTS = {
    "fitted": ("int64", "seeds whose ROI has 5 points or more: means and deviations are over these"),
    "truncated": ("int64", "how many of these have a point of the ROI on the edge of the grid"),
    "collinear": ("int64", "how many of these have all points on a line"),
}


def _named(columns: dict, threshold: float) -> dict:
    return {f"{name}_{suffix(threshold)}": meaning for name, meaning in columns.items()}


ELLIPSE_TABLE_COLUMNS: dict[str, tuple[str, str]] = dict(ROW_COLUMNS)
for _x in THRESHOLDS:
    ELLIPSE_TABLE_COLUMNS |= {**_named(COUNTS, _x), **mean_columns(_named(SHAPE, _x))}


def ellipse_table(ellipses: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `ELLIPSE_TABLE_COLUMNS`.

    `ellipses` as `ellipse.ellipses` gives them, one per seed: null under 5 points, and then left out here.
    """
    per_seed = [*VARIANT_KEY, "seed"]
    seeds = ellipses[per_seed].drop_duplicates()
    for x in THRESHOLDS:
        names = {name: f"{name}_{suffix(x)}" for name in (*SHAPE, "truncated", "collinear")}
        own = ellipses.loc[ellipses["threshold"] == x, [*per_seed, *names]].rename(columns=names)
        seeds = seeds.merge(own, on=per_seed, how="left", validate="1:1")
    shapes = [name for x in THRESHOLDS for name in _named(SHAPE, x)]
    table = over_seeds(seeds, shapes, reference)
    for x in THRESHOLDS:
        fitted = seeds[seeds[f"length_{suffix(x)}"].notna()]
        counts = fitted.groupby(VARIANT_KEY)[[f"{name}_{suffix(x)}" for name in ("truncated", "collinear")]].sum()
        counts.insert(0, f"fitted_{suffix(x)}", fitted.groupby(VARIANT_KEY).size())
        table = table.join(counts, on=VARIANT_KEY)
        table[list(counts)] = table[list(counts)].fillna(0).astype("int64")
    return table[list(ELLIPSE_TABLE_COLUMNS)]


def print_ellipses(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`ellipse_table` as it is printed: lengths with two decimals, centres with one, as in the paper."""
    columns = []
    for x in THRESHOLDS:
        end = suffix(x)
        columns += [
            Column("length", (f"length_{end}",), 2, _flags(end)),
            Column("width", (f"width_{end}",), 2),
            Column("centre", (f"centre_log10_wd_{end}", f"centre_log10_lr_{end}"), 1),
        ]
    notes = [
        "Length, width and centre of the confidence ellipses fitted to the 1.0-ROI and the 0.5-ROI (as Table 4.1 of "
        "Matthiesen, 2023).",
        "Length and width in decades; centre: (log10 weight decay, log10 learning rate). –: fewer than 5 cells.",
    ]
    marks = {
        "*": "the region reaches the edge of the grid, so it may go on beyond",
        "|": "its cells lie on a line",
        "†": "only some of the seeds have 5 cells in the region; the mean is over these",
    }
    spans = [(f"{x:.1f}-ROI", 3) for x in THRESHOLDS]
    return printed_table(table, columns, reference, name="confidence_ellipses", notes=notes, marks=marks, spans=spans)


def _flags(end: str):
    """The marks of a row's ellipse, with the signs that the report uses."""

    def flags(row: dict) -> str:
        few = 0 < row[f"fitted_{end}"] < row["seeds"]
        return "*" * (row[f"truncated_{end}"] > 0) + "|" * (row[f"collinear_{end}"] > 0) + "†" * few

    return flags
