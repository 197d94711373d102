"""The arms of a study, from its own tables, against `prunescape arms` on flat tables of the same trials."""

import pandas as pd
import pytest

from prunescape.analysis.arms.of_study import BELOW, compared_best, trial_scores
from prunescape.analysis.cost.measured import complete
from prunescape.analysis.results import ARMS, TRIALS, Analysis, result_names
from prunescape.commands.cli import main
from support.arms import STUDY_TERMS, StudyOfArms, study_of_arms

OF_TRIALS, OF_MEASURED = ("top1", "flops"), ("top1", "latency_median_s", "file_bytes", "encoded_bytes", "flops")


@pytest.fixture(scope="module")
def study() -> StudyOfArms:
    return study_of_arms()


def analysis(study: StudyOfArms, **changed) -> Analysis:
    parts = {
        "cells": study.cells,
        "trials": study.trials,
        "benchmarks": study.benchmarks,
        "terms": STUDY_TERMS,
    } | changed
    measured = None if parts["benchmarks"] is None else complete(parts["benchmarks"])
    return Analysis.of_trials(parts["cells"], parts["trials"], parts["terms"], measured)


@pytest.fixture(scope="module")
def compared(study) -> Analysis:
    return analysis(study)


@pytest.fixture(scope="module")
def commanded(study, tmp_path_factory) -> dict[str, dict[str, pd.DataFrame]]:
    """What the command writes of the flat tables, one search per variant."""
    folder, found = tmp_path_factory.mktemp("flat"), {}
    for name, properties in (("trained", OF_TRIALS), ("measured", OF_MEASURED)):
        getattr(study, name).to_parquet(folder / f"{name}.parquet")
        words = ["--arm", "arm", "--rank-by", "score", "--by", "variant", "--trial", "trial", "--best", "4"]
        words += ["--target", "target", "--precision", "precision"] * (name == "measured")
        words = ["arms", str(folder / f"{name}.parquet"), *words, "--of", *properties, "--out", str(folder / name)]
        assert main(words) == 0
        found[name] = {table: pd.read_parquet(folder / name / f"{table}.parquet") for table in result_names(ARMS)}
    return found


@pytest.mark.parametrize("name", result_names(ARMS))
def test_a_study_has_what_the_command_finds_in_the_flat_table(name, compared, commanded):
    rows = compared.result(name)
    assert set(rows["experiment"]) <= {"e"}
    for kind, own in (("trained", rows["target"] == ""), ("measured", rows["target"] != "")):
        expected = commanded[kind][name]
        found = rows[own].reset_index(drop=True)
        assert len(found) == len(expected) and (kind == "trained" or len(found))
        assert found["variant"].tolist() == expected["experiment"].tolist()
        same = [column for column in expected if column not in ("experiment", "variant")]
        pd.testing.assert_frame_equal(found[same], expected[same], check_dtype=False, rtol=1e-12)


def test_the_models_compared_are_the_best_settings(study, compared):
    """The order of mean scores with what diverged last is that by which the study's best settings are chosen."""
    best = compared.result("best_settings")
    assert len(best) == 2 * 3 * 4
    trained, measured = compared["arm_models"]
    for searches in (trained, measured):
        ranked = searches.models[searches.models["rank"] <= 4].drop_duplicates(["variant", "arm", "trial"])
        keys = ["variant", "arm", "trial"]
        places = ranked.set_index(keys)["rank"]
        assert places.sort_index().to_dict() == best.set_index(keys)["place"].sort_index().to_dict()
    everything = trained.models.query("arm == 'all' and variant == 'base'").set_index("trial")
    assert everything.loc[[3, 4], "rank"].tolist() == [11, 12], "one seed diverged, then both"
    assert trained.terms.properties == OF_TRIALS, "all networks have as many parameters: that tells no arms apart"


def test_a_diverged_seed_costs_the_rank_and_counts_at_chance_level():
    rows = pd.DataFrame({"train_top1": [80.0, 10.0], "top1": [70.0, 10.0], "status": ["ok", "diverged"]})
    rows = rows.assign(experiment="e", variant="base", arm="all", trial=0)
    assert trial_scores(rows, "train_top1")[["score", "top1"]].to_numpy().tolist() == [[80.0 - BELOW, 40.0]]


@pytest.mark.parametrize(
    ("sizes", "best", "compared"),
    [
        ({"all": 100, "fix:x": 100}, 3, 3),
        ({"all": 100, "fix:x": 100}, 1, 10),  # one is exported of each arm: the paper's ten by accuracy
        ({"all": 5, "fix:x": 5}, 1, 5),
        ({"all": 5, "fix:x": 5}, 8, 5),
        ({"all": 100}, 10, 0),
        ({"all-again": 100, "fix:x": 100}, 10, 0),
    ],
)
def test_how_many_models_of_each_arm_are_compared(sizes, best, compared):
    planned = pd.DataFrame([{"arm": arm} for arm, size in sizes.items() for _ in range(size)])
    assert compared_best(planned, {"best": best}) == compared


def test_what_was_not_trained_or_measured_is_left_out(study):
    """An arm with three of its trials, a variant without the arm that varies all, and no target."""
    varied = ["log10_lr", "kernel", "batch_size"]
    of_arm = study.cells.merge(study.trials[["arm", "trial", *varied]], on=varied)
    short = (of_arm["arm"] == "fix:batch_size") & (of_arm["trial"] > 2) & (of_arm["variant"] == "base")
    none = (of_arm["arm"] == "all") & (of_arm["variant"] == "uniform-0.5")
    known = analysis(study, cells=of_arm[~short & ~none].drop(columns=["arm", "trial"]), benchmarks=None)
    rows = known.result("arm_comparisons")
    assert set(zip(rows["variant"], rows["arm"], strict=True)) == {("base", "all-again")}
    assert set(rows["target"]) == {""} and known.result("arm_changes").empty


def test_a_training_precision_that_varies_makes_models_ambiguous(study):
    """Measurements have the precision of the file: a model of two settings belongs to neither."""
    both = study.cells.assign(precision=["fp32", "bf16"] * (len(study.cells) // 2))
    drawn = pd.concat([study.trials.assign(precision="fp32"), study.trials.assign(precision="bf16", trial=99)])
    found = analysis(study, cells=both, trials=drawn.assign(setting=range(len(drawn))))
    assert [each.terms.properties for each in found["arm_models"]] == [OF_TRIALS]


def test_a_study_without_arms_has_empty_tables_with_their_columns(study):
    alone = study.trials[study.trials["arm"].isin(["default", "all"])]
    known = analysis(study, trials=alone)
    for name in result_names(ARMS):
        assert name in result_names(TRIALS)
        assert known.result(name).empty and list(known.result(name)) == list(known.columns(name))
