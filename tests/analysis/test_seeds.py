"""What several seeds tell, against closed forms, scipy and statsmodels."""

import sys

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats
from simulate_similarity import equal_landscapes, inside
from statsmodels.formula.api import ols

from analyse_cells import analyse_cells
from prunescape.analysis.axes import DEFAULT_METRIC, Metric
from prunescape.analysis.landscape.chance import chance_tests
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.analysis.landscape.risk import risk, risk_points, risk_tests
from prunescape.analysis.results import Analysis
from prunescape.analysis.seeds.equal_landscapes import residuals
from prunescape.analysis.seeds.membership import NOT_INFERRED
from prunescape.analysis.seeds.similarity import halves, similarity, spearman, stepped_up
from prunescape.analysis.seeds.spread import shift, spread
from support.analysed import study_terms
from support.landscapes import AXES, THRESHOLDS, full_grid, landscape
from support.seed_rows import study as joined

SEED_TABLES = ("membership", "spread", "shift", "similarity", "risk_tests")


def seeds(wd, lr, scores, **key) -> pd.DataFrame:
    """One landscape per row of `scores`, (seeds, points); nan is a hole."""
    parts = [landscape(wd, lr, row, seed=seed, **key).dropna(subset="score") for seed, row in enumerate(scores)]
    return joined(*parts)


def analysis_of(scores, **more) -> Analysis:
    """The analysis of landscapes of which it is not known how many classes they tell apart."""
    no_chance = chance_tests(pd.DataFrame(), Metric("loss"))
    known = {"scores": scores, "axes": AXES, "metric": DEFAULT_METRIC, "grids": {}, "chance_tests": no_chance}
    return Analysis(known | {"thresholds": THRESHOLDS, "risk_threshold": 0.5} | more)


def membership_of(scores) -> pd.DataFrame:
    return analysis_of(scores)["membership"].query("threshold == 0.5").set_index("log10_wd")


def spread_of(scores) -> pd.DataFrame:
    roi = regions(scores, AXES, THRESHOLDS)
    risks = risk(scores, risk_points(scores, roi, AXES, 0.5), AXES)
    return spread(ellipses(roi, scores, AXES), risks, AXES).set_index(["variant", "quantity", "threshold"])


def shift_of(scores) -> pd.DataFrame:
    roi = regions(scores, AXES, THRESHOLDS)
    return shift(roi, ellipses(roi, scores, AXES), AXES).set_index(["variant", "threshold"])


def compared(scores) -> pd.DataFrame:
    return risk_tests(risk_points(scores, regions(scores, AXES, THRESHOLDS), AXES, 0.5), AXES)


def test_membership_table_by_hand():
    """Sigma is the residual standard deviation of statsmodels' one-way analysis; the rest is counted by hand."""
    nan = float("nan")
    scores = seeds([0.0, 1.0, 2.0], 0.0, [[93.0, 92.6, 91.0], [92.7, 93.1, 91.4], [93.2, 93.0, nan]])
    table = membership_of(scores)
    sigma = np.sqrt(ols("score ~ C(log10_wd)", scores).fit().mse_resid)
    assert table["sigma"].to_list() == pytest.approx([sigma] * 3)
    assert table["n"].to_list() == [3, 3, 2]
    assert table["share"].to_list() == pytest.approx([1, 1, 0])
    assert table["score"].to_list() == pytest.approx([92.9667, 92.9, 91.2], abs=1e-4)
    assert table["probability"].isna().all(), "three settings tell no surface"
    assert set(table["reason"]) == {"3 cells of variants whose scores differ, and a surface needs 9"}


def test_membership_is_as_likely_as_the_surface_says():
    """On a plane of known scores: the settings within half a point of the best corner, and no other."""
    wd, lr = full_grid(5)
    random = np.random.default_rng(3)
    scores = seeds(wd, lr, [90 + 2 * (wd + lr) + random.normal(0, 0.01, 25) for _ in range(2)])
    table = analysis_of(scores)["membership"].query("threshold == 0.5")
    near = table["log10_wd"] + table["log10_lr"] > 0.8 - 0.25
    assert table["reason"].isna().all() and (table["n"] == 2).all()
    assert table.loc[near, "probability"].min() > 0.9 and table.loc[~near, "probability"].max() < 0.1
    loss = analysis_of(scores, metric=Metric("top1", minimise=True))["membership"]
    assert loss["probability"].isna().all() and set(loss["reason"]) == {NOT_INFERRED}


