"""Regions of interest and confidence ellipses against closed forms, numpy and simulation."""

import duckdb
import numpy as np
import pandas as pd
import polars
import pytest

from prunescape.analysis.axes import LANDSCAPE
from prunescape.analysis.landscape.regions import best_cells, contour, ellipse_columns, ellipses, outline, regions
from prunescape.store.tables import read_result, write_result
from support.landscapes import AXES, THRESHOLDS, full_grid, landscape


def members(scores, threshold):
    roi = regions(scores, AXES, THRESHOLDS)
    return set(roi[roi["threshold"] == threshold][["log10_wd", "log10_lr"]].itertuples(index=False, name=None))


def test_region_of_a_quadratic_landscape_is_the_disc_of_its_closed_form():
    """95 - 2 r^2 >= 95 - x exactly where r <= sqrt(x / 2)."""
    wd, lr = full_grid()
    scores = landscape(wd, lr, 95 - 2 * (wd**2 + lr**2))
    for x in (0.5, 1.0):
        inside = np.hypot(wd, lr) <= np.sqrt(x / 2) + 1e-9
        assert members(scores, x) == set(zip(wd[inside], lr[inside], strict=True))


def test_a_tie_on_the_threshold_belongs_to_the_region():
    """559 of 600 images is exactly 0.5 points under 562; shares times 100, as exports hold them, differ by more."""
    best, edge, under = (correct / 600 * 100 for correct in (562, 559, 558))
    assert best - edge > 0.5
    scores = landscape([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [best, edge, under])
    assert members(scores, 0.5) == {(0.0, 0.0), (1.0, 0.0)}


def test_the_best_of_tied_cells_is_always_the_same():
    scores = landscape([-3.0, -4.0, -4.0], [-1.0, -1.0, 0.0], [90.0, 90.0, 90.0])
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        best = best_cells(scores.iloc[order], AXES).iloc[0]
        assert (best.log10_lr, best.log10_wd) == (-1.0, -4.0)
    diverged = scores.assign(status=["ok", "diverged", "ok"])
    assert best_cells(diverged, AXES).iloc[0].log10_wd == -3.0


def test_ellipse_against_numpy():
    """numpy.cov (ddof 1) and numpy.linalg.eigh name the same diameters and the same long axis."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        points = rng.normal(size=(rng.integers(5, 30), 2)) @ rng.normal(size=(2, 2))
        scores = landscape(*points.T, 90.0)
        row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
        values, vectors = np.linalg.eigh(np.cov(points.T))
        np.testing.assert_allclose([row.width, row.length], 4 * np.sqrt(values), rtol=1e-9)
        np.testing.assert_allclose([row.centre_log10_wd, row.centre_log10_lr], points.mean(axis=0), atol=1e-12)
        along = np.array([np.cos(np.radians(row.angle_deg)), np.sin(np.radians(row.angle_deg))])
        assert abs(along @ vectors[:, 1]) == pytest.approx(1)
        assert -90 < row.angle_deg <= 90


@pytest.mark.parametrize("angle", [-89.0, -45.0, 0.0, 30.0, 45.0, 90.0])
def test_axes_return_the_angle_they_were_built_with(angle):
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    covariance = rotation @ np.diag([0.9, 0.1]) @ rotation.T
    length, width, found = contour(covariance[[0], [0]], covariance[[0], [1]], covariance[[1], [1]])
    assert (length[0], width[0], found[0]) == pytest.approx((4 * np.sqrt(0.9), 4 * np.sqrt(0.1), angle))


def test_two_standard_deviations_hold_the_papers_share_of_a_gaussian():
    """matthiesen2023, Table 3.5: confidence level 0.1353 at SDE multiplier 2, so 86.47 % lie inside."""
    points = np.random.default_rng(2).multivariate_normal([-3, -1], [[0.5, -0.3], [-0.3, 0.4]], 40_000)
    scores = landscape(*points.T, 90.0)
    row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
    turn = np.radians(row.angle_deg)
    away = points - [row.centre_log10_wd, row.centre_log10_lr]
    along, across = away @ [np.cos(turn), np.sin(turn)], away @ [-np.sin(turn), np.cos(turn)]
    inside = (2 * along / row.length) ** 2 + (2 * across / row.width) ** 2 <= 1
    share = 1 - 0.1353
    assert inside.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40_000))


def test_outline_lies_on_the_contour_at_k_2():
    """Its points are at Mahalanobis distance 2 from the mean, by numpy's covariance."""
    points = np.random.default_rng(3).normal(size=(12, 2)) @ np.array([[1.0, 0.6], [0.0, 0.3]])
    scores = landscape(*points.T, 90.0)
    row = next(ellipses(regions(scores, AXES, (0.5,)), scores, AXES).itertuples())
    away = np.column_stack(outline(row, AXES)) - points.mean(axis=0)
    squared = np.einsum("ij,jk,ik->i", away, np.linalg.inv(np.cov(points.T)), away)
    np.testing.assert_allclose(squared, 4, rtol=1e-9)


def test_fewer_than_five_points_have_no_ellipse_but_a_row():
    wd, lr = full_grid(3)
    scores = landscape(wd, lr, np.where(np.arange(9) < 4, 90.0, 50.0))
    row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
    assert row.n == 4
    assert row[["length", "width", "centre_log10_wd", "centre_log10_lr", "angle_deg"]].isna().all()


@pytest.mark.parametrize(("wd", "lr", "angle"), [(1, 0, 0.0), (0, 1, 90.0), (1, 1, 45.0), (1, -1, -45.0)])
def test_points_on_a_line_have_width_zero(wd, lr, angle):
    """Variance of 0.1 * (0..4) is 0.025 per step of the direction: length 4 sqrt(0.025 (wd^2 + lr^2))."""
    steps = 0.1 * np.arange(5)
    scores = landscape(wd * steps - 3.3, lr * steps - 1.7, 90.0)
    row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
    assert row.collinear and row.width == 0
    assert row.length == pytest.approx(4 * np.sqrt(0.025 * (wd**2 + lr**2)))
    assert row.angle_deg == pytest.approx(angle)


def test_a_vertical_line_has_width_zero_though_its_mean_is_rounded():
    """The mean of six times -0.2 is not -0.2 in floating point."""
    scores = landscape(-0.2, 0.1 * np.arange(6), 90.0)
    row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
    assert row.collinear and row.width == 0 and row.angle_deg == 90


def test_a_full_square_shows_no_direction():
    wd, lr = full_grid(3)
    scores = landscape(wd - 3.1, lr - 1.3, 90.0)
    row = ellipses(regions(scores, AXES, (0.5,)), scores, AXES).iloc[0]
    assert row.angle_deg == 0 and not row.collinear
    assert row.length == pytest.approx(row.width)


def test_truncated_where_the_region_touches_the_edge():
    wd, lr = full_grid(5)
    inner = landscape(wd, lr, np.where((abs(wd) < 0.3) & (abs(lr) < 0.3), 90.0, 50.0))
    corner = landscape(wd, lr, 90 - 10 * np.hypot(wd - 0.4, lr - 0.4))
    assert not ellipses(regions(inner, AXES, THRESHOLDS), inner, AXES)["truncated"].any()
    assert ellipses(regions(corner, AXES, THRESHOLDS), corner, AXES)["truncated"].all()


def test_odd_landscapes_do_not_crash():
    wd, lr = full_grid(3)
    holes = landscape(wd, lr, 90.0, variant="holes").iloc[[0, 2, 3, 7, 8]]
    parts = [
        landscape([-4.0], [-1.0], [90.0], variant="one cell"),
        landscape(wd, lr, 10.0, variant="all diverged").assign(status="diverged"),
        landscape(wd[:3], lr[:3], 90.0, variant="one row"),
        holes,
    ]
    scores = pd.concat(parts, ignore_index=True)
    table = ellipses(regions(scores, AXES, THRESHOLDS), scores, AXES).query("threshold == 1").set_index("variant")
    assert table["n"].to_dict() == {"one cell": 1, "all diverged": 9, "one row": 3, "holes": 5}
    assert table["truncated"].all()


def test_each_variant_seed_and_metric_is_a_landscape_of_its_own():
    wd, lr = full_grid(3)
    peaks = [("base", 0, "top1", 90), ("base", 1, "top1", 80), ("p", 0, "top1", 70), ("base", 0, "top5", 99)]
    parts = [
        landscape(wd, lr, peak - np.arange(9.0), variant=variant, seed=seed, metric=metric)
        for variant, seed, metric, peak in peaks
    ]
    roi = regions(pd.concat(parts, ignore_index=True), AXES, THRESHOLDS)
    assert roi[roi["threshold"] == 1].groupby(LANDSCAPE)["score"].max().sort_values().tolist() == [70, 80, 90, 99]
    assert (roi.groupby([*LANDSCAPE, "threshold"]).size().unstack() == [1, 2]).all(axis=None)


def test_results_have_strict_types_everywhere(tmp_path):
    wd, lr = full_grid(3)
    scores = landscape(wd, lr, np.where(np.arange(9) < 4, 90.0, 50.0))
    parquet, csv = tmp_path / "ellipses.parquet", tmp_path / "ellipses.csv"
    write_result(
        ellipses(regions(scores, AXES, THRESHOLDS), scores, AXES), ellipse_columns(AXES), parquet=parquet, csv=csv
    )
    assert list(read_result(parquet, ellipse_columns(AXES))) == list(ellipse_columns(AXES))
    kinds = [str(kind) for kind in polars.read_parquet(parquet).dtypes]
    assert kinds[-8:] == ["Int64", *["Float64"] * 5, "Boolean", "Boolean"]
    assert duckdb.sql(f"select count(length), sum(n) from '{parquet}'").fetchall() == [(0, 8)]
    assert pd.read_csv(csv)["n"].tolist() == [4, 4]


def test_an_empty_table_gives_empty_results():
    scores = landscape([], [], [])
    assert ellipses(regions(scores, AXES, THRESHOLDS), scores, AXES).empty
