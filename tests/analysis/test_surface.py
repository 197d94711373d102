"""What is inferred of untrained settings, against hand-written kriging, refits, and landscapes whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.axes import Axes
from prunescape.analysis.surface.inferred import inferred_roi
from prunescape.analysis.surface.leave_one_out import predictions
from prunescape.analysis.surface.process import FEWEST_CELLS, MOST_CANDIDATES, MOST_CELLS, fit_surface
from prunescape.errors import InputError
from support.code import loaded_by
from support.surfaces import KEY, band, cells, grid

pytestmark = pytest.mark.filterwarnings("error")


def signal(first, second, kernel, scale):
    """The signal's covariance, written out: C (1 + √5 d + 5 d² / 3) exp(-√5 d), times the variants' correlation."""
    turned = [
        np.column_stack([rows["log10_lr"] + rows["log10_wd"], rows["log10_lr"] - rows["log10_wd"]])
        / (np.sqrt(2) * scale[0])
        for rows in (first, second)
    ]
    lengths, other = kernel.k1.k1.k2.length_scale, kernel.k1.k2.length_scale
    d = np.sqrt((((turned[0][:, None] - turned[1]) / lengths) ** 2).sum(axis=2))
    same = first["variant"].to_numpy()[:, None] == second["variant"].to_numpy()
    matern = (1 + np.sqrt(5) * d + 5 / 3 * d**2) * np.exp(-np.sqrt(5) * d)
    return kernel.k1.k1.k1.constant_value * matern * np.where(same, 1, np.exp(-1 / other**2))


def test_posterior_against_kriging_by_hand():
    """Rasmussen and Williams 2006, Eq 2.25 and 2.26, of the standardised z."""
    trained = cells(variants=("base", "p"))
    surface = fit_surface(trained, AXES)
    kernel = surface.regressor.kernel_
    under = trained.groupby("variant")["score"].transform("max") - trained["score"]
    z = -np.log(1 + under.clip(upper=4))
    wanted = grid().iloc[36:45].assign(variant="p")
    of = [signal(*pair, kernel, surface.scale) for pair in ((trained,) * 2, (wanted, trained), (wanted,) * 2)]
    inverse = np.linalg.inv(of[0] + (kernel.k2.noise_level + 1e-10) * np.eye(len(trained)))
    mean = z.mean() + of[1] @ inverse @ (z - z.mean())
    covariance = z.std(ddof=0) ** 2 * (of[2] - of[1] @ inverse @ of[1].T)
    found = surface.at("p", wanted)
    assert found["z_mean"].to_numpy() == pytest.approx(mean, abs=1e-6)
    assert found["z_sd"].to_numpy() == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-4)
    assert surface.posterior("p", wanted)[1] == pytest.approx(covariance, abs=1e-6)
    best = trained.loc[trained["variant"] == "p", "score"].max()
    assert found["inferred"].to_numpy() == pytest.approx(best + 1 - np.exp(-mean), abs=1e-5)
    assert found["high"].to_numpy() == pytest.approx(
        best + 1 - np.exp(-mean - 1.96 * np.sqrt(np.diag(covariance))), abs=1e-3
    )


def test_draws_have_the_posterior_s_quantiles_and_repeat():
    surface = fit_surface(cells(), AXES)
    near = grid()[band(grid()) > 93]
    drawn, found = surface.draws("base", near, 4000), surface.at("base", near)
    assert np.median(drawn, axis=0) == pytest.approx(found["inferred"].to_numpy(), abs=0.1)
    assert np.quantile(drawn, 0.025, axis=0) == pytest.approx(found["low"].to_numpy(), abs=0.15)
    assert (surface.draws("base", near, 4000) == drawn).all()


def test_leave_one_out_against_conditioning_on_all_other_cells():
    trained = cells(variants=("base", "p"))
    surface = fit_surface(trained, AXES)
    rows, kernel = surface.trained, surface.regressor.kernel_
    z, middle = surface.z_trained, surface.z_trained.mean()
    covariance = signal(rows, rows, kernel, surface.scale) + kernel.k2.noise_level * np.eye(len(rows))
    mean, sd = predictions(surface)
    for left in (0, 13, 40):
        others = np.arange(len(rows)) != left
        weights = covariance[left, others] @ np.linalg.inv(covariance[np.ix_(others, others)])
        assert mean[left] == pytest.approx(middle + weights @ (z[others] - middle), abs=1e-5)
        variance = covariance[left, left] - weights @ covariance[others, left]
        assert sd[left] == pytest.approx(z.std() * np.sqrt(variance), rel=1e-4)


def test_a_variant_of_equal_scores_is_left_out():
    trained = cells(variants=("base", "p"))
    trained.loc[trained["variant"] == "p", "score"] = 10.0
    surface = fit_surface(trained, AXES)
    assert surface.variants == ("base",)
    with pytest.raises(InputError, match=r'nothing is inferred of the variant "p"; allowed: base'):
        surface.at("p", grid())


@pytest.mark.parametrize(
    ("trained", "says"),
    [
        (cells().iloc[: FEWEST_CELLS - 1], "8 cells of variants whose scores differ, and a surface needs 9"),
        (cells().assign(score=10.0), "0 cells of variants whose scores differ"),
        (pd.concat([cells()] * (MOST_CELLS // 27 + 1)), "fitted to 1000 at most"),
    ],
    ids=["few", "constant", "many"],
)
def test_what_no_surface_is_fitted_to(trained, says):
    with pytest.raises(InputError, match=says):
        fit_surface(trained, AXES)


def test_a_cliff_of_any_height_counts_as_deep_as_the_depth_and_its_cells_stand_for_themselves():
    trained = cells()
    trained.loc[trained["log10_lr"] > 0.5, "score"] = 60.0
    deeper = trained.assign(score=trained["score"].replace(60.0, 10.0))
    first, second = fit_surface(trained, AXES), fit_surface(deeper, AXES)
    assert first.regressor.kernel_ == second.regressor.kernel_
    over = trained[trained["log10_lr"] > 0.5]
    assert (second.at("base", over)[["inferred", "low", "high"]] == 10).all(axis=None)
    assert (second.draws("base", over, 5) == 10).all()
    beyond = second.at("base", pd.DataFrame({"log10_lr": [0.75], "log10_wd": [0.7]}))
    assert (beyond["low"] == 0).all() and (beyond["inferred"] < 91).all()


def test_coverage_tells_a_ridge_from_a_peak_on_a_plateau():
    ridge = fit_surface(cells(variants=("base", "p")), AXES).coverage()
    assert ridge["passed"].all() and ridge["n"].tolist() == [27, 27]
    plateau = cells().assign(score=94 + 0.2 * np.random.default_rng(1).standard_normal(27))
    plateau.loc[13, "score"] = 95.0
    refused = fit_surface(plateau, AXES).coverage().iloc[0]
    assert refused["covered"] > 0.8 and refused["explained"] < 0.2 and not refused["passed"]


def test_a_surface_does_not_reach_down_to_wider_regions_than_it_was_fitted_for():
    surface = fit_surface(cells(), AXES)
    with pytest.raises(InputError, match="does not reach down to the 2-ROI; allowed: up to 1; hint: fit it with these"):
        inferred_roi(surface, grid(), (0.5, 2.0), KEY)
    assert fit_surface(cells(), AXES, (2.0,)).depth == 8


def test_a_third_axis_and_its_unit():
    """Noiseless: a score that falls with a third hyperparameter is found between its trained values, in any unit."""
    random, found = np.random.default_rng(0), []
    momentum = random.choice([0.0, 0.3, 0.6, 0.9], 54)
    settings = pd.concat([cells(sigma=0, seed=seed) for seed in (0, 1)]).assign(momentum=momentum)
    settings = settings.drop_duplicates([*AXES.names, "momentum"])
    settings["score"] -= 2 * (settings["momentum"] - 0.5) ** 2
    asked = pd.DataFrame({"log10_lr": [0.2, 0.0], "log10_wd": [-0.2, 0.2], "momentum": [0.5, 0.3]})
    for unit in (1, 1000):
        axes = Axes.of([*AXES.names, "momentum"])
        surface = fit_surface(settings.assign(momentum=unit * settings["momentum"]), axes)
        found.append(surface.at("base", asked.assign(momentum=unit * asked["momentum"]))["inferred"].to_numpy())
    assert found[0] == pytest.approx((band(asked) - 2 * (asked["momentum"] - 0.5) ** 2).to_numpy(), abs=0.15)
    assert found[1] == pytest.approx(found[0], abs=1e-3)


def test_variants_far_apart_share_their_form_whatever_the_order_of_rows():
    """A variant 40 points under the base, trained at nine settings, is inferred from the base's form."""
    few = cells(sigma=0.1, share=9, seed=5).assign(variant="p")
    trained = pd.concat([cells(sigma=0.1), few.assign(score=few["score"] - 40)])
    surface = fit_surface(trained, AXES)
    near = grid()[band(grid()) > 92]
    assert surface.at("p", near)["inferred"].to_numpy() == pytest.approx(band(near).to_numpy() - 40, abs=0.5)
    shuffled = fit_surface(trained.sample(frac=1, random_state=0), AXES)
    assert shuffled.at("p", near).equals(surface.at("p", near))


def test_a_joint_posterior_has_a_limit_and_single_settings_have_none():
    surface = fit_surface(cells(), AXES)
    many = pd.concat([grid()] * (MOST_CANDIDATES // 81 + 1))
    with pytest.raises(InputError, match=f"2025 settings is too large; allowed: up to {MOST_CANDIDATES}"):
        surface.draws("base", many, 10)
    assert len(surface.at("base", many)) == 2025 and surface.at("base", many.iloc[:0]).empty


def test_importing_a_surface_loads_nothing_slow():
    modules = "import prunescape.analysis.surface.inferred, prunescape.analysis.surface.choice"
    assert loaded_by(modules, "scipy", "sklearn", "torch") == set()
