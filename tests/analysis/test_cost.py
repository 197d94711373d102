"""Recommendations and fronts against hand-worked tables and optuna."""

import numpy as np
import optuna
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from prunescape.analysis.cost.measured import read_measured
from prunescape.analysis.cost.pareto import TOGETHER, dominance, pareto
from prunescape.analysis.cost.recommendation import feasible_settings, recommend
from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.measurements import entry, measured, three_models
from support.project import TINY_STUDY

NO_LIMITS = {}


def by_objective(table, limits=NO_LIMITS) -> pd.DataFrame:
    return recommend(table, limits).set_index("objective")


def test_each_objective_takes_its_own_minimum():
    """Per run 1 ms beats 4 ms; per image 4 ms ÷ 8 = 0.5 ms beats 1 ms; per image 0.02 J ÷ 8 beats 0.01 J."""
    slim, wide = entry("uniform-0.5", 1.0, energy_j=0.01), entry("base", 4.0, batch=8, energy_j=0.02)
    source = {"energy_source": "measured"}
    table = by_objective(measured({**slim, **source}, {**wide, **source}))
    assert table.loc["latency", ["variant", "batch", "value"]].tolist() == ["uniform-0.5", 1, 0.001]
    assert table.loc["throughput", ["variant", "batch", "value"]].tolist() == ["base", 8, 0.0005]
    assert table.loc["energy", ["variant", "value"]].tolist() == ["base", 0.0025]


def test_limits_exclude_and_say_how_many():
    rows = [entry("base", 4.0, top1=98.0, kb=300), entry("uniform-0.5", 1.0, top1=96.0, kb=100)]
    table = measured(*rows)
    assert by_objective(table, {"accuracy_floor": 97.0}).loc["latency", "variant"] == "base"
    assert by_objective(table, {"accuracy_floor": 98.0}).loc["latency", "variant"] == "base"
    assert by_objective(table, {"size_limit_kb": 100}).loc["latency", "variant"] == "uniform-0.5"
    none = by_objective(table, {"accuracy_floor": 97.0, "size_limit_kb": 200}).loc["latency"]
    assert none["status"] == "none" and none["feasible"] == 0 and pd.isna(none["variant"])
    assert "of 2 are broken: top-1 of 97 % or more by 1, file of 200 kB or less by 1" in none["reason"]


def test_memory_that_is_not_known_keeps_no_limit():
    rows = [entry("base", 4.0, peak_memory_bytes=50e6), entry("uniform-0.5", 1.0, peak_memory_bytes=None)]
    table = measured(*rows)
    assert by_objective(table, {"memory_limit_mb": 64}).loc["latency", "variant"] == "base"
    assert by_objective(table, {"memory_limit_mb": 49}).loc["latency", "reason"].endswith("(not measured for 1) by 2")
    assert by_objective(table).loc["latency", "variant"] == "uniform-0.5"


def test_an_accuracy_that_was_not_tested_keeps_no_floor_and_stands_on_no_front():
    table = measured(entry("base", 4.0, top1=98.0), entry("uniform-0.5", 1.0, top1=None))
    assert by_objective(table).loc["latency", "variant"] == "uniform-0.5"
    assert by_objective(table, {"accuracy_floor": 97.0}).loc["latency", "variant"] == "base"
    reason = by_objective(table, {"accuracy_floor": 99.0}).loc["latency", "reason"]
    assert reason.endswith("top-1 of 99 % or more (not measured for 1) by 2")
    assert set(pareto(table)["variant"]) == {"base"}


def test_ties_go_to_accuracy_then_size_and_are_counted():
    rows = [entry("base", 2.0, top1=97.0), entry("uniform-0.5", 2.0, top1=98.0, kb=200)]
    rows += [entry("uniform-0.25", 2.0, top1=98.0, kb=100)]
    best = by_objective(measured(*rows)).loc["latency"]
    assert (best["variant"], best["tied"]) == ("uniform-0.25", 2)


