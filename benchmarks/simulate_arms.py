"""How often two equal searches are called different: the paper's rule, Holm's correction, and whole searches.

Studies are simulated in which no arm changes anything: every arm is a random search of 100 trials from the same
population, the best 10 by training accuracy are compared in four properties, as liao2022 does. Accuracy has a ceiling
and counts of images, so that ties occur; sizes, FLOPs and latencies are skewed, go with each other, and with accuracy
as far as `link` says. Prints a table in Markdown (minutes on one core, fixed seed):
`python benchmarks/simulate_arms.py`. Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from prunescape.analysis.arms.searches import search_effects
from prunescape.analysis.arms.statistics import LEVEL, rank_test
from prunescape.analysis.cost.comparisons import holm

TRIALS, BEST, IMAGES, RESAMPLES = 100, 10, 1437, 1000
ARMS = 12  # of a study beside the baseline, as the paper's image network has
PROPERTIES = ("accuracy", "latency", "size", "FLOPs")
LINKS = (0.0, 0.5, 0.9)  # rank correlation, roughly, of size and training accuracy
RULES = ("p_liao", "p", "Holm", "given", "interval", "exchange", "exchange, Holm")
HEAD = ("link", "rule", *PROPERTIES, "any of 4", f"any of {4 * ARMS}")


def drawn_search(random: np.random.Generator, link: float) -> tuple[np.ndarray, np.ndarray]:
    """Training accuracies (100,) in percent and logarithms of the four properties (100, 4), the best-ranked first.

    Widths double from level to level, as in liao2022's Table 2; size and FLOPs grow with their square, latency less.
    """
    width = random.integers(6, size=TRIALS) + random.normal(0, 0.2, TRIALS)
    luck = random.normal(size=TRIALS)  # learning rate, dropout and all that leaves no trace in the size
    quality = link * (width - 2.5) / 1.7 + np.sqrt(1 - link**2) * luck
    error = 0.02 * np.exp(-1.2 * quality)  # a share; a third of the trials come near the ceiling, few are far below
    train = random.binomial(IMAGES, np.clip(1 - error, 0.1, 1)) * 100 / IMAGES
    accuracy = np.log(np.clip(1 - 1.3 * error + random.normal(0, 0.004, TRIALS), 0.1, 1))
    size = 1.2 * width + random.normal(0, 0.3, TRIALS)
    flops = size + random.normal(0, 0.3, TRIALS)
    latency = np.log(1 + np.exp(flops - 3)) + random.normal(0, 0.15, TRIALS)
    order = np.argsort(-np.round(train, 9), kind="stable")
    return train[order], np.column_stack([accuracy, latency, size, flops])[order]


def claims(random: np.random.Generator, link: float, arms: int = ARMS, resamples: int = RESAMPLES) -> dict:
    """What each of RULES claims in ONE study of equal arms: (arms, 4) booleans by rule."""
    train, base = drawn_search(random, link)
    p_liao, p, chance, outside, given = ([] for _ in range(5))
    for _ in range(arms):
        score, fixed = drawn_search(random, link)
        tests = [rank_test(one, two) for one, two in zip(fixed[:BEST].T, base[:BEST].T, strict=True)]
        p_liao.append([test.p_liao for test in tests])
        p.append([test.p for test in tests])
        order = np.argsort(-np.round(np.concatenate([score, train]), 9), kind="stable")
        found = search_effects(fixed, base, order, BEST, random, resamples)
        chance.append(found["p_searches"])
        outside.append((found["low"] > 0) | (found["high"] < 0))
        given.append(_welch(fixed[:BEST], base[:BEST]) < LEVEL)
    p, chance = np.array(p), np.array(chance)
    return {
        **{"p_liao": np.array(p_liao) < LEVEL, "p": p < LEVEL, "Holm": _holm(p) < LEVEL, "given": np.array(given)},
        **{"interval": np.array(outside), "exchange": chance <= LEVEL, "exchange, Holm": _holm(chance) <= LEVEL},
    }


def _holm(p: np.ndarray) -> np.ndarray:
    return np.reshape(holm(p.ravel().tolist()), p.shape)


def _welch(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    from scipy.stats import ttest_ind

    return ttest_ind(one, two, equal_var=False).pvalue


def rates(studies: int, link: float, **options: int) -> dict[str, list[float]]:
    """For each of RULES the share of false claims: by property, of any property of an arm, of any in a study."""
    random = np.random.default_rng([7, round(10 * link)])
    found = [claims(random, link, **options) for _ in range(studies)]
    shares = {}
    for rule in RULES:
        made = np.array([each[rule] for each in found])  # (studies, arms, 4)
        shares[rule] = [*made.mean(axis=(0, 1)), made.any(axis=2).mean(), made.any(axis=(1, 2)).mean()]
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=120)
    studies = parser.parse_args().studies
    print(f"| {' | '.join(HEAD)} |\n{'| --- ' * len(HEAD)}|")
    for link in LINKS:
        for rule, shares in rates(studies, link).items():
            print(f"| {link} | {rule} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
