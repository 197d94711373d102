"""How often two equally fast models are called different, and how often the interval of their ratio holds the truth.

Log ratios of successive repeats are simulated as an autoregressive process of order one, as they are correlated on real
hosts, and judged as the package does it, over blocks, and as it did before: Wilcoxon's signed-rank test and a
percentile bootstrap of the median over all repeats. Prints a table in Markdown (a few minutes on one core, fixed
seed): `python benchmarks/simulate_comparisons.py`. Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from scipy.signal import lfilter
from scipy.stats import wilcoxon

from prunescape.analysis.cost.comparisons import LEVEL, compare, judged

REPEATS, LAGS = (10, 15, 30, 60, 120), (0.0, 0.1, 0.3, 0.4)
RESAMPLES = 999
MODELS = 5  # of a family: 10 pairs
NOISE = 0.01  # standard deviation of a log ratio
COLUMNS = ("repeats", "lag 1", "size", "coverage", "any of 10 pairs", "size before", "coverage before")


def log_ratios(random: np.random.Generator, studies: int, repeats: int, lag: float) -> np.ndarray:
    """(studies, repeats) normal noise of mean 0 whose successive values correlate by `lag`."""
    first, rest = random.normal(size=(studies, 1)), random.normal(size=(studies, repeats - 1))
    shocks = np.hstack([first, rest * np.sqrt(1 - lag**2)])
    return NOISE * lfilter([1], [1, -lag], shocks, axis=1)


def false_claims(noise: np.ndarray) -> tuple[float, float]:
    """Shares of the rows (studies, repeats) that are called different, and whose interval holds the ratio 1."""
    found = [compare(row) for row in noise]
    return np.mean([each.p < LEVEL for each in found]), np.mean([each.low <= 1 <= each.high for each in found])


def false_claims_before(random: np.random.Generator, noise: np.ndarray) -> tuple[float, float]:
    """The same with tests that take all repeats as independent."""
    inside = []
    for row in noise:
        medians = np.median(row[random.integers(len(row), size=(RESAMPLES, len(row)))], axis=1)
        low, high = np.quantile(medians, (LEVEL / 2, 1 - LEVEL / 2))
        inside.append(low <= 0 <= high)
    return np.mean(wilcoxon(noise, axis=1).pvalue < LEVEL), np.mean(inside)


def any_of_a_family(random: np.random.Generator, studies: int, repeats: int, lag: float) -> float:
    """The share of studies of equal models in which any pair is called different after Holm's correction."""
    wrong = 0
    for _ in range(studies):
        times = log_ratios(random, MODELS, repeats, lag)
        family = judged([compare(one - two) for one, two in itertools.combinations(times, 2)])
        wrong += any(each.p_holm < LEVEL for each in family)
    return wrong / studies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    studies = parser.parse_args().studies
    print(f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|")
    for repeats, lag in itertools.product(REPEATS, LAGS):
        random = np.random.default_rng([repeats, round(10 * lag)])
        noise = log_ratios(random, studies, repeats, lag)
        before = false_claims_before(random, noise[: studies // 2])
        shares = (*false_claims(noise), any_of_a_family(random, studies // 5, repeats, lag), *before)
        print(f"| {repeats} | {lag} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