def test_diverged_cells_stay_in_the_mean_and_out_of_sigma():
    scores = seeds([0.0, 1.0, 2.0], 0.0, [[93.0, 10.0, 10.0], [92.8, 92.9, 10.0]])
    scores["status"] = np.where(scores["score"] == 10, "diverged", "ok")
    table = membership_of(scores)
    assert table["n_diverged"].to_list() == [0, 1, 2]
    assert table["score"].to_list() == pytest.approx([92.9, 51.45, 10])
    assert table["sigma"].to_list() == pytest.approx([np.std([93.0, 92.8], ddof=1)] * 3)
    assert table["share"].to_list() == [1, 0.5, 0]


def test_membership_without_noise_to_speak_of():
    every_tie = membership_of(seeds([0.0, 1.0], 0.0, [[90.0, 90.0], [90.0, 90.0]]))
    assert every_tie[["sigma", "share"]].to_numpy().tolist() == [[0, 1]] * 2
    diverged = membership_of(seeds([0.0, 1.0], 0.0, [[10.0, 10.0]] * 2).assign(status="diverged"))
    assert diverged["sigma"].isna().all()
    assert diverged["share"].to_list() == [1, 1]
    apart = membership_of(seeds([0.0, 1.0], 0.0, [[90.0, np.nan], [np.nan, 90.0]]))
    assert apart["sigma"].isna().all(), "no setting has two seeds"
    assert membership_of(landscape([0.0, 1.0], 0.0, 90.0)).empty, "one seed says nothing of noise"


def disc(centre_wd, centre_lr, seed, variant, best=92.0) -> pd.DataFrame:
    """A quadratic landscape on a fine grid: its x-ROI is a disc around the centre, which is a grid point."""
    wd, lr = full_grid(41, 0.1)
    score = best - 4 * ((wd - centre_wd) ** 2 + 2 * (lr - centre_lr) ** 2)
    return landscape(wd, lr, score, seed=seed, variant=variant)


def test_spread_against_numpy_and_scipy():
    """Ellipses of 92 - 4 (w² + 2 r²) have half axes √(x / 4), √(x / 8); centres differ by seed as they were made."""
    centres = np.array([[0.1, -0.2], [0.3, -0.1], [0.2, 0.3]])
    scores = joined(*(disc(*centre, seed, "base") for seed, centre in enumerate(centres)))
    table = spread_of(scores).loc["base"]
    for quantity, values in (("centre_log10_wd", centres[:, 0]), ("centre_log10_lr", centres[:, 1])):
        row = table.loc[(quantity, 1.0)]
        low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        expected = [3, values.mean(), values.std(ddof=1), low, high]
        assert row[["n", "mean", "std", "low", "high"]].to_list() == pytest.approx(expected)
    assert table.loc[("length", 1.0), "mean"] == pytest.approx(2 * np.sqrt(1 / 4), rel=0.1)
    assert table.loc[("width", 1.0), "mean"] == pytest.approx(2 * np.sqrt(1 / 8), rel=0.1)
    assert table.loc[("length", 1.0), ["low", "high"]].isna().all()


def test_the_spread_of_risks_is_over_seeds():
    """Risks by hand: the base's region is both settings; the variant loses 1, 2 and 6 points at one of them."""
    base = seeds([0.0, 1.0], 0.0, [[90.0, 90.0]] * 3)
    pruned = seeds([0.0, 1.0], 0.0, [[80.0, 79.0], [80.0, 78.0], [80.0, 74.0]], variant="p")
    row = spread_of(joined(base, pruned)).loc[("p", "d_mean")].iloc[0]
    known = stats.ttest_1samp([0.5, 1.0, 3.0], 0).confidence_interval()
    assert row[["n_seeds", "n", "mean", "std"]].to_list() == pytest.approx([3, 3, 1.5, np.std([0.5, 1, 3], ddof=1)])
    assert row[["low", "high"]].to_list() == pytest.approx(list(known))
    relative = spread_of(joined(base, pruned)).loc[("p", "d_rel_mean")].iloc[0]
    assert relative["mean"] == pytest.approx(1.5 / 80)