def test_energy_prefers_measured_values_and_labels_estimates():
    estimated = entry("base", 4.0, energy_j=0.001, energy_source="estimated")
    assert by_objective(measured(entry())).loc["energy", "reason"] == "energy was not measured on this target"
    reasons = by_objective(measured(estimated), {"accuracy_floor": 50.0})["reason"]
    assert (reasons["energy"], reasons["latency"]) == ("the energy is an estimate", "")
    assert by_objective(measured(estimated)).loc["latency", "reason"] == "no accuracy floor is set"
    real = entry("uniform-0.5", 4.0, energy_j=0.01, energy_source="measured")
    assert by_objective(measured(estimated, real)).loc["energy", "variant"] == "uniform-0.5"
    kept, _ = feasible_settings(measured(entry(energy_j=0.01, energy_source="absent")), "energy", NO_LIMITS)
    assert kept.empty


def optuna_front(accuracy, costs):
    """The models that optuna's multi-objective study calls best."""
    study = optuna.create_study(directions=["maximize"] + ["minimize"] * costs.shape[1])
    for values in zip(accuracy, *costs.T, strict=True):
        study.add_trial(optuna.trial.create_trial(values=[float(value) for value in values]))
    return {trial.number for trial in study.best_trials}


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_front_is_optunas(width):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    random = np.random.default_rng(width)
    accuracy, costs = random.integers(90, 100, 40), random.integers(1, 20, (40, width))
    assert set(np.flatnonzero(~dominance(accuracy, costs).any(axis=1))) == optuna_front(accuracy, costs)


def test_the_front_of_three_models_by_hand():
    slower = entry("base", 6.0, top1=98.0, kb=300, threads=2)
    table = pareto(measured(*three_models(), slower)).set_index(["cost", "variant"])
    latency = table.loc["latency"]
    assert latency["on_front"].to_dict() == {"base": True, "uniform-0.5": True, "nonuniform-0.5": False}
    assert latency.loc["base", ["threads", "value"]].tolist() == [1, 0.004]
    assert latency.loc["nonuniform-0.5", "dominated_by"] == "uniform-0.5 1 fp32"
    assert table.loc["size"]["on_front"].all() and table.loc[TOGETHER]["on_front"].all()
    assert "energy" not in table.index.get_level_values("cost")
    low, high = proportion_confint(588, 600, method="wilson")
    assert latency.loc["base", ["top1_low", "top1_high"]].tolist() == pytest.approx([100 * low, 100 * high])


def test_equal_models_share_the_front():
    table = pareto(measured(entry("base", 1.0), entry("uniform-0.5", 1.0)))
    assert table["on_front"].all() and (table["dominated_by"] == "").all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latency_median_s": 0.0}, 'the column "latency_median_s" holds 0; allowed: above 0'),
        ({"top1": 101.0}, 'the column "top1" holds 101; allowed: 0 to 100'),
        ({"file_bytes": np.nan}, 'the column "file_bytes" holds nan'),
    ],
)
def test_a_bad_value_is_one_line(tmp_path, change, words):
    pd.DataFrame([{**entry(), **change}]).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="parquet, row 1") as caught:
        read_measured(tmp_path / "b.parquet")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_bad_tables_are_one_line(tmp_path):
    pd.DataFrame([entry()]).drop(columns="samples").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match='the column "samples" is missing'):
        read_measured(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_text("no table")
    with pytest.raises(InputError, match="is damaged"):
        read_measured(tmp_path / "c.parquet")
    with pytest.raises(InputError, match="is there twice: experiment e, target t, variant base"):
        measured(entry(), entry())


def test_columns_that_are_missing_or_null_are_completed():
    table = measured(entry(flush_to_zero=None), entry("uniform-0.5", flush_to_zero=True))
    assert table["flush_to_zero"].tolist() == [False, True] and table["flush_to_zero"].dtype == bool
    assert table["energy_source"].tolist() == ["absent"] * 2 and table["peak_memory_bytes"].isna().all()


def test_the_config_takes_objectives_and_refuses_others():
    study = load_study({**TINY_STUDY, "objectives": {"accuracy_floor": 97.0, "memory_limit_mb": 64}})
    assert study.objectives.model_dump()["accuracy_floor"] == 97.0
    assert load_study(TINY_STUDY).objectives.size_limit_kb is None
    with pytest.raises(InputError, match="accuracy_floor"):
        load_study({**TINY_STUDY, "objectives": {"accuracy_flor": 97.0}})
    with pytest.raises(InputError, match="memory_limit_mb"):
        load_study({**TINY_STUDY, "objectives": {"memory_limit_mb": 0}})
