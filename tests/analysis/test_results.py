"""The registry of results, landscapes over three axes against hand-computed values, and studies with several axes."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analyse_cells import analyse_cells
from prunescape.analysis.axes import Axes
from prunescape.analysis.results import (
    ARCHITECTURE,
    ARMS,
    INT8,
    LANDSCAPE,
    PIPELINES,
    RESULTS,
    SEARCH,
    STEPS,
    TARGET,
    TRIALS,
    TUNING,
    Analysis,
    result_names,
)
from prunescape.commands.cli import main
from prunescape.config.study import load_study
from support.analysed import study_terms
from support.code import loaded_by
from support.landscapes import THRESHOLDS
from support.project import TINY_STUDY

THREE = Axes.of(("log10_lr", "log10_wd", "momentum"))
# base and pruned: the base's 0.5-ROI is its first three settings; pruned loses 1, 2 and 3 points there to its fourth
SCORES = {
    (-1, -4, 0.9): (90.0, 84.0),
    (-1, -3, 0.9): (89.8, 83.0),
    (-2, -4, 0.0): (89.6, 82.0),
    (-1, -3, 0.0): (80.0, 85.0),
    (-1, -4, 0.0): (80.0, 70.0),
    (-2, -3, 0.9): (79.0, 70.0),
}
BEST = ["best_log10_lr", "best_log10_wd", "best_momentum"]


def cells() -> pd.DataFrame:
    """One grid seed of both variants, and three fresh seeds of the pruned one at four settings, 0.1 points apart."""
    rows = []
    for place, (setting, scores) in enumerate(SCORES.items()):
        named = dict(zip(THREE.names, setting, strict=True))
        for variant, score in zip(("base", "p"), scores, strict=True):
            rows.append({**named, "variant": variant, "seed": 0, "stage": "grid", "top1": score})
        for seed, off in ((1, -0.1), (2, 0.0), (3, 0.1)) if place < 4 else ():
            rows.append({**named, "variant": "p", "seed": seed, "stage": "replicate", "top1": scores[1] + off})
    return pd.DataFrame(rows).assign(experiment="e", model="m", dataset="d")


def written(tmp_path, frame, terms, name="out") -> dict[str, pd.DataFrame]:
    frame.to_parquet(tmp_path / "cells.parquet")
    analyse_cells(tmp_path / "cells.parquet", terms, out=tmp_path / name)
    return {table: pd.read_parquet(tmp_path / name / f"{table}.parquet") for table in result_names(LANDSCAPE)}


def test_regions_and_risk_over_three_axes_by_hand(tmp_path):
    found = written(tmp_path, cells(), study_terms(e=THREE.names))
    roi = found["roi"].query("variant == 'base' and threshold == 0.5")
    assert list(roi)[7:10] == ["log10_wd", "log10_lr", "momentum"]
    assert {tuple(row) for row in roi[THREE.names].to_numpy()} == set(list(SCORES)[:3])
    row = found["risk"].set_index("variant").loc["p"]
    assert row[["n", "best", *BEST, "d_mean", "d_median"]].tolist() == [3, 85, -1, -3, 0.0, 2, 2]
    assert found["band"].empty, "Eq 2.2 is about learning rate and weight decay alone"
    moved = found["shift"].query("threshold == 0.5").iloc[0]
    assert moved["shift_momentum"] == pytest.approx(0.0 - (0.9 + 0.9 + 0.0) / 3)


def test_a_verdict_over_three_axes_by_hand(tmp_path):
    """The gain is 85 - 83; s is 0.1 with 4 x 2 degrees of freedom, and the contrast has 1 + 1/3 of its variance / 3."""
    row = written(tmp_path, cells(), study_terms(e=THREE.names))["verdicts"].iloc[0]
    assert (row["verdict"], row["kept"], row["k"], row["points"]) == ("retune", 4, 3, 6)
    assert row[["gain", "s", *BEST]].tolist() == pytest.approx([2, 0.1, -1, -3, 0.0])
    assert row["lower"] == pytest.approx(2 - stats.t.isf(0.05, 8) * np.sqrt(0.01 / 3 * (1 + 1 / 3)))


def test_an_ellipse_of_three_axes_is_that_of_the_projected_points():
    """numpy.cov and numpy.linalg.eigh of the points in the plane of weight decay and learning rate."""
    points = np.random.default_rng(6).normal(size=(20, 3)) @ np.array([[1, 0.4, 0.2], [0, 0.5, 0.1], [0, 0, 0.3]])
    frame = pd.DataFrame(points, columns=THREE.names).assign(status="ok", score=90.0, chosen_on=90.0, seed=0)
    frame = frame.assign(experiment="e", model="m", dataset="d", variant="base", metric="top1")
    analysis = Analysis({"scores": frame, "axes": THREE, "thresholds": (0.5,)})
    row = analysis["ellipses"].iloc[0]
    values = np.linalg.eigvalsh(np.cov(points[:, [1, 0]].T))
    assert row[["width", "length"]].tolist() == pytest.approx(4 * np.sqrt(values))
    assert row[["centre_log10_wd", "centre_log10_lr"]].tolist() == pytest.approx(points[:, [1, 0]].mean(axis=0))


def test_other_thresholds_reach_every_table(tmp_path):
    """Regions of 0.3 and 11.5 points; risks, verdicts and the band over the larger one, which holds every setting."""
    frame = cells().query("momentum == 0.9")
    terms = study_terms(e=["log10_lr", "log10_wd"]) | {"thresholds": [0.3, 11.5], "risk_threshold": 11.5}
    found = written(tmp_path, frame.reset_index(drop=True), terms)
    for name in ("roi", "ellipses", "shift", "spread"):
        assert set(found[name]["threshold"].dropna()) == {0.3, 11.5}
    assert found["risk"].set_index("variant")["n"].to_dict() == {"base": 3, "p": 3}
    assert found["verdicts"]["k"].tolist() == found["risk_tests"]["n"].tolist() == [3]
    assert found["band"].set_index("variant")["n"]["base"] == 3


def test_the_command_takes_further_axes(tmp_path):
    cells().to_csv(tmp_path / "cells.csv", index=False)
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out"), "--other-axes", "momentum"]
    assert main(command) == 0
    expected = written(tmp_path, cells(), study_terms(e=THREE.names), "study")["risk"]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "risk.parquet"), expected)


def test_experiments_with_other_axes_share_the_tables(tmp_path):
    """Each experiment has the rows that it has alone; an axis that is not its own is null, claims are counted once."""
    plane = cells().query("momentum == 0.9").assign(experiment="plane")
    tilted = cells().query("log10_wd == -4").assign(experiment="tilted")
    axes = {"plane": ["log10_lr", "log10_wd"], "tilted": ["log10_lr", "momentum"]}
    both = written(tmp_path, pd.concat([tilted, plane], ignore_index=True), study_terms(**axes))
    assert both["verdicts"]["claims"].tolist() == [2, 2]
    for name, frame in (("plane", plane), ("tilted", tilted)):
        alone = written(tmp_path, frame.reset_index(drop=True), study_terms(**{name: axes[name]}), name)
        for table in ("roi", "ellipses", "risk", "band", "shift"):
            rows = both[table].query("experiment == @name").reset_index(drop=True)
            pd.testing.assert_frame_equal(rows[list(alone[table])], alone[table], check_dtype=False)
    assert both["roi"].groupby("experiment")[["log10_wd", "momentum"]].count().min(axis=1).tolist() == [0, 0]
    assert (both["band"]["experiment"] == "plane").all()


def test_a_table_is_computed_once(monkeypatch):
    calls = []
    known = RESULTS["roi"].make
    others = list(vars(RESULTS["roi"]).values())[1:]
    table = type(RESULTS["roi"])(lambda *needs: calls.append(1) or known(*needs), *others)
    monkeypatch.setitem(RESULTS, "roi", table)
    rows = cells().query("stage == 'grid'").assign(status="ok", round=0, top5=np.nan, val_top1=np.nan, val_top5=np.nan)
    analysis = Analysis.of_cells(rows.assign(select_on="test"), axes=THREE, thresholds=THRESHOLDS, risk_threshold=0.5)
    for name in result_names(LANDSCAPE):
        assert list(analysis.result(name)) == list(analysis.columns(name))
    assert len(calls) == 1


def test_every_need_is_an_input_or_a_table():
    analysis = {"cells", "axes", "metric", "base", "thresholds", "risk_threshold", "terms", "recipes", "claims", "paid"}
    known = {LANDSCAPE: analysis | set(STEPS) | set(result_names(LANDSCAPE))}
    known[TARGET] = {
        "measured",
        "flops",
        "objectives",
        "untrained",
        "tuning_costs",
        "risk_threshold",
        "comparisons",
        *result_names(TARGET),
    }
    known[INT8] = {"explained"}
    known[ARCHITECTURE] = {"untrained", "objectives"}
    known[TRIALS] = {
        "cells",
        "trials",
        "trial_terms",
        "measured",
        "trial_cells",
        "trial_factors",
        "arm_models",
        *result_names(TRIALS),
    }
    known[PIPELINES] = {"axes", "candidates"}
    known[ARMS] = {"arm_models"}
    known[SEARCH] = {"histories", "search_terms"}
    known[TUNING] = {"cells", "placed", "tuning_terms", "ended", *result_names(TUNING)}
    for table in RESULTS.values():
        for group in table.groups:
            assert set(table.needs) | set(table.columns_need) <= known[group]


def test_the_terms_of_a_study_are_what_the_analysis_takes(tmp_path):
    terms = json.loads(json.dumps(load_study(TINY_STUDY).analysis_terms()))
    rows = cells().iloc[:0]
    assert all(table.empty for table in written(tmp_path, rows, terms).values())


def test_rules_read_the_registry_without_scipy_or_torch():
    """These take seconds to import; pandas and pyarrow do not count, since Snakemake imports them itself."""
    assert (
        loaded_by(
            "import prunescape.analysis.results, prunescape.designs.adaptive, prunescape.designs.confirmation",
            "scipy",
            "sklearn",
            "pingouin",
            "torch",
            "plotly",
        )
        == set()
    )
