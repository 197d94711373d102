"""Writes verdicts as sentences, and the lines printed at the end of a run: best cells, risks and verdicts."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.axes import Axes, Axis
from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.results import Analysis
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.config.noises import CONTRAST, POOLED, TWO_WAY, WELCH
from prunescape.present.labels import (
    METRIC_TITLES,
    axis_head,
    capitalised,
    joined,
    setting,
    setting_text,
    variant_title,
)
from prunescape.present.numbers import counted, is_missing, number, short, span

# what the error rate rests on
ASSUMED_BY = {
    CONTRAST: "if seeds are independent",
    POOLED: "if points are independent and about equally noisy",
    WELCH: "if points are independent",
    TWO_WAY: "if points share a shift by seed and are equally noisy",
}


def rows_with_verdict(verdicts: pd.DataFrame | None) -> dict[str, Any]:
    """By variant, the verdicts in top-1 of ONE experiment that rest on fresh seeds; empty where none does."""
    if verdicts is None:
        return {}
    return {row.variant: row for row in verdicts.itertuples() if row.metric == "top1" and row.replicates_most > 0}


def overall_verdict(found: Mapping[str, Any], axes: Axes, without: Collection[str] = ()) -> list[str]:
    """The verdict over all pruned variants of an experiment, from `rows_with_verdict`; empty without verdicts.

    That every variant keeps its settings is one claim, which cannot be made `without` a verdict on some of them. Any
    other names variants, so it is made of the verdicts at the corrected level. The last sentence has the terms.
    """
    if not found:
        return []
    first, points = next(iter(found.values())), [row.points for row in found.values()]
    terms = (
        f"Margin {short(first.margin)} points, error rate {short(100 * first.alpha)} %, "
        f"{span(min(points), max(points), 0)} trained settings."
    )
    ordered = sorted(found.values(), key=lambda row: variant_order(row.variant))
    if not without and all(row.verdict == KEEP for row in ordered):
        named = joined([axis.label for axis in axes])
        alone = joined([variant_title(row.variant) for row in ordered if row.verdict_bonferroni != KEEP])
        single = [f"That is one claim about all of them; about {alone} alone it is not shown."] if alone else []
        gain = f"tuning {named} again gains less than {short(first.margin)} points"
        return [f"Keep, for every variant: {gain}.", *single, terms]
    parts = [
        f"{verdict}: {joined(names)}"
        for verdict in (KEEP, RETUNE, INCONCLUSIVE)
        if (names := [variant_title(row.variant) for row in ordered if row.verdict_bonferroni == verdict])
    ]
    titles = [variant_title(name) for name in sorted(without, key=variant_order)]
    parts += [f"no verdict: {joined(titles)}"] if titles else []
    return [f"{capitalised('; '.join(parts))}.", terms]


def assumption(found: Mapping[str, Any]) -> list[str]:
    """What the error rate of the verdicts rests on; empty without verdicts."""
    rows = list(found.values())[:1]
    return [
        f"A verdict is wrong in {short(100 * row.alpha)} % of cases at most, {ASSUMED_BY[row.noise]}." for row in rows
    ]


def bound_level(alpha: float, claims: int, noise: str) -> str:
    """How often a bound of a claim about a single variant fails, and under which assumption."""
    shared = f", the error rate of {short(100 * alpha)} % over {claims} variants" * (claims > 1)
    rate = short(round(100 * alpha / claims, 4))
    return f"Each bound fails with a chance of {rate} % at most{shared}, {ASSUMED_BY[noise]}."


def verdict_headline(row) -> str:
    """The verdict of a variant on one line, at the corrected level: it is a claim about one variant."""
    bounds = gain_text(row.lower_bonferroni, row.upper_bonferroni)
    if row.verdict_bonferroni == RETUNE:
        bounds = f"tuning gains {number(row.gain)} points, at least {number(row.lower_bonferroni)}"
    failed = "" if row.verdict_bonferroni == INCONCLUSIVE else failure_note(row)
    return f"{variant_title(row.variant)}: {row.verdict_bonferroni}; {bounds}{failed}"


def failure_note(row) -> str:
    """How often trainings failed at the best point and at the base's settings; empty where none did."""
    if not row.failed_best + row.failed_carried:
        return ""
    return (
        f"; of fresh seeds {row.failed_best} of {row.trained_best} failed at the best point and {row.failed_carried} "
        f"of {row.trained_carried} at the base's settings"
    )


