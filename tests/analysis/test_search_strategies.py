"""Searches on finished trainings against enumeration, plain loops, scipy's correlations and Optuna's own loop."""

import itertools

import numpy as np
import optuna
import pytest
from scipy.stats import spearmanr

from prunescape.analysis.search.budgets import Rung, epoch_ladder, halving_rungs, hyperband_brackets
from prunescape.analysis.search.replay import replay
from prunescape.analysis.search.rungs import rungs
from prunescape.analysis.search.strategies import Draws, regrets, search
from prunescape.analysis.search.terms import SearchTerms
from prunescape.analysis.search.tpe import STARTUP, Lattice, tpe_search
from prunescape.space.settings import Setting
from support.searches import drawn_scores, grid_settings, histories


def expected_regret(scores: np.ndarray, trials: int) -> float:
    """By all subsets of the settings and all seeds: the regret of the subset's best on that seed, on the others."""
    seeds, settings, _ = scores.shape
    found = []
    for seed in range(seeds):
        means = np.mean([scores[other, :, -1] for other in range(seeds) if other != seed], axis=0)
        for subset in itertools.combinations(range(settings), trials):
            chosen = max(subset, key=lambda place: scores[seed, place, -1])
            found.append(means.max() - means[chosen])
    return float(np.mean(found))


def test_the_grid_is_exact():
    scores = drawn_scores()
    row = replay([histories(scores)], SearchTerms(strategies=("grid",), searches=30)).iloc[0]
    assert row["regret"] == pytest.approx(expected_regret(scores, 6))
    assert (row["cells"], row["epochs"], row["epochs_restarted"], row["trials"]) == (6, 60, 60, 6)


@pytest.mark.parametrize("trials", [1, 2, 3, 5])
def test_random_search_has_the_regret_of_all_subsets(trials):
    known, searches = histories(drawn_scores()), 12000
    draws = Draws.of(searches, known, seed=1)
    regret = regrets(known, draws, search(known, draws, [[Rung(trials, 10)]]).chosen)
    assert abs(regret.mean() - expected_regret(known.scores, trials)) < 4 * regret.std() / np.sqrt(searches)


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation():
    known = histories(drawn_scores())
    row = replay([known], SearchTerms(strategies=("random",), trials=(2,), searches=3000)).iloc[0]
    draws = Draws.of(3000, known, 0)
    regret = regrets(known, draws, search(known, draws, [[Rung(2, 10)]]).chosen)
    half = 1.96 * regret.std() / np.sqrt(3000)
    assert row["regret_low"] == pytest.approx(regret.mean() - half, abs=0.15 * half)
    assert row["regret_high"] == pytest.approx(regret.mean() + half, abs=0.15 * half)
    assert row["regret_median"] == np.median(regret)
    assert row["found"] == pytest.approx(np.mean(regret <= 0.5))
    by_seed = [regret[draws.seeds == seed].mean() for seed in range(3)]
    assert row[["regret_seed_low", "regret_seed_high"]].tolist() == pytest.approx([min(by_seed), max(by_seed)])


def halved(scores: np.ndarray, trained: np.ndarray, order: list[int], sizes: list[tuple[int, int]]):
    """Successive halving of ONE search in plain Python: chosen, epochs continued and epochs restarted."""
    alive, reached, restarted = list(order), {}, 0
    for count, epochs in sizes:
        alive = alive[:count]
        for place in alive:
            ran = min(epochs, trained[place])
            reached[place] = max(reached.get(place, 0), ran)
            restarted += ran
        alive = sorted(alive, key=lambda place: -scores[place, epochs - 1])
    return alive[0], reached, restarted


def test_halving_is_that_of_a_plain_loop_where_trainings_diverge_too():
    scores = drawn_scores(settings=12)
    trained = np.full((3, 12), 10)
    trained[0, 3], scores[0, 3, 2:] = 3, 10.0
    trained[:, 7], scores[:, 7] = 1, 10.0
    known = histories(scores, trained=trained)
    rungs_ = halving_rungs(12, epoch_ladder(10, min_epochs=2, growth="linear"), eta=2)
    draws = Draws.of(60, known, seed=3)
    found = search(known, draws, [rungs_])
    sizes = [(rung.trials, rung.epochs) for rung in rungs_]
    for number, seed in enumerate(draws.seeds):
        chosen, reached, restarted = halved(scores[seed], trained[seed], draws.order[number].tolist(), sizes)
        assert found.chosen[number] == chosen
        assert (found.cells[number], found.epochs[number]) == (12, sum(reached.values()))
        assert found.restarted[number] == restarted


