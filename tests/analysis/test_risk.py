"""Performance risk against closed forms and numpy, and the analysis of a file through its function."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import risk, risk_points
from prunescape.analysis.read_cells import read_cells, scores
from prunescape.present.summary import summary_lines
from support.landscapes import AXES, THRESHOLDS


def cells(tmp_path, frame) -> pd.DataFrame:
    path = tmp_path / "cells.csv"
    frame.assign(model="m", dataset="d").to_csv(path, index=False)
    return read_cells(path, partial=True)


def variant(name, score, wd, lr, seed=0, **more) -> pd.DataFrame:
    return pd.DataFrame({"variant": name, "log10_wd": wd, "log10_lr": lr, "top1": score, "seed": seed, **more})


def risk_of(table) -> pd.DataFrame:
    landscapes = scores(table, AXES)
    roi = regions(landscapes, AXES, THRESHOLDS)
    points = risk_points(landscapes, roi, AXES, 0.5)
    return risk(landscapes, points, AXES).set_index(["variant", "seed", "metric"])


def test_two_shifted_gaussian_landscapes_in_closed_form(tmp_path):
    """Base 90 exp(-w^2), variant 80 exp(-(w - 0.1)^2) on w = -0.5 ... 0.5; the base's 0.5-ROI is |w| <= 0.0746."""
    w = np.round(np.arange(-50, 51) / 100, 2)
    base, pruned = 90 * np.exp(-(w**2)), 80 * np.exp(-((w - 0.1) ** 2))
    table = cells(tmp_path, pd.concat([variant("base", base, w, 0.0), variant("p", pruned, w, 0.0)]))
    carried = np.abs(w) <= np.sqrt(np.log(90 / 89.5))
    d = 80 - 80 * np.exp(-((w[carried] - 0.1) ** 2))
    row = risk_of(table).loc[("p", 0, "top1")]
    assert row["n"] == carried.sum() == 15
    assert (row["best"], row["best_log10_wd"]) == (80, 0.1)
    assert row["d_mean"] == pytest.approx(np.mean(d))
    assert row["d_std"] == pytest.approx(np.sqrt(np.mean((d - d.mean()) ** 2)))
    assert row["d_median"] == pytest.approx(np.median(d))
    assert row["d_rel_mean"] == pytest.approx(np.mean(d) / 80)
    assert row["d_rel_std"] == pytest.approx(np.std(d) / 80)
    base_row = risk_of(table).loc[("base", 0, "top1")]
    assert base_row["d_mean"] == pytest.approx(np.mean(90 - base[carried]))
    assert base_row["d_mean"] <= 0.5


def test_a_single_cell_has_no_risk(tmp_path):
    row = risk_of(cells(tmp_path, variant("base", [70.0], [-4.0], [-1.0]))).loc[("base", 0, "top1")]
    assert row[["n", "d_mean", "d_std", "d_median", "d_rel_mean", "d_rel_std"]].tolist() == [1, 0, 0, 0, 0, 0]


def test_settings_the_variant_lacks_do_not_count(tmp_path):
    wd = [-4.0, -3.0, -2.0]
    base = variant("base", [90.0, 90.0, 90.0], wd, 0.0)
    holes = variant("holes", [80.0, 79.0], wd[1:], 0.0)
    elsewhere = variant("elsewhere", [80.0], [-1.0], 0.0)
    table = risk_of(cells(tmp_path, pd.concat([base, holes, elsewhere])))
    assert table.loc[("holes", 0, "top1")][["n", "d_mean"]].tolist() == [2, 0.5]
    row = table.loc[("elsewhere", 0, "top1")]
    assert (row["n"], row["best"]) == (0, 80) and np.isnan(row["d_mean"])


def test_diverged_cells_count_and_are_told_apart(tmp_path):
    base = variant("base", [90.0, 90.0, 90.0], [-4.0, -3.0, -2.0], 0.0, status="ok", classes=10)
    pruned = base.assign(variant="p", top1=[80.0, 79.0, None], status=["ok", "ok", "diverged"])
    row = risk_of(cells(tmp_path, pd.concat([base, pruned]))).loc[("p", 0, "top1")]
    assert row["d_mean"] == pytest.approx((0 + 1 + 70) / 3)
    assert (row["d_median"], row["d_mean_converged"], row["n_diverged"]) == (1, 0.5, 1)


def test_everything_diverged(tmp_path):
    base = variant("base", [None, None], [-4.0, -3.0], 0.0, status="diverged", classes=10)
    row = risk_of(cells(tmp_path, base)).loc[("base", 0, "top1")]
    assert (row["n"], row["n_diverged"], row["best"], row["d_mean"]) == (2, 2, 10, 0)
    assert np.isnan(row["d_mean_converged"])


def test_a_best_score_of_zero_has_no_relative_risk(tmp_path):
    row = risk_of(cells(tmp_path, variant("base", [0.0, 0.0], [-4.0, -3.0], 0.0))).loc[("base", 0, "top1")]
    assert row["d_mean"] == 0 and np.isnan(row["d_rel_mean"])


