"""The good band's slope and its ratio of Eq 2.2 against closed forms and statsmodels."""

import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analyse_cells import analyse_cells
from prunescape.analysis.landscape.band import band, band_columns
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.errors import InputError
from prunescape.store.tables import read_result, write_result
from support.analysed import study_terms
from support.landscapes import AXES, THRESHOLDS, full_grid, landscape


def band_of(scores, recipes=None) -> pd.DataFrame:
    roi = regions(scores, AXES, THRESHOLDS)
    return band(scores, roi, ellipses(roi, scores, AXES), recipes or {}, THRESHOLDS)


def ridge(angle_deg: float, along: float, across: float, size: int = 201, step: float = 0.01) -> pd.DataFrame:
    """Score 92 - (u / along)^2 - (v / across)^2, u along the angle: its 1.0-ROI is the ellipse with these half axes."""
    wd, lr = full_grid(size, step)
    turn = np.radians(angle_deg)
    u, v = wd * np.cos(turn) + lr * np.sin(turn), -wd * np.sin(turn) + lr * np.cos(turn)
    return landscape(wd - 4, lr - 1, 92 - (u / along) ** 2 - (v / across) ** 2)


@pytest.mark.parametrize(("angle", "across"), [(-45.0, 0.1), (-45.0, 0.3), (-20.0, 0.3), (60.0, 0.2)])
def test_an_elliptic_region_has_the_slopes_of_its_closed_form(angle, across):
    """Points spread evenly over an ellipse with half axes a, b have the covariance R diag(a², b²) Rᵀ / 4.

    So the fitted slope is xy / xx, flatter than the long axis tan(angle) where the band is wide, and r² xy² / (xx yy).
    """
    row = band_of(ridge(angle, 0.7, across)).iloc[0]
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    (xx, xy), (_, yy) = rotation @ np.diag([0.7**2, across**2]) @ rotation.T
    assert row["slope"] == pytest.approx(xy / xx, rel=0.01)
    assert row["r2"] == pytest.approx(xy**2 / (xx * yy), rel=0.01)
    assert row["ellipse_slope"] == pytest.approx(np.tan(turn), rel=0.01)
    assert row["n"] == pytest.approx(np.pi * 0.7 * across / 0.01**2, rel=0.01)
    assert row["reason"] is None and not row["truncated"]


def test_slope_interval_and_r2_against_statsmodels():
    """statsmodels' OLS and its conf_int, over the points that a comparison of scores picks out."""
    wd, lr = full_grid(9)
    random = np.random.default_rng(4)
    for _ in range(10):
        score = 92 - 4 * (wd + lr) ** 2 - (wd - lr) ** 2 + random.normal(0, 0.2, len(wd))
        row = band_of(landscape(wd, lr, score)).iloc[0]
        inside = score >= score.max() - 1
        fit = sm.OLS(lr[inside], sm.add_constant(wd[inside])).fit()
        found = row[["slope", "slope_low", "slope_high", "r2"]].to_list()
        assert found == pytest.approx([fit.params[1], *fit.conf_int()[1], fit.rsquared])
        assert row["n"] == inside.sum()


def test_a_band_where_the_ratio_is_constant_has_slope_minus_one():
    """matthiesen2023, Eq 2.2 with β = 128 and μ = 0.9: γλ = 1.28e-5 on every point."""
    wd = np.round(np.arange(-5, -3, 0.25), 2)
    lr = np.log10(1e-6 * 128 * 0.1) - wd
    row = band_of(landscape(wd, lr, 92.0), {"e": (128, 0.9)}).iloc[0]
    assert row[["slope", "slope_low", "slope_high", "r2"]].to_list() == pytest.approx([-1, -1, -1, 1])
    assert row["ellipse_slope"] == pytest.approx(-1)
    assert row[["ratio_median", "ratio_low", "ratio_high"]].to_list() == pytest.approx([1e-6] * 3)
    assert (row["ratio_published"], row["batch_size"], row["momentum"]) == (1e-6, 128, 0.9)