def test_hyperband_is_the_best_of_its_brackets_and_trains_a_cell_once():
    known = histories(drawn_scores(settings=12))
    brackets = hyperband_brackets(10, min_epochs=1, eta=2, most=12)  # 8, 6, 4 and 4 of 12 settings: some come again
    draws = Draws.of(40, known, seed=4)
    found = search(known, draws, brackets)
    for number, seed in enumerate(draws.seeds):
        order, start, winners, reached, restarted = draws.order[number].tolist(), 0, [], {}, 0
        for rungs_ in brackets:
            sizes = [(rung.trials, rung.epochs) for rung in rungs_]
            own = [order[place % 12] for place in range(start, start + sizes[0][0])]
            chosen, ran, cost = halved(known.ranked[seed], known.trained[seed], own, sizes)
            winners.append(chosen)
            reached = {place: max(reached.get(place, 0), ran.get(place, 0)) for place in {*reached, *ran}}
            start, restarted = start + sizes[0][0], restarted + cost
        assert found.chosen[number] == max(winners, key=lambda place: known.ranked[seed, place, -1])
        assert found.epochs[number] == sum(reached.values())
        assert (found.cells[number], found.restarted[number]) == (12, restarted)


def test_halving_and_tpe_are_compared_with_random_search_on_the_same_draws():
    known = histories(drawn_scores(settings=12))
    terms = SearchTerms(strategies=("random", "halving", "tpe"), trials=(8,), searches=40, tpe_searches=9)
    table = replay([known], terms).set_index("strategy")
    draws = Draws.of(40, known, 0)
    whole = regrets(known, draws, search(known, draws, [[Rung(8, 10)]]).chosen)
    assert table.loc["random", "regret"] == pytest.approx(whole.mean())
    assert np.isnan(table.loc["random", "against_random"])
    assert table.loc["halving", "against_random"] == pytest.approx(table.loc["halving", "regret"] - whole.mean())
    assert table.loc["tpe", "against_random"] == pytest.approx(table.loc["tpe", "regret"] - whole[:9].mean())
    halving = table.loc["halving"]
    assert halving["against_random_low"] <= halving["against_random"] <= halving["against_random_high"]


def test_equal_scores_are_ordered_by_chance():
    known = histories(np.full((2, 4, 3), 90.0))
    draws = Draws.of(4000, known, seed=5)
    chosen = search(known, draws, [[Rung(4, 3)]]).chosen
    assert np.bincount(chosen) == pytest.approx(np.full(4, 1000), abs=5 * np.sqrt(4000 * 3 / 16))


def test_halving_fails_where_early_epochs_rank_the_other_way_and_the_table_of_rungs_says_so():
    level = np.arange(8.0)
    rising = np.where(np.arange(10) < 5, -1.0, 1.0)[None, None, :] * level[None, :, None] + np.zeros((2, 1, 1))
    known = histories(90 + rising)
    table = replay([known], SearchTerms(strategies=("halving", "random"), trials=(8,), searches=50))
    regret = dict(zip(table["strategy"], table["regret"], strict=True))
    assert regret == {"halving": 7.0, "random": 0.0}  # 8 settings, one survivor after 4 epochs: always the worst
    early = rungs([known], SearchTerms()).set_index("epoch")
    assert early["spearman"].tolist() == pytest.approx([-1.0] * 5 + [1.0] * 5)
    assert early["spearman_top"].tolist() == pytest.approx([-1.0] * 5 + [1.0] * 5)
    assert early["best_place"].tolist() == [8.0] * 5 + [1.0] * 5


def test_correlations_of_rungs_are_scipys():
    scores = drawn_scores(settings=15).round(0)  # with ties
    table = rungs([histories(scores)], SearchTerms()).set_index("epoch")
    others = [np.mean([scores[other, :, -1] for other in range(3) if other != seed], axis=0) for seed in range(3)]
    for epoch in (1, 4, 10):
        of = [spearmanr(scores[seed, :, epoch - 1], scores[seed, :, -1]).statistic for seed in range(3)]
        assert table.loc[epoch, "spearman"] == pytest.approx(np.mean(of))
        of = [spearmanr(scores[seed, :, epoch - 1], others[seed]).statistic for seed in range(3)]
        assert table.loc[epoch, "spearman_others"] == pytest.approx(np.mean(of))
        best = [np.argsort(-scores[seed, :, -1], kind="stable")[:8] for seed in range(3)]
        of = [
            spearmanr(scores[seed, best[seed], epoch - 1], scores[seed, best[seed], -1]).statistic for seed in range(3)
        ]
        assert table.loc[epoch, "spearman_top"] == pytest.approx(np.mean(of))
    assert (table["spearman_low"] <= table["spearman"]).all()
    assert (table["spearman_high"] >= table["spearman"] - 1e-12).all()


def test_a_rung_at_which_all_settings_score_alike_has_no_correlation():
    scores = drawn_scores()
    scores[:, :, 0] = 10.0
    table = rungs([histories(scores)], SearchTerms())
    assert table[["spearman", "spearman_low", "spearman_high"]].iloc[0].isna().all()
    assert table["spearman"].iloc[1:].notna().all()


def hill(rates: int = 7, decays: int = 7) -> np.ndarray:
    """Two seeds of a smooth landscape with one summit, (2, rates · decays, 2)."""
    y, x = np.meshgrid(np.arange(rates), np.arange(decays), indexing="ij")
    values = 95 - (y - 4.0) ** 2 - (x - 2.0) ** 2
    return np.repeat(values.ravel()[None, :, None], 2, axis=2).repeat(2, axis=0)