def test_risk_is_estimated_per_seed_and_metric(tmp_path):
    """The base's region differs between seeds and metrics; each is matched with its own only."""
    wd = [-4.0, -3.0]
    parts = [
        variant("base", [90.0, 80.0], wd, 0.0, seed=0, top5=[99.0, 99.0]),
        variant("p", [70.0, 75.0], wd, 0.0, seed=0, top5=[90.0, 92.0]),
        variant("base", [80.0, 90.0], wd, 0.0, seed=1, top5=[90.0, 99.0]),
        variant("p", [70.0, 75.0], wd, 0.0, seed=1, top5=[90.0, 92.0]),
        variant("p", [70.0, 75.0], wd, 0.0, seed=2, top5=[90.0, 92.0]),
    ]
    table = risk_of(cells(tmp_path, pd.concat(parts))).loc["p"]
    known = {(0, "top1"): 5, (0, "top5"): 1, (1, "top1"): 0, (1, "top5"): 0}
    assert table["d_mean"].dropna().to_dict() == known
    assert table.loc[2, "n"].tolist() == [0, 0], "the base has no seed 2: said, not dropped"


def test_points_are_the_distribution_behind_the_mean(tmp_path):
    base = variant("base", [90.0, 89.8, 10.0], [-4.0, -3.0, -2.0], 0.0)
    table = cells(tmp_path, pd.concat([base, base.assign(variant="p", top1=[50.0, 48.0, 40.0])]))
    landscapes = scores(table, AXES)
    points = risk_points(landscapes, regions(landscapes, AXES, THRESHOLDS), AXES, 0.5).query("variant == 'p'")
    assert points[["log10_wd", "d", "d_rel"]].to_numpy().tolist() == [[-4, 0, 0], [-3, 2, 0.04]]


def test_share_within_twice_the_bases_largest_relative_risk(tmp_path):
    """The base loses 0.5 % at most, so up to 1 % counts: of 0, 1 and 1.01 two do, of 12.5, 0.875 and 1.125 one does."""
    wd = [-4.0, -3.0, -2.0, -1.0]
    base = variant("base", [100.0, 99.6, 99.5, 10.0], wd, 0.0)
    near = base.assign(variant="near", top1=[50.0, 49.5, 49.495, 20.0])
    best_elsewhere = base.assign(variant="elsewhere", top1=[70.0, 79.3, 79.1, 80.0])
    zero = base.assign(variant="zero", top1=0.0)
    found = risk_of(cells(tmp_path, pd.concat([base, near, best_elsewhere, zero])))["d_rel_within_2"]
    assert found.loc["base"].tolist() == [1]
    assert found.loc["near"].tolist() == pytest.approx([2 / 3])
    assert found.loc["elsewhere"].tolist() == pytest.approx([1 / 3])
    assert found.loc["zero"].isna().all()


def test_without_a_base_there_is_no_risk(tmp_path):
    assert risk_of(cells(tmp_path, variant("p", [90.0], [-4.0], 0.0))).empty


def test_analyse_writes_what_it_says(tmp_path):
    wd = [-4.0, -3.0]
    frame = pd.concat([variant("base", [90.0, 89.9], wd, 0.0), variant("p", [80.0, 79.0], wd, 0.0)])
    frame.assign(model="m", dataset="d").to_csv(tmp_path / "cells.csv", index=False)
    written = analyse(tmp_path / "cells.csv", tmp_path / "out")
    assert sorted(written) == sorted(path.name for path in (tmp_path / "out").iterdir())
    table = pd.read_parquet(written["risk.parquet"])
    pd.testing.assert_frame_equal(table, pd.read_csv(written["risk.csv"]), check_dtype=False)
    assert table["d_mean"].tolist() == pytest.approx([0.05, 0.5])
    assert len(pd.read_parquet(written["ellipses.parquet"])) == 4


def test_summary_names_best_cell_and_risk(tmp_path):
    base = variant("base", [90.0, 89.9], [-4.0, -3.0], -1.0)
    table = cells(tmp_path, pd.concat([base, base.assign(variant="p", top1=[80.0, 81.0])]))
    lines = summary_lines(risk_of(table).reset_index())
    assert lines[0].startswith("d-m")
    assert [part in lines[-1] for part in ("p", "81.00 %", "-1.00", "-3.00", "0.50 points")] == [True] * 5
    assert len({len(line.split("points")[0]) for line in lines[2:]}) == 1
    alone = table[table["variant"] == "p"]
    assert summary_lines(risk_of(alone).reset_index()) == [], "no base, no risk"


def test_settings_may_be_chosen_on_a_validation_split_and_scored_on_the_test_split(tmp_path):
    """Worked out by hand: on validation the base's 0.5-ROI is wd -4 and -3, the variant's best is wd -3."""
    frame = pd.concat(
        [
            variant("base", [90.0, 91.0, 95.0], [-4.0, -3.0, -2.0], [-1.0] * 3, val_top1=[92.0, 91.6, 80.0]),
            variant("uniform-0.5", [85.0, 84.0, 89.0], [-4.0, -3.0, -2.0], [-1.0] * 3, val_top1=[83.0, 88.0, 70.0]),
        ]
    )
    row = risk_of(cells(tmp_path, frame)).loc[("uniform-0.5", 0, "top1")]
    assert (row["best_log10_wd"], row["best"], row["best_chosen_on"], row["n"]) == (-3.0, 84.0, 88.0, 2)
    assert row["d_mean"] == pytest.approx(((84 - 85) + (84 - 84)) / 2)
    assert row["d_mean_chosen_on"] == pytest.approx(((88 - 83) + (88 - 88)) / 2)
    on_test = risk_of(cells(tmp_path, frame.assign(select_on="test"))).loc[("uniform-0.5", 0, "top1")]
    assert (on_test["best"], on_test["n"], on_test["d_mean"], on_test["d_mean_chosen_on"]) == (89.0, 1, 0.0, 0.0)
