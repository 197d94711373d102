"""Recommendations, rivals, fronts and speed-ups against hand-worked tables, scipy, statsmodels and optuna."""

import numpy as np
import optuna
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

from prunescape.analysis.cost.measured import read_measured
from prunescape.analysis.cost.pareto import PARETO_COLUMNS, TOGETHER, dominance, pareto
from prunescape.analysis.cost.recommendation import (
    RECOMMENDATION_COLUMNS,
    RIVAL_COLUMNS,
    feasible_settings,
    named_models,
    recommend,
    rivals,
)
from prunescape.analysis.cost.speedups import SPEEDUP_COLUMNS, median_interval, speedups
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.store.tables import write_result
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


def noisy_samples(seed=0):
    """A host that drifts by a factor of ten meets all models alike: b is 2 % slower than a, c is no other than a."""
    random = np.random.default_rng(seed)
    drift = 1e-3 * np.exp(random.uniform(0, np.log(10), 30))
    noise = [np.exp(random.normal(0, 0.005, 30)) for _ in range(3)]
    return drift * noise[0], 1.02 * drift * noise[1], 1.0005 * drift * noise[2]


def test_pairs_tell_what_drift_hides():
    a, b, c = noisy_samples()
    rows = [entry(name, samples=s) for name, s in zip(("base", "uniform-0.5", "uniform-0.25"), (a, b, c), strict=True)]
    table = measured(*rows)
    best = recommend(table, NO_LIMITS).set_index("objective").loc["latency", "variant"]
    found = rivals(table, NO_LIMITS).query("objective == 'latency'").set_index("variant")
    series = {"base": a, "uniform-0.5": b, "uniform-0.25": c}
    pairs = [("base", "uniform-0.5"), ("base", "uniform-0.25"), ("uniform-0.25", "uniform-0.5")]
    raw = {frozenset(pair): wilcoxon(np.log(series[pair[0]] / series[pair[1]])).pvalue for pair in pairs}
    corrected = dict(zip(raw, multipletests(list(raw.values()), method="holm")[1], strict=True))
    for name, row in found.iterrows():
        assert row["p"] == pytest.approx(raw[frozenset((best, name))])
        assert row["p_holm"] == pytest.approx(corrected[frozenset((best, name))])
        assert row["ratio"] == pytest.approx(np.median(series[name] / series[best]))
    assert found.loc["uniform-0.5", "verdict"] == ("slower" if best != "uniform-0.5" else pytest.fail("b is slower"))
    twin = "uniform-0.25" if best == "base" else "base"
    assert found.loc[twin, "verdict"] == "indistinguishable"
    assert named_models(recommend(table, NO_LIMITS), rivals(table, NO_LIMITS), "indistinguishable")[0] == f"{twin} fp32"


def test_a_rival_that_wins_most_repeats_is_called_faster_though_its_median_is_higher():
    """base 1 ms in 16 repeats, 3 ms in 14: median 1. The other takes 0.9 of that in 28 repeats, 1.1 ms in two of the
    fast ones: median 1.1."""
    base = np.array([1e-3] * 16 + [3e-3] * 14)
    other = np.where(np.arange(30) < 2, 1.1e-3, 0.9 * base)
    table = measured(entry("base", samples=base), entry("uniform-0.5", samples=other))
    best, others = recommend(table, NO_LIMITS), rivals(table, NO_LIMITS)
    assert best["variant"].iloc[0] == "base" and np.median(other) == pytest.approx(1.1e-3)
    assert others["verdict"].iloc[0] == "faster" and named_models(best, others, "faster")[0] == "uniform-0.5 fp32"


def test_without_pairs_nothing_is_called_different():
    elsewhere = measured(entry("base", 1.0), entry("uniform-0.5", 5.0, threads=2))
    few = measured(entry("base", samples=[1e-3] * 5), entry("uniform-0.5", samples=[9e-3] * 5))
    uneven = measured(entry("base", samples=[1e-3] * 9), entry("uniform-0.5", samples=[9e-3] * 8))
    for table, pairs, word in ((elsewhere, 0, "no pairs"), (few, 5, "too few"), (uneven, 0, "no pairs")):
        row = rivals(table, NO_LIMITS).iloc[0]
        assert (row["verdict"], row["pairs"]) == ("undecided", pairs) and word in row["reason"]
    six = measured(entry("base", samples=[1e-3] * 6), entry("uniform-0.5", samples=[9e-3] * 6))
    assert rivals(six, NO_LIMITS).iloc[0]["verdict"] == "slower"


