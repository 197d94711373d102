"""What to run on each target, in words, from what `compare_targets` wrote. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.present.figures.style import variant_title
from prunescape.present.numbers import counted, number, short

if TYPE_CHECKING:
    import pandas as pd

# objective -> (what the recommended model has, factor and unit in which its value is read)
WORDS = {
    "latency": ("the lowest latency", 1e3, "ms per run"),
    "throughput": ("the highest throughput", 1e3, "ms per image"),
    "energy": ("the lowest energy", 1e3, "mJ per image"),
}


def target_sentences(costs: dict[str, pd.DataFrame]) -> list[str]:
    """One sentence per target and objective; none for an objective that a target cannot tell."""
    return [text for row in costs["recommendations"].itertuples() if (text := _recommendation(row))]


def _recommendation(row) -> str:
    if row.status != "recommended":
        told = "" if "was not measured" in row.reason else f": {row.reason}"
        return f"On target {row.target} nothing can be recommended for {row.objective}{told}." if told else ""
    has, factor, unit = WORDS[row.objective]
    value = f"{number(factor * row.value, 3)} {unit}"
    named = f"{model_words(row)} with {setting_words(row)}"
    text = f"On target {row.target} {named} has {has}, {value}, at {number(row.top1, unit=' %')} top-1"
    text += f" ({row.reason})." if row.reason else "."
    if others := listed(row.indistinguishable):
        text += f" No paired test tells {others} from it."
    if others := listed(row.faster):
        text += f" Repeat by repeat {others} was faster, though not in the median: the host's speed drifted."
    if others := listed(row.undecided):
        text += f" Nothing can be said of {others}: not timed in turns with it, or too seldom."
    return text + (" The timing was noisy." if row.noisy else "")


def limit_pairs(objectives: dict) -> list[tuple[str, str]]:
    """What every recommended model keeps, for the list of settings; nothing where the study sets no limit."""
    limits = {
        "accuracy_floor": "top-1 of {} % or more",
        "memory_limit_mb": "peak memory of {} MB or less",
        "size_limit_kb": "file of {} kB or less",
    }
    known = {name: value for name, value in objectives.items() if name in limits and value is not None}
    given = [limits[name].format(short(known[name])) for name in limits if name in known]
    return [("recommended models keep", ", ".join(given))] if given else []


def model_words(row) -> str:
    """`uniform 0.5 int8`, with the rank from the second on."""
    rank = f" rank {row.rank:.0f}" if row.rank > 1 else ""
    return f"{variant_title(row.variant)}{rank} {row.precision}"


def setting_words(row) -> str:
    flushed = ", denormals flushed" if row.flush_to_zero else ""
    return f"{counted(int(row.threads), 'thread')}, batch {row.batch:.0f}{flushed}"


def listed(models: str) -> str:
    """Models as `rivals.named_models` lists them, for a reader; empty where there are none."""
    return ", ".join(variant_title(name) for name in models.split("; ") if name)
