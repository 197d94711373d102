"""Seed noise and the keep rule against numpy, scipy, statsmodels and small tables worked out by hand."""

import numpy as np
import pytest

from prunescape.analysis.verdict.doubts import screening_bounds
from prunescape.analysis.verdict.screening import SCOPE, check_levels, claim_count, kept_points, pooled_noise, screen
from prunescape.errors import InputError
from support.landscapes import AXES
from support.seed_rows import pilot, rows, study

# the screen's 1 % is halved for heavy tails: one-sided 0.5 % points of the normal and of t with 4 degrees (any table)
Z, T_4 = 2.5758293035, 4.6040948714


def kept_rows(table, *, sigma=None, claims=None):
    points = screen(table, AXES, 0.5, sigma=sigma)
    return points[kept_points(points, 0.5, 0.01 / (claims or claim_count(points)))]


def kept(table, **how) -> list[float]:
    return kept_rows(table, **how)["log10_lr"].tolist()


def test_seed_noise_is_the_residual_error_of_one_way_anova():
    """statsmodels: the root of the residual mean square of score ~ C(variant and setting), and its degrees."""
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(0)
    parts = [pilot(name, rng.normal(90, 0.3, 3), lr) for name in ("base", "p", "q") for lr in (0.0, 1.0)]
    table = study(*parts, pilot("r", rng.normal(70, 0.3, 5)))
    found = pooled_noise(table, AXES, "score", SCOPE).iloc[0]
    cell = table["variant"] + table["log10_lr"].astype(str)
    fit = smf.ols("score ~ C(cell)", data=table.assign(cell=cell)).fit()
    assert found["sigma"] == pytest.approx(np.sqrt(fit.mse_resid))
    assert found["freedom"] == fit.df_resid == 16


def test_seed_noise_is_per_experiment_and_metric_and_leaves_diverged_cells_out():
    a = pilot("p", [90.0, 91.0, 10.0]).assign(status=["ok", "ok", "diverged"])
    other, top5 = pilot("p", [90.0, 94.0]).assign(experiment="f"), pilot("p", [99.0]).assign(metric="top5")
    found = pooled_noise(study(a, other, top5), AXES, "score", SCOPE).set_index(["experiment", "metric"])
    assert found["freedom"].to_dict() == {("e", "top1"): 1, ("e", "top5"): 0, ("f", "top1"): 1}
    assert found["sigma"].dropna().to_dict() == pytest.approx({("e", "top1"): 0.5**0.5, ("f", "top1"): 8**0.5})


def test_keep_rule_by_hand_with_a_given_sigma():
    """Θ_b = lr 0, 1 (K = 2), mean 80.1; a point goes when Y1 + z 0.2 √1.5 = Y1 + 0.6309 < 80.6: Y1 < 79.9691."""
    base = rows("base", [90.0, 89.6, 80.0, 80.0, 80.0])
    pruned = rows("p", [80.0, 80.2, 79.9691, 79.9690, 85.0])
    assert 79.9690 < 80.1 + 0.5 - Z * 0.2 * 1.5**0.5 < 79.9691
    found = kept_rows(study(base, pruned), sigma=0.2)
    assert found["log10_lr"].tolist() == [0, 1, 2, 4]
    assert found["in_base_roi"].tolist() == [True, True, False, False]


def test_a_pilot_widens_the_rule_by_students_quantile():
    """Three seeds in two variants: s = 0.2 with 4 degrees of freedom. K = 1: s √2 t = 1.3022, z alone 0.7286."""
    seeds = [pilot(name, [90.0, 90.2, 90.4]) for name in ("base", "p")]
    pruned = [80.0, 80.5 - T_4 * 0.2 * 2**0.5 + 1e-6, 80.5 - T_4 * 0.2 * 2**0.5 - 1e-6, 80.5 - Z * 0.2 * 2**0.5]
    table = study(rows("base", [90.0, 0.0, 0.0, 0.0]), rows("p", pruned), *seeds)
    assert kept(table) == [0, 1, 3]
    assert kept(table, sigma=0.2) == [0, 3]
    found = screen(table, AXES, 0.5).iloc[0]
    assert (found["sigma"], found["freedom"], found["sigma_source"]) == (pytest.approx(0.2), 4, "pilot")