def shapes(angles, width=0.5) -> pd.DataFrame:
    key = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "metric": "top1", "threshold": 1.0}
    shape = {"length": 1.0, "width": width, "centre_log10_wd": 0.0, "centre_log10_lr": 0.0}
    return pd.DataFrame([key | shape | {"seed": seed, "angle_deg": angle} for seed, angle in enumerate(angles)])


def no_risks() -> pd.DataFrame:
    scores = landscape([], [], [])
    return risk(scores, risk_points(scores, regions(scores, AXES, THRESHOLDS), AXES, 0.5), AXES)


@pytest.mark.parametrize(
    ("angles", "mean", "std"),
    [
        ([10.0, 20.0, 60.0], 30.0, np.std([10, 20, 60], ddof=1)),
        ([89.0, -89.0], 90.0, np.sqrt(2)),
        ([80.0, -80.0, 90.0], 90.0, 10.0),
        ([-88.0, 90.0, -80.0], -86.0, np.std([-88, -90, -80], ddof=1)),
    ],
)
def test_angles_spread_as_undirected_lines(angles, mean, std):
    """By hand: lines at 89 and -89 degrees lie 2 degrees apart."""
    risks = no_risks()
    row = spread(shapes(angles), risks, AXES).set_index("quantity").loc["angle_deg"]
    assert (row["mean"], row["std"]) == pytest.approx((mean, std))
    assert row["n"] == len(angles)


def test_circles_and_cancelling_lines_have_no_angle():
    risks = no_risks()
    for table in (shapes([0.0, 0.0], width=1.0), shapes([45.0, -45.0])):
        row = spread(table, risks, AXES).set_index("quantity").loc["angle_deg"]
        assert (row["n_seeds"], row["n"]) == (2, 0) and np.isnan(row["mean"])


def test_one_seed_has_no_spread_and_a_missing_ellipse_is_counted():
    wd, lr = full_grid(3)
    alone = spread_of(landscape(wd, lr, 90.0)).loc["base"]
    assert (alone["n_seeds"] == 1).all() and alone[["std", "low", "high"]].isna().all(axis=None)
    assert alone.loc[("centre_log10_wd", 1.0), "mean"] == pytest.approx(0)
    few = np.where(np.arange(9) < 4, 90.0, 50.0)
    row = spread_of(seeds(wd, lr, [np.full(9, 90.0), few])).loc[("base", "length", 1.0)]
    assert (row["n_seeds"], row["n"]) == (2, 1) and np.isnan(row["std"])


def test_the_shift_of_known_centres():
    """Centres as they were made; interval and deviation by scipy's one-sample t-test and numpy."""
    base = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, -0.1], [0.1, 0.1]])
    moved = base + np.array([[0.3, 0.2], [0.2, 0.2], [0.4, 0.2], [0.3, 0.1]])
    parts = [disc(*centre, seed, name) for name, at in (("base", base), ("p", moved)) for seed, centre in enumerate(at)]
    table = shift_of(joined(*parts))
    assert list(table.index) == [("p", 0.5), ("p", 1.0)]
    for threshold in (0.5, 1.0):
        row = table.loc[("p", threshold)]
        assert (row["n"], row["n_truncated"]) == (4, 0)
        for name, differences in zip(("log10_wd", "log10_lr"), (moved - base).T, strict=True):
            low, high = stats.ttest_1samp(differences, 0).confidence_interval()
            known = [differences.mean(), differences.std(ddof=1), low, high]
            assert row[[f"{part}_{name}" for part in ("shift", "std", "low", "high")]].to_list() == pytest.approx(known)


def test_a_shift_needs_two_seeds_for_its_interval_and_a_common_one_to_be():
    base = joined(disc(0.0, 0.0, 0, "base"), disc(0.0, 0.0, 1, "base"))
    one = disc(0.2, -0.1, 1, "one seed")
    same = [disc(0.2, 0.0, seed, "same in both") for seed in (0, 1)]
    edge = [disc(2.0, 0.0, seed, "edge") for seed in (0, 1)]
    table = shift_of(joined(base, one, disc(2.0, 0.0, 7, "another seed"), *same, *edge)).xs(1.0, level="threshold")
    columns = [f"{part}_log10_wd" for part in ("shift", "std", "low", "high")]
    assert table.loc["one seed", "n"] == 1 and table.loc["one seed", "shift_log10_lr"] == pytest.approx(-0.1)
    assert table.loc["one seed", columns[1:]].isna().all()
    assert (table.loc["another seed", ["n", "n_truncated"]] == 0).all()
    assert table.loc["another seed", columns].isna().all()
    assert table.loc["same in both", columns].to_list() == pytest.approx([0.2, 0, 0.2, 0.2])
    assert table.loc["edge", "n_truncated"] == 2
    assert shift_of(one).empty, "no base"


