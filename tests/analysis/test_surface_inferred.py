"""Inferred regions, ellipses and risks, on landscapes whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.analysis.surface.inferred import (
    inferred_ellipse_columns,
    inferred_ellipses,
    inferred_risk,
    inferred_risk_columns,
    inferred_roi,
    inferred_roi_columns,
)
from prunescape.analysis.surface.process import fit_surface
from support.surfaces import KEY, band, cells, grid

pytestmark = pytest.mark.filterwarnings("error")
THRESHOLDS = (0.5, 1.0)


@pytest.fixture(scope="module")
def noiseless():
    """A third of the cells of a base and a variant with the base's landscape, a point lower."""
    return fit_surface(cells(sigma=0, variants=("base", "p")), AXES)


def test_noiseless_region_and_ellipse_are_those_of_the_full_grid(noiseless):
    found = inferred_roi(noiseless, grid(), THRESHOLDS, KEY)
    assert list(found) == list(inferred_roi_columns(AXES)) and len(found) == 2 * 2 * 81
    full = grid().assign(**KEY, variant="base", seed=0, score=band(grid()), chosen_on=band(grid()))
    true = regions(full, AXES, THRESHOLDS)
    for x in THRESHOLDS:
        own = found[(found["variant"] == "base") & (found["threshold"] == x)]
        wanted = own.merge(true[true["threshold"] == x], on=AXES.names, how="left")["score"].notna()
        assert (own["member"].to_numpy() == wanted.to_numpy()).mean() > 0.96
        assert ((own["probability"] > 0.5).to_numpy() == wanted.to_numpy()).mean() > 0.96
        assert own["trained"].sum() == 27
    shape = inferred_ellipses(noiseless, grid(), (1.0,), KEY)
    assert list(shape) == list(inferred_ellipse_columns(AXES)) and len(shape) == 2
    expected = ellipses(true, full, AXES).query("threshold == 1").iloc[0]
    for name in ("length", "width"):
        assert shape[name].tolist() == pytest.approx([expected[name]] * 2, rel=0.1)
    assert shape["angle_deg"].tolist() == pytest.approx([expected["angle_deg"]] * 2, abs=5)


def test_noiseless_risk_is_that_of_the_full_grid(noiseless):
    found = inferred_risk(noiseless, grid(), 0.5, KEY)
    assert list(found) == list(inferred_risk_columns(AXES, 0.5)) and found["variant"].tolist() == ["base", "p"]
    true = 94 - band(grid())[band(grid()) >= 93.5].mean()
    assert found["d_mean"].tolist() == pytest.approx([true, true], abs=0.05)
    assert (found["d_low"] <= true + 0.05).all() and (found["d_high"] >= true - 0.05).all()
    assert found["best"].tolist() == pytest.approx([94, 93], abs=0.05)
    assert found[["best_log10_lr", "best_log10_wd"]].abs().max(axis=None) <= 0.2 + 1e-9


def test_a_variant_that_is_refused_has_no_rows_and_without_a_base_there_is_no_risk():
    random = np.random.default_rng(0)
    plateau = cells().assign(variant="flat", score=94 + 0.2 * random.standard_normal(27))
    surface = fit_surface(pd.concat([cells(variants=("p",)), plateau]), AXES)
    checked = surface.coverage()
    assert dict(zip(checked["variant"], checked["passed"], strict=True)) == {"p": True, "flat": False}
    assert set(inferred_roi(surface, grid(), THRESHOLDS, KEY)["variant"]) == {"p"}
    assert inferred_risk(surface, grid(), 0.5, KEY).empty
    alone = fit_surface(plateau, AXES)
    for table in (inferred_roi, inferred_ellipses):
        assert table(alone, grid(), THRESHOLDS, KEY).empty
    assert inferred_risk(alone, grid(), 0.5, KEY).empty


@pytest.mark.parametrize("number", [3, 30])
def test_a_third_of_the_cells_tells_the_true_region_better_than_the_full_noisy_grid(number):
    """Three studies of the simulation in benchmarks/simulate_landscapes.py: Jaccard index with the true 0.5-ROI."""
    true, nearer = (band(grid()) >= 93.5).to_numpy(), []
    for seed in range(number, number + 3):
        noisy = cells(sigma=0.3, share=1, seed=seed)["score"].to_numpy()
        found = fit_surface(cells(sigma=0.3, seed=seed), AXES).at("base", grid())["inferred"].to_numpy()
        both = [(true & (each >= each.max() - 0.5), true | (each >= each.max() - 0.5)) for each in (noisy, found)]
        nearer.append([inside.sum() / either.sum() for inside, either in both])
    full, third = np.mean(nearer, axis=0)
    assert third > full + 0.1