@pytest.mark.parametrize("freedom", [1.0, 4.0, 5.0, 20.0])
@pytest.mark.parametrize("size", [1, 5])
def test_students_quantile_loses_a_point_at_the_margin_as_often_as_it_says(freedom, size):
    """400,000 draws: a gain of exactly the margin is dropped with half of alpha_screen; z would lose it more often."""
    rng, draws = np.random.default_rng(2), 400_000
    sigma = np.sqrt(rng.chisquare(freedom, draws) / freedom)
    excess = 0.5 + rng.standard_normal(draws) - rng.standard_normal((draws, size)).mean(axis=1)
    spread = np.sqrt(1 + 1 / size)
    dropped = screening_bounds(excess, spread, sigma, freedom, 0.01) < 0.5
    error = np.sqrt(0.005 * 0.995 / draws)
    assert abs(dropped.mean() - 0.005) < 4 * error
    assert (screening_bounds(excess, spread, sigma, np.inf, 0.01) < 0.5).mean() > 0.005 + 6 * error


@pytest.mark.parametrize("size", [1, 15])
def test_heavy_tails_lose_a_point_at_the_margin_about_as_often_as_alpha_screen(size):
    """Noise of t with 5 degrees of freedom, σ from 5 variants × 5 seeds: 0.016 without the halving, 0.011 with it."""
    rng, draws = np.random.default_rng(3), 100_000
    squares = [rng.standard_t(5, (draws, 5)).var(axis=1, ddof=1) for _ in range(5)]
    excess = 0.5 + rng.standard_t(5, draws) - rng.standard_t(5, (draws, size)).mean(axis=1)
    sigma, spread = np.sqrt(np.mean(squares, axis=0)), np.sqrt(1 + 1 / size)
    assert 0.005 < (screening_bounds(excess, spread, sigma, 20.0, 0.01) < 0.5).mean() < 0.0125
    assert (screening_bounds(excess, spread, sigma, 20.0, 0.02) < 0.5).mean() > 0.0145


def test_the_pilot_is_known_by_its_seeds_even_where_its_rows_became_replicates():
    """The base's rows stay `pilot` and name it; seeds added at the same point later belong to stage 2 alone."""
    became = pilot("p", [80.0, 80.4]).assign(stage="replicate")
    later = rows("p", [70.0], lr=[0.0], seed=200, stage="replicate")
    elsewhere = rows("p", [60.0], lr=[1.0], seed=100, stage="replicate")
    table = study(rows("base", [90.0, 0]), rows("p", [80.0, 80]), pilot("base", [90.0, 90.2]), became, later, elsewhere)
    found = screen(table, AXES, 0.5).iloc[0]
    assert found["freedom"] == 2
    assert found["sigma"] == pytest.approx(np.sqrt((0.02 + 0.08) / 2))


def test_without_a_pilot_the_noise_is_that_of_replicates_at_the_bases_good_settings():
    fresh = [rows("p", [80 + step, 70 + 9 * step], seed=seed, stage="replicate") for seed, step in ((1, 0.0), (2, 1.0))]
    found = screen(study(rows("base", [90.0, 0.0]), rows("p", [80.0, 70.0]), *fresh), AXES, 0.5).iloc[0]
    assert (found["sigma"], found["freedom"], found["sigma_source"]) == (pytest.approx(0.5**0.5), 1, "replicates")


@pytest.mark.parametrize("more", [[], [pilot("base", [90.0, 90.0])], [pilot("base", [90.0])]])
def test_without_a_known_noise_nothing_is_dropped(more):
    table = study(rows("base", [90.0, 0.0, 0.0]), rows("p", [80.0, 10.0, 20.0]), *more)
    assert kept(table) == [0, 1, 2]


