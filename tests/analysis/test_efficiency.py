"""Efficiency of trainings, and fresh seeds of the best. Independent sources: numbers worked out by hand; scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from prunescape.analysis.cost.pareto import dominance, front_of
from prunescape.analysis.efficiency.confirmation import CONFIRMATION_COLUMNS, RESPONSES, confirmation
from prunescape.analysis.efficiency.efficiency import EFFICIENCY_COLUMNS, efficiency, setting_texts
from prunescape.analysis.results import Analysis

# four trainings of 1,440 J, 720 J, 3,600 J and 1,800 J an epoch: 0.4, 0.2, 1 and 0.5 Wh
RUNS = {
    "batch_size": [32, 64, 16, 32],
    "momentum": [0.9, 0.9, np.nan, np.nan],
    "schedule": ["step", "step", "cosine", "cosine"],
    "epochs": [5, 5, 5, 5],
    "top1": [80.0, 60.0, 90.0, 80.0],
    "train_top1": [88.0, 61.0, 99.0, 78.0],
    "epoch_joules": [1440.0, 720.0, 3600.0, 1800.0],
    "epoch_seconds": [12.0, 10.0, 40.0, 20.0],
}
KNOWN = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "seed": 0, "status": "ok"}


def runs(**columns) -> pd.DataFrame:
    frame = pd.DataFrame(RUNS | columns).assign(val_top1=np.nan, stage="grid", **KNOWN)
    return frame.assign(**{name: values for name, values in columns.items() if name not in RUNS})


def test_watt_hours_and_quotients_by_hand():
    """0.8 / 0.4 Wh = 2 per Wh at 120 W; the second is the most efficient with 0.6 / 0.2 = 3."""
    table = efficiency(runs()).set_index("setting")
    assert list(table["rank"]) == [1, 2, 3, 4] and list(table["cost"].unique()) == ["energy"]
    row = table.loc["batch_size 32, momentum 0.9, schedule step"]
    wanted = {
        "epoch_wh": 0.4,
        "watts": 120.0,
        "eq": 2.0,
        "eq_train": 2.2,
        "epoch_seconds": 12.0,
        "overfit": 8.0,
        "rank": 2,
    }
    assert row[list(wanted)].astype("float64").to_dict() == pytest.approx(wanted)
    assert row["accuracy_per_second"] == pytest.approx(0.8 / 12) and row["accuracy_on"] == "test"
    best = table.iloc[0]
    assert best.name == "batch_size 64, momentum 0.9, schedule step" and best["eq"] == pytest.approx(3.0)
    assert table["on_front"].to_dict() == {
        "batch_size 64, momentum 0.9, schedule step": True,
        "batch_size 32, momentum 0.9, schedule step": True,
        "batch_size 32, schedule cosine": False,  # as accurate as the other of 32, for 0.1 Wh more
        "batch_size 16, schedule cosine": True,
    }


def test_the_papers_final_training():
    """burmester2023 (4): 89 % validation accuracy at 0.14 Wh, EQ 6.16, which 0.1445 Wh gives: rounded to 0.14."""
    row = efficiency(runs(val_top1=89.0, epoch_joules=[0.1445 * 3600] * 4)).iloc[0]
    assert row["eq"] == pytest.approx(6.16, abs=0.005) and row["accuracy_on"] == "validation"
    assert row["overfit"] == pytest.approx(row["train_accuracy"] * 100 - 89)


@pytest.mark.parametrize(
    ("joules", "cost"),
    [([np.nan] * 4, "seconds"), ([1.0, 2.0, np.nan, np.nan], "seconds"), ([1.0, 2.0, 3.0, np.nan], "energy")],
)
def test_seconds_rank_where_most_cells_tell_no_energy(joules, cost):
    table = efficiency(runs(epoch_joules=joules))
    assert set(table["cost"]) == {cost} and table["eq"].notna().sum() == np.isfinite(joules).sum()
    if cost == "seconds":  # 0.0667, 0.06, 0.0225 and 0.04 a second
        assert list(table["epoch_seconds"]) == [12, 10, 20, 40] and table["rank"].tolist() == [1, 2, 3, 4]
    else:
        assert table["rank"].isna().sum() == 1 and not table.loc[table["rank"].isna(), "on_front"].any()


def test_settings_that_differ_little_stay_apart():
    texts = setting_texts(runs(momentum=[0.1234567, 0.1234568, 0.9, np.nan], schedule="step"))
    assert texts.is_unique and texts[0] == "batch_size 32, momentum 0.1234567"


def test_the_front_is_that_of_dominance():
    random = np.random.default_rng(3)
    accuracy, cost = random.integers(0, 6, (2, 200)).astype("float64")
    assert (front_of(accuracy, cost) == ~dominance(accuracy, cost[:, None]).any(axis=1)).all()


def test_a_table_without_times_has_no_efficiency():
    cells = runs().drop(columns="epoch_seconds")
    analysis = Analysis({"cells": cells})
    assert not analysis.applies("efficiency")
    assert Analysis({"cells": runs()}).applies("efficiency")


FRESH = {64: [70.0, 72.0, 74.0], 32: [60.0, 61.0, 65.0], 16: [71.0, 70.0, 76.0]}


def confirmed(fresh=FRESH, first=(75.0, 68.0, 72.0)) -> pd.DataFrame:
    """Trials with batch sizes 64, 32, 16 and 8, the first three of which got fresh seeds 101, 102, 103."""
    trials = [{"batch_size": size, "top1": top1, "stage": "trial"} for size, top1 in zip(fresh, first, strict=True)]
    trials.append({"batch_size": 8, "top1": 50.0, "stage": "trial"})
    again = [
        {"batch_size": size, "top1": top1, "stage": "confirmation", "seed": 101 + place}
        for size, scores in fresh.items()
        for place, top1 in enumerate(scores)
    ]
    cells = pd.DataFrame(trials + again)
    known = {"train_top1": cells["top1"], "val_top1": np.nan, "epoch_seconds": 1.0, "epoch_joules": np.nan, "host": "h"}
    return cells.assign(**{**KNOWN, "seed": cells["seed"].fillna(0).astype(int)}, **known)


def test_winner_and_runners_up_on_fresh_seeds_by_hand_and_scipy():
    """Winner 64: fresh mean 72, 3 points under its first score. Differences to 32: 10, 11, 9; to 16: -1, 2, -2."""
    table = confirmation(confirmed())
    assert list(table) == list(CONFIRMATION_COLUMNS)
    assert set(table["response"]) == set(RESPONSES) - {"eq"}
    rows = table[table["response"] == "accuracy"].set_index("setting")
    assert list(rows.index) == ["batch_size 64", "batch_size 16", "batch_size 32"]
    assert list(rows["place"]) == [1, 2, 3] and list(rows["seeds"]) == [3, 3, 3]
    assert rows["selection_effect"].tolist() == pytest.approx([0.03, 0.72 - 0.7233333333, 0.06])
    assert rows["difference"].tolist()[1:] == pytest.approx([-1 / 300, 0.1])
    wanted = ttest_rel(*(np.array(FRESH[size]) / 100 for size in (64, 32)))
    assert rows.loc["batch_size 32", "p"] == pytest.approx(wanted.pvalue)
    ends = rows.loc["batch_size 32", ["difference_low", "difference_high"]].tolist()
    assert ends == pytest.approx(list(wanted.confidence_interval(0.95)))
    assert rows["verdict"].tolist() == ["", "not shown to differ", "the winner is better"]
    assert np.isnan(rows["difference"].iloc[0]) and rows["p_holm"].iloc[2] == pytest.approx(2 * wanted.pvalue)


def test_only_seeds_of_both_are_paired_and_one_seed_decides_nothing():
    table = confirmation(confirmed({64: [70.0], 32: [60.0, 61.0], 16: [71.0]}))
    rows = table[table["response"] == "accuracy"].set_index("setting")
    assert rows["pairs"].to_dict() == {"batch_size 64": 0, "batch_size 16": 1, "batch_size 32": 1}
    assert rows["p"].isna().all() and set(rows["verdict"]) == {"", "not shown to differ"}
    assert rows["low"].notna().sum() == 1


def test_equal_differences_and_a_lone_setting_make_no_test():
    same = confirmation(confirmed({64: [70.0, 71.0], 32: [60.0, 61.0], 16: [60.0, 61.0]}))
    assert same["p"].isna().all() and "the winner is better" not in set(same["verdict"])
    alone = confirmation(confirmed({64: [70.0, 71.0]}, first=(75.0,)))
    assert set(alone["place"]) == {1} and alone["seeds"].tolist() == [2, 2, 2]


def test_columns_have_the_types_that_they_say(tmp_path):
    from prunescape.store.tables import read_result, write_result

    for name, made, columns in (
        ("efficiency", efficiency(runs(epoch_joules=[1.0, 2.0, 3.0, np.nan])), EFFICIENCY_COLUMNS),
        ("confirmation", confirmation(confirmed()), CONFIRMATION_COLUMNS),
    ):
        path = tmp_path / f"{name}.parquet"
        write_result(made, columns, parquet=path, csv=tmp_path / f"{name}.csv")
        assert len(read_result(path, columns)) == len(made) > 0
