"""What is inferred of a table of cells: over which settings, of which variants, and why not of others."""

import numpy as np
import pandas as pd
import pytest

from analyse_cells import analyse_cells
from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.axes import DEFAULT_METRIC
from prunescape.analysis.landscape.chance import CHANCE_TEST_COLUMNS
from prunescape.analysis.results import Analysis
from prunescape.analysis.surface.inference import inferences, setting_means
from prunescape.analysis.surface.process import MOST_CANDIDATES, MOST_CELLS, fit_surface
from support.analysed import study_terms
from support.landscapes import landscape
from support.surfaces import band, cells, grid

INFERRED = ("inferred_roi", "inferred_ellipses", "inferred_risk")
NAMES = ("base", "uniform-0.5")
NONE = pd.DataFrame(columns=list(CHANCE_TEST_COLUMNS))
GRID = {name: sorted(grid()[name].unique()) for name in AXES.names}


def scores_of(frame: pd.DataFrame, **key) -> pd.DataFrame:
    """Rows of `cells` as `read_cells.scores` gives them."""
    return landscape(frame["log10_wd"], frame["log10_lr"], frame["score"], variant=frame["variant"], **key)


def analysis_of(scores: pd.DataFrame, grids: dict | None = None, chance: pd.DataFrame = NONE) -> Analysis:
    known = {"scores": scores, "axes": AXES, "metric": DEFAULT_METRIC, "chance_tests": chance, "grids": grids or {}}
    return Analysis(known | {"thresholds": (0.5, 1.0), "risk_threshold": 0.5})


@pytest.fixture(scope="module")
def third() -> Analysis:
    """Two variants at a third of a 9 x 9 grid."""
    return analysis_of(scores_of(cells(variants=NAMES)), {"e": GRID})


def test_a_share_is_inferred_over_the_whole_grid_and_a_table_over_its_settings(third):
    """The second variant lies a point below everywhere; noise is 0.2. Far below the best only the depth is known."""
    roi = third["inferred_roi"].query("threshold == 0.5").set_index("variant")
    for number, name in enumerate(NAMES):
        own = roi.loc[name]
        assert (len(own), own["trained"].sum()) == (81, 27)
        near = own[band(own) > 92]
        assert np.abs(near["inferred"] - (band(near) - number)).max() < 0.5
        assert ((near["low"] <= band(near) - number) & (band(near) - number <= near["high"])).mean() > 0.85
    checks = third["surface_checks"].set_index("variant")
    assert checks[["settings", "n", "shown"]].to_numpy().tolist() == [[81, 27, True]] * 2
    assert checks["reason"].isna().all() and checks["explained"].min() > 0.5
    table = analysis_of(scores_of(cells(variants=NAMES)))
    settings = cells(variants=NAMES)[AXES.names].drop_duplicates()
    assert table["inferred_roi"].groupby(["variant", "threshold"]).size().tolist() == [len(settings)] * 4


def test_the_tables_are_those_of_the_surface(third):
    """Means over seeds, on what settings are chosen by, with these thresholds."""
    trained = cells(variants=NAMES)
    surface = fit_surface(trained, AXES, (0.5, 1.0))
    known = surface.at("uniform-0.5", grid())
    own = third["inferred_roi"].query("threshold == 1 and variant == 'uniform-0.5'")
    found = grid().merge(own, on=AXES.names, how="left")
    np.testing.assert_allclose(found[["inferred", "low", "high"]], known[["inferred", "low", "high"]])
    two = pd.concat([scores_of(trained), scores_of(trained.assign(score=trained["score"] + 0.4), seed=1)])
    means = setting_means(two.assign(chosen_on=two["score"] - 1), AXES)
    assert (means["n"] == 2).all() and (means["score"] - means["chosen_on"]).to_numpy() == pytest.approx(1)
    assert means["score"].max() == pytest.approx(trained["score"].max() + 0.2)


