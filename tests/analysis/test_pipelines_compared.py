"""Pipelines and scores compared at equal settings and seeds, against scipy and numbers by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from prunescape.analysis.analyse import analyse_study
from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.cell_checks import RESERVED, TAKEN
from prunescape.analysis.pipelines.candidates import pipeline_columns
from prunescape.analysis.read_cells import checked_cells
from prunescape.analysis.results import Analysis
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.space.recipe import PARAMETERS
from support.good_config import EXPERIMENT, GOOD
from support.pipelines import KNOWN, LIMITS, MEANS, cells


def analysed(table: pd.DataFrame, **more) -> Analysis:
    return Analysis.of_cells(table, retraining=KNOWN, **LIMITS, **more)


def fresh(table: pd.DataFrame, experiment: str, variant: str, rate: float) -> np.ndarray:
    own = table.query("experiment == @experiment and variant == @variant and log10_lr == @rate and seed > 0")
    return own.sort_values("seed")["top1"].to_numpy()


def one_pair(tests: pd.DataFrame, choice: str, one: tuple, other: tuple) -> pd.Series:
    own = tests[tests["choice"] == choice]
    both = ["pipeline", "score", "pipeline_other", "score_other"]
    return own[(own[both] == [*one, *other]).all(axis=1)].iloc[0]


def test_each_is_at_its_own_best_setting_or_at_the_bases_without_the_seed_that_chose():
    table = cells()
    found = analysed(table).result("pipelines").set_index(["choice", "pipeline", "score"])
    assert found["log10_lr"].xs("best").to_dict() == {
        ("scratch", ""): -1.0,
        ("fine_tune", "l1_layer"): 0.0,
        ("fine_tune", "random"): 0.0,
        ("restart", "l1_layer"): -1.0,
        ("restart", "random"): -1.0,
    }
    assert set(found["log10_lr"].xs("carried")) == {-1.0}
    tuned = found.loc[("best", "fine_tune", "l1_layer")]
    scores = fresh(table, "one", "uniform-0.5-fine_tune", 0.0)
    interval = stats.t.interval(0.95, 3, scores.mean(), stats.sem(scores))
    assert (tuned["mean"], tuned["low"], tuned["high"]) == pytest.approx((scores.mean(), *interval))
    assert tuned["chosen"] == pytest.approx(89.0) and tuned["seeds"] == 4
    assert tuned["at_edge"] and not found.loc[("best", "restart", "random"), "at_edge"]
    assert tuned[["gain", "epochs_trained", "epochs_total"]].tolist() == pytest.approx([4.0, 4, 10])
    assert found.loc[("best", "scratch", ""), ["gain", "epochs_trained", "epochs_total"]].tolist() == [0.0, 6, 6]


@pytest.mark.parametrize(
    ("pipeline", "known", "total"),
    [
        ("init", {}, 4),  # no trained base ranks its filters
        ("restart", {}, 4 + 6),
        ("restart", {"between": 8}, 4 + 8 + 6),  # three cuts
        ("init", {"between": 8}, 4),
    ],
)
def test_total_epochs_count_the_base_and_trainings_between_cuts_where_they_matter(pipeline, known, total):
    table = cells()
    table = table[(table["experiment"] == "one") & ~table["variant"].str.endswith("fine_tune")]
    table["variant"] = table["variant"].str.replace("restart", pipeline)
    terms = {"one": KNOWN["one"] | {"between": 0} | known}
    found = Analysis.of_cells(table, retraining=terms, **LIMITS).result("pipelines").set_index(["choice", "pipeline"])
    assert found.loc[("best", pipeline), "epochs_total"] == total


def test_a_table_says_whether_its_seeds_inherit_from_one_base():
    found = analysed(cells()).result("pipelines").set_index("pipeline")["bases"]
    assert set(found["restart"]) == {"one"} and found["scratch"].isna().all()
    known = {name: each | {"base": "per_seed"} for name, each in KNOWN.items()}
    found = Analysis.of_cells(cells(), retraining=known, **LIMITS).result("pipelines").set_index("pipeline")["bases"]
    assert set(found["restart"]) == {"per_seed"} and found["scratch"].isna().all()


def test_a_pair_is_the_paired_t_test_over_the_seeds_that_did_not_choose():
    """Against scipy's ttest_rel."""
    table = cells()
    row = one_pair(analysed(table).result("pipeline_tests"), "best", ("fine_tune", "l1_layer"), ("restart", "random"))
    one, other = fresh(table, "one", "uniform-0.5-fine_tune", 0.0), fresh(table, "two", "uniform-0.5-restart", -1.0)
    test = stats.ttest_rel(one, other)
    interval = test.confidence_interval(0.95)
    numbers = row[["difference", "low", "high", "p"]].tolist()
    assert numbers == pytest.approx([(one - other).mean(), interval.low, interval.high, test.pvalue])
    assert row[["pairs", "differ_in", "noise"]].tolist() == [4, "both", "contrast"]


def test_a_pooled_noise_is_that_of_all_candidates_of_the_cut():
    """By hand: s² = Σ (n - 1) s_i² / Σ (n - 1), and the error of a difference of two means of n is s √(2 / n)."""
    table = cells()
    tests = analysed(table, terms={"*": {"noise": "pooled"}}).result("pipeline_tests")
    row = one_pair(tests, "carried", ("fine_tune", "l1_layer"), ("restart", "random"))
    names = [(experiment, variant) for experiment, variant in MEANS if variant != "base"]
    names.remove(("two", "uniform-0.5"))
    variances = [fresh(table, *name, -1.0).var(ddof=1) for name in names]
    half = stats.t.isf(0.025, 15) * np.sqrt(np.mean(variances) * 2 / 4)
    assert row["noise"] == "pooled"
    assert (row["high"] - row["difference"], row["difference"] - row["low"]) == pytest.approx((half, half))


