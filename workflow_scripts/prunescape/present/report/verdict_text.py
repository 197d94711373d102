"""The verdict of a variant in words: what may be said at a known error rate, for which images, on what evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.verdict.decision import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.figures.style import variant_title
from prunescape.present.numbers import counted, is_missing, number, setting, short

if TYPE_CHECKING:
    import pandas as pd


def judged_rows(verdicts: pd.DataFrame | None) -> dict[str, object]:
    """By variant, the verdicts in top-1 of ONE experiment that rest on fresh seeds; empty where none does."""
    if verdicts is None:
        return {}
    return {row.variant: row for row in verdicts.itertuples() if row.metric == "top1" and row.replicates_most > 0}


def verdict_lines(verdicts: pd.DataFrame) -> list[str]:
    """For a terminal, per experiment: the answer over all variants and one line for each; none without fresh seeds."""
    lines = []
    for name, rows in verdicts.groupby("experiment", sort=True):
        judged = judged_rows(rows)
        lines += [f"{name}: {text}" for text in overall_verdict(judged)]
        lines += [f"  {verdict_headline(row)}" for row in judged.values()]
    return lines


def overall_verdict(judged: dict[str, object]) -> list[str]:
    """The answer over all pruned variants of an experiment, from `judged_rows`; empty without verdicts."""
    if not judged:
        return []
    named = {found: [] for found in (KEEP, RETUNE, INCONCLUSIVE)}
    for row in judged.values():
        named[row.verdict].append(variant_title(row.variant))
    first = next(iter(judged.values()))
    terms = f"(margin {short(first.margin)} points, error rate {short(100 * first.alpha)} %)"
    if len(named[KEEP]) == len(judged):
        return [f"No variant needs its learning rate and weight decay tuned again {terms}."]
    words = {KEEP: "need no tuning", RETUNE: "need tuning again", INCONCLUSIVE: "cannot be decided with these seeds"}
    singular = {KEEP: "needs no tuning", RETUNE: "needs tuning again", INCONCLUSIVE: words[INCONCLUSIVE]}
    said = {found: (singular if len(names) == 1 else words)[found] for found, names in named.items()}
    parts = [f"{', '.join(names)} {said[found]}" for found, names in named.items() if names]
    return [f"Of {counted(len(judged), 'pruned variant')}: {'; '.join(parts)} {terms}."]


def verdict_headline(row) -> str:
    """One line to skim."""
    title = variant_title(row.variant)
    if row.verdict == KEEP:
        return f"{title}: keep the base's settings; tuning gains {number(row.upper)} points at most"
    if row.verdict == RETUNE:
        return f"{title}: tune again; it gains {number(row.gain)} points, {number(row.lower)} at least"
    return f"{title}: undecided; {_range(row.lower, row.upper)}"


def verdict_sentences(row) -> list[str]:
    """What the verdict says in either scope, with its bounds, and what it rests on."""
    found = (
        f"Verdict for this test set: {row.verdict}. {_sentence(_range(row.lower, row.upper))}, against a margin of "
        f"{short(row.margin)} points; such a verdict is wrong in {short(100 * row.alpha)} % of cases at most."
    )
    return [found, *_wider(row), _basis(row), *_gain(row), *_why(row)]


def _wider(row) -> list[str]:
    if is_missing(row.upper_images):
        return []
    return [f"For other images like these: {row.verdict_images} ({_range(row.lower_images, row.upper_images)})."]


def _basis(row) -> str:
    fewest, most = row.replicates_fewest, row.replicates_most
    seeds = counted(most, "fresh seed") if fewest == most else f"{fewest} to {counted(most, 'fresh seed')}"
    kept = f"{row.kept} of {counted(row.points, 'point')} that the first seeds could not rule out"
    return f"It rests on {seeds} at {kept} (seed noise {number(row.s)} points)."


def _gain(row) -> list[str]:
    if is_missing(row.gain):
        return []
    best = f"Of these the first seeds were best at {setting(row.best_log10_lr, row.best_log10_wd)}"
    return [f"{best}; there fresh seeds gain {number(row.gain)} points over the base's good settings."]


def _why(row) -> list[str]:
    return [] if is_missing(row.reason) else [f"Note: {row.reason}."]


def _range(lower, upper) -> str:
    """What tuning can gain, as far as it is bounded."""
    if is_missing(upper):
        return "what tuning could gain is not bounded"
    if is_missing(lower) or lower <= 0:
        return f"tuning could gain up to {number(upper)} points"
    return f"tuning gains between {number(lower)} and {number(upper)} points"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
