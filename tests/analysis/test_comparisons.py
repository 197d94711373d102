"""Rivals, speed-ups and the test behind them against scipy, statsmodels, hand-worked tables and simulated noise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp, wilcoxon
from simulate_comparisons import false_claims, log_ratios
from statsmodels.stats.multitest import multipletests

from prunescape.analysis.cost.comparisons import block_medians, compare, fewest_repeats, holm
from prunescape.analysis.results import TARGET, Analysis, result_names
from prunescape.store.tables import write_result
from support.measurements import entry, measured

FLOPS = {("e", "", "base"): 2e6, ("e", "", "uniform-0.5"): 1e6}
OBJECTIVES = {"query_images": 1, "server_rates": None, "stream_rates": None}


def analysis_of(*rows, flops=FLOPS, **limits) -> Analysis:
    return Analysis.of_targets(measured(*rows), flops, OBJECTIVES | limits)


def rivals_of(*rows) -> pd.DataFrame:
    return analysis_of(*rows)["rivals"]


def noisy_samples(seed=0):
    """A host that drifts by a factor of ten meets all models alike: b is 2 % slower than a, c is no other than a."""
    random = np.random.default_rng(seed)
    drift = 1e-3 * np.exp(random.uniform(0, np.log(10), 30))
    noise = [np.exp(random.normal(0, 0.005, 30)) for _ in range(3)]
    return drift * noise[0], 1.02 * drift * noise[1], 1.0005 * drift * noise[2]


@pytest.mark.parametrize(("count", "blocks"), [(9, 1), (10, 2), (14, 2), (30, 6), (50, 10), (120, 10)])
def test_blocks_are_of_five_or_more_and_ten_at_most(count, blocks):
    medians = block_medians(np.arange(count))
    assert len(medians) == blocks and medians[0] == (-(-count // blocks) - 1) / 2


def test_a_comparison_is_scipys_t_test_of_the_blocks():
    logs = np.random.default_rng(0).normal(0.01, 0.1, 30)
    expected = ttest_1samp([np.median(logs[start : start + 5]) for start in range(0, 30, 5)], 0)
    found, interval = compare(logs), expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)))
    assert found.inverted().ratio == pytest.approx(1 / found.ratio) and found.inverted().low == 1 / found.high


@pytest.mark.parametrize("comparisons", [1, 10, 40, 100, 1000])
def test_the_fewest_repeats_are_those_with_which_equal_signs_reach_five_percent(comparisons):
    """The sign test of n equal signs, two-sided: 2^(1 - n) (scipy: binomtest(0, n)); and two blocks of five."""
    fewest = fewest_repeats(comparisons)
    assert comparisons * 2.0 ** (1 - fewest) <= 0.05
    assert fewest == 10 or comparisons * 2.0 ** (2 - fewest) > 0.05


def test_correlated_noise_is_called_a_difference_in_5_percent_as_is_independent_noise():
    """METHODS, 8.5: with Wilcoxon's test over all repeats .143 at lag 1 of .3."""
    for lag, most in ((0.0, 0.06), (0.3, 0.07)):
        noise = log_ratios(np.random.default_rng(1), 2000, 30, lag)
        size, coverage = false_claims(noise)
        assert size < most + 0.01 and coverage > 0.93 - lag / 30, lag  # standard error 0.005
    assert np.mean(wilcoxon(noise, axis=1).pvalue < 0.05) > 0.12


def test_one_slow_repeat_in_ten_hides_no_difference():
    random = np.random.default_rng(3)
    slow = np.where(random.random((2, 30)) < 0.1, 1.0, 0.0) + random.normal(0, 0.005, (2, 30))
    found = compare(slow[0] - slow[1] + np.log(1.05))
    assert 1.02 < found.low < 1.05 < found.high < 1.08