def test_tpe_repeats_itself_and_shares_its_start_with_random_search():
    known = histories(hill(), grid_settings(7, 7))
    draws = Draws.of(6, known, seed=2)
    first, again = (tpe_search(known, draws, (STARTUP, 14), seed=2) for _ in range(2))
    assert (first[14].chosen == again[14].chosen).all()
    assert (first[14].epochs == again[14].epochs).all()
    assert (first[STARTUP].chosen == search(known, draws, [[Rung(STARTUP, 2)]]).chosen).all()
    other = tpe_search(known, draws, (14,), seed=3)[14]
    assert (other.chosen != first[14].chosen).any() or (other.cells != first[14].cells).any()
    fewer = tpe_search(known, draws.first(2), (8,), seed=2)[8]
    more = tpe_search(known, draws, (8, 14), seed=2)[8]
    assert (fewer.chosen == more.chosen[:2]).all()


def test_tpe_climbs_a_hill_that_random_search_does_not():
    known = histories(hill(), grid_settings(7, 7))
    terms = SearchTerms(strategies=("random", "tpe"), trials=(20,), searches=40, tpe_searches=40)
    table = replay([known], terms).set_index("strategy")
    assert table.loc["tpe", "regret"] < 0.7 * table.loc["random", "regret"]
    assert table.loc["tpe", "cells"] <= 20


def test_tpe_asks_what_optunas_own_loop_asks():
    """`study.optimize` after the same first trials, with the same sampler."""
    known = histories(hill(), grid_settings(7, 7))
    draws = Draws.of(1, known, seed=7)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = int(np.random.SeedSequence((7, 0)).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    values, ranges = known.ranked[0, :, -1], {name: optuna.distributions.IntDistribution(0, 6) for name in ("a", "b")}
    tried = []

    def objective(trial):
        tried.append(7 * trial.suggest_int("a", 0, 6) + trial.suggest_int("b", 0, 6))
        return values[tried[-1]]

    for place in draws.order[0, :STARTUP]:
        levels = {"a": int(place) // 7, "b": int(place) % 7}
        study.add_trial(optuna.trial.create_trial(params=levels, distributions=ranges, value=values[place]))
        tried.append(int(place))
    study.optimize(objective, n_trials=15)
    for count, found in tpe_search(known, draws, (8, 12, 20), seed=7).items():
        assert found.cells[0] == len(set(tried[:count]))
        assert found.chosen[0] == max(tried[:count], key=lambda place: values[place])


def random_settings(count: int) -> list[dict]:
    """Of a random design in which momentum acts with one of three optimisers."""
    random = np.random.default_rng(8)
    values = []
    for _ in range(count):
        one = {"log10_lr": round(random.uniform(-3, 0), 2), "batch_size": int(random.choice([16, 32, 64, 128]))}
        one["optimiser"] = str(random.choice(["adam", "adamw", "sgd"]))
        values.append(one | ({"momentum": float(random.choice([0.0, 0.5, 0.9]))} if one["optimiser"] == "sgd" else {}))
    return values


def test_what_a_sampler_asks_for_is_snapped_to_the_nearest_finished_setting():
    """Ranks as shares of their range, other levels 0 or 1, half a range where a setting lacks one; by a plain loop."""
    values = random_settings(14)
    known = histories(drawn_scores(settings=14), tuple(Setting.of(one) for one in values))
    lattice = Lattice(known)
    levels = lattice.levels
    assert list(levels) == ["batch_size", "log10_lr", "momentum", "optimiser"]
    assert (levels["batch_size"], levels["optimiser"]) == ([16, 32, 64, 128], ["adam", "adamw", "sgd"])
    for choice in itertools.product(*(range(len(each)) for each in levels.values())):
        distances = []
        for one in values:
            apart = {
                name: levels[name].index(one[name]) - at for name, at in zip(levels, choice, strict=True) if name in one
            }
            shares = [apart["batch_size"] / 3, apart["log10_lr"] / (len(levels["log10_lr"]) - 1)]
            shares.append(apart["momentum"] / (len(levels["momentum"]) - 1) if "momentum" in one else 0.5)
            distances.append(sum(share**2 for share in shares) + (apart["optimiser"] != 0))
        assert distances[lattice.nearest(choice)] == pytest.approx(min(distances))


def test_tpe_searches_settings_that_lack_a_hyperparameter():
    known = histories(drawn_scores(settings=14), tuple(Setting.of(one) for one in random_settings(14)))
    draws = Draws.of(4, known, 0)
    found = tpe_search(known, draws, (4, 40), seed=0)
    assert (found[4].cells == 4).all()  # fewer trials than STARTUP: those of random search
    assert (found[40].cells <= 14).all()
    assert (found[40].cells > 5).all()
    assert (found[40].epochs == 10 * found[40].cells).all()  # a setting that is asked for again costs nothing
