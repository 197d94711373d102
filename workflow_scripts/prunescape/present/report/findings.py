"""The answer of an experiment in words, computed from its cells and risk. Needs pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import SETTING, chosen_on, scores, variant_order
from prunescape.analysis.landscape.image_errors import risk_image_error
from prunescape.analysis.landscape.regions import TOLERANCE, regions
from prunescape.analysis.landscape.risk import BASE_THRESHOLD, risk_points
from prunescape.present.figures.captions import is_validated
from prunescape.present.figures.style import variant_title
from prunescape.present.numbers import counted, number, setting, short, whole
from prunescape.present.report.caveats import diverged, limits, resolution
from prunescape.present.report.cost import cost_sentences, overall_cost
from prunescape.present.report.tables import share_kept
from prunescape.present.report.verdict_text import judged_rows, overall_verdict, verdict_headline, verdict_sentences
from prunescape.store.records import GRID

if TYPE_CHECKING:
    import pandas as pd

NO_VERDICT = (
    "These losses are biased upwards, as said below: they show where to look closer, with more seeds, and cannot "
    "settle whether tuning is needed."
)


BIASED = "This is the thesis' mean risk, which luck biases upwards: it stands beside the verdict and decides nothing."


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


def answer_experiment(
    cells: pd.DataFrame, risk: pd.DataFrame, benchmarks: pd.DataFrame | None, verdicts: pd.DataFrame | None
) -> ExperimentAnswer:
    """The answer for `cells` (as `read_cells` gives them) and the other tables of ONE experiment, in top-1.

    Verdicts come first where fresh seeds allow them. Losses are those of all seeds of the grid; the sentences about
    single cells quote the base's lowest seed and say so.
    """
    cells = cells[cells["stage"] == GRID]
    cells = cells.assign(chosen_on=chosen_on(cells, "top1"))
    risk = risk[risk["metric"] == "top1"]
    if risk.empty:
        text = "The base has no finished cells, so there is nothing to compare the pruned variants with."
        return ExperimentAnswer([text], [], [])
    seed = int(risk.loc[risk["variant"] == "base", "seed"].min())
    rows = {row.variant: row for row in risk[risk["seed"] == seed].itertuples()}
    here = cells[cells["seed"] == seed]
    tested = _tested(cells)
    seeds = cells["seed"].nunique()
    carried = _carried(here)
    judged = judged_rows(verdicts)
    answers = [
        _variant(here[here["variant"] == name], rows[name], rows["base"], carried[name], _per_seed(risk, name))
        for name in sorted(rows, key=variant_order)
        if name != "base"
    ]
    answers = [with_verdict(answer, judged.get(answer.variant)) for answer in answers]
    for answer in answers:
        answer.sentences.extend(cost_sentences(benchmarks, answer.variant, share_kept(cells, answer.variant)))
    losses = {answer.variant: values for answer in answers if (values := _per_seed(risk, answer.variant))}
    opening = [*overall_verdict(judged), *overall(losses, tested, judged=bool(judged)), *overall_cost(benchmarks)]
    validated = is_validated(cells.rename(columns={"top1": "score"}))
    opening += _opening(rows["base"], seed, seeds, tested, validated=validated)
    return ExperimentAnswer(
        opening, answers, limits(rows["base"], tested, seeds, judged=bool(judged), validated=validated)
    )


def with_verdict(answer: VariantAnswer, row) -> VariantAnswer:
    """`answer` led by the verdict, where there is one: the loss that its headline told goes on as a sentence."""
    if row is None:
        return answer
    loss = f"{answer.headline}."
    return VariantAnswer(answer.variant, verdict_headline(row), [*verdict_sentences(row), loss, *answer.sentences])


def overall(losses: dict[str, list[float]], tested: int | None, *, judged: bool) -> list[str]:
    """What all pruned variants lose, from each one's mean risk per seed; empty when there is none.

    No loss is held against a threshold, since none has a known error rate; with `judged` the verdict stands before it.
    """
    if not losses:
        return []
    mean = {variant: sum(values) / len(values) for variant, values in losses.items()}
    named = [f"{points(mean[variant], tested)} for {variant_title(variant)}" for variant in sorted(mean, key=mean.get)]
    between = f"between {named[0]} and {named[-1]}" if len(named) > 1 else named[0]
    return [
        f"Taking over the base's good settings loses {between}, on average, against tuning the pruned network on the "
        f"same grid. {BIASED if judged else NO_VERDICT}"
    ]


def _carried(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The settings of the base's 0.5-ROI at which each variant was trained, for the cells of one seed."""
    landscapes = scores(cells)
    settings = risk_points(landscapes, regions(landscapes)).query("metric == 'top1'")
    return {name: settings[settings["variant"] == name] for name in cells["variant"].unique()}


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