def verdict_sentences(row, axes: Axes) -> list[str]:
    """The verdict in both scopes with its bounds, and the evidence for it."""
    sentences = [
        f"As part of a claim about all variants: {row.verdict}; {gain_text(row.lower, row.upper)}, against a margin of "
        f"{short(row.margin)}."
    ]
    if not is_missing(row.upper_images):
        sentences.append(
            f"For other images like these: {row.verdict_images}; {gain_text(row.lower_images, row.upper_images)}."
        )
    if row.failed:
        sentences.append(_failures(row))
    fewest, most = row.replicates_fewest, row.replicates_most
    seeds = f"{span(fewest, most, 0)} fresh {'seed' if most == 1 else 'seeds'}"
    noise = "" if is_missing(row.s) else f", seed noise {number(row.s)} points"
    sentences.append(f"Evidence: {seeds} at {row.kept} of {counted(row.points, 'point')}{noise}.")
    if not is_missing(row.gain):
        best = setting(axes, row._asdict(), "best_")
        sequential = len(str(getattr(row, "looks", "")).split()) > 1
        by = "seeds before the last look, of those open then" if sequential else "the first seeds"
        where = "on average over the looks, at the points that seeds before each named" if sequential else "there"
        sentences.append(f"Best point by {by}: {best}. Fresh seeds gain {number(row.gain)} points {where}.")
    return sentences if is_missing(row.reason) else [*sentences, f"Note: {row.reason}."]


def _failures(row) -> str:
    """How many fresh seeds failed, with the exact intervals of their shares."""

    def share(name: str) -> str:
        ends = span(*(100 * getattr(row, f"failed_{name}_{end}") for end in ("low", "high")), 1)
        return f"{getattr(row, f'failed_{name}')} of {getattr(row, f'trained_{name}')} (95 % interval {ends} %)"

    return (
        f"{counted(row.failed, 'fresh seed')} failed, at the best point {share('best')}, at the base's settings "
        f"{share('carried')}; the gain is that of seeds that did not fail."
    )


def gain_text(lower, upper) -> str:
    """The bounds of what tuning can gain."""
    if is_missing(upper):
        return "the gain of tuning is not bounded"
    if is_missing(lower) or lower <= 0:
        return f"tuning gains at most {number(upper)} points"
    return f"tuning gains {span(lower, upper)} points"


def no_answer(tests: pd.DataFrame) -> list[str]:
    """What learnt nothing of ONE experiment, whose rows of `chance_tests` these are; empty where all variants learnt.

    Without a base that learnt, nothing can be said of any variant.
    """
    lost = tests[~tests["learnt"].astype(bool)].sort_values("variant", key=lambda names: names.map(variant_order))
    if len(lost) == len(tests):
        return [f"{_lost(lost)}; no answer"] if len(lost) else []
    if "base" in set(lost["variant"]):
        return [f"{_lost(lost.iloc[:1])}; no answer"]
    return [f"{_lost(lost.iloc[[place]])}; no answer for it" for place in range(len(lost))]


def no_answer_lines(tests: pd.DataFrame) -> list[str]:
    """`no_answer` of every experiment."""
    return [f"{name}: {text}" for name, rows in tests.groupby("experiment", sort=True) for text in no_answer(rows)]


def _lost(tests: pd.DataFrame) -> str:
    """What became of variants that learnt nothing; the best cell stands beside what guessing scores."""
    names = joined(["the base" if name == "base" else variant_title(name) for name in tests["variant"]])
    if (tests["diverged"] == tests["cells"]).all():
        return f"every cell of {names} diverged"
    best = tests.loc[tests["best"].idxmax()]
    title, chance = METRIC_TITLES[best["metric"]], short(round(best["chance"], 2))
    what = "nothing was learnt" if len(tests) > 1 else f"{names} learnt nothing"
    return f"{what}: best {title} is {number(best['best'])} %, chance is {chance} %"


