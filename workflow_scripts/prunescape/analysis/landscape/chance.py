"""Whether a variant learnt anything: the best of its cells against what guessing scores."""

from collections.abc import Container, Mapping

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, GROUP, VARIANT_KEY_COLUMNS, Metric
from prunescape.store.records import GRID, OK, TRIAL

LEVEL = 0.05  # chance of taking a variant that only guesses for one that learnt
GUESSES = {"top1": 1, "top5": 5}
VARIANT = [*GROUP, "variant"]
CHANCE_TEST_COLUMNS = {
    **VARIANT_KEY_COLUMNS,
    "cells": ("int64", "cells of the variant's grid or trials, of all seeds"),
    "diverged": ("int64", "those that diverged"),
    "best": ("float64", "best score of a cell that converged, percent on the test split; null without one"),
    "chance": ("float64", "what guessing scores, percent: the largest class's share, else one class of all"),
    "tested": ("int64", "images in the test split; null where it is not known, or cells differ"),
    "p": ("float64", "exact binomial test of the best cell against chance, one-sided, times the cells that converged"),
    "learnt": ("bool", f"false: every cell diverged, or p is above {LEVEL:g}; true where nothing can be tested"),
}


def chance_p(correct: np.ndarray, tested: np.ndarray, chance: float) -> float:
    """p of "no cell is better than guessing", from cells, (n,), with `correct` of `tested` images; nan if not known.

    Guessing is right on an image with probability `chance`, so that the images it gets right are at most binomial:
    p = P(X >= correct), X ~ B(tested, chance), the one-sided exact binomial test (Clopper and Pearson 1934). The best
    of n cells is taken, so p is multiplied by n (Bonferroni), which holds although all cells see the same images.
    """
    from scipy.stats import binom

    found = binom.sf(correct - 1, tested, chance)
    return float(np.minimum(1.0, len(found) * np.min(found))) if len(found) else np.nan


def chance_tests(cells: pd.DataFrame, metric: Metric = DEFAULT_METRIC) -> pd.DataFrame:
    """One row per variant in the first metric, as CHANCE_TEST_COLUMNS; `cells` as `read_cells` gives them.

    The images in the test split, `tested`, and the number of `classes` are columns that a table may lack; so is
    `largest_class`, the images of its most frequent class: a network that names that class for every image is right on
    as many.
    """
    name = metric.names[0]
    if not metric.in_percent:  # chance is not known
        return pd.DataFrame(columns=list(CHANCE_TEST_COLUMNS))
    grid = cells[cells["stage"].isin((GRID, TRIAL))] if "stage" in cells else cells
    known = {column: _counts(grid, column) for column in ("classes", "tested", "largest_class")}
    grid = grid.assign(**known, status=grid.get("status", OK), score=grid[name])
    rows = [
        dict(zip(VARIANT, key, strict=True)) | {"metric": name} | _tested(part, GUESSES[name])
        for key, part in grid.groupby(VARIANT, sort=True)
    ]
    types = {column: kind for column, (kind, _) in CHANCE_TEST_COLUMNS.items() if kind != "string"}
    return pd.DataFrame(rows, columns=list(CHANCE_TEST_COLUMNS)).astype(types | {"tested": "Int64"})


def _counts(cells: pd.DataFrame, column: str) -> pd.Series:
    """A column of counts; null where a table has none, or means something else by that name."""
    counts = pd.to_numeric(cells.get(column, pd.Series(np.nan, cells.index)), errors="coerce").astype("float64")
    return counts.where((counts > 0) & (cells.get(column, counts).dtype != bool))


def _tested(cells: pd.DataFrame, guesses: int) -> dict[str, object]:
    """The test of ONE variant."""
    good = cells[cells["status"] == OK]
    tested = good["tested"].to_numpy(float)
    shares = np.concatenate([guesses / cells["classes"].to_numpy(float), _majority(cells, guesses)])
    share = min(float(pd.Series(shares).max()), 1.0)
    p = chance_p(np.rint(good["score"].to_numpy(float) / 100 * tested), tested, share)
    return {
        "cells": len(cells),
        "diverged": len(cells) - len(good),
        "best": good["score"].max(),
        "chance": 100 * share,
        "tested": tested[0] if len(np.unique(tested)) == 1 and tested[0] == tested[0] else None,
        "p": p,
        "learnt": len(good) > 0 and not p > LEVEL,
    }


def _majority(cells: pd.DataFrame, guesses: int) -> np.ndarray:
    """The share of the largest class, which bounds one guess alone."""
    return (cells["largest_class"] / cells["tested"]).to_numpy(float) if guesses == 1 else np.empty(0)


def no_answers(tests: pd.DataFrame) -> dict[tuple, str]:
    """Why nothing can be said of a variant, by experiment, model, data set and variant: it or its base learnt nothing.

    A landscape of guesses has a best cell and good settings too, but by luck alone.
    """
    reasons = {tuple(row[name] for name in VARIANT): _reason(row) for row in tests.to_dict("records")}
    found = {}
    for key, reason in reasons.items():
        base = reasons.get((*key[:-1], "base"), "")
        text = base.format("the base") or reason.format("the variant")
        found |= {key: text} if text else {}
    return found


def _reason(row: Mapping) -> str:
    """What happened to a variant, a gap for its name; empty where it learnt something."""
    if row["learnt"]:
        return ""
    if row["diverged"] == row["cells"]:
        return "every cell of {} diverged"
    return f"{{}} learnt nothing: its best score is {row['best']:.2f} %, chance is {row['chance']:.4g} %"


def without_answer(table: pd.DataFrame, tests: pd.DataFrame) -> np.ndarray:
    """(rows,) whether each row of a table with a variant's key is of one that, or whose base, learnt nothing."""
    return _rows_of(table, VARIANT, no_answers(tests))


def learnt_nothing(table: pd.DataFrame, tests: pd.DataFrame) -> np.ndarray:
    """(rows,) whether each row of a table with experiment and variant is of a variant that itself learnt nothing."""
    keys = ["experiment", "variant"]
    return _rows_of(table, keys, set(tests.loc[~tests["learnt"].astype(bool), keys].itertuples(index=False, name=None)))


def _rows_of(table: pd.DataFrame, columns: list[str], keys: Container[tuple]) -> np.ndarray:
    return np.array([key in keys for key in table[columns].itertuples(index=False, name=None)], bool)
