"""The findings of an experiment as sentences, computed from its cells and result tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.chance import no_answers
from prunescape.analysis.landscape.image_errors import risk_image_error
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.read_cells import chosen_on, variant_order
from prunescape.present.architecture_words import ruled_out_sentences
from prunescape.present.figures.figure import is_validated
from prunescape.present.labels import axis_title, setting, variant_title
from prunescape.present.numbers import counted, is_missing, number, short, whole
from prunescape.present.report.caveats import diverged, fresh_seeds, limits, resolution
from prunescape.present.report.inferred_tables import share_limits, share_sentences
from prunescape.present.report.int8_tables import int8_sentences
from prunescape.present.report.table import ExperimentResults
from prunescape.present.report.target_sentences import (
    cost_sentences,
    overall_cost,
    quantised_sentences,
    recommendation_sentences,
)
from prunescape.present.report.target_tables import beside_base, shares_kept
from prunescape.present.summary import (
    assumption,
    rows_with_verdict,
    verdict_headline,
    verdict_sentences,
)
from prunescape.store.records import GRID, OK

NO_VERDICT = (
    "Luck biases it upwards, as explained below: it shows where more seeds are worth training, and cannot settle "
    "whether tuning is needed."
)
BIASED = "Luck biases it upwards: it stands beside the verdict and decides nothing."


@dataclass(frozen=True)
class VariantFindings:
    """What the numbers show of one variant: a headline and the sentences behind it."""

    variant: str
    headline: str
    sentences: list[str]


@dataclass(frozen=True)
class ExperimentFindings:
    """What the numbers of one experiment show, and what they cannot show."""

    opening: list[str]
    variants: list[VariantFindings]
    limits: list[str]


def experiment_findings(results: ExperimentResults) -> ExperimentFindings:
    """The findings of one experiment in top-1.

    Verdicts come first where fresh seeds allow them. Risks are those of all seeds of the grid; the sentences about
    single cells quote the base's lowest seed and say so.
    """
    cells = results.cells[results.cells["stage"] == GRID]
    cells = cells.assign(chosen_on=chosen_on(cells, "top1"))
    risk = results.rows("risk", "top1")
    if risk.empty:
        return ExperimentFindings([], [], [])
    risks: dict[str, list[Any]] = {}
    for row in risk.sort_values("seed").itertuples():
        risks.setdefault(row.variant, []).append(row)
    base = risks["base"][0]
    seed = int(base.seed)
    verdicts = rows_with_verdict(results.tables["verdicts"])
    chance = results.tables["chance_tests"]
    unanswered = {key[-1]: reason for key, reason in no_answers(chance).items()}
    benchmarks = None if results.benchmarks is None else beside_base(results.benchmarks, results.tables["speedups"])
    shares = {} if benchmarks is None else shares_kept(cells)
    variants, cells_of = [], dict(iter(cells.groupby("variant", sort=False)))
    carried = _carried(results, seed)
    for name in sorted(set(risk.loc[risk["seed"] == seed, "variant"]) - {"base"}, key=variant_order):
        reason = unanswered.get(name, "")
        headline, sentences = _variant(results.axes, cells_of[name], risks[name], base, carried, reason)
        if row := verdicts.get(name):
            sentences = [*verdict_sentences(row, results.axes), *sentences]
            headline = verdict_headline(row)
        if benchmarks is not None:
            sentences += cost_sentences(benchmarks, name, shares)
        variants.append(VariantFindings(name, headline, sentences))
    mean_risks = {found.variant: values for found in variants if (values := _per_seed(risks[found.variant]))}
    tested, seeds = _tested(cells), cells["seed"].nunique()
    validated = is_validated(cells.rename(columns={"top1": "score"}))
    opening = [
        *share_sentences(results),
        *assumption(verdicts),
        *overall(mean_risks, tested, has_verdicts=bool(verdicts)),
        *ruled_out_sentences(results.tables.get("ruled_out"), results.cells),
        *overall_cost(benchmarks),
        *([] if "base" in unanswered else [_of_base(results, base, tested, several=seeds > 1, validated=validated)]),
        *_of_targets(results),
    ]
    notes = {"has_verdicts": bool(verdicts), "validated": validated, "more": fresh_seeds(results.cells, results.axes)}
    caveats = share_limits(results) + limits(base, tested, seeds, results.risk_threshold, **notes)
    return ExperimentFindings(
        opening, variants, caveats if mean_risks else caveats[:-1]
    )  # without a risk it has no bias


def _of_targets(results: ExperimentResults) -> list[str]:
    """What to run on each target, and whether good settings are good in other precisions; nothing if not measured."""
    if "recommendations" not in results.tables:
        return []
    quantised = quantised_sentences(results.tables["property_risk"], results.risk_threshold)
    costs = int8_sentences(results.tables) if "int8_ways" in results.tables else []
    return [*recommendation_sentences(results.tables["recommendations"]), *costs, *quantised]


def overall(mean_risks: dict[str, list[float]], tested: int | None, *, has_verdicts: bool) -> list[str]:
    """The mean risk of all pruned variants, from each one's per seed; empty when there is none.

    No risk is compared with a threshold, since such a comparison has no known error rate.
    """
    if not mean_risks:
        return []
    mean = {variant: sum(values) / len(values) for variant, values in mean_risks.items()}
    named = [f"{points(mean[variant], tested)} for {variant_title(variant)}" for variant in sorted(mean, key=mean.get)]
    between = f"{named[0]} to {named[-1]}" if len(named) > 1 else named[0]
    return [f"Mean risk of the base's good settings: {between}. {BIASED if has_verdicts else NO_VERDICT}"]


def points(value: float, tested: int | None) -> str:
    """A difference in points, and in test images where their number is known."""
    images = f" ({short(round(value * tested / 100, 1))} of {whole(tested)} test images)" if tested else ""
    return f"{number(value)} points{images}"


def over_seeds(risks: list[float], tested: int | None) -> str:
    """The mean of one mean risk per seed, with all of them where there are several."""
    mean = points(sum(risks) / len(risks), tested)
    each = ", ".join(number(risk) for risk in risks)
    return f"{mean} over {len(risks)} seeds ({each})" if len(risks) > 1 else mean


def _tested(cells: pd.DataFrame) -> int | None:
    """Images in the test split, where the table says so and all cells agree."""
    known = cells["tested"].dropna().unique() if "tested" in cells else []
    return int(known[0]) if len(known) == 1 else None


def _per_seed(risks: list[Any]) -> list[float]:
    """The mean risks in the rows of ONE variant."""
    return [row.d_mean for row in risks if not is_missing(row.d_mean)]


def _of_base(results: ExperimentResults, base, tested: int | None, *, several: bool, validated: bool) -> str:
    seed = f" (seed {int(base.seed)})" if several else ""
    best = "the best on the validation split" if validated else "that"
    never_more = "" if validated else f", by their choice never over {short(results.risk_threshold)}"
    return (
        f"The base is best at {setting(results.axes, base._asdict(), 'best_')}{seed}, with {number(base.best)} %. "
        f"{counted(base.n, 'setting')} of its grid {'comes' if base.n == 1 else 'come'} within "
        f"{short(results.risk_threshold)} points of {best}: its good settings, which one would carry over. The base's "
        f"own mean risk there is {points(base.d_mean, tested)}{never_more}."
    )


def _variant(
    axes: Axes, cells: pd.DataFrame, risks: list[Any], base, carried: pd.DataFrame, unanswered: str
) -> tuple[str, list[str]]:
    """The headline of ONE variant's risk and the sentences behind it, for the seed of the row `base`.

    `cells` and `risks`, by seed, are the variant's rows, `carried` the base's good settings; `unanswered` says why
    there is no answer, and is empty where there is one.
    """
    cells = cells[cells["seed"] == base.seed]
    risk = next(row for row in risks if row.seed == base.seed)
    per_seed, tested, title = _per_seed(risks), _tested(cells), variant_title(risk.variant)
    seed = f" (seed {int(base.seed)})" if len(per_seed) > 1 else ""
    first = (
        f"Best of {counted(len(cells), 'cell')}: {number(risk.best)} % at "
        f"{setting(axes, risk._asdict(), 'best_')}{seed}."
    )
    if unanswered:
        return f"{title}: no answer; {unanswered}", [first] if (cells["status"] == OK).any() else []
    moved = best_moved(cells, axes, risk, base, tested)
    if risk.n == 0:
        return f"{title}: none of the base's good settings has a finished cell", [first, moved]
    at_good = (
        f"Mean risk over {counted(risk.n, 'matched cell')}: {over_seeds(per_seed, tested)}; "
        f"median {number(risk.d_median)}{seed}."
    )
    error = None
    if "correct_bits" in cells:
        error = risk_image_error(cells, axes, _setting_of(risk, axes), carried.merge(cells[axes.names]))
    sentences = [first, moved, at_good, resolution(error), diverged(risk) if risk.n_diverged else ""]
    headline = f"{title}: inconclusive without fresh seeds; mean risk {over_seeds(per_seed, tested)}"
    return headline, [sentence for sentence in sentences if sentence]


def _carried(results: ExperimentResults, seed: int) -> pd.DataFrame:
    """The settings of the base's region in top-1."""
    roi = results.rows("roi", "top1")
    of_base = (roi["variant"] == "base") & (roi["seed"] == seed) & (roi["threshold"] == results.risk_threshold)
    return roi.loc[of_base, results.axes.names]


def _setting_of(risk, axes: Axes) -> tuple[float, ...]:
    return tuple(getattr(risk, f"best_{name}") for name in axes.names)


def best_moved(cells: pd.DataFrame, axes: Axes, risk, base, tested: int | None) -> str:
    """Whether the best cell moved; the base's best setting counts as best here when it ties with the chosen one.

    Its risk is given in the score, on the test split, also where cells are chosen on a validation split.
    """
    here, there = _setting_of(risk, axes), _setting_of(base, axes)
    at_base = np.isclose(cells[axes.names].to_numpy(), there, rtol=0, atol=1e-9).all(axis=1)
    if not at_base.any():
        return "It has no finished cell at the base's best setting."
    chosen, score = (cells[name].iloc[at_base.argmax()] for name in ("chosen_on", "top1"))
    if risk.best_chosen_on - chosen <= TOLERANCE:
        return "The best cell did not move: the base's best setting is a best one here too."
    moves = [(axis_title(axis), to - start) for axis, to, start in zip(axes, here, there, strict=True)]
    along = " and ".join(f"{title} by {number(move)}" for title, move in moves if abs(move) > TOLERANCE)
    return f"The best cell moved, {along}; the risk of the base's best setting is {points(risk.best - score, tested)}."