def test_the_ratio_at_the_published_prior():
    """Table 3.4's prior, γ = 0.1 and λ = 1e-4, with Table 3.3's β = 128 and μ = 0.9: 1e-5 / 12.8 by hand."""
    scores = landscape([-4.0, -4.0, -3.0], [-1.0, -2.0, -1.0], [93.0, 92.5, 50.0])
    row = band_of(scores, {"e": (128, 0.9), "elsewhere": (1, 0)}).iloc[0]
    assert row["ratio_high"] == pytest.approx(1e-5 / 12.8)
    assert row["ratio_low"] == pytest.approx(1e-6 / 12.8)
    assert row["ratio_median"] == pytest.approx(5.5e-6 / 12.8)
    assert np.isnan(row["slope"]) and row["n"] == 2


def test_without_a_recipe_there_is_no_ratio():
    row = band_of(landscape(*full_grid(3), 90.0), {"elsewhere": (128, 0.9)}).iloc[0]
    assert row[["batch_size", "momentum", "ratio_median", "ratio_low", "ratio_high"]].isna().all()
    assert row["slope"] == pytest.approx(0)


@pytest.mark.parametrize("recipe", [(0, 0.9), (128, 1.0), (128, -0.1), (float("nan"), 0.9)])
def test_an_impossible_recipe_is_named(recipe):
    with pytest.raises(InputError, match="recipe of e: batch size"):
        band_of(landscape(*full_grid(3), 90.0), {"e": recipe})


def test_landscapes_without_a_slope_say_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "pingouin", None)  # importing it would fail: nothing here needs it
    wd, lr = full_grid(5)
    line = 0.25 * np.arange(6)
    parts = [
        landscape(wd, lr, np.where(np.arange(25) < 4, 90.0, 50.0), variant="four points"),
        landscape(wd, lr, 10.0, variant="all diverged").assign(status="diverged"),
        landscape(line, 0.0 * line, 90.0, variant="one row"),
        landscape(0.0 * line, line, 90.0, variant="one column"),
    ]
    table = band_of(pd.concat(parts, ignore_index=True)).set_index("variant")
    said = {name: reason.split()[0] for name, reason in table["reason"].items()}
    assert said == {"four points": "fewer", "all diverged": "a", "one row": "one", "one column": "one"}
    assert table.loc["one row", "reason"] == "one learning rate only"
    assert table.loc["one column", "reason"] == "one weight decay only"
    assert table[["slope", "slope_low", "slope_high", "r2"]].isna().all(axis=None)
    assert table.loc["one row", "ellipse_slope"] == 0
    assert np.isnan(table.loc["one column", "ellipse_slope"]), "a vertical axis has no slope"


def test_a_square_region_has_no_long_axis():
    row = band_of(landscape(*full_grid(3), 90.0)).iloc[0]
    assert np.isnan(row["ellipse_slope"]) and row["slope"] == pytest.approx(0) and row["truncated"]


def test_every_landscape_is_fitted_on_its_own():
    """Rows in whatever order: seeds, metrics and variants keep their own slope."""
    slopes = {("base", 0, "top1"): -1.0, ("base", 1, "top1"): -0.5, ("p", 0, "top1"): 0.5, ("base", 0, "top5"): 2.0}
    wd = np.round(np.arange(-5, -3, 0.25), 2)
    parts = [
        landscape(wd, key_slope * wd, 90.0, variant=variant, seed=seed, metric=metric)
        for (variant, seed, metric), key_slope in slopes.items()
    ]
    scores = pd.concat(parts).sample(frac=1, random_state=0)
    table = band_of(scores.reset_index(drop=True)).set_index(["variant", "seed", "metric"])
    assert table["slope"].to_dict() == pytest.approx(slopes)


def test_the_script_writes_strict_types_also_of_an_empty_study(tmp_path):
    frame = landscape(*full_grid(3), 90.0).rename(columns={"score": "top1"}).drop(columns=["metric", "chosen_on"])
    columns = band_columns(THRESHOLDS)
    for rows in (frame, frame.iloc[:0]):
        rows.to_csv(tmp_path / "cells.csv", index=False)
        analyse_cells(tmp_path / "cells.csv", study_terms(e=AXES.names), out=tmp_path)
        table = read_result(tmp_path / "band.parquet", columns)
        assert table["batch_size"].tolist() == [64] * (len(rows) > 0)
        write_result(table, columns, parquet=tmp_path / "again.parquet", csv=tmp_path / "again.csv")
        assert (tmp_path / "again.csv").read_text() == (tmp_path / "band.csv").read_text()
