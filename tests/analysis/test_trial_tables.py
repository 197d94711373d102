"""Trials beside their cells, the best settings and their confirmation, on a table computed by hand."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.results import TRIALS, Analysis, result_names
from prunescape.analysis.study_tables import trials_frame
from prunescape.analysis.trials import best_of_variants

A, B = {"momentum": 0.9, "schedule": "cosine"}, {"momentum": 0.9, "decay": 0.5, "schedule": "step"}
C = {"momentum": 0.0, "schedule": "cosine"}
TERMS = {"e": {"rank_by": "train_top1", "best": 1, "confirm": {"first": 1, "seeds": 2}, "defaults": {}}}


def trials() -> pd.DataFrame:
    """Arm `all` has A, B and C, the other one B; the default setting is C."""
    arms = [("default", 0, C), ("all", 0, A), ("all", 1, B), ("all", 2, C), ("fix:momentum", 0, B)]
    rows = [{"experiment": "e", "arm": arm, "trial": number, "values": values} for arm, number, values in arms]
    return trials_frame([row | {"setting": "ABC"[[A, B, C].index(row["values"])]} for row in rows])


def cells() -> pd.DataFrame:
    """Two seeds of each setting: A's mean is best, B diverged once, and C is third; then fresh seeds of A."""
    scores = {"A": (A, [70.0, 80.0]), "B": (B, [90.0, 10.0]), "C": (C, [60.0, 60.0])}
    rows = [
        {**values, "seed": seed, "train_top1": score, "top1": score - 5, "status": "ok" if score > 10 else "diverged"}
        for values, both in scores.values()
        for seed, score in enumerate(both)
    ]
    rows = [row | {"stage": "trial"} for row in rows]
    rows += [{**A, "seed": 2, "train_top1": 1.0, "top1": 62.0, "status": "ok", "stage": "confirmation"}]
    rows += [{**A, "seed": 3, "train_top1": 1.0, "top1": 66.0, "status": "ok", "stage": "confirmation"}]
    return pd.DataFrame(rows).assign(experiment="e", variant="base", model="m", dataset="d", batch_size=64)


@pytest.fixture
def analysis() -> Analysis:
    return Analysis.of_trials(cells(), trials(), TERMS, pd.DataFrame())


def test_every_cell_stands_beside_each_trial_of_its_setting(analysis):
    joined = analysis["trial_cells"].query("stage == 'trial'")
    assert joined.groupby(["arm", "trial"]).size().eq(2).all() and len(joined) == 5 * 2
    assert (joined["batch_size"] == 64).all(), "what does not vary is the recipe's"
    assert set(joined.loc[joined["setting"] == "B", "decay"]) == {0.5}
    assert joined.loc[joined["setting"] == "A", "decay"].isna().all()
    other = pd.concat([cells(), cells().assign(experiment="g")])
    assert len(Analysis.of_trials(other, trials(), TERMS, pd.DataFrame())["trial_cells"]) == len(
        analysis["trial_cells"]
    )


def test_the_best_are_the_means_of_seeds_and_what_diverged_comes_last(analysis):
    best = analysis.result("best_settings")
    assert best[["arm", "setting", "score", "top1", "seeds", "diverged"]].to_numpy().tolist() == [
        ["all", "A", 75.0, 70.0, 2, 0],
        ["fix:momentum", "B", 90.0, 85.0, 2, 1],
    ]
    ranked = best_of_variants(cells(), trials(), TERMS["e"])
    assert ranked["setting"].tolist() == ["A", "C", "B"] and ranked["place"].tolist() == [1, 2, 3]


def test_fresh_seeds_confirm_by_themselves(analysis):
    (row,) = analysis.result("confirmations").to_dict("records")
    assert (row["setting"], row["place"], row["seeds"], row["score"], row["trial_top1"]) == ("A", 1, 2, 75.0, 70.0)
    assert row["top1"] == 64.0 and row["std"] == pytest.approx(np.sqrt(8)), "62 and 66"


def test_a_study_without_trials_has_tables_without_rows():
    none = Analysis.of_trials(cells().iloc[:0], trials_frame([]), {}, pd.DataFrame())
    assert all(none.result(name).empty for name in result_names(TRIALS))
    started = Analysis.of_trials(cells().iloc[:0][["experiment", "variant", "seed", "stage"]], trials(), TERMS, None)
    assert started["trial_cells"].empty, "no cell of it is trained yet"