def summary_lines(risk: pd.DataFrame) -> list[str]:
    """Per experiment: the best cell (top-1 and setting) of each variant and seed, and its risk."""
    risk = risk[risk["metric"] == "top1"]
    width = max([len("variant"), *risk["variant"].str.len()])
    lines = []
    for name, rows in risk.groupby("experiment", sort=True):
        axes = best_axes(rows)
        width_of = {axis: max(8, len(axis_head(axis))) for axis in axes}
        heads = "  ".join(f"{axis_head(axis):>8}" for axis in axes)
        lines += [f"{name}: best cell per variant", f"  {'variant':{width}}  seed    top-1  {heads}  risk"]
        for row in rows.to_dict("records"):
            lost = "–" if is_missing(row["d_mean"]) else f"{row['d_mean']:.2f} points"
            setting = "  ".join(f"{_aligned(row[f'best_{axis.name}'], axis):>{width_of[axis]}}" for axis in axes)
            lines.append(f"  {row['variant']:{width}}  {row['seed']:4d}  {row['best']:5.2f} %  {setting}  {lost}")
    return lines


def _aligned(value: float, axis: Axis) -> str:
    """A value as a column shows it: two decimals of a logarithm, another quantity as it is."""
    return f"{value:.2f}" if axis.decades else short(value)


def trial_lines(best: pd.DataFrame) -> list[str]:
    """Per experiment and arm: the best setting of each variant, of the table best_settings."""
    lines = []
    for (name, arm), rows in best[best["place"] == 1].groupby(["experiment", "arm"], sort=False):
        lines.append(f"{name}: best setting per variant by {rows['rank_by'].iloc[0]}, arm {arm}")
        for row in sorted(rows.to_dict("records"), key=lambda row: variant_order(row["variant"])):
            lines.append(f"  {row['variant']}: {number(row['top1'])} % on the test split at {setting_text(row)}")
    return lines


def verdict_lines(verdicts: pd.DataFrame) -> list[str]:
    """Per experiment: the verdict over all variants and one line for each; none without fresh seeds."""
    lines = []
    for name, rows in verdicts.groupby("experiment", sort=True):
        found = rows_with_verdict(rows)
        without = set(rows["variant"]) - set(found)
        lines += [f"{name}: {' '.join(overall_verdict(found, best_axes(rows), without))}"] if found else []
        lines += [f"  {verdict_headline(row)}" for row in found.values()]
    return lines


def table_lines(analysis: Analysis) -> list[str]:
    """What a table from elsewhere shows: best cells, risks, verdicts, and why there is none where there is none."""
    if not analysis["metric"].is_top1:
        return ["no verdicts and no report: they are for the metric top1, in percent, where more is better"]
    verdicts, lines = analysis["verdicts"], [*summary_lines(analysis["risk"]), *verdict_lines(analysis["verdicts"])]
    for name in sorted(analysis["cells"]["experiment"].unique()):
        of_top1 = verdicts[(verdicts["experiment"] == name) & (verdicts["metric"] == "top1")]
        if of_top1.empty:
            lines.append(f"{name}: only the base has cells, so there is nothing to judge: add those of pruned variants")
        for reason, alike in of_top1[of_top1["reason"].notna()].groupby("reason", sort=False):
            lines.append(f"{name}: note on {joined([variant_title(each) for each in alike['variant']])}: {reason}")
    return lines


def best_axes(rows: pd.DataFrame) -> Axes:
    """The axes of ONE experiment, from the columns of a result table that hold the best setting."""
    columns = rows.drop(columns="best_chosen_on", errors="ignore").filter(regex="^best_")
    filled = columns.dropna(axis="columns", how="all")
    known = columns if filled.empty else filled
    return Axes.of([name.removeprefix("best_") for name in known])
