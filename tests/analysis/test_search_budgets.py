"""Budgets of searches against the closed forms of edgetune2022 (3.5, 4.3) and the table of Li et al. (JMLR 18(185))."""

import math

import pytest

from prunescape.analysis.search.budgets import (
    Budgets,
    Rung,
    continued_epochs,
    epoch_ladder,
    halving_rungs,
    hyperband_brackets,
    restarted_epochs,
)
from prunescape.analysis.search.terms import SearchTerms
from prunescape.errors import InputError


def pairs(rungs: list[Rung]) -> list[tuple[int, int]]:
    return [(rung.trials, rung.epochs) for rung in rungs]


def test_sixteen_trials_halved_over_two_to_ten_epochs_take_114():
    """16·2 + 8·4 + 4·6 + 2·8 + 1·10 = 114 against 16·10 = 160 (edgetune2022, Alg 2: min(it · 2, 10))."""
    rungs = halving_rungs(16, epoch_ladder(10, min_epochs=2, growth="linear"), eta=2)
    assert pairs(rungs) == [(16, 2), (8, 4), (4, 6), (2, 8), (1, 10)]
    assert restarted_epochs(rungs) == 114
    assert restarted_epochs([Rung(16, 10)]) == 160
    assert continued_epochs(rungs) == 2 * (16 + 8 + 4 + 2 + 1)  # each rung adds two epochs to its survivors


def test_doubling_gives_every_rung_the_same_new_work():
    """With eta 2 and doubled epochs each rung restarts n · e_min epochs, the idea of successive halving."""
    rungs = halving_rungs(16, epoch_ladder(16, min_epochs=1, growth="doubling"), eta=2)
    assert [rung.trials * rung.epochs for rung in rungs] == [16] * 5
    assert epoch_ladder(10, min_epochs=3, growth="doubling") == [3, 6, 10]


@pytest.mark.parametrize(
    ("trials", "ladder", "eta", "expected"),
    [
        (4, [1, 2, 3, 4, 5], 2, [(4, 1), (2, 2), (1, 5)]),  # the last survivor gets the full budget
        (64, [2, 4], 2, [(64, 2), (32, 4)]),  # the full budget is reached with many left
        (1, [1, 2, 3], 2, [(1, 3)]),
        (9, [1, 2, 3, 4], 3, [(9, 1), (3, 2), (1, 4)]),
        (5, [1, 2, 3, 4], 1.5, [(5, 1), (3, 2), (2, 3), (1, 4)]),
        (3, [5], 2, [(3, 5)]),
    ],
)
def test_rungs_by_hand(trials, ladder, eta, expected):
    assert pairs(halving_rungs(trials, ladder, eta=eta)) == expected


def test_hyperband_has_the_brackets_of_its_table_1():
    """Li et al. 2018, Table 1: R = 81, eta = 3."""
    assert [pairs(rungs) for rungs in hyperband_brackets(81, min_epochs=1, eta=3)] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


def test_hyperband_has_the_brackets_that_mlr3hyperband_prints():
    """mlr3hyperband's reference page of its tuner: r_min = 1, r_max = 8, eta = 2."""
    assert [pairs(rungs) for rungs in hyperband_brackets(8, min_epochs=1, eta=2)] == [
        [(8, 1), (4, 2), (2, 4), (1, 8)],
        [(6, 2), (3, 4), (1, 8)],
        [(4, 4), (2, 8)],
        [(4, 8)],
    ]