def test_equal_samples_are_indistinguishable():
    row = rivals(measured(entry("base", 1.0), entry("uniform-0.5", 1.0)), NO_LIMITS).iloc[0]
    assert (row["verdict"], row["p"], row["ratio"]) == ("indistinguishable", 1.0, 1.0)


def test_the_family_of_models_rarely_differs_when_all_are_the_same():
    """Three equal models: picking the fastest and testing it must not find a difference in more than 5 % of cases."""
    random = np.random.default_rng(1)
    found = 0
    for _ in range(20):
        names = ("base", "uniform-0.5", "uniform-0.25")
        table = measured(*(entry(name, samples=np.exp(random.normal(-7, 0.02, 30))) for name in names))
        found += bool((rivals(table, NO_LIMITS)["verdict"] != "indistinguishable").any())
    assert found <= 3  # 1 expected at most; binomial P(more than 3 of 20) is 0.016 at exactly 5 %, and Holm is below


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
    assert latency.loc["base", "top1_error"] == pytest.approx(100 * np.sqrt(0.98 * 0.02 / 600))


def test_equal_models_share_the_front():
    table = pareto(measured(entry("base", 1.0), entry("uniform-0.5", 1.0)))
    assert table["on_front"].all() and (table["dominated_by"] == "").all()


def test_a_speedup_beside_what_the_flops_promise():
    """Half the FLOPs, and 8 ÷ 5 as fast in every repeat, whatever the drift: the interval is that one number."""
    drift = np.geomspace(1, 10, 30)
    table = measured(entry("base", samples=8e-3 * drift), entry("uniform-0.5", samples=5e-3 * drift[:]))
    row = speedups(table, {("e", "base"): 2e6, ("e", "uniform-0.5"): 1e6}).iloc[0]
    assert [row["speedup"], row["low"], row["high"]] == pytest.approx([1.6, 1.6, 1.6])
    assert (row["flops_speedup"], row["contains_one"], row["pairs"]) == (2.0, False, 30)
    assert row["share_of_flops_speedup"] == pytest.approx(0.8)
    assert np.isnan(speedups(table, {}).iloc[0]["flops_speedup"])


def test_the_interval_of_a_median_covers_as_often_as_it_says():
    """Against the exact order-statistic interval of a median (binomial), and by its coverage of a known median."""
    random = np.random.default_rng(2)
    ratios = np.exp(random.normal(0.0, 0.1, (60, 30)))
    inside = [low <= 1 <= high for low, high in map(median_interval, ratios)]
    assert 50 <= sum(inside) <= 60  # 57 expected; binomial P(fewer than 50) is 0.0006
    ordered = np.sort(ratios[0])
    low, high = median_interval(ratios[0])
    assert ordered[7] <= low <= ordered[11] and ordered[18] <= high <= ordered[22]  # exact: 10th and 21st, 95.7 %
    assert np.isnan(median_interval(ratios[0, :1])).all()


def test_a_speedup_needs_its_base_and_its_pairs():
    other = measured(entry("base", 4.0, precision="int8"), entry("uniform-0.5", 2.0))
    assert speedups(other, {}).empty
    uneven = speedups(measured(entry("base", samples=[1e-3] * 3), entry("uniform-0.5", samples=[1e-3] * 2)), {}).iloc[0]
    assert uneven["pairs"] == 0 and pd.isna(uneven["contains_one"]) and np.isnan(uneven["speedup"])
    even = speedups(measured(entry("base", 1.0), entry("uniform-0.5", 1.0)), {}).iloc[0]
    assert even["contains_one"]


@pytest.mark.parametrize(
    "function", [lambda t: recommend(t, {}), lambda t: rivals(t, {}), pareto, lambda t: speedups(t, {})]
)
def test_no_targets_give_empty_tables(function, tmp_path):
    table = function(measured(entry()).iloc[:0])
    assert table.empty
    for columns in (RECOMMENDATION_COLUMNS, RIVAL_COLUMNS, PARETO_COLUMNS, SPEEDUP_COLUMNS):
        if set(table.columns) == set(columns):
            write_result(table, columns, parquet=tmp_path / "t.parquet", csv=tmp_path / "t.csv")


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
