"""Models timed in turns on one target: the ratio of two times, its interval, and one corrected test for all pairs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

LEVEL = 0.05
MOST_BLOCKS, SHORTEST_BLOCK = 10, 5
SLOWER, FASTER, ALIKE, UNTESTED = "slower", "faster", "not shown to differ", "not tested"

# what tables of compared models share
TEST_COLUMNS: dict[str, tuple[str, str]] = {
    "low": ("float64", "lower end of its 95 % interval: t over blocks of successive repeats; null under 10 repeats"),
    "high": ("float64", "upper end; the interval is of this pair alone, not corrected for the number of pairs"),
    "pairs": ("int64", "repeats of both models, taken in turns; 0 where they are no pairs"),
    "p": ("float64", "two-sided p of the t test that the ratio is 1, over the same blocks; null without a test"),
    "p_holm": ("float64", "the same corrected (Holm) over every comparison in rivals and speedups on this target"),
    "verdict": ("string", "slower or faster (p_holm under 5 %), not shown to differ, or not tested"),
    "reason": ("string", "why there is no test; empty otherwise"),
}


@dataclass(frozen=True)
class Comparison:
    """The time of one model ÷ that of another, as TEST_COLUMNS; the verdict is about the first."""

    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan
    pairs: int = 0
    p: float = np.nan
    p_holm: float = np.nan
    verdict: str = UNTESTED
    reason: str = "not timed in turns (other threads or batch), or not as often: the repeats are no pairs"

    def inverted(self) -> Self:
        """The same pair in the other order."""
        other = {SLOWER: FASTER, FASTER: SLOWER}.get(self.verdict, self.verdict)
        return replace(self, ratio=1 / self.ratio, low=1 / self.high, high=1 / self.low, verdict=other)

    def columns(self) -> dict[str, float | int | str]:
        """The values of TEST_COLUMNS."""
        return {name: getattr(self, name) for name in TEST_COLUMNS}


Comparisons = Mapping[tuple[int, int], Comparison]  # by the rows of two measurements, in both orders


def block_medians(values: np.ndarray) -> np.ndarray:
    """The medians of blocks of successive values: at most 10 blocks, of 5 values or more each.

    Successive repeats are correlated (lag 1 up to 0.39 on real hosts); medians of blocks are nearly not, and one slow
    repeat does not move them. Under 10 values there is one block.
    """
    count = max(1, min(MOST_BLOCKS, len(values) // SHORTEST_BLOCK))
    return np.array([np.median(block) for block in np.array_split(values, count)])


def compare(log_ratios: np.ndarray | None) -> Comparison:
    """The comparison of (n,) log ratios of times in the order they were taken, without verdict; None: no pairs.

    The ratio is the geometric mean of the blocks' median ratios; interval and test are Student's over the blocks
    (batch means, Law and Kelton, Simulation Modeling and Analysis, 9.5.3, with medians).
    """
    from scipy.stats import t

    if log_ratios is None:
        return Comparison()
    blocks = block_medians(log_ratios)
    mean, freedom = float(np.mean(blocks)), len(blocks) - 1
    known = Comparison(ratio=math.exp(mean), pairs=len(log_ratios), reason="")
    if not freedom:
        return known
    error = float(np.std(blocks, ddof=1)) / math.sqrt(len(blocks))
    half = t.ppf((2 - LEVEL) / 2, freedom) * error
    p = 2 * float(t.sf(abs(mean) / error, freedom)) if error else float(mean == 0)
    return replace(known, low=math.exp(mean - half), high=math.exp(mean + half), p=p)


def median_interval(samples: Iterable[float]) -> np.ndarray:
    """The ends of a 95 % interval of the median of samples in their order; nan under 10 samples.

    The median times exp(± Student's t over the medians of blocks of logs), as `compare` has it for two models:
    successive samples are correlated, and an interval that takes them for independent is too narrow.
    """
    from scipy.stats import t

    values = np.asarray(samples, dtype="float64")
    blocks = block_medians(np.log(values))
    if len(blocks) < 2:
        return np.full(2, np.nan)
    half = t.ppf((2 - LEVEL) / 2, len(blocks) - 1) * np.std(blocks, ddof=1) / np.sqrt(len(blocks))
    return np.median(values) * np.exp([-half, half])


def fewest_repeats(comparisons: int) -> int:
    """Repeats from which on so many comparisons are tested: two blocks, and comparisons x 2^(1 - n) of 5 % or less.

    With fewer, no test could reach 5 % after Holm's correction unless noise were exactly normal: n signs, all equal,
    have p = 2^(1 - n).
    """
    return max(2 * SHORTEST_BLOCK, math.ceil(1 + math.log2(comparisons / LEVEL)))


def judged(family: Sequence[Comparison]) -> list[Comparison]:
    """`family`, all that is compared on ONE target, with Holm's correction, verdicts, and reasons where untested."""
    count = sum(each.pairs > 0 for each in family)
    needed = fewest_repeats(max(count, 1))
    reason = f"{{}} repeats are too few for the {count} comparisons on this target, {needed} are needed"
    tested = [
        replace(each, p=np.nan, reason=reason.format(each.pairs)) if 0 < each.pairs < needed else each
        for each in family
    ]
    corrected = holm([each.p for each in tested])
    return [replace(each, p_holm=p, verdict=_verdict(each.ratio, p)) for each, p in zip(tested, corrected, strict=True)]


def _verdict(ratio: float, p_holm: float) -> str:
    if np.isnan(p_holm):
        return UNTESTED
    different = SLOWER if ratio > 1 else FASTER
    return different if p_holm < LEVEL else ALIKE


def holm(values: list[float]) -> list[float]:
    """p-values corrected after Holm (1979); nan stays nan and does not count.

    Those of `pingouin.multicomp` and of statsmodels' `multipletests`: the k-th smallest of m times m - k + 1, or the
    largest such product before it, at most 1. Both libraries take most of a second to import.
    """
    known = np.asarray(values, dtype="float64")
    tested = np.argsort(known, kind="stable")[: np.isfinite(known).sum()]
    corrected = np.full(len(known), np.nan)
    corrected[tested] = np.maximum.accumulate(known[tested] * np.arange(len(tested), 0, -1)).clip(max=1)
    return corrected.tolist()
