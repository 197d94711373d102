"""The factor tables of a study's trials against what the trials were made from."""

import numpy as np
import pandas as pd

from prunescape.analysis.factors.columns import TABLES
from prunescape.analysis.factors.of_trials import factor_columns, trial_factors
from prunescape.analysis.results import TRIALS, result_names
from prunescape.analysis.trials import trial_cells

SETTINGS = 60


def cells_and_trials() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy rises by 2 points per unit of momentum in the base, by 12 when pruned; the batch size does nothing."""
    random = np.random.default_rng(0)
    momentum, size = random.uniform(0, 1, SETTINGS).round(3), random.choice([16, 32, 64], SETTINGS)
    settings = pd.DataFrame({"momentum": momentum, "batch_size": size})
    trials = settings.assign(
        experiment="e", arm="all", trial=range(SETTINGS), setting=[f"s{i}" for i in range(SETTINGS)]
    )
    parts = []
    for variant, slope in (("base", 2.0), ("uniform-0.5", 12.0)):
        noise = random.normal(0, 0.1, SETTINGS)
        part = settings.assign(experiment="e", variant=variant, seed=0, stage="trial", status="ok")
        parts.append(part.assign(top1=80 + slope * momentum + noise, epoch_seconds=size / 10.0))
    return pd.concat(parts, ignore_index=True), trials


def test_what_matters_and_what_changes_after_pruning_is_found():
    cells, trials = cells_and_trials()
    tables = trial_factors(trial_cells(cells, trials), trials)
    tests = tables["factors"].set_index(["response", "by", "factor"])["p_holm"]
    for by in ("variant=base", "variant=uniform-0.5"):
        assert tests["top1", by, "momentum"] < 1e-6 and tests["top1", by, "batch_size"] > 0.05
    moved = tables["interactions"].set_index(["response", "factor"])
    assert moved.loc[("top1", "momentum"), "verdict"] == "look again"
    assert moved.loc[("top1", "batch_size"), "verdict"] == "may stay"
    assert bool(moved.loc[("top1", "momentum"), "paired"]) and moved.loc[("top1", "momentum"), "n"] == SETTINGS
    changed = tables["interaction_effects"].query("response == 'top1' and factor == 'momentum'").iloc[0]
    span = trials["momentum"].max() - trials["momentum"].min()
    assert abs(changed["difference"] - 10 * span) < 0.5


def test_what_follows_from_the_network_without_noise_is_no_response():
    cells, trials = cells_and_trials()
    filters = np.random.default_rng(1).choice([8, 16, 24], SETTINGS)
    trials = trials.assign(filters=filters)
    cells = cells.merge(trials[["momentum", "batch_size", "filters"]], on=["momentum", "batch_size"])
    cells = cells.assign(flops=1000 * cells["filters"], parameters=10 * cells["filters"])
    tables = trial_factors(trial_cells(cells, trials), trials)
    assert set(tables["fit"]["response"]) == {"top1", "log10:epoch_seconds"}
    assert "filters" in set(tables["factors"]["factor"])


def test_seeds_of_a_setting_count_once():
    """Copies of every cell under another seed change nothing: they are no independent settings."""
    cells, trials = cells_and_trials()
    again = pd.concat([cells, cells.assign(seed=1)], ignore_index=True)
    once, twice = (trial_factors(trial_cells(each, trials), trials) for each in (cells, again))
    for name in TABLES:
        pd.testing.assert_frame_equal(once[name], twice[name])


def test_trials_that_tell_nothing_leave_a_note():
    cells, trials = cells_and_trials()
    few = trials.head(3)
    tables = trial_factors(trial_cells(cells, few), few)
    assert tables["factors"].empty and "e" in set(tables["notes"]["experiment"])
    assert list(tables["factors"]) == list(factor_columns("factors"))


def test_a_study_has_all_of_these_tables():
    assert set(TABLES) <= set(result_names(TRIALS))