def test_pairs_tell_what_drift_hides_in_one_family_with_the_speedups():
    """Three pairs of models, two of which are speed-ups, too, and two speed-ups of other settings: five comparisons."""
    series = dict(zip(("base", "uniform-0.5", "uniform-0.25"), noisy_samples(), strict=True))
    rows = [entry(name, samples=samples) for name, samples in series.items()]
    rows += [entry(name, samples=20 * series[name], threads=2) for name in series]
    analysis = analysis_of(*rows)
    best = analysis["recommendations"].iloc[0]
    found = analysis["rivals"].query("objective == 'latency'").set_index("variant")
    pairs = [("base", "uniform-0.5"), ("base", "uniform-0.25"), ("uniform-0.25", "uniform-0.5")]
    raw = {frozenset(pair): compare(np.log(series[pair[0]] / series[pair[1]])).p for pair in pairs}
    family = [*raw.values(), *list(raw.values())[:2]]
    corrected = dict(zip(raw, multipletests(family, method="holm")[1][:3], strict=True))
    for name, row in found.iterrows():
        assert row["p"] == pytest.approx(raw[frozenset((best["variant"], name))])
        assert row["p_holm"] == pytest.approx(corrected[frozenset((best["variant"], name))])
        assert row["ratio"] == pytest.approx(
            np.exp(block_medians(np.log(series[name] / series[best["variant"]])).mean())
        )
    for row in analysis["speedups"].query("threads == 1").itertuples():
        assert row.p_holm == pytest.approx(corrected[frozenset(("base", row.variant))])
    twin = "uniform-0.25" if best["variant"] == "base" else "base"
    assert found.loc[["uniform-0.5", twin], "verdict"].tolist() == ["slower", "not shown to differ"]
    ratio, low, high = found.loc[twin, ["ratio", "low", "high"]]
    assert best["not_shown_to_differ"] == f"{twin} fp32 ({ratio:.3f}, {low:.3f} to {high:.3f})" and low < 1 < high


def test_holm_is_statsmodels_and_skips_what_is_not_known():
    known = [0.01, 0.04, 0.03]
    assert holm([0.01, np.nan, 0.04, 0.03])[::2] == pytest.approx(multipletests(known, method="holm")[1][:2])
    assert np.isnan(holm([np.nan])).all() and holm([]) == []


def test_a_rival_that_wins_most_repeats_is_called_faster_though_its_median_is_higher():
    """base 1 ms in 16 repeats, 3 ms in 14: median 1. The other takes 0.9 of that in 28 repeats, 1.1 ms in two of the
    fast ones: median 1.1."""
    base = np.array([1e-3] * 16 + [3e-3] * 14)
    other = np.where(np.arange(30) < 2, 1.1e-3, 0.9 * base)
    analysis = analysis_of(entry("base", samples=base), entry("uniform-0.5", samples=other))
    assert analysis["recommendations"]["variant"].iloc[0] == "base" and np.median(other) == pytest.approx(1.1e-3)
    assert analysis["rivals"]["verdict"].iloc[0] == "faster"
    assert analysis["recommendations"]["faster"].iloc[0] == "uniform-0.5 fp32 (0.900, 0.900 to 0.900)"
    assert analysis["speedups"]["verdict"].iloc[0] == "faster"


def test_without_pairs_or_with_too_few_nothing_is_called_different():
    elsewhere = (entry("base", 1.0), entry("uniform-0.5", 5.0, threads=2))
    few = (entry("base", samples=[1e-3] * 9), entry("uniform-0.5", samples=[9e-3] * 9))
    uneven = (entry("base", samples=[1e-3] * 19), entry("uniform-0.5", samples=[9e-3] * 18))
    for rows, pairs, word in ((elsewhere, 0, "no pairs"), (few, 9, "9 repeats are too few"), (uneven, 0, "no pairs")):
        row = rivals_of(*rows).iloc[0]
        assert (row["verdict"], row["pairs"]) == ("not tested", pairs) and word in row["reason"]
        assert np.isnan([row["p"], row["p_holm"], row["low"]]).all()
    ten = (entry("base", samples=[1e-3] * 10), entry("uniform-0.5", samples=[9e-3] * 10))
    assert rivals_of(*ten).iloc[0]["verdict"] == "slower"