def test_spearman_against_scipy():
    random = np.random.default_rng(6)
    one, two = np.round(random.normal(size=(2, 20, 12)) * 3), np.round(random.normal(size=(20, 12)))
    one, two = one[0] + two, two  # ties, and something in common
    one[random.random(one.shape) < 0.2] = np.nan
    found = spearman(one, two)
    for row in range(20):
        known = ~np.isnan(one[row])
        assert found[row] == pytest.approx(stats.spearmanr(one[row][known], two[row][known]).statistic)


def test_spearman_says_nothing_of_few_or_equal_points():
    few = np.array([[1.0, 2.0, 3.0, 4.0]])
    equal = np.full((1, 6), 0.1 + 0.2)
    assert np.isnan(spearman(few, few)[0])
    assert np.isnan(spearman(equal, np.arange(6.0)[None]))[0]
    assert np.isnan(spearman(np.array([[0.3, 0.1 + 0.2] * 3]), np.arange(6.0)[None]))[0], "equal but for rounding"


@pytest.mark.parametrize(("seeds", "ways"), [(1, 0), (2, 1), (3, 3), (4, 3), (5, 15), (8, 35), (12, 100)])
def test_halves_are_disjoint_and_of_equal_size(seeds, ways):
    """k! / (h! h! (k - 2h)!) / 2 ways to choose two halves of h = k // 2, while that is no more than 100."""
    first, second = halves(seeds)
    assert first.shape == second.shape == (ways, seeds)
    assert not (first * second).any()
    for weights in (first, second):
        assert ((weights > 0).sum(axis=1) == seeds // 2).all()
        np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert all(np.array_equal(*pair) for pair in zip(halves(seeds), (first, second), strict=True))


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 9])
def test_the_step_to_all_seeds_is_that_of_parallel_measurements(seeds):
    """With signal variance 1 and noise variance e the reliability of a mean of k is k / (k + e)."""
    for noise in (0.2, 1.0, 5.0):
        half = seeds // 2
        assert stepped_up(half / (half + noise), seeds) == pytest.approx(seeds / (seeds + noise))
    assert stepped_up(-0.3, seeds) == 0 and np.isnan(stepped_up(np.nan, seeds))


def test_similarity_of_two_seeds_against_scipy():
    wd, lr = full_grid(5)
    random = np.random.default_rng(7)
    true = 92 - 4 * (wd**2 + lr**2)
    base, pruned = true + random.normal(0, 0.4, (2, 25)), true - 1 + random.normal(0, 0.4, (2, 25))
    row = similarity(joined(seeds(wd, lr, base), seeds(wd, lr, pruned, variant="p")), AXES).iloc[0]
    near = base.mean(axis=0) >= base.mean(axis=0).max() - 2
    assert row[["n", "n_seeds", "n_seeds_base"]].to_list() == [near.sum(), 2, 2]
    known = stats.spearmanr(base.mean(axis=0)[near], pruned.mean(axis=0)[near]).statistic
    own = stats.spearmanr(*pruned[:, near]).statistic
    chosen = [stats.spearmanr(*base[:, half >= half.max() - 2]).statistic for half in base]
    assert row["spearman"] == pytest.approx(known)
    assert row["split_half"] == pytest.approx(own)
    assert row["split_half_base"] == pytest.approx(np.mean(chosen))
    steps = [2 * r / (1 + r) for r in (own, np.mean(chosen))]
    assert row["ceiling"] == pytest.approx(np.sqrt(np.prod(steps)))


