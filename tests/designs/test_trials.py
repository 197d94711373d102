"""Trials: what a draw depends on, what stays when a design changes, arms, and balanced arrays."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare, kstest

from prunescape.config.study import load_study
from prunescape.designs import ranking
from prunescape.designs.balanced import balanced_array, pair_counts
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, candidate_cells, first_cells, have_rounds, next_round, study_plans
from prunescape.designs.trials import drawn_setting, hashed, plan_trials, random_settings
from prunescape.space.search_space import SearchSpace
from support.spaces import DESIGN, SPACE, space_study

LEVELS = {"batch_size": ["16", "32", "64", "128"], "momentum": ["0.0", "0.5", "0.9"]}
BOUNDS = {"log10_lr": ["-3.0", "0.0"]}
SPACE_OF_NUMBERS = SearchSpace(
    LEVELS, BOUNDS, {"batch_size": "64", "momentum": "0.9", "log10_lr": "-1.0"}, {"optimiser": "sgd"}
)


def plan_of(design: dict | None = None, **changes) -> Plan:
    return study_plans(load_study(space_study(design, **changes)), "config")["e"]


def settings_of(design: dict | None = None, arm: str = "all") -> list:
    return [trial.setting for trial in plan_trials(plan_of(design)) if trial.arm == arm]


def test_draws_are_uniform():
    """Over levels by Pearson's chi-squared test, between bounds by that of Kolmogorov and Smirnov (both scipy's)."""
    drawn = pd.DataFrame([drawn_setting(SPACE_OF_NUMBERS, 0, "all", trial).values for trial in range(3000)])
    for name in LEVELS:
        assert chisquare(drawn[name].value_counts()).pvalue > 0.01
    assert kstest(drawn["log10_lr"], "uniform", args=(-3, 3)).pvalue > 0.01
    assert abs(drawn.corr()).where(~np.eye(3, dtype=bool)).max(axis=None) < 0.06, "and independent of each other"


def test_one_trial_more_keeps_all_others():
    assert settings_of({"trials": 20}) == settings_of({"trials": 21})[:20]
    assert settings_of({"trials": 20}) != settings_of({"trials": 20, "seed": 2})


def test_another_level_touches_only_the_trials_that_drew_it():
    """A new level of k + 1 is drawn by one trial in k + 1; every other trial keeps its setting."""
    more = SearchSpace(
        LEVELS | {"momentum": ["0.0", "0.5", "0.8", "0.9"]}, BOUNDS, SPACE_OF_NUMBERS.defaults, {"optimiser": "sgd"}
    )
    before, after = (random_settings(space, 2000, 0, "all") for space in (SPACE_OF_NUMBERS, more))
    touched = [new for old, new in zip(before, after, strict=True) if old != new]
    assert all(setting.values["momentum"] == 0.8 for setting in touched)
    assert abs(len(touched) / 2000 - 1 / 4) < 0.03
    assert chisquare(pd.Series([setting.values["momentum"] for setting in after]).value_counts()).pvalue > 0.01


def test_order_decides_nothing():
    turned = {name: values[::-1] if isinstance(values, list) else values for name, values in reversed(SPACE.items())}
    assert settings_of({"space": turned, "trials": 20}) == settings_of({"trials": 20})


def test_a_setting_is_drawn_once_until_none_is_left():
    space = {name: SPACE[name] for name in ("batch_size", "schedule", "decay")}
    settings = settings_of({"space": space, "trials": 9})
    assert len(set(settings)) == 9 == 3 * (2 + 1), "every setting that there is"
    assert settings_of({"space": space, "trials": 5}) == settings[:5]


def test_every_variant_has_the_same_settings_and_seeds_and_the_base_its_default():
    plan = plan_of(seeds=[3, 4])
    cells = first_cells({"e": plan})
    default, *drawn = cells
    assert (default.variant.name, default.seed) == ("base", 0)
    assert default.setting.values == {"log10_lr": -1.0, "batch_size": 50, "momentum": 0.9, "schedule": "cosine"}
    pairs = {name: [(c.setting, c.seed) for c in drawn if c.variant.name == name] for name in plan.variants}
    assert pairs["base"] == pairs["uniform-0.5"] and len(pairs["base"]) == DESIGN["trials"] * 2
    assert candidate_cells(plan, []) == cells and not have_rounds({"e": plan})


NETWORKS = {"space": SPACE | {"filters": [6, 9, 12]}, "arms": ["all", "fix:filters"]}


def test_every_network_has_one_ranking_at_the_default_training_unless_a_trial_trains_it():
    plan = plan_of(NETWORKS, model="image_cnn", variants={"nonuniform": [0.5]}, seeds=[3])
    rankings = ranking.first_cells(plan)
    networks = {trial.setting.network for trial in plan_trials(plan)}
    default = plan_trials(plan)[0].setting
    assert {cell.setting.network for cell in rankings} == networks - {default.network} and len(networks) == 3
    assert {(cell.variant.name, cell.seed, cell.setting.training) for cell in rankings} == {
        ("base", 0, default.training)
    }
    places = Places({"e": plan}, [])
    assert {places.of(cell.content)["stage"] for cell in rankings} == {"ranking"}
    trained = candidate_cells(plan, [])
    assert not set(rankings) & set(trained) and {places.of(cell.content)["stage"] for cell in trained} == {"trial"}
    assert set(first_cells({"e": plan})) == {*trained, *rankings}


def test_what_inherits_from_a_base_for_each_seed_has_that_of_its_network_and_seed_beside_the_trials():
    retraining = {"pipelines": ["scratch", "init", "fine_tune"], "epochs": 1, "base": "per_seed"}
    known = {"model": "image_cnn", "variants": {"uniform": [0.5]}, "retraining": retraining, "seeds": [0, 3]}
    plan, shared = plan_of(NETWORKS, **known), plan_of(NETWORKS, **known | {"retraining": retraining | {"base": "one"}})
    cells = first_cells({"e": plan})
    bases = ranking.inherited_bases({"e": plan}, cells)
    default = plan_trials(plan)[0].setting
    networks = {trial.setting.network for trial in plan_trials(plan)}
    assert [cell.variant.name for cell in bases] == ["base"] * len(bases)
    assert sorted((cell.setting, cell.seed) for cell in bases) == sorted(
        (default.changed(network), seed) for network in networks for seed in (0, 3)
    )
    places = Places({"e": plan}, [])
    assert {places.of(cell.content)["stage"] for cell in bases if cell.seed == 3} == {"ranking"}
    assert ranking.inherited_bases({"e": shared}, first_cells({"e": shared})) == []
    assert ranking.inherited_bases({"e": plan}, [cell for cell in cells if "fine_tune" not in cell.variant.name]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"variants": {"uniform": [0.5]}},
        {"variants": {"nonuniform": [0.5]}, "pruning": {"round_to": 1, "ranking": "initial"}},
    ],
)
def test_without_trained_filters_to_rank_there_is_no_ranking(changes):
    assert ranking.first_cells(plan_of(NETWORKS, model="image_cnn", **changes)) == []


def test_networks_that_are_all_alike_have_the_default_cell_alone():
    assert ranking.first_cells(plan_of(variants={"nonuniform": [0.5]})) == []


def test_a_confirmation_trains_the_best_of_each_variant_with_fresh_seeds():
    plan = plan_of({"confirm": {"first": 2, "seeds": 2}, "rank_by": "top1"}, seeds=[0, 4])
    assert have_rounds({"e": plan})
    cells = first_cells({"e": plan})
    scores = {setting: place for place, setting in enumerate(settings_of())}
    rows = [
        {
            "experiment": "e",
            "variant": c.variant.name,
            "seed": c.seed,
            "stage": "trial",
            "status": "ok",
            **c.setting.values,
        }
        | {"top1": scores.get(c.setting, 0) * (1 if c.variant.name == "base" else -1)}
        for c in cells
    ]
    planned = next_round({"e": plan}, number=1, cells=pd.DataFrame(rows), earlier=[])
    best = {"base": settings_of()[:-3:-1], "uniform-0.5": settings_of()[:2]}
    assert planned.last and planned.steps["e"].stage == "confirmation"
    assert [(c.seed, c.variant.name, c.setting) for c in planned.cells] == [
        (seed, variant, setting) for seed in (5, 6) for variant, settings in best.items() for setting in settings
    ], "seed by seed, so that rivals are trained in turns"
    assert candidate_cells(plan, [planned]) == cells, "exports choose among trials"
    assert read_cell_places(plan, planned) == {("trial", 0), ("confirmation", 1)}


def read_cell_places(plan: Plan, planned) -> set[tuple]:
    """The stage and round of every cell."""
    places = Places({"e": plan}, [planned])
    found = [places.of(cell.content) for cell in (*first_cells({"e": plan}), *planned.cells)]
    return {(place["stage"], place["round"]) for place in found}


def test_arms_search_anew_with_some_hyperparameters_at_their_defaults():
    arms = ["all", "all-again", "fix:batch_size", "fix-dimension:optimiser"]
    space = SPACE | {"crop_padding": {"low": 0, "high": 40}}
    found = {arm: settings_of({"arms": arms, "space": space}, arm) for arm in arms}
    assert not set(found["all"]) & set(found["all-again"])
    assert {setting.values["batch_size"] for setting in found["fix:batch_size"]} == {50}
    of_optimiser = [dict(setting.texts) | {"crop_padding": None} for setting in found["fix-dimension:optimiser"]]
    assert all(texts == of_optimiser[0] for texts in of_optimiser) and of_optimiser[0]["momentum"] == "0.9"
    assert settings_of({"arms": arms[:1], "space": space}) == found["all"], "an arm depends on no other"


def test_the_arms_of_the_paper():
    """liao2022, 4.1.2: each hyperparameter fixed, each dimension fixed; and a second search beside tuning all."""
    plan = plan_of({"arms": "liao2022", "space": SPACE | {"crop_padding": {"low": 0, "high": 9}}})
    fixed = {f"fix:{name}": [name] for name in (*SPACE, "crop_padding")}
    fixed |= {"fix-dimension:optimiser": sorted(SPACE), "fix-dimension:data": ["crop_padding"]}
    assert plan.trials["arms"] == {"all": [], "all-again": []} | fixed


def test_a_factorial_design_has_every_combination():
    space = {name: SPACE[name] for name in ("batch_size", "schedule", "decay")}
    plan = plan_of({"kind": "factorial", "space": space, "trials": ..., "seed": ...})
    assert len({trial.setting for trial in plan_trials(plan)}) == 9


@pytest.mark.parametrize(("levels", "rows"), [([5, 4, 3, 3, 2, 2], 60), ([3, 3, 3, 3], 9), ([4, 3, 2], 25)])
def test_levels_are_balanced_and_pairs_nearly(levels, rows):
    """An orthogonal array has all pairs equally often; 3^4 in 9 rows is one (L9, Taguchi)."""
    design = balanced_array(levels, rows, lambda *parts: hashed(0, *parts))
    for factor, count in enumerate(levels):
        counts = np.bincount(design[:, factor], minlength=count)
        assert counts.max() - counts.min() <= (rows % count > 0)
    for first in range(len(levels)):
        for second in range(first):
            pairs = pair_counts(design[:, first], design[:, second])
            assert pairs.max() - pairs.min() <= 2
    assert (design == balanced_array(levels, rows, lambda *parts: hashed(0, *parts))).all()


def test_a_balanced_design_has_different_settings():
    space = {"batch_size": [25, 50, 100], "momentum": [0.0, 0.9], "schedule": ["step", "cosine"], "decay": [0.1, 0.5]}
    settings = settings_of({"kind": "balanced", "space": space, "trials": 12})
    assert len(set(settings)) == 12
    table = pd.DataFrame([setting.values for setting in settings])
    assert table["batch_size"].value_counts().eq(4).all() and table["schedule"].value_counts().eq(6).all()
    assert table.loc[table["schedule"] == "cosine", "decay"].isna().all(), "a decay acts at steps only"
