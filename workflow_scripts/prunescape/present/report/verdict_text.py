"""Verdicts as sentences: what holds at a known error rate, for which images, and on what evidence."""

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.verdict.decision import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.labels import joined, setting, variant_title
from prunescape.present.numbers import counted, is_missing, number, short

# of one variant and of several
TEXTS = {
    KEEP: ("needs no tuning", "need no tuning"),
    RETUNE: ("needs tuning again", "need tuning again"),
    INCONCLUSIVE: ("cannot be decided with these seeds",) * 2,
}


def rows_with_verdict(verdicts: pd.DataFrame | None) -> dict[str, object]:
    """By variant, the verdicts in top-1 of ONE experiment that rest on fresh seeds; empty where none does."""
    if verdicts is None:
        return {}
    return {row.variant: row for row in verdicts.itertuples() if row.metric == "top1" and row.replicates_most > 0}


def overall_verdict(found: dict[str, object], axes: Axes) -> list[str]:
    """The verdict over all pruned variants of an experiment, from `rows_with_verdict`; empty without verdicts."""
    if not found:
        return []
    variants = {verdict: [] for verdict in TEXTS}
    for row in found.values():
        variants[row.verdict].append(variant_title(row.variant))
    first = next(iter(found.values()))
    terms = f"(margin {short(first.margin)} points, error rate {short(100 * first.alpha)} %)"
    if len(variants[KEEP]) == len(found):
        return [f"No variant needs its {joined([axis.label for axis in axes])} tuned again {terms}."]
    parts = [f"{', '.join(names)} {TEXTS[verdict][len(names) > 1]}" for verdict, names in variants.items() if names]
    return [f"Of {counted(len(found), 'pruned variant')}: {'; '.join(parts)} {terms}."]


def verdict_headline(row) -> str:
    """The verdict of a variant on one line."""
    title = variant_title(row.variant)
    if row.verdict == KEEP:
        return f"{title}: keep the base's settings; tuning gains {number(row.upper)} points at most"
    if row.verdict == RETUNE:
        return f"{title}: tune again; it gains {number(row.gain)} points, {number(row.lower)} at least"
    return f"{title}: undecided; {_range(row.lower, row.upper)}"


def verdict_sentences(row, axes: Axes) -> list[str]:
    """The verdict in both scopes with its bounds, and the evidence for it."""
    found = (
        f"Verdict for this test set: {row.verdict}. {_sentence(_range(row.lower, row.upper))}, against a margin of "
        f"{short(row.margin)} points; such a verdict is wrong in {short(100 * row.alpha)} % of cases at most."
    )
    return [found, *_of_images(row), _evidence(row), *_gain(row, axes), *_reason(row)]


def _of_images(row) -> list[str]:
    if is_missing(row.upper_images):
        return []
    return [f"For other images like these: {row.verdict_images} ({_range(row.lower_images, row.upper_images)})."]


def _evidence(row) -> str:
    fewest, most = row.replicates_fewest, row.replicates_most
    seeds = counted(most, "fresh seed") if fewest == most else f"{fewest} to {counted(most, 'fresh seed')}"
    kept = f"{row.kept} of {counted(row.points, 'point')} that the first seeds could not rule out"
    return f"It rests on {seeds} at {kept} (seed noise {number(row.s)} points)."


def _gain(row, axes: Axes) -> list[str]:
    if is_missing(row.gain):
        return []
    best = f"Of these the first seeds were best at {setting(axes, row._asdict(), 'best_')}"
    return [f"{best}; there fresh seeds gain {number(row.gain)} points over the base's good settings."]


def _reason(row) -> list[str]:
    return [] if is_missing(row.reason) else [f"Note: {row.reason}."]


def _range(lower, upper) -> str:
    """The bounds of what tuning can gain."""
    if is_missing(upper):
        return "what tuning could gain is not bounded"
    if is_missing(lower) or lower <= 0:
        return f"tuning could gain up to {number(upper)} points"
    return f"tuning gains between {number(lower)} and {number(upper)} points"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
