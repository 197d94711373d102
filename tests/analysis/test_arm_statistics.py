"""Mann-Whitney, Cliff's delta, Holm, intervals of medians: as SciPy, R's effsize, statsmodels and enumeration say."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import PermutationMethod, binom, mannwhitneyu, norm, rankdata
from statsmodels.stats.multitest import multipletests

from prunescape.analysis.arms.optimisation import median_interval
from prunescape.analysis.arms.statistics import cliffs_delta, least_delta, magnitude, rank_test
from prunescape.analysis.cost.comparisons import holm


def samples(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return tuple(np.round(random.normal(shift, 1, 10), 0 if ties else 8) for shift in (0, 0.7))


@pytest.mark.parametrize("seed", range(8))
def test_p_is_exact_without_ties_and_with_them(seed):
    """With ties it is the share of all splits (SciPy's permutations of equal samples, all C(12, 6) of them)."""
    for ties in (False, True):
        first, second = samples(seed, ties)
        first, second = (first[:6], second[:6]) if ties else (first, second)
        found = rank_test(first, second)
        method = PermutationMethod(n_resamples=np.inf) if ties else "exact"
        expected = mannwhitneyu(first, second, alternative="two-sided", method=method)
        assert (found.u, found.p, found.exact) == pytest.approx((expected.statistic, expected.pvalue, True)), method
        # the number of pairs that the first sample wins is U (Mann and Whitney, 1947)
        wins = sum((a > b) + (a == b) / 2 for a, b in itertools.product(first, second))
        assert found.u == wins


@pytest.mark.parametrize("differing", [4, 7])
def test_p_of_a_constant_sample_is_the_share_of_all_splits(differing):
    """Of seven values against five, some of them equal, all C(12, 7) splits are looked at here."""
    first, second = np.ones(7), np.concatenate([np.arange(2.0, 2 + differing), np.ones(10 - differing)])[:5]
    ranks = rankdata(np.concatenate([first, second]))
    sums = np.array([sum(split) for split in itertools.combinations(ranks, 7)])
    middle = 7 * ranks.mean()
    share = np.mean(np.abs(sums - middle) >= abs(ranks[:7].sum() - middle) - 1e-9)
    assert rank_test(first, second).p == pytest.approx(share)


def test_many_values_of_which_some_are_equal_have_the_approximate_p():
    first, second = np.arange(40) // 2, np.arange(40) // 3
    found = rank_test(first, second)
    assert not found.exact and found.p == pytest.approx(mannwhitneyu(first, second).pvalue)


def test_the_papers_p_is_the_half_of_the_approximate_one_and_at_most_a_half():
    """SciPy before 1.7: z = (|U - nm/2| - 1/2) / sqrt(nm (n + m + 1) / 12), p = P(Z > z)."""
    first, second = samples(1, False)
    found = rank_test(first, second)
    z = (abs(found.u - 50) - 0.5) / math.sqrt(100 * 21 / 12)
    assert found.p_liao == pytest.approx(norm.sf(z))
    same = rank_test(np.arange(10.0), np.arange(10.0))
    assert same.p_liao == 0.5 and same.p == 1
    assert rank_test(np.ones(10), np.ones(10)).p_liao == 0.5


def counts_of_u(n: int, m: int) -> np.ndarray:
    """How many of the C(n + m, n) orders have each U, by the recursion of Mann and Whitney (1947)."""
    counts = {(i, j): np.array([1.0]) for i in range(n + 1) for j in range(m + 1) if not i or not j}
    for i, j in itertools.product(range(1, n + 1), range(1, m + 1)):
        both = np.zeros(i * j + 1)
        both[j : j + len(counts[i - 1, j])] += counts[i - 1, j]  # the largest is of the first sample: it beats all m
        both[: len(counts[i, j - 1])] += counts[i, j - 1]
        counts[i, j] = both
    return counts[n, m]


def test_the_papers_rule_calls_89_of_1000_equal_samples_different():
    """p_liao < .05 is U <= 27 or U >= 73 at 10 and 10: 8.9 % of all 184,756 orders (METHODS, section 4)."""
    counts = counts_of_u(10, 10)
    assert counts.sum() == math.comb(20, 10)
    claims = [u for u in range(101) if norm.sf((abs(u - 50) - 0.5) / math.sqrt(175)) < 0.05]
    assert claims == [*range(28), *range(73, 101)]
    assert counts[claims].sum() / counts.sum() == pytest.approx(0.0892, abs=5e-5)


def test_u_of_27_is_claimed_and_28_is_not():
    # 27 and 28 pairs won: of ten against ten, two of the first sample beat all others' ten, one beats seven or eight
    other = np.arange(10.0)
    for most, claimed in ((6.5, True), (7.5, False)):
        first = np.array([20, 21, most, *np.linspace(-9, -1, 7)])
        found = rank_test(first, other)
        assert found.u == (27 if claimed else 28)
        assert (found.p_liao < 0.05) == claimed


def test_cliffs_delta_and_its_interval_are_effsizes():
    """R's effsize, cliff.delta: the example of its help and tests, -0.25 (small), -0.7265846 to 0.3890062."""
    treatment = np.array([10, 10, 20, 20, 20, 30, 30, 30, 40, 50])
    control = np.array([10, 20, 30, 40, 40, 50])
    assert cliffs_delta(treatment, control) == pytest.approx((-0.25, -0.7265846, 0.3890062), abs=1e-7)
    assert magnitude(-0.25) == "small"


@pytest.mark.parametrize("seed", range(4))
def test_delta_is_u_on_another_scale_and_turns_round_with_the_samples(seed):
    """delta = 2 U / (n m) - 1."""
    first, second = samples(seed, True)
    delta, low, high = cliffs_delta(first, second)
    assert delta == pytest.approx(2 * rank_test(first, second).u / 100 - 1)
    assert -1 <= low <= delta <= high <= 1
    assert cliffs_delta(second, first) == pytest.approx((-delta, -high, -low))


def test_samples_apart_have_a_delta_of_one_and_still_an_interval():
    """(k - t^2) / (k + t^2) with k = 10, t(18) = 2.100922 (Feng and Cliff, 2004)."""
    delta, low, high = cliffs_delta(np.arange(10) + 100.0, np.arange(10.0))
    assert (delta, high) == (1, 1) and low == pytest.approx((10 - 2.100922**2) / (10 + 2.100922**2), abs=1e-6)


def test_the_interval_of_delta_holds_its_truth():
    """Normal samples of 10, one shifted by 0.8: the truth is 2 Phi(0.8 / sqrt 2) - 1."""
    random = np.random.default_rng(0)
    truth = 2 * norm.cdf(0.8 / math.sqrt(2)) - 1
    inside = [low <= truth <= high for _, low, high in (cliffs_delta(*shifted(random)) for _ in range(2000))]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def shifted(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.normal(0.8, 1, 10), random.normal(0, 1, 10)


@pytest.mark.parametrize(
    ("delta", "name"), [(0.146, "negligible"), (0.147, "small"), (-0.33, "medium"), (0.474, "large")]
)
def test_magnitudes(delta, name):
    assert magnitude(delta) == name
    assert magnitude(math.nan) == ""


def test_holm_is_statsmodels():
    p = np.random.default_rng(1).uniform(0, 0.2, 40)
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize("n", [5, 6, 10, 11, 25])
def test_the_interval_of_a_median_has_at_least_95_percent(n):
    low, high = median_interval(np.arange(n, dtype=float))
    if n == 5:
        assert math.isnan(low) and math.isnan(high)
        return
    k = round(low)  # so many values lie below it, as many above the upper one
    assert high == n - 1 - k
    assert 2 * binom.cdf(k, n, 0.5) <= 0.05 < 2 * binom.cdf(k + 1, n, 0.5)


@pytest.mark.parametrize(("n", "m", "critical"), [(10, 10, 23), (5, 5, 2), (4, 4, 0), (8, 12, 22), (3, 3, None)])
def test_the_least_delta_is_that_of_the_critical_u(n, m, critical):
    """Critical values of U, two-sided at 5 %, as textbooks print them (Siegel, Nonparametric Statistics, table K)."""
    found = least_delta(n, m)
    assert math.isnan(found) if critical is None else found == pytest.approx(1 - 2 * critical / (n * m))


def test_the_least_delta_at_another_level_is_scipys():
    """Over all ways to share out eleven ranks to six and five."""
    ranks = np.arange(11.0)
    deltas = []
    for places in itertools.combinations(range(11), 6):
        first, second = ranks[list(places)], np.delete(ranks, places)
        if mannwhitneyu(first, second, alternative="two-sided", method="exact").pvalue < 0.01:
            deltas.append(abs(cliffs_delta(first, second)[0]))
    assert least_delta(6, 5, 0.01) == pytest.approx(min(deltas))
