"""Searches over finished trainings, many at once: random search, successive halving and Hyperband."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from prunescape.analysis.search.budgets import Rung
from prunescape.analysis.search.histories import Histories


@dataclass(frozen=True)
class Draws:
    """Where N searches begin: the seed (N,) that each chooses by, by its place, and the order (N, n) of the settings.

    The seeds take turns, so each chooses in as many searches. All strategies are given the same draws: what differs
    between them is theirs.
    """

    seeds: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, searches: int, histories: Histories, seed: int) -> Self:
        """The draws of `searches` searches; equal `seed`, equal draws."""
        generator = np.random.default_rng(seed)
        order = np.argsort(generator.random((searches, len(histories.settings))), axis=1)
        return cls(np.arange(searches) % len(histories.seeds), order)

    def first(self, count: int) -> Self:
        """The first so many of them."""
        return type(self)(self.seeds[:count], self.order[:count])


@dataclass(frozen=True)
class Searched:
    """What N searches did, each (N,): the place of the `chosen` setting, the `cells` trained and their `epochs`.

    `restarted` are the epochs where every rung starts its trainings anew instead of continuing them.
    """

    chosen: np.ndarray
    cells: np.ndarray
    epochs: np.ndarray
    restarted: np.ndarray


def search(histories: Histories, draws: Draws, brackets: Sequence[Sequence[Rung]]) -> Searched:
    """Run every bracket over settings that no earlier one drew, as far as there are; the best at full budget is chosen.

    A bracket of one rung is a random search, with all settings the whole grid. A cell is trained once: its epochs are
    those of the highest rung that it reached in any bracket, and a training that diverged ends there. Equal scores are
    ordered by chance.
    """
    rows = np.arange(len(draws.seeds))
    reached, restarted = np.zeros_like(draws.order), np.zeros(len(rows), dtype="int64")
    winners, start = [], 0
    for rungs in brackets:
        places = np.arange(start, start + rungs[0].trials) % draws.order.shape[1]
        winners.append(_halve(histories, draws, draws.order[:, places], rungs, reached, restarted))
        start += rungs[0].trials
    finalists = np.stack(winners, axis=1)
    best = np.argmax(histories.ranked[draws.seeds[:, None], finalists, -1], axis=1)
    return Searched(finalists[rows, best], (reached > 0).sum(axis=1), reached.sum(axis=1), restarted)


def _halve(
    histories: Histories,
    draws: Draws,
    alive: np.ndarray,
    rungs: Sequence[Rung],
    reached: np.ndarray,
    restarted: np.ndarray,
) -> np.ndarray:
    """Successive halving from the settings `alive` (N, k), in random order; gives the best of the last rung (N,).

    Adds the epochs to `restarted` (N,), and raises those `reached` (N, n) by each cell.
    """
    rows, seeds = np.arange(len(alive))[:, None], draws.seeds[:, None]
    for rung in rungs:
        alive = alive[:, : rung.trials]
        epochs = np.minimum(rung.epochs, histories.trained[seeds, alive])
        restarted += epochs.sum(axis=1)
        reached[rows, alive] = np.maximum(reached[rows, alive], epochs)
        ranking = np.argsort(-histories.ranked[seeds, alive, rung.epochs - 1], axis=1, kind="stable")
        alive = np.take_along_axis(alive, ranking, axis=1)
    return alive[:, 0]


def regrets(histories: Histories, draws: Draws, chosen: np.ndarray) -> np.ndarray:
    """Regret of each search (N,), percentage points: the best mean score of any setting minus that of the chosen one.

    Means are over all seeds but the one that the search chose by. The best mean is the highest of noisy ones, so the
    regret of always taking the truly best setting is above 0, too.
    """
    others = histories.others
    return others.max(axis=1)[draws.seeds] - others[draws.seeds, chosen]