def simulated(true_base, true_variant, sigma, count, repeats) -> pd.DataFrame:
    """`similarity` of `repeats` experiments of `count` seeds with normal noise on a 9 x 9 grid."""
    wd, lr = full_grid()
    random = np.random.default_rng(8)
    parts = []
    for repeat in range(repeats):
        for variant, true in (("base", true_base), ("p", true_variant)):
            noisy = true(wd, lr) + random.normal(0, sigma, (count, len(wd)))
            parts.append(seeds(wd, lr, noisy, variant=variant, experiment=f"e{repeat}"))
    return similarity(joined(*parts), AXES)


def test_equal_landscapes_meet_their_ceiling():
    """Both are the same true landscape: on average the correlation is what the ceiling says, from split halves."""
    found = simulated(lambda w, r: 92 - 3 * (w + r) ** 2, lambda w, r: 90 - 3 * (w + r) ** 2, 0.3, 3, 40)
    assert found["spearman"].mean() == pytest.approx(found["ceiling"].mean(), abs=0.03)
    assert 0.7 < found["ceiling"].mean() < 0.95


def test_turned_landscapes_stay_far_below_their_ceiling_and_what_equal_ones_show():
    found = simulated(lambda w, r: 92 - 3 * (w + r) ** 2, lambda w, r: 92 - 3 * (w - r) ** 2, 0.3, 3, 10)
    assert (found["spearman"] < found["ceiling"] - 0.5).all()
    assert (found["spearman"] < found["equal_low"]).all()


@pytest.mark.parametrize(("landscape", "noise", "count"), [("peak", 0.2, 2), ("band", 0.4, 3), ("plateau", 0.2, 5)])
def test_equal_landscapes_lie_in_their_interval(landscape, noise, count):
    """57 of 60 expected; binomial P(fewer than 51) is 0.003. METHODS, 8.4: 7 to 73 % of them exceed the ceiling."""
    found = equal_landscapes(np.random.default_rng(0), landscape, noise, count, 60)
    assert inside(found) >= 0.85
    assert 0.07 <= (found["spearman"] > found["ceiling"]).mean() <= 0.8
    assert (found["equal_low"] < found["equal_high"]).all()


def test_the_interval_of_a_shift_is_that_of_its_mean_not_of_the_regions_without_noise():
    """Regions cut by the grid's edge: noise makes the mean shift larger, and with ten seeds the interval is narrow."""
    wd, lr = full_grid(9, 0.2)
    random = np.random.default_rng(0)
    parts = []
    for name, optimum in (("base", 0.0), ("p", 0.4)):
        true = 95 - (wd - optimum) ** 2 - lr**2
        parts.append(landscape(wd, lr, true, variant=name, experiment="truth"))
        for study in range(12):
            noisy = true + random.normal(0, 0.2, (10, len(wd)))
            parts.append(seeds(wd, lr, noisy, variant=name, experiment=f"e{study}"))
    scores = joined(*parts)
    roi = regions(scores, AXES, (1.0,))
    found = shift(roi, ellipses(roi, scores, AXES), AXES).set_index("experiment")
    truth, found = found.loc["truth", "shift_log10_wd"], found.drop("truth")
    held = [
        found["low_log10_wd"].le(at) & found["high_log10_wd"].ge(at) for at in (truth, found["shift_log10_wd"].mean())
    ]
    assert held[0].sum() <= 2 and held[1].sum() >= 9  # 95 % of 12 expected; binomial P(under 9) is 0.0003


