"""Whether a variant learnt anything: the exact binomial test of its best cell, and what follows where it did not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from prunescape.analysis.analyse import compare_targets
from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.landscape.chance import LEVEL, chance_p, chance_tests, no_answers
from prunescape.analysis.read_cells import checked_cells
from prunescape.analysis.results import Analysis
from prunescape.config.analysis import Objectives
from support.measurements import with_costs
from support.report_cells import study_cells

COUNTS = {"base": [12, 12, 12, 12], "uniform-0.5": [13, 20, 17, 12], "nonuniform-0.5": [12, 40, 30, 12]}


def cells_of(counts=COUNTS, **columns) -> pd.DataFrame:
    """Four cells per variant with these counts of 48 right test images, four classes."""
    right = np.concatenate([counts[name] for name in ("base", "uniform-0.5", "nonuniform-0.5")])
    known = {"correct": right, "top1": 100 * right / 48, "tested": 48, "classes": 4, "stage": "grid", "round": 0}
    return study_cells(**known, select_on="test").assign(**columns)


def chance_of(frame) -> pd.DataFrame:
    return chance_tests(frame).set_index("variant")


@pytest.mark.parametrize(("right", "chance"), [(12, 0.25), (19, 0.25), (48, 0.25), (40, 0.75), (0, 0.1)])
def test_one_cell_is_scipys_exact_test(right, chance):
    """scipy.stats.binomtest, one-sided; of several cells the best one's p is multiplied by their number."""
    alone = binomtest(right, 48, chance, alternative="greater").pvalue
    assert chance_p(np.array([right]), np.array([48]), chance) == pytest.approx(alone)
    several = chance_p(np.array([right, 0, 0]), np.array([48, 48, 48]), chance)
    assert several == pytest.approx(min(1, 3 * alone))


def test_guessing_cells_pass_at_most_at_the_level():
    """20 cells that guess on the same 48 images, 2000 times: the best passes in at most 5 % (and 2 errors more)."""
    guesses = np.random.default_rng(0).binomial(48, 0.25, (2000, 20))
    passed = np.mean([chance_p(each, np.full(20, 48), 0.25) <= LEVEL for each in guesses])
    assert 0 < passed <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 2000)


def test_each_variant_by_hand():
    """20 of 48 at chance 1/4: p = 4 P(X >= 20) = 0.037; 12 of 48 is chance itself."""
    found = chance_of(cells_of())
    assert found["p"].tolist()[0] == 1.0 and found.loc["uniform-0.5", "p"] == pytest.approx(4 * binom.sf(19, 48, 0.25))
    assert found["learnt"].to_dict() == {"base": False, "uniform-0.5": True, "nonuniform-0.5": True}
    assert found.loc["base", ["best", "chance", "tested"]].tolist() == [25.0, 25.0, 48]


def test_naming_the_largest_class_is_no_learning():
    """40 of 48 images are of one class: a network that always names it is right on 40, far above one class of four."""
    found = chance_of(cells_of(largest_class=40))
    assert not found["learnt"].any() and found["chance"].iloc[0] == pytest.approx(100 * 40 / 48)


def test_diverged_and_unknown():
    gone = chance_of(cells_of().assign(status=["diverged"] * 4 + ["ok"] * 8))
    assert not gone.loc["base", "learnt"] and np.isnan(gone.loc["base", "p"]) and gone.loc["base", "diverged"] == 4
    unknown = chance_of(cells_of().drop(columns=["tested", "classes"]))
    assert unknown["learnt"].all() and unknown["p"].isna().all()


@pytest.mark.parametrize("other", ["yes", 0, None, True])
def test_columns_of_another_meaning_tell_nothing(other):
    assert chance_of(cells_of(tested=other))["learnt"].all()
    assert chance_of(cells_of(classes=other, largest_class=other)).loc["uniform-0.5", "learnt"]


def test_what_learnt_nothing_has_no_risk_and_no_verdict():
    """uniform 0.5 at chance: the base and the other variant keep theirs. A base at chance leaves nothing."""
    counts = {**COUNTS, "base": [12, 40, 40, 12], "uniform-0.5": [12, 13, 12, 12]}
    for right, answered in ((counts, ["base", "nonuniform-0.5"]), (COUNTS, [])):
        fresh = [cells_of(right, stage="replicate", seed=seed) for seed in (1, 2, 3)]
        frame = pd.concat([cells_of(right), *fresh], ignore_index=True)
        cells = checked_cells(frame, "cells", partial=True)
        known = Analysis.of_cells(cells, thresholds=(0.5, 1.0), risk_threshold=0.5, axes=DEFAULT_AXES)
        risk = known.result("risk").set_index("variant")
        assert risk.index[risk["d_mean"].notna()].tolist() == sorted(answered)
        verdicts = known.result("verdicts").set_index("variant")
        judged = verdicts.index[verdicts["replicates_most"] > 0].tolist()
        assert judged == [name for name in answered if name != "base"]
        whose = "the variant" if answered else "the base"
        best = "27.08 %" if answered else "25.00 %"
        expected = f"{whose} learnt nothing: its best score is {best}, chance is 25 %"
        assert verdicts.loc["uniform-0.5", "reason"] == expected
        assert verdicts.loc["uniform-0.5", "verdict"] == "inconclusive" and np.isnan(
            verdicts.loc["uniform-0.5", "upper"]
        )


def test_the_cause_is_that_of_the_base_first():
    frame = cells_of().assign(status=["ok"] * 4 + ["diverged"] * 4 + ["ok"] * 4)
    assert set(no_answers(chance_tests(frame)).values()) == {
        "the base learnt nothing: its best score is 25.00 %, chance is 25 %"
    }


def test_what_learnt_nothing_is_not_recommended(tmp_path):
    """The base, at chance, would be the fastest."""
    cells_of().to_parquet(tmp_path / "cells.parquet")
    rows = [
        with_costs(name, target="here", latency_median_s=ms / 1e3) for name, ms in (("base", 1), ("uniform-0.5", 2))
    ]
    pd.DataFrame(rows).assign(experiment="d-m").to_parquet(tmp_path / "benchmarks.parquet")
    paths = {name: tmp_path / f"{name}.parquet" for name in ("cells", "benchmarks")}
    written = compare_targets(Objectives().model_dump(), **paths, out=tmp_path)
    found = pd.read_parquet(written["recommendations.parquet"]).set_index("objective")
    assert found.loc["latency", "variant"] == "uniform-0.5" and found.loc["latency", "feasible"] == 1