@pytest.mark.parametrize(("repeats", "verdict"), [(8, "not tested"), (10, "slower")])
def test_a_model_much_slower_is_decided_from_as_many_repeats_as_the_reason_says(repeats, verdict):
    """METHODS, 8.5: 8 repeats, 10 pairs of 5 models, one of them 2.5 times slower."""
    random = np.random.default_rng(0)
    names = ("base", "uniform-0.8", "uniform-0.6", "uniform-0.4", "uniform-0.2")
    times = dict.fromkeys(names, 1e-3) | {"uniform-0.2": 2.5e-3}
    rows = [entry(name, samples=ms * np.exp(random.normal(0, 0.005, repeats))) for name, ms in times.items()]
    analysis = analysis_of(*rows)
    found = analysis["rivals"].set_index("variant").loc["uniform-0.2"].iloc[0]
    assert found["verdict"] == verdict and found["ratio"] == pytest.approx(2.5, rel=0.05)
    needed = "8 repeats are too few for the 10 comparisons on this target, 10 are needed"
    assert (needed in analysis["recommendations"]["reason"].iloc[0]) == (repeats == 8)
    assert (found["reason"] == needed) == (repeats == 8)


def test_equal_samples_are_not_shown_to_differ():
    row = rivals_of(entry("base", 1.0), entry("uniform-0.5", 1.0)).iloc[0]
    assert (row["verdict"], row["p"], row["ratio"]) == ("not shown to differ", 1.0, 1.0)


def test_the_family_of_models_rarely_differs_when_all_are_the_same():
    """Three equal models: picking the fastest and testing it must not find a difference in more than 5 % of cases."""
    random = np.random.default_rng(1)
    found = 0
    for _ in range(20):
        names = ("base", "uniform-0.5", "uniform-0.25")
        table = rivals_of(*(entry(name, samples=np.exp(random.normal(-7, 0.02, 30))) for name in names))
        found += bool((table["verdict"] != "not shown to differ").any())
    assert found <= 3  # 1 expected at most; binomial P(more than 3 of 20) is 0.016 at exactly 5 %, and Holm is below


def test_a_speedup_beside_what_the_flops_promise():
    """Half the FLOPs, and 8 ÷ 5 as fast in every repeat, whatever the drift: the interval is that one number."""
    drift = np.geomspace(1, 10, 30)
    rows = entry("base", samples=8e-3 * drift), entry("uniform-0.5", samples=5e-3 * drift)
    row = analysis_of(*rows)["speedups"].iloc[0]
    assert [row["speedup"], row["low"], row["high"]] == pytest.approx([1.6, 1.6, 1.6])
    assert (row["flops_speedup"], row["verdict"], row["pairs"]) == (2.0, "faster", 30)
    assert row["share_of_flops_speedup"] == pytest.approx(0.8)
    assert np.isnan(analysis_of(*rows, flops={})["speedups"].iloc[0]["flops_speedup"])


def test_a_speedup_needs_its_base_and_its_pairs():
    other = analysis_of(entry("base", 4.0, precision="int8"), entry("uniform-0.5", 2.0))
    assert other["speedups"].empty
    uneven = analysis_of(entry("base", samples=[1e-3] * 3), entry("uniform-0.5", samples=[1e-3] * 2))["speedups"].iloc[
        0
    ]
    assert (uneven["pairs"], uneven["verdict"]) == (0, "not tested") and np.isnan(uneven["speedup"])
    even = analysis_of(entry("base", 1.0), entry("uniform-0.5", 1.0))["speedups"].iloc[0]
    assert even["verdict"] == "not shown to differ"


def test_no_targets_give_empty_tables(tmp_path):
    analysis = Analysis.of_targets(measured(entry()).iloc[:0], {}, OBJECTIVES)
    for name in result_names(TARGET):
        table = analysis.result(name)
        assert table.empty
        write_result(table, analysis.columns(name), parquet=tmp_path / "t.parquet", csv=tmp_path / "t.csv")
