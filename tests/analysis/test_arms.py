"""Ranking, comparisons, spread, RQ2 and the split on tables worked out by hand, and against SciPy; bad input."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, mannwhitneyu, ttest_ind

from prunescape.analysis.arms import searches as whole
from prunescape.analysis.arms.trials import ArmTerms, ranked_models
from prunescape.analysis.results import ARMS, Analysis, result_names
from prunescape.errors import InputError
from prunescape.store.tables import write_result
from support.arms import PROPERTIES, drawn_trials, searches


def analysis(table: pd.DataFrame, measured: pd.DataFrame | None = None, **terms) -> Analysis:
    return Analysis.of_arms(table, measured, ArmTerms(**{"properties": PROPERTIES, "resamples": 200} | terms), "t.csv")


# --- ranking ---------------------------------------------------------------------------------------------------------


def test_equal_counts_are_ties_and_the_lower_trial_comes_first():
    """1/3 as percent of 3 and of 6 images differs in the last bit; the cut after 2 leaves out two equal trials."""
    accuracies = [100 / 3, 100 * 2 / 6, 90.0, 100 * (1 / 3)]
    table = searches({"all": accuracies}, size={"all": [1, 2, 3, 4]})
    models = ranked_models(table, ArmTerms(properties=("size",), best=2))
    assert models.sort_values("rank")["trial"].tolist() == [2, 0, 1, 3]
    assert models["tied_out"].unique().tolist() == [2] and models["trials"].unique().tolist() == [4]


def test_a_metric_to_minimise_turns_the_ranks():
    table = searches({"all": [0.3, 0.1, 0.2]}, size={"all": [1, 2, 3]})
    models = ranked_models(table, ArmTerms(properties=("size",), best=2, minimise=True))
    assert models.sort_values("rank")["trial"].tolist() == [1, 2, 0]


def test_ranks_stand_on_all_trials_though_few_are_measured():
    trials = searches({"all": [90, 95, 93, 99]}, top1={"all": [1, 2, 3, 4]}).assign(experiment="e", variant="base")
    keys = {"experiment": "e", "variant": "base", "arm": "all", "target": "t", "precision": "fp32"}
    measured = pd.DataFrame([keys | {"trial": 3, "latency": 7.0}, keys | {"trial": 1, "latency": 5.0}])
    known = analysis(trials, measured, properties=("top1", "latency"), best=2)
    (ranked,) = known["arm_models"]
    models = ranked.models[["trial", "rank", "trials", "top1", "latency"]]
    assert models.to_numpy().tolist() == [
        [1, 2, 4, 2, 5],
        [3, 1, 4, 4, 7],
    ]


# --- RQ1 -------------------------------------------------------------------------------------------------------------


def test_comparisons_by_hand_and_scipy():
    """Best 3 of 4 by accuracy: sizes 40, 20, 30 of all, 10, 16, 12 of fix; best models 40 and 10: (10 - 40) / 40."""
    table = searches(
        {"all": [9, 8, 7, 1], "all-again": [9, 8, 7, 1], "fix:x": [1, 7, 8, 9]},
        size={"all": [40, 20, 30, 1], "all-again": [40, 20, 30, 99], "fix:x": [99, 12, 16, 10]},
    )
    known = analysis(table, properties=("size",), best=3)
    row = known["arm_comparisons"].set_index("arm").loc["fix:x"]
    assert row[["best", "best_baseline", "best_difference", "median", "n"]].tolist() == [10, 40, -0.75, 12, 3]
    assert row["p"] == mannwhitneyu([10, 16, 12], [40, 20, 30], method="exact").pvalue == row["p_holm"] and row["exact"]
    assert (row["delta"], row["magnitude"]) == (-1, "large")
    again = known["arm_comparisons"].set_index("arm").loc["all-again"]
    assert again["control"] and math.isnan(again["p_holm"]) and again["delta"] == 0


def test_a_property_that_is_the_same_everywhere_tells_no_arms_apart():
    table = drawn_trials().assign(flops=7.0)
    properties = (*PROPERTIES, "flops")
    known, plain = analysis(table, properties=properties), analysis(drawn_trials())
    for name in ("arm_comparisons", "arm_searches"):
        pd.testing.assert_frame_equal(known[name], plain[name])
    assert set(known["arm_changes"].query("property == 'flops'")["relative"]) == {0.0}


def test_holm_covers_all_arms_and_properties_of_one_condition():
    rows = analysis(drawn_trials(("all", "all-again", "fix:a", "fix:kernel")))["arm_comparisons"]
    for _, here in rows.groupby(["target", "precision"]):
        family = here[~here["control"]]
        assert len(family) == 2 * len(PROPERTIES)
        smallest = family.loc[family["p"].idxmin()]
        assert smallest["p_holm"] == pytest.approx(min(1, len(family) * smallest["p"]))


def test_scaled_properties_and_lard_by_hand():
    """Sizes 4, 2, 3, 8: over all P / 2 with LARD (8 - 2) / 2; the best two are 4 and 2: LARD 1, printed (4 - 2) / 4."""
    table = searches({"all": [9, 8, 7, 6]}, size={"all": [4, 2, 3, 8]})
    known = analysis(table, properties=("size",), best=2)
    scaled = known["arm_scaled"].groupby("models")["scaled"].agg(list)
    assert scaled["all"] == [2, 1, 1.5, 4] and scaled["best"] == [2, 1]
    spread = known["arm_spread"].set_index("models")
    assert spread["lard"].to_dict() == {"all": 3, "best": 1}
    assert spread.loc["best", "lard_printed"] == 0.5
    assert spread.loc["all", ["scaled_q1", "scaled_median", "scaled_q3"]].tolist() == [1.375, 1.75, 2.5]


# --- searches --------------------------------------------------------------------------------------------------------


def test_the_best_of_a_search_drawn_with_replacement():
    """Trials in order of rank, drawn 2, 0, 1, 3 times: the best three are the first twice and the third."""
    counts = np.array([[2, 0, 1, 3], [0, 5, 0, 1]])
    assert whole.selected(counts, 3).tolist() == [[2, 0, 1, 0], [0, 3, 0, 0]]


def test_effects_of_best_and_selection_by_hand():
    """Geometric means: of the best two 4 against 2, of all four 4 against 4; so selection adds the whole effect."""
    table = searches(
        {"all": [9, 8, 2, 1], "fix:x": [9, 8, 2, 1]},
        size={"all": [1.0, 4, 4, 16], "fix:x": [4.0, 4, 4, 4]},
    )
    row = analysis(table, properties=("size",), best=2)["arm_searches"].iloc[0]
    assert row["effect_best"] == pytest.approx(1) and row["effect_all"] == pytest.approx(0)
    assert row["effect_selection"] == pytest.approx(1)
    interval = ttest_ind(np.log([4, 4]), np.log([1, 4]), equal_var=False).confidence_interval()
    assert row["given_low"] == pytest.approx(np.expm1(interval.low))
    assert row["low"] < row["effect_best"] < row["high"] and row["reason"] == ""
    assert math.isnan(row["control_effect"])


def test_the_permutation_test_counts_all_exchanges():
    """Best 1 of 2 and 2, logs 3, 2, 1, 0 in order of rank: the 6 ways to share them out, each with 1/6."""
    logs = np.array([3.0, 2.0, 1.0, 0.0])
    effects = []
    for one in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        other = [place for place in range(4) if place not in one]
        effects.append(logs[min(one)] - logs[min(other)])
    drawn = whole.exchanged_effects(logs[:, None], 2, 1, np.random.default_rng(0), 6000)[:, 0]
    for value in set(effects):
        assert np.mean(drawn == value) == pytest.approx(effects.count(value) / 6, abs=0.03)


def test_the_control_stands_beside_every_row():
    rows = analysis(drawn_trials())["arm_searches"].set_index(["target", "precision", "property", "arm"])
    place = ("server", "fp32", "file_bytes")
    assert rows.loc[(*place, "fix:kernel"), "control_effect"] == rows.loc[(*place, "all-again"), "effect_best"]


def test_searches_need_every_trial():
    table = drawn_trials()
    table.loc[(table["trial"] == 29) & (table["arm"] == "fix:kernel"), "latency_median_s"] = None
    rows = analysis(table)["arm_searches"].set_index(["arm", "property"])
    assert (rows.loc[("fix:kernel", "latency_median_s"), "reason"] == whole.NOT_ALL).all()
    assert rows.loc[("fix:kernel", "latency_median_s"), "low"].isna().all()
    assert (rows.loc[("fix:kernel", "file_bytes"), "reason"] == "").all()


# --- RQ2 -------------------------------------------------------------------------------------------------------------

# size of three models in (target, precision), in order of rank
CROSSED = {
    ("a", "fp32"): [10, 20, 40],
    ("a", "int8"): [5, 20, 10],
    ("b", "fp32"): [20, 40, 80],
    ("b", "int8"): [20, 80, 40],
}


def crossed() -> Analysis:
    tables = [
        searches({"all": [9, 8, 7]}, size={"all": values}).assign(target=target, precision=precision)
        for (target, precision), values in CROSSED.items()
    ]
    return analysis(pd.concat(tables), properties=("size",), best=3)


def test_changes_and_pairs_by_hand():
    """a int8 against a fp32: -0.5, 0, -0.75. Pairs before (10 - 20)/20 = -0.5, (10 - 40)/40 = -0.75, -0.5; after
    (5 - 20)/20 = -0.75, (5 - 10)/10 = -0.5, (20 - 10)/10 = 1: deltas -0.25, 0.25, 1.5."""
    known = crossed()
    here = known["arm_changes"].query("target == 'a'")
    assert here["relative"].tolist() == [-0.5, 0, -0.75] and here["rank"].tolist() == [1, 2, 3]
    assert (here["standard_target"] + here["standard_precision"]).unique().tolist() == ["afp32"]
    pairs = known["arm_pairs"].query("target == 'a'")
    assert pairs[["rank_1", "rank_2", "delta"]].to_numpy().tolist() == [[1, 2, -0.25], [1, 3, 0.25], [2, 3, 1.5]]
    test = known["arm_pair_tests"].query("target == 'a'").iloc[0]
    expected = ks_2samp([-0.5, -0.75, -0.5], [-0.75, -0.5, 1])
    assert test[["ks", "ks_p"]].tolist() == [expected.statistic, expected.pvalue]
    assert test[["models", "pairs", "delta_median", "delta_furthest"]].tolist() == [3, 3, 0.25, 1.5]


def test_precision_and_target_alone_by_hand():
    """b int8 / a fp32: 2, 4, 1. Precision on a: 1/2, 1, 1/4; on b: 1, 2, 1/2. Target in fp32: 2, in int8: 4, 4, 4.
    Interaction: 2."""
    rows = crossed()["arm_split"]
    assert (rows["target"] + rows["precision"]).unique().tolist() == ["bint8"]
    assert rows.set_index("change")["median"].to_dict() == {
        **{"both": 1, "precision alone, on a": -0.5, "precision alone, on b": 0},
        **{"target alone, in fp32": 1, "target alone, in int8": 3, "interaction of both": 1},
    }


def test_ten_models_have_45_pairs():
    tests = analysis(drawn_trials())["arm_pair_tests"]
    assert set(tests["pairs"]) == {45} and set(tests["models"]) == {10}
    pairs = analysis(drawn_trials())["arm_pairs"]
    assert (pairs["rank_1"] < pairs["rank_2"]).all()
    assert pairs.groupby(["target", "precision", "property"]).size().unique().tolist() == [45]


def test_the_standard_can_be_chosen():
    known = analysis(drawn_trials(), standard=("phone", "int8"))
    assert set(known["arm_pair_tests"]["standard_target"]) == {"phone"}
    with pytest.raises(InputError, match="nothing was measured on phone in int4; allowed: server fp32"):
        analysis(drawn_trials(), standard=("phone", "int4"))["arm_changes"]


# --- tables ----------------------------------------------------------------------------------------------------------


def test_every_table_has_its_columns(tmp_path):
    known = analysis(drawn_trials())
    for name in result_names(ARMS):
        frame = known.result(name)
        assert len(frame), name
        write_result(frame, known.columns(name), parquet=tmp_path / "t.parquet", csv=tmp_path / "t.csv")


def test_a_table_without_targets_or_other_arms_leaves_tables_empty(tmp_path):
    known = analysis(searches({"all": [3, 2, 1]}, size={"all": [1, 2, 3]}), properties=("size",), best=2)
    for name in result_names(ARMS):
        assert known.result(name).empty == (name not in ("arm_spread", "arm_scaled")), name
        write_result(known.result(name), known.columns(name), parquet=tmp_path / "t.parquet", csv=tmp_path / "t.csv")


def without_all(table):
    return table[table["arm"] != "all"]


BAD = [
    (without_all, {}, 't.csv, digits, base: no arm is called "all", which the others are compared with'),
    (lambda table: table.replace({"arm": {"all": "al"}}), {}, 'hint: did you mean "al"?'),
    (lambda table: table, {"best": 31}, 'the arm "all" has 30 trials, fewer than its best 31; hint: at most 30'),
    (lambda table: table, {"best": 1}, "the best 1 cannot be compared; allowed: 2 or more"),
    (lambda table: table.assign(top1="good"), {}, 'the column "top1" holds "good", which is not a finite number'),
    (lambda table: table.assign(top1=None), {}, 'the property "top1" holds no number'),
    (lambda table: table.assign(top1=np.inf), {}, 'the column "top1" holds inf'),
    (lambda table: table.rename(columns={"top1": "top_1"}), {}, 'no column "top1"'),
    (lambda table: table.assign(train_top1=table["train_top1"].where(table["trial"] > 3)), {}, "every trial needs it"),
    (lambda table: table.assign(target="server"), {}, "the trial 0 of the arm all is there twice"),
    (lambda table: table.assign(train_top1=range(len(table))), {}, 'a trial has several values of "train_top1"'),
    (lambda table: table.assign(arm=table["arm"].where(table["trial"] != 2)), {}, "t.csv, row 9 after the header"),
    (lambda table: table.assign(rank=1), {"properties": ("rank",)}, 'the property "rank" has the name of a rank; hint'),
    (lambda table: table.head(0), {}, "the table holds no trials"),
]


@pytest.mark.parametrize(("spoil", "terms", "message"), BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_input_is_one_line(spoil, terms, message):
    with pytest.raises(InputError) as error:
        analysis(spoil(drawn_trials()), **terms)["arm_models"]
    assert message in str(error.value) and "\n" not in str(error.value)
