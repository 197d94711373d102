"""The paper's tables of our results: ellipses, risk and best accuracies (matthiesen2023, Tables 4.1, 4.2 and 3.4)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from prunescape.analysis.axes import LANDSCAPE, VARIANT_KEY, Axes, Axis
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.labels import axis_symbol, axis_title, joined, length_unit, roi_title
from prunescape.present.published import PRIORS, ROW_COLUMNS, mean_columns, over_seeds, place_in_paper, suffix
from prunescape.present.study_terms import StudyTerms
from prunescape.present.tables.printed import Column, PrintedTable, printed_table

COUNTS = {
    "fitted": ("int64", "seeds whose ROI has 5 points or more: means and deviations are over these"),
    "truncated": ("int64", "how many of these have a point of the ROI on the edge of the grid"),
    "collinear": ("int64", "how many of these have all points on a line"),
}
RISKS = {
    "d_mean": "mean risk over the base's region of good settings, percentage points",
    "d_std": "its standard deviation over settings in the 1/n form, percentage points",
    "d_rel_mean": "mean of risk / best, a share",
    "d_rel_std": "its standard deviation over settings in the 1/n form, a share",
    "d_rel_within_2": "share of the settings whose risk / best is at most twice the base's largest one",
}
RISK_TABLE_COLUMNS: dict[str, tuple[str, str]] = {
    **ROW_COLUMNS,
    "estimated": ("int64", "seeds with a risk: their base has a region that the variant was trained in"),
    "settings": ("int64", "settings of the base's regions that the variant was trained at, summed over seeds"),
    "diverged": ("int64", "how many of these diverged"),
    **mean_columns(RISKS),
}
ACCURACIES = {
    "best": "score of the best cell, percent on the test split",
    "prior_score": "score of the cell at the prior, percent on the test split",
}
ACCURACY_TABLE_COLUMNS: dict[str, tuple[str, str]] = {**ROW_COLUMNS, **mean_columns(ACCURACIES)}
NEAR = 1e-9  # values of one setting may differ by rounding


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
    heads = [f"centre ({', '.join(map(axis_symbol, plane))})" for plane in planes] if len(planes) > 1 else ["centre"]
    centres = list(zip(heads, planes, strict=True))
    for x in thresholds:
        end = suffix(x)
        columns += [
            Column("length", (f"length_{end}",), 2, partial(_marks, end=end)),
            Column("width", (f"width_{end}",), 2),
            *(Column(head, tuple(f"centre_{axis.name}_{end}" for axis in plane), 1) for head, plane in centres),
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


def _marks(row: dict, end: str) -> str:
    """The marks of a row's ellipse, with the signs that the report uses."""
    few = 0 < row[f"fitted_{end}"] < row["seeds"]
    return "*" * (row[f"truncated_{end}"] > 0) + "|" * (row[f"collinear_{end}"] > 0) + "†" * few


def risk_table(risk: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `RISK_TABLE_COLUMNS`; `risk` as `risk.risk`."""
    table = over_seeds(risk, list(RISKS), reference)
    counts = risk.assign(estimated=risk["n"] > 0).groupby(VARIANT_KEY)[["estimated", "n", "n_diverged"]].sum()
    table = table.join(counts.rename(columns={"n": "settings", "n_diverged": "diverged"}), on=VARIANT_KEY)
    return table.astype({"estimated": "int64"})[list(RISK_TABLE_COLUMNS)]


def print_risk(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`risk_table` as it is printed: three decimals as in the paper, behind them the share within twice the base's."""
    columns = [
        Column("d_mean", ("d_mean",), 3, lambda row: "×" * (row["diverged"] > 0)),
        Column("d_std", ("d_std",), 3),
        Column("d_mean^R", ("d_rel_mean",), 3),
        Column("d_std^R", ("d_rel_std",), 3),
        Column("within 2×", ("d_rel_within_2",), 2),
    ]
    notes = [
        "Mean and standard deviation of the performance risk (percentage points) and of the relative performance risk "
        "(R, a share) when the base's settings are kept after pruning (as Table 4.2 of Matthiesen, 2023).",
        "Within 2×: share of the base's good settings at which the relative risk is at most twice the base's largest "
        "one (section 4.2; not in the published table). –: no such setting was trained.",
    ]
    marks = {"×": "some of the settings diverged and count at chance level"}
    return printed_table(table, columns, reference, title="Performance risk", notes=notes, marks=marks)


def accuracy_table(scores: Mapping[str, pd.DataFrame], terms: StudyTerms, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `ACCURACY_TABLE_COLUMNS`.

    `scores` are the landscapes of each experiment. An experiment without a prior has the published one where the
    reference has its model and data set, else none.
    """
    parts = [_of_experiment(rows, terms, reference) for rows in scores.values()]
    best = pd.concat(parts) if parts else pd.DataFrame(columns=[*LANDSCAPE, *ACCURACIES])
    return over_seeds(best, list(ACCURACIES), reference)[list(ACCURACY_TABLE_COLUMNS)]


def _of_experiment(scores: pd.DataFrame, terms: StudyTerms, reference: str | None) -> pd.DataFrame:
    name, *model = scores[["experiment", "model", "dataset"]].iloc[0]
    axes, prior = terms.axes_of(name), terms.priors.get(name)
    if prior is None and place_in_paper(reference, *model) is not None:
        prior = PRIORS[reference]
    best = best_cells(scores, axes)[[*LANDSCAPE, "score"]].rename(columns={"score": "best"})
    at_prior = scores[_is_at(scores, axes, prior or {})][[*LANDSCAPE, "score"]].rename(columns={"score": "prior_score"})
    return best.merge(at_prior, on=LANDSCAPE, how="left", validate="1:1")


def _is_at(scores: pd.DataFrame, axes: Axes, prior: Mapping[str, Any]) -> pd.Series:
    """Which cells are at the prior; none where it does not give every axis."""
    if not set(axes.names) <= set(prior):
        return pd.Series(False, index=scores.index)
    at = pd.Series({name: float(prior[name]) for name in axes.names})
    return ((scores[axes.names] - at).abs() < NEAR).all(axis=1)


def print_accuracies(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`accuracy_table` as it is printed, with as many decimals as the paper gives."""
    columns = [Column("best", ("best",), 2), Column("at the prior", ("prior_score",), 3)]
    notes = [
        "Accuracy on the test split, in percent: of each variant's best cell (section 4.1.1 of Matthiesen, 2023) and "
        "of its cell at the prior (Table 3.4, which gives the base's).",
        "–: there is no such cell, or no such published value.",
    ]
    return printed_table(table, columns, reference, title="Best accuracies", notes=notes, marks={})