def test_holm_is_over_all_pairs_of_a_choice():
    """Against statsmodels."""
    from statsmodels.stats.multitest import multipletests

    tests = analysed(cells()).result("pipeline_tests")
    for _, rows in tests.groupby("choice"):
        assert len(rows) == 10, "5 pipelines with their scores: from scratch no score acts on a uniform cut"
        assert rows["p_holm"].tolist() == pytest.approx(multipletests(rows["p"], method="holm")[1])
        signs = np.where(rows["difference"] > 0, "higher", "lower")
        assert rows["verdict"].tolist() == np.where(rows["p_holm"] < 0.05, signs, "not shown to differ").tolist()


def test_gains_over_the_bases_setting_are_paired_and_corrected_together():
    """Against scipy's ttest_rel and statsmodels."""
    from statsmodels.stats.multitest import multipletests

    table = cells()
    table["top1"] += np.random.default_rng(0).normal(0, 0.5, len(table))
    rows = analysed(table).result("pipelines").query("choice == 'best'").set_index(["pipeline", "score"])
    known = rows.dropna(subset="gain_p")
    assert len(known) == 2 and rows.loc["scratch", "gain"].tolist() == [0], "others are best at the base's setting"
    at = [fresh(table, "one", "uniform-0.5-fine_tune", rate) for rate in (0.0, -1.0)]
    assert known.loc[("fine_tune", "l1_layer"), "gain_p"] == pytest.approx(stats.ttest_rel(*at).pvalue)
    assert known["gain_p_holm"].tolist() == pytest.approx(multipletests(known["gain_p"], method="holm")[1])


def test_equal_seeds_tell_no_noise():
    table = cells()
    table["top1"] = table["top1"].round(-1)
    analysis = analysed(table)
    rows = analysis.result("pipelines")
    equal = [fresh(table, "one", row.variant, row.log10_lr) for row in rows.itertuples() if row.score != "random"]
    assert all(np.ptp(values) == 0 for values in equal)
    assert rows.loc[rows["score"] != "random", ["low", "high"]].isna().all(axis=None)
    assert set(analysis.result("pipeline_tests").query("score != 'random' and score_other != 'random'")["verdict"]) == {
        "not shown to differ"
    }


def test_pairs_that_cost_other_epochs_are_marked():
    tests = analysed(cells()).result("pipeline_tests")
    row = one_pair(tests, "best", ("scratch", ""), ("restart", "random"))
    assert not row["equal_epochs"] and not row["equal_totals"]
    row = one_pair(tests, "best", ("fine_tune", "random"), ("restart", "random"))
    assert row["equal_epochs"] and row["equal_totals"]


def test_a_design_with_looks_compares_over_the_seeds_of_the_first_one():
    table = cells()
    table.loc[table["seed"] > 0, "stage"] = "replicate"
    terms = {"*": {"looks": [2, 4]}}
    assert set(analysed(table, terms=terms).result("pipelines")["seeds"]) == {2}


def test_one_pipeline_with_one_score_is_compared_with_nothing():
    alone = {name: scores for name, scores in MEANS.items() if name[1] in ("base", "uniform-0.5")}
    analysis = analysed(cells(alone))
    assert not analysis.applies("pipelines") and analysis.result("pipeline_tests").empty


def study(**changes):
    return load_study(GOOD | {"experiments": {"e": EXPERIMENT, "second": EXPERIMENT | changes}})


def test_experiments_that_share_all_but_the_score_are_compared():
    alike = study(pruning={"score": "random"})
    assert alike.retraining_terms()["second"] == {"score": "random", "ranked": True, "between": 0, "group": "e"}
    assert alike.compares_pipelines and "retraining" in alike.analysis_terms()
    other = study(pruning={"score": "random", "min_keep": 0.3})
    assert other.retraining_terms()["second"]["group"] == "second"
    assert not other.compares_pipelines and "retraining" not in other.analysis_terms()


def test_a_study_of_one_pipeline_writes_no_such_table(tmp_path):
    cells().to_parquet(tmp_path / "cells.parquet")
    terms = {"experiments": {}, "thresholds": [0.5, 1.0], "risk_threshold": 0.5}
    assert "pipelines.csv" not in analyse_study(tmp_path / "cells.parquet", terms, tmp_path / "without")
    assert "pipelines.csv" in analyse_study(
        tmp_path / "cells.parquet", terms | {"retraining": KNOWN}, tmp_path / "with"
    )


def test_no_axis_takes_the_place_of_a_column():
    others = {*pipeline_columns(DEFAULT_AXES)} - {*DEFAULT_AXES.names}
    assert others <= {*RESERVED, *TAKEN}
    assert not others & {*PARAMETERS}, "a grid may span any hyperparameter"


@pytest.mark.parametrize("value", ["ten", np.inf])
def test_epochs_that_are_no_number_are_refused(value):
    table = cells()
    table["epochs_trained"] = table["epochs_trained"].astype(object)
    table.loc[0, "epochs_trained"] = value
    with pytest.raises(InputError, match=r'cells.csv.*"epochs_trained" holds "?(ten|inf)'):
        checked_cells(table, "cells.csv", partial=False)