def over_seeds(losses: list[float], tested: int | None) -> str:
    """The mean of one mean risk per seed, with all of them where there are several."""
    mean = f"{points(sum(losses) / len(losses), tested)} on average"
    each = ", ".join(number(loss) for loss in losses)
    return f"{mean} over {len(losses)} seeds ({each})" if len(losses) > 1 else mean


def _opening(base, seed: int, seeds: int, tested: int | None, *, validated: bool) -> list[str]:
    named = f" (seed {seed})" if seeds > 1 else ""
    that = "the best on the validation split" if validated else "that"
    never_more = "" if validated else f", and by their choice never more than {short(BASE_THRESHOLD)}"
    return [
        f"The unpruned base is best at {setting(base.best_log10_lr, base.best_log10_wd)}{named}, with "
        f"{number(base.best)} %. {counted(base.n, 'setting')} of its grid "
        f"{'comes' if base.n == 1 else 'come'} within {short(BASE_THRESHOLD)} points of {that}: these are the settings "
        f"one would carry over without tuning. On them the base itself stays {points(base.d_mean, tested)} under its "
        f"best on average{never_more}."
    ]


def _variant(cells: pd.DataFrame, risk, base, carried: pd.DataFrame, per_seed: list[float]) -> VariantAnswer:
    tested = _tested(cells)
    title = variant_title(risk.variant)
    named = f" (seed {int(risk.seed)})" if len(per_seed) > 1 else ""
    first = (
        f"Its best of {counted(len(cells), 'cell')} reaches {number(risk.best)} % at "
        f"{setting(risk.best_log10_lr, risk.best_log10_wd)}{named}."
    )
    if risk.n == 0:
        text = f"{title}: none of the base's good settings has a finished cell"
        return VariantAnswer(risk.variant, text, [first, where_best(cells, risk, base, tested)])
    headline = f"{title}: the base's settings lose {over_seeds(per_seed, tested)}"
    at_good = (
        f"Trained at the base's good settings ({counted(risk.n, 'matched cell')}) it stays "
        f"{points(risk.d_mean, tested)} under its own best on average, median {number(risk.d_median)}; "
        f"the base on the same settings {number(base.d_mean)}."
    )
    error = risk_image_error(cells, (risk.best_log10_lr, risk.best_log10_wd), carried)
    sentences = [first, where_best(cells, risk, base, tested), at_good, resolution(error)]
    if risk.n_diverged:
        sentences.append(diverged(risk))
    return VariantAnswer(risk.variant, headline, [sentence for sentence in sentences if sentence])


def where_best(cells: pd.DataFrame, risk, base, tested: int | None) -> str:
    """Did the best cell move? The base's best setting counts as best here when it ties with the one that was chosen.

    What it loses is told by the score, on the test split, also where cells are chosen on a validation split.
    """
    at_base = np.isclose(cells[SETTING], (base.best_log10_lr, base.best_log10_wd), rtol=0, atol=1e-9).all(axis=1)
    if not at_base.any():
        return "It has no finished cell at the base's best setting."
    here = cells[at_base].iloc[0]
    if risk.best_chosen_on - here["chosen_on"] <= TOLERANCE:
        return "The base's best setting is a best one here too: the best cell did not move."
    moves = (risk.best_log10_lr - base.best_log10_lr, risk.best_log10_wd - base.best_log10_wd)
    along = " and log10 ".join(
        f"{name} by {number(move)}"
        for move, name in zip(moves, ("learning rate", "weight decay"), strict=True)
        if abs(move) > TOLERANCE
    )
    at_best = f"at the base's single best setting this variant loses {points(risk.best - here['top1'], tested)}"
    return f"The best cell moved, log10 {along}; {at_best}."
