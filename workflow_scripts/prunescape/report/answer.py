"""The answer of an experiment in words, computed from its cells and risk. Needs pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prunescape.figures.style import variant_title
from prunescape.landscape.risk import BASE_THRESHOLD
from prunescape.landscape.roi import TOLERANCE
from prunescape.landscape.table import SETTING, variant_order
from prunescape.report.caution import diverged, limits, luck, resolution
from prunescape.report.numbers import counted, number, setting, short, whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VariantAnswer:
    """What the numbers say about one variant: a line to skim and the sentences behind it."""

    variant: str
    headline: str
    sentences: list[str]


@dataclass(frozen=True)
class ExperimentAnswer:
    """What the numbers of one experiment say, and what they cannot say."""

    opening: list[str]
    variants: list[VariantAnswer]
    limits: list[str]


def answer_experiment(cells: pd.DataFrame, risk: pd.DataFrame) -> ExperimentAnswer:
    """The answer for `cells` (as `read_cells` gives them) and `risk` of ONE experiment, in top-1.

    The sentences quote the lowest seed that the base was trained with; other seeds' mean risks stand beside it.
    """
    risk = risk[risk["metric"] == "top1"]
    if risk.empty:
        text = "The base has no finished cells, so there is nothing to compare the pruned variants with."
        return ExperimentAnswer([text], [], [])
    seed = int(risk["seed"].min())
    rows = {row.variant: row for row in risk[risk["seed"] == seed].itertuples()}
    here = cells[cells["seed"] == seed]
    tested = _tested(cells)
    seeds = cells["seed"].nunique()
    answers = [
        _variant(here[here["variant"] == name], rows[name], rows["base"], tested, _per_seed(risk, name))
        for name in sorted(rows, key=variant_order)
        if name != "base"
    ]
    pruned = [row for name, row in rows.items() if name != "base" and row.n]
    sizes = here.groupby("variant").size().to_dict()
    opening = [*overall(pruned, rows["base"], tested, sizes), *_opening(rows["base"], seed, seeds, tested)]
    return ExperimentAnswer(opening, answers, limits(rows["base"], tested, seeds))


def overall(pruned: list, base, tested: int | None, sizes: dict[str, int]) -> list[str]:
    """The answer over all pruned variants in a sentence or two; empty when none can be compared.

    `sizes` is each variant's number of cells: a loss counts as more than luck as in `caution.luck`.
    """
    if not pruned:
        return []
    worst = max(pruned, key=lambda row: row.d_mean)
    loss = f"{points(worst.d_mean, tested)} against the base's own {number(base.d_mean)}"
    most = f"{variant_title(worst.variant)}, with {loss}"
    if not tested:
        return [f"Carrying the base's good settings over costs most on {most}, on average."]
    beyond = [row for row in pruned if row.d_mean > luck(row.best, tested, sizes[row.variant])]
    if not beyond:
        return [
            "No pruned variant loses more by taking over the base's good settings than the choice of test images alone "
            f"would make its best cell seem better. The largest mean loss is that of {most}. That is no sign that "
            "retuning is needed, and no proof that it is not."
        ]
    names = ", ".join(variant_title(row.variant) for row in sorted(beyond, key=lambda row: variant_order(row.variant)))
    lose = "loses" if len(beyond) == 1 else "lose"
    return [
        f"{len(beyond)} of {counted(len(pruned), 'pruned variant')} ({names}) {lose} more by taking over the base's "
        "good settings than the choice of test images alone would make the best cell seem better. The largest mean "
        f"loss is that of {most}. That is a reason to look closer, with more seeds, before skipping the tuning."
    ]


def _tested(cells: pd.DataFrame) -> int | None:
    """Images in the test split, where the table says so and all cells agree."""
    known = cells["tested"].dropna().unique() if "tested" in cells else []
    return int(known[0]) if len(known) == 1 else None


def _per_seed(risk: pd.DataFrame, variant: str) -> list[float]:
    return risk[risk["variant"] == variant].sort_values("seed")["d_mean"].dropna().tolist()


def points(value: float, tested: int | None) -> str:
    """A difference in points, and in test images where their number is known."""
    images = f" ({number(value * tested / 100, 1)} of {whole(tested)} test images)" if tested else ""
    return f"{number(value)} points{images}"


def _opening(base, seed: int, seeds: int, tested: int | None) -> list[str]:
    named = f" (seed {seed})" if seeds > 1 else ""
    return [
        f"The unpruned base is best at {setting(base.best_log10_lr, base.best_log10_wd)}{named}, with "
        f"{number(base.best)} %. {counted(base.n, 'setting')} of its grid "
        f"{'comes' if base.n == 1 else 'come'} within {short(BASE_THRESHOLD)} points of that: these are the settings "
        f"one would carry over without tuning. On them the base itself stays {points(base.d_mean, tested)} under its "
        "best on average, which is the yardstick for what follows."
    ]


def _variant(cells: pd.DataFrame, risk, base, tested: int | None, per_seed: list[float]) -> VariantAnswer:
    title = variant_title(risk.variant)
    first = (
        f"Its best of {counted(len(cells), 'cell')} reaches {number(risk.best)} % at "
        f"{setting(risk.best_log10_lr, risk.best_log10_wd)}."
    )
    if risk.n == 0:
        text = f"{title}: none of the base's good settings has a finished cell"
        return VariantAnswer(risk.variant, text, [first, where_best(cells, risk, base, tested)])
    headline = f"{title}: the base's settings lose {points(risk.d_mean, tested)} on average"
    carried = (
        f"Trained at the base's good settings ({counted(risk.n, 'matched cell')}) it stays "
        f"{points(risk.d_mean, tested)} under its own best on average, median {number(risk.d_median)}; "
        f"the base on the same settings {number(base.d_mean)}."
    )
    sentences = [
        first,
        where_best(cells, risk, base, tested),
        carried,
        resolution(risk.d_mean, risk.best, tested, len(cells)),
    ]
    if risk.n_diverged:
        sentences.append(diverged(risk))
    if len(per_seed) > 1:
        values = ", ".join(number(value) for value in per_seed)
        sentences.append(f"Seed by seed the mean loss is {values} points.")
    return VariantAnswer(risk.variant, headline, [sentence for sentence in sentences if sentence])


def where_best(cells: pd.DataFrame, risk, base, tested: int | None) -> str:
    """Did the best cell move? The base's best setting counts as best here when it ties with the best score."""
    at_base = np.isclose(cells[SETTING], (base.best_log10_lr, base.best_log10_wd), rtol=0, atol=1e-9).all(axis=1)
    if not at_base.any():
        return "It has no finished cell at the base's best setting."
    lost = risk.best - cells["top1"].to_numpy()[at_base][0]
    if lost <= TOLERANCE:
        return "The base's best setting is a best one here too: the best cell did not move."
    moves = (risk.best_log10_lr - base.best_log10_lr, risk.best_log10_wd - base.best_log10_wd)
    along = " and log10 ".join(
        f"{name} by {number(move)}"
        for move, name in zip(moves, ("learning rate", "weight decay"), strict=True)
        if abs(move) > TOLERANCE
    )
    at_best = f"at the base's single best setting this variant loses {points(lost, tested)}"
    return f"The best cell moved, log10 {along}; {at_best}."