def test_hyperband_takes_the_first_brackets_and_no_more_settings_than_there_are():
    first = hyperband_brackets(81, min_epochs=1, eta=3, brackets=2, most=25)
    assert [pairs(rungs)[0] for rungs in first] == [(25, 1), (25, 3)]
    whole = hyperband_brackets(10, min_epochs=2, eta=2)  # R = 5: s_max = 2, and 10 / 4 is no whole epoch
    assert [pairs(rungs) for rungs in whole] == [[(4, 3), (2, 5), (1, 10)], [(3, 5), (1, 10)], [(3, 10)]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: epoch_ladder(10, min_epochs=0, growth="linear"), "--min-epochs: 0 epochs are no part of a training"),
        (lambda: epoch_ladder(10, min_epochs=11, growth="linear"), "allowed: 1 to 10, the epochs of these trainings"),
        (lambda: hyperband_brackets(81, min_epochs=1, eta=3, brackets=6), "--brackets: 6 brackets"),
        (lambda: hyperband_brackets(8, min_epochs=9, eta=2), "--min-epochs: 9"),
        (lambda: SearchTerms(eta=1.0).check(), "--eta: 1 cannot be used; allowed: above 1"),
        (lambda: SearchTerms(eta=float("nan")).check(), "--eta: nan cannot be used"),
        (lambda: SearchTerms(min_epochs=0).check(), "--min-epochs: 0 cannot be used"),
        (lambda: SearchTerms(strategies=("halvin",)).check(), 'hint: did you mean "halving"?'),
        (lambda: SearchTerms(rank_by="top1").check(), '--rank-by: there is no "top1"'),
        (
            lambda: SearchTerms(trials=(4, 30)).trials_of(25, "e, base"),
            "--trials: 30 trials are more than the settings",
        ),
        (lambda: SearchTerms(seed=-1).check(), "--seed: -1 cannot be used"),
        (lambda: SearchTerms(margin=-0.1).check(), "--margin"),
    ],
)
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(InputError) as raised:
        call()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_tpe_runs_fewer_searches_where_they_are_long():
    assert [SearchTerms().tpe_searches_of(trials) for trials in (4, 16, 64, 3200)] == [100, 100, 25, 1]
    assert SearchTerms(tpe_searches=300).tpe_searches_of(64) == 300
    assert SearchTerms(searches=20, tpe_searches=300).tpe_searches_of(64) == 20


def test_numbers_of_trials_are_powers_of_two_by_default():
    assert SearchTerms().trials_of(25, "") == (4, 8, 16)
    assert SearchTerms().trials_of(32, "") == (4, 8, 16, 32)
    assert SearchTerms().trials_of(3, "") == (3,)
    assert SearchTerms(trials=(9, 2, 9)).trials_of(9, "") == (2, 9)


def test_budgets_over_epochs_are_the_rungs_of_a_replay():
    budgets = Budgets("epochs", 2, 0.1, "linear", 10)
    ladder = epoch_ladder(10, min_epochs=2, growth="linear")
    assert budgets.brackets(16, eta=2) == [halving_rungs(16, ladder, eta=2)]
    assert budgets.brackets(81, eta=3, count=2) == hyperband_brackets(10, min_epochs=2, eta=3, brackets=2, most=81)


@pytest.mark.parametrize(
    ("kind", "growth", "parts"),
    [
        # edgetune2022, 4.3: both grow from 2 epochs and 10 %; epochs stay at 10 from the fifth rung on, data grow on
        ("multi", "linear", [(2, 0.1), (4, 0.2), (6, 0.3), (8, 0.4), (10, 0.5), (10, 0.6), (10, 0.7)]),
        ("multi", "doubling", [(2, 0.1), (4, 0.2), (8, 0.4), (10, 0.8), (10, 1.0)]),
        ("dataset", "linear", [(10, 0.1), (10, 0.2), (10, 0.3)]),
    ],
)
def test_budgets_over_data_grow_as_the_paper_says(kind, growth, parts):
    budgets = Budgets(kind, 2, 0.1, growth, 10)
    (rungs,) = budgets.brackets(1000, eta=1.5)
    assert [budgets.at(rung.epochs) for rung in rungs][: len(parts)] == parts
    assert budgets.at(rungs[-1].epochs) == (10, 1.0)


def test_both_budgets_together_cost_least_as_the_paper_claims():
    """Passes of all data for 16 trials, eta 2, 2 to 10 epochs: the paper's own rungs, and a last one that is whole."""
    passes = {}
    for kind in ("epochs", "multi", "dataset"):
        budgets = Budgets(kind, 2, 0.1, "linear", 10)
        (rungs,) = budgets.brackets(16, eta=2)
        passes[kind] = sum(rung.trials * math.prod(budgets.at(rung.epochs)) for rung in rungs)
    assert passes == pytest.approx({"epochs": 114, "multi": 33.2, "dataset": 62})
