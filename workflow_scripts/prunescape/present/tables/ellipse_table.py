"""The table of confidence ellipses, with the rows and columns of matthiesen2023, Table 4.1."""

from collections.abc import Iterable, Sequence

import pandas as pd

from prunescape.analysis.axes import Axes, Axis
from prunescape.analysis.keys import VARIANT_KEY
from prunescape.present.labels import axis_symbol, axis_title, joined, length_unit, roi_title
from prunescape.present.published import suffix
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table

COUNTS = {
    "fitted": ("int64", "seeds whose ROI has 5 points or more: means and deviations are over these"),
    "truncated": ("int64", "how many of these have a point of the ROI on the edge of the grid"),
    "collinear": ("int64", "how many of these have all points on a line"),
}


def ellipse_table_columns(axes: Sequence[Axes], thresholds: Iterable[float]) -> dict[str, tuple[str, str]]:
    """The schema of `ellipse_table`: per threshold the counts, lengths, and the centre on every axis of a plane."""
    columns: dict[str, tuple[str, str]] = dict(ROW_COLUMNS)
    for x in thresholds:
        columns |= {**_named(COUNTS, x), **mean_columns(_named(_shape(axes), x))}
    return columns


def ellipse_table(
    ellipses: pd.DataFrame, axes: Sequence[Axes], thresholds: Sequence[float], reference: str | None
) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `ellipse_table_columns`.

    `ellipses` as the function of this name gives them, one per seed: null under 5 points, and then left out here.
    `axes` are those of the experiments; `thresholds` come in the order of the columns.
    """
    per_seed = [*VARIANT_KEY, "seed"]
    seeds, shape = ellipses[per_seed].drop_duplicates(), _shape(axes)
    for x in thresholds:
        names = {name: f"{name}_{suffix(x)}" for name in (*shape, "truncated", "collinear")}
        rows = ellipses.loc[ellipses["threshold"] == x, [*per_seed, *names]].rename(columns=names)
        seeds = seeds.merge(rows, on=per_seed, how="left", validate="1:1")
    table = over_seeds(seeds, [name for x in thresholds for name in _named(shape, x)], reference)
    for x in thresholds:
        fitted = seeds[seeds[f"length_{suffix(x)}"].notna()]
        counts = fitted.groupby(VARIANT_KEY)[[f"{name}_{suffix(x)}" for name in ("truncated", "collinear")]].sum()
        counts.insert(0, f"fitted_{suffix(x)}", fitted.groupby(VARIANT_KEY).size())
        table = table.join(counts, on=VARIANT_KEY)
        table[list(counts)] = table[list(counts)].fillna(0).astype("int64")
    return table[list(ellipse_table_columns(axes, thresholds))]


def print_ellipses(
    table: pd.DataFrame, axes: Sequence[Axes], thresholds: Sequence[float], reference: str | None
) -> PrintedTable:
    """`ellipse_table` as it is printed: lengths with two decimals, centres with one, as in the paper."""
    columns, planes = [], _planes(axes)
    for x in thresholds:
        end = suffix(x)
        columns += [
            Column("length", (f"length_{end}",), 2, _flags(end)),
            Column("width", (f"width_{end}",), 2),
            *(Column(_centre_head(plane, planes), _centre_names(plane, end), 1) for plane in planes),
        ]
    regions = joined([f"the {roi_title(x)}" for x in thresholds])
    centre = joined([f"({', '.join(map(axis_title, plane))})" for plane in planes])
    notes = [
        f"Length, width and centre of the confidence ellipses fitted to {regions} (as Table 4.1 of Matthiesen, 2023).",
        f"Length and width in {length_unit(sum(planes, ()))}; centre: {centre}. –: fewer than 5 cells.",
    ]
    marks = {
        "*": "the region reaches the edge of the grid, so it may go on beyond",
        "|": "its cells lie on a line",
        "†": "only some of the seeds have 5 cells in the region; the mean is over these",
    }
    spans = [(roi_title(x), 2 + len(planes)) for x in thresholds]
    return printed_table(table, columns, reference, title="Confidence ellipses", notes=notes, marks=marks, spans=spans)


def _planes(axes: Sequence[Axes]) -> list[tuple[Axis, Axis]]:
    """The different planes (x, y) of the experiments' ellipses."""
    return list(dict.fromkeys((known.x, known.y) for known in axes))


def _centre_head(plane: tuple[Axis, Axis], planes: list) -> str:
    return "centre" if len(planes) == 1 else f"centre ({', '.join(map(axis_symbol, plane))})"


def _centre_names(plane: tuple[Axis, Axis], end: str) -> tuple[str, ...]:
    return tuple(f"centre_{axis.name}_{end}" for axis in plane)


def _shape(axes: Sequence[Axes]) -> dict[str, str]:
    """The columns of an ellipse that are averaged over seeds, and their meanings."""
    planes = _planes(axes)
    unit = length_unit(sum(planes, ()))
    centre = {f"centre_{axis.name}": f"mean {axis_title(axis)} of the ROI" for plane in planes for axis in plane}
    return {
        "length": f"longest diameter of the ellipse, {unit}",
        "width": f"shortest diameter, {unit}; 0 when the points lie on a line",
        **centre,
    }


def _named(columns: dict, threshold: float) -> dict:
    return {f"{name}_{suffix(threshold)}": meaning for name, meaning in columns.items()}


def _flags(end: str):
    """The marks of a row's ellipse, with the signs that the report uses."""

    def flags(row: dict) -> str:
        few = 0 < row[f"fitted_{end}"] < row["seeds"]
        return "*" * (row[f"truncated_{end}"] > 0) + "|" * (row[f"collinear_{end}"] > 0) + "†" * few

    return flags