def test_several_seeds_in_stage_one_count_by_their_means():
    """Y1 is the mean over seeds; spread² = 1/S_j + Σ_b (1/S_b)/K², here one point with one seed less."""
    base = [rows("base", [90.0, second, 0.0, 0.0], seed=seed) for seed, second in ((0, 89.6), (1, 88.8))]
    assert set(screen(study(*base, rows("p", [80.0] * 4)), AXES, 0.5)["k"]) == {1}, (
        "90.0 against 89.2 on the mean landscape"
    )
    second = rows("p", [82.0, 81.0, 70.0], lr=[0.0, 1.0, 2.0], seed=1)
    found = screen(study(*base, rows("p", [80.0, 81.0, 70.0, 81.5]), second), AXES, 0.5, sigma=0.2)
    assert found["excess"].tolist() == [0, 0, -11, 0.5]
    assert found["spread"].tolist() == pytest.approx([1, 1, 1, np.sqrt(1.5)])


def test_base_region_uses_the_tolerance_for_ties():
    """559 of 600 images is exactly 0.5 points under 562, but not in floating percent."""
    base = rows("base", [correct / 600 * 100 for correct in (562, 559, 558)])
    assert base["score"][0] - base["score"][1] > 0.5
    assert screen(study(base, rows("p", [80.0, 80.0, 80.0])), AXES, 0.5)["in_base_roi"].tolist() == [True, True, False]


def test_points_that_are_not_there_are_not_kept_and_do_not_count():
    base = rows("base", [90.0, 90.0, 0.0])
    table = study(base, rows("p", [80.0, 80.0], lr=[1.0, 2.0]), rows("q", [80.0], lr=[2.0]))
    assert kept_rows(table, sigma=0.2)[["variant", "log10_lr"]].to_numpy().tolist() == [["p", 1], ["p", 2]]
    assert screen(table, AXES, 0.5, sigma=0.2).groupby("variant")["k"].first().to_dict() == {"p": 1, "q": 0}


def test_metrics_and_experiments_have_regions_of_their_own():
    top5 = {"metric": "top5"}
    table = study(
        rows("base", [90.0, 80.0]),
        rows("p", [80.0, 10.0]),
        rows("base", [98.0, 99.0], **top5),
        rows("p", [50.0, 95.0], **top5),
        rows("p", [80.0, 80.0], experiment="no base"),
    )
    found = kept_rows(table, sigma=0.1)
    assert found[["experiment", "metric", "log10_lr"]].to_numpy().tolist() == [["e", "top1", 0], ["e", "top5", 1]]


def test_a_base_that_diverged_everywhere_has_no_good_settings():
    table = study(rows("base", [10.0, 10.0], status="diverged"), rows("p", [80.0, 80.0]))
    assert kept_rows(table, sigma=0.1).empty


def test_claims_about_single_variants_keep_more():
    """V = 2: z is 2.8070 at 0.0025; 80 + 0.5 − z 0.2 √2 = 79.7060, against 79.7714 for one claim."""
    table = study(rows("base", [90.0, 0.0]), rows("p", [80.0, 79.75]), rows("q", [80.0, 79.7]))
    found = kept_rows(table, sigma=0.2)
    assert found[["variant", "log10_lr"]].to_numpy().tolist() == [["p", 0], ["p", 1], ["q", 0]]
    assert len(kept_rows(table, sigma=0.2, claims=1)) == 2


@pytest.mark.parametrize(
    "how", [{"margin": 0}, {"sigma": -1.0}, {"sigma": np.inf}, {"alpha_screen": 0.0}, {"alpha_screen": 0.6}]
)
def test_impossible_levels_are_refused(how):
    with pytest.raises(InputError, match=next(iter(how))):
        check_levels(**{"margin": 0.5, "sigma": None, "alpha_screen": 0.01} | how)