def test_why_nothing_is_inferred():
    """Too few cells, equal scores, a variant that guesses, cells without a form; each only where it holds."""
    trained = cells(variants=("base", "flat", "guess", "noise"))
    random = np.random.default_rng(4)
    flat, noise = trained["variant"] == "flat", trained["variant"] == "noise"
    trained.loc[flat, "score"] = 50.0
    trained.loc[noise, "score"] = random.permutation(np.repeat([60.0, 90.0, 90.1], 9))
    chance = {"experiment": "e", "model": "m", "dataset": "d", "variant": ["base", "guess"], "metric": "top1"}
    chance |= {"cells": 27, "diverged": 0, "best": 10.0, "chance": 10.0, "learnt": [True, False]}
    checks = analysis_of(scores_of(trained), chance=pd.DataFrame(chance))["surface_checks"].set_index("variant")
    assert checks["shown"].to_dict() == {"base": True, "flat": False, "guess": False, "noise": False}
    assert checks.loc["flat", "reason"] == "all its scores are equal"
    assert checks.loc["guess", "reason"].startswith("the variant learnt nothing")
    assert "of its 27 trained settings lie in their 95 % intervals" in checks.loc["noise", "reason"]
    few = analysis_of(scores_of(cells().iloc[:8]))
    assert few["surface_checks"]["reason"].tolist() == [
        "8 cells of variants whose scores differ, and a surface needs 9"
    ]
    assert all(few[name].empty for name in INFERRED)


def test_large_tables_cost_nothing_and_say_why(monkeypatch):
    monkeypatch.setattr("prunescape.analysis.surface.inference.fit_surface", lambda *_: pytest.fail("fitted"))
    side = np.arange(40) / 10
    settings = pd.DataFrame({"log10_wd": np.repeat(side, 40), "log10_lr": np.tile(side, 40)})
    many = settings.assign(variant="base", score=np.arange(1600) / 100)
    terms = (AXES, DEFAULT_METRIC, (0.5,))
    (found,) = inferences(scores_of(many), *terms, {}, NONE)
    assert found.surface is None and f"fitted to {MOST_CELLS} at most" in found.checks["reason"].iloc[0]
    wide = {name: [step / 10 for step in range(50)] for name in AXES.names}
    (found,) = inferences(scores_of(many.iloc[::10]), *terms, {"e": wide}, NONE)
    assert f"2500 settings, trained or not, and {MOST_CANDIDATES}" in found.checks["reason"].iloc[0]


def test_a_studys_tables_hold_what_is_inferred_of_each_experiment(tmp_path):
    """One trained a share of its grid, the other, on other axes, all of it; written as the registry says."""
    share = cells(variants=NAMES).assign(experiment="e")
    whole = share.assign(experiment="f").rename(columns={"log10_wd": "momentum"})
    frame = pd.concat([share, whole], ignore_index=True).rename(columns={"score": "top1"})
    frame = frame.assign(model="m", dataset="d", seed=0, status="ok")
    frame["momentum"] = frame["momentum"] / 2 + 0.4
    frame.to_parquet(tmp_path / "cells.parquet")
    terms = study_terms(e=AXES.names, f=["log10_lr", "momentum"])
    terms["experiments"]["e"]["grid"] = GRID
    analyse_cells(tmp_path / "cells.parquet", terms, out=tmp_path)
    tables = {name: pd.read_parquet(tmp_path / f"{name}.parquet") for name in (*INFERRED, "surface_checks")}
    checks = tables["surface_checks"]
    assert checks.groupby("experiment")["settings"].max().to_dict() == {
        "e": 81,
        "f": len(whole[["log10_lr", "momentum"]].drop_duplicates()),
    }
    for name in INFERRED:
        assert set(tables[name]["experiment"]) == {"e", "f"}, name
    shares = tables["inferred_roi"].groupby("experiment")[["log10_wd", "momentum"]].count()
    assert (shares.loc["e", "momentum"], shares.loc["f", "log10_wd"]) == (0, 0)