def test_noise_of_seeds_is_told_apart_from_points_and_seeds():
    """A seed that is better everywhere is no noise; the rest has the standard deviation that it was drawn with."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.3, (4, 500, 1)) * [1, 2]
    side = noise + random.normal(0, 5, (1, 500, 2)) + random.normal(0, 5, (4, 1, 2))
    assert residuals(side).std(axis=0) == pytest.approx([0.3, 0.6], rel=0.05)


def test_the_choice_of_points_makes_no_correlation_of_noise():
    """Only noise, 1 point of it, so that the choice cuts in; the mean correlation is 0 within 4 standard errors."""
    found = simulated(lambda w, r: 92 + 0 * w, lambda w, r: 90 + 0 * w, 1.0, 2, 40)
    error = found["spearman"].std() / np.sqrt(len(found))
    assert found["n"].max() < 75
    assert found["spearman"].mean() == pytest.approx(0, abs=4 * error)
    half = found["split_half_base"]
    assert half.mean() == pytest.approx(0, abs=4 * half.std() / np.sqrt(len(found)))


def test_similarity_of_odd_tables():
    wd, lr = full_grid(3)
    slope = 90 + 0.1 * np.arange(9)
    base = seeds(wd, lr, [slope, slope])
    holes = np.array([slope, np.where(np.arange(9) < 2, np.nan, slope)])
    parts = [
        base,
        seeds(wd, lr, holes, variant="holes"),
        landscape(wd, lr, slope, variant="one seed"),
        seeds(wd, lr, np.full((2, 9), 80.0), variant="equal"),
        seeds(wd, lr, np.full((2, 9), 10.0), variant="diverged").assign(status="diverged"),
        seeds(wd[:4], lr[:4], [slope[:4]] * 2, variant="four points"),
    ]
    table = similarity(joined(*parts), AXES).set_index("variant")
    assert "base" not in table.index
    assert table.loc["holes", ["n", "n_seeds", "spearman", "split_half"]].to_list() == pytest.approx([9, 2, 1, 1])
    assert table.loc["one seed", "spearman"] == pytest.approx(1)
    assert table.loc["one seed", ["split_half", "ceiling", "equal_low", "equal_high"]].isna().all()
    assert table.loc[["equal", "diverged", "four points"], "spearman"].isna().all()
    assert table.loc["four points", "n"] == 4
    assert similarity(parts[1], AXES).empty, "no base"


def test_risk_tests_against_scipy_and_by_hand():
    """scipy's wilcoxon (with pingouin's continuity correction) and mannwhitneyu; effect sizes counted by hand."""
    base = np.array([90.0, 89.9, 89.8, 89.7, 89.6, 89.55])
    pruned = np.array([79.0, 80.0, 78.5, 79.45, 78.0, 79.99])
    wd = np.arange(6.0)
    row = compared(joined(landscape(wd, 0.0, base), landscape(wd, 0.0, pruned, variant="p"))).iloc[0]
    d, d_base = 80 - pruned, 90 - base
    paired, independent = stats.wilcoxon(d, d_base, correction=True), stats.mannwhitneyu(d, d_base)
    assert row[["n", "wilcoxon_w", "wilcoxon_p"]].to_list() == pytest.approx([6, *paired])
    assert row[["mann_whitney_u", "mann_whitney_p"]].to_list() == pytest.approx(list(independent))
    # d - d_base = 1, -0.1, 1.3, 0.25, 1.6, -0.44: ranks of size 4, 1, 5, 2, 6, 3, the second and last negative
    assert row["wilcoxon_r"] == pytest.approx((4 + 5 + 2 + 6 - 1 - 3) / 21)
    share = np.mean([(one > two) + (one == two) / 2 for one in d.round(9) for two in d_base.round(9)])
    assert row["cles"] == pytest.approx(share)
    assert row["mann_whitney_r"] == pytest.approx(2 * share - 1)


@pytest.mark.parametrize("digits", [0, 6], ids=["with ties", "without"])
def test_many_variants_at_once_give_what_pingouin_gives_each(digits):
    random = np.random.default_rng(0)
    wd = np.arange(9.0)
    base = landscape(wd, 0.0, 90 - random.uniform(0, 0.5, 9).round(max(digits, 1)))
    parts = [landscape(wd, 0.0, random.uniform(70, 80, 9).round(digits), variant=f"v{k}") for k in range(6)]
    table = compared(joined(base, *parts)).set_index("variant")
    d_base = (base["score"].max() - base["score"]).to_numpy().round(9)
    for part in parts:
        d = (part["score"].max() - part["score"]).to_numpy().round(9)
        row = table.loc[part["variant"].iloc[0]]
        sizes = np.abs(d - d_base).round(9)
        tied = len(set(sizes) | {0.0}) < len(sizes) + 1
        paired = pingouin.wilcoxon((d - d_base).round(9), method="asymptotic" if tied else "auto").iloc[0]
        two = pingouin.mwu(d, d_base).iloc[0]
        expected = [*paired[["W_val", "p_val", "RBC"]], *two[["U_val", "p_val", "RBC", "CLES"]]]
        names = ["wilcoxon_w", "wilcoxon_p", "wilcoxon_r", "mann_whitney_u", "mann_whitney_p", "mann_whitney_r", "cles"]
        assert row[names].to_list() == pytest.approx(expected)


def test_ties_in_risks_are_ties_whatever_their_rounding():
    """Counts of 600 images as percent: equal differences in counts get equal ranks, as scipy ranks the counts."""
    base, pruned = np.array([562, 561, 560, 560, 559, 562]), np.array([550, 548, 549, 549, 546, 549])
    wd = np.arange(6.0)
    percent, percent_pruned = base / 600 * 100, pruned / 600 * 100
    differences = (percent_pruned.max() - percent_pruned) - (percent.max() - percent)
    assert len(np.unique(np.abs(differences))) > len(np.unique(np.abs(differences.round(9))))
    scores = joined(landscape(wd, 0.0, percent), landscape(wd, 0.0, percent_pruned, variant="p"))
    row = compared(scores).iloc[0]
    known = stats.wilcoxon(550 - pruned, 562 - base, correction=True, method="asymptotic")
    assert row[["wilcoxon_w", "wilcoxon_p"]].to_list() == pytest.approx(list(known))
    assert row["mann_whitney_p"] == pytest.approx(stats.mannwhitneyu(550 - pruned, 562 - base).pvalue)


def test_risk_tests_of_odd_tables(monkeypatch):
    wd = np.arange(3.0)
    base = seeds(wd, 0.0, [[90.0, 90.0, 90.0]] * 2)
    equal = landscape(wd, 0.0, 80.0, variant="equal", seed=1)
    single = landscape([0.0, 7.0], 0.0, [80.0, 83.0], variant="single")
    table = compared(joined(base, equal, single)).set_index("variant")
    columns = ["seed", "n", "mann_whitney_u", "mann_whitney_r", "cles"]
    assert table.loc["equal", columns].to_list() == [1, 3, 4.5, 0, 0.5]
    assert table.loc["equal", ["wilcoxon_w", "wilcoxon_p", "wilcoxon_r"]].isna().all()
    assert table.loc["single", ["n", "wilcoxon_p", "wilcoxon_r", "mann_whitney_p"]].to_list() == [1, 1, 1, 1]
    monkeypatch.setitem(sys.modules, "pingouin", None)  # importing it would fail: with nothing to test it is not needed
    assert compared(single).empty and compared(base).empty


def test_every_table_has_strict_types_for_any_study(tmp_path):
    """Two seeds with both metrics, one seed, only pruned cells, no cells: written, read back, and as computed."""
    wd, lr = full_grid(3)
    random = np.random.default_rng(9)
    both = joined(seeds(wd, lr, random.normal(90, 1, (2, 9))), seeds(wd, lr, random.normal(85, 1, (2, 9)), variant="p"))
    frame = both.rename(columns={"score": "top1"}).drop(columns=["metric", "chosen_on"])
    terms, counts = study_terms((None, 0.9), e=AXES.names), {}
    both = frame.assign(top5=frame["top1"] + 5)
    for rows in (both, frame[frame["seed"] == 0], frame[frame["variant"] == "p"], frame[:0]):
        rows.to_csv(tmp_path / "cells.csv", index=False)
        analyse_cells(tmp_path / "cells.csv", terms, out=tmp_path)
        for name in SEED_TABLES:
            counts.setdefault(name, []).append(len(pd.read_parquet(tmp_path / f"{name}.parquet")))
    assert counts["membership"] == [2 * 2 * 2 * 9, 0, 2 * 9, 0]
    assert counts["spread"] == [2 * 2 * 12, 2 * 12, 10, 0]
    assert counts["shift"] == [4, 2, 0, 0]
    assert counts["similarity"] == [2, 1, 0, 0]
    assert counts["risk_tests"] == [4, 1, 0, 0]


def all_tables(scores):
    analysis = analysis_of(scores)
    return {name: analysis[name] for name in SEED_TABLES}


def test_tables_do_not_depend_on_the_order_of_rows():
    wd, lr = full_grid(3)
    random = np.random.default_rng(10)
    base, pruned = random.normal(90, 1, (3, 9)), random.normal(85, 1, (3, 9))
    scores = joined(seeds(wd, lr, base), seeds(wd, lr, pruned, variant="p"))
    shuffled = scores.sample(frac=1, random_state=1).reset_index(drop=True)
    again = all_tables(shuffled)
    for name, frame in all_tables(scores).items():
        pd.testing.assert_frame_equal(again[name], frame, obj=name)
