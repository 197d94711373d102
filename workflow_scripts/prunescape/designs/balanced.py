"""Balanced designs: every level of every factor equally often, and pairs of levels as nearly as possible.

A near-orthogonal array by exchanges, one column after the other, as Xu (2002, Technometrics 44, 356-368) builds them:
here the criterion is the sum of squared counts over all pairs of levels of two factors, which is least where all pairs
of levels are equally frequent.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from prunescape.errors import InputError
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import Setting

SWEEPS = 12  # over all rows of a column, at most
PARTNERS = 48  # rows with which one row may exchange its level, in one sweep
Hash = Callable[..., int]


def balanced_settings(space: SearchSpace, trials: int, hashed: Hash) -> list[Setting]:
    """So many different settings; raises InputError where no exchange makes them different.

    `hashed` gives a uniform whole number for any parts: it decides every choice between equals.
    """
    names = sorted(space.names, key=lambda name: (-len(space.levels[name]), name))
    design = balanced_array([len(space.levels[name]) for name in names], trials, hashed)

    def setting(row: np.ndarray) -> Setting:
        return space.setting({name: space.levels[name][level] for name, level in zip(names, row, strict=True)})

    return _different(design, setting, hashed)


def balanced_array(levels: list[int], rows: int, hashed: Hash) -> np.ndarray:
    """(rows, factors) levels, counted from 0, of factors with so many `levels`: columns balanced, pairs nearly."""
    columns = np.empty((rows, 0), dtype=np.int64)
    for factor, count in enumerate(levels):
        column = _shuffled(np.arange(rows) % count, hashed, "start", factor)
        if factor:
            column = _exchanged(column, columns, count, hashed)
        columns = np.column_stack([columns, column])
    return columns


def pair_counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How often each pair of levels occurs in two columns: (levels of the first, levels of the second)."""
    counts = np.zeros((first.max() + 1, second.max() + 1), dtype=np.int64)
    np.add.at(counts, (first, second), 1)
    return counts


def _shuffled(values: np.ndarray, hashed: Hash, *parts: object) -> np.ndarray:
    return values[np.argsort([hashed(*parts, place) for place in range(len(values))], kind="stable")]


def _exchanged(column: np.ndarray, columns: np.ndarray, count: int, hashed: Hash) -> np.ndarray:
    """The new `column` of `count` levels after exchanges that make its pairs with the other `columns` more even."""
    rows, factors = columns.shape
    offsets = np.concatenate([[0], np.cumsum(columns.max(axis=0) + 1)[:-1]])
    places = columns + offsets  # (rows, factors): where a row's level of each factor is counted
    counts = np.zeros((places.max() + 1, count), dtype=np.int64)
    np.add.at(counts, (places, column[:, None]), 1)
    column = column.copy()
    for sweep in range(SWEEPS):
        if (counts.max(axis=1) - counts.min(axis=1) <= 1).all():
            break
        order = _shuffled(np.arange(rows), hashed, "sweep", factors, sweep)
        changed = [
            _exchange(row, order[(place + 1 + np.arange(PARTNERS)) % rows], column, places, counts)
            for place, row in enumerate(order)
        ]
        if not any(changed):
            break
    return column


def _exchange(row: int, partners: np.ndarray, column: np.ndarray, places: np.ndarray, counts: np.ndarray) -> bool:
    """Exchange the level of a row with that of the partner where it helps most, if with any; whether it did.

    The sum of squared counts changes by twice the sum below, over the factors in which the two rows differ.
    """
    own, others, level, levels = places[row], places[partners], column[row], column[partners]
    change = counts[own[None, :], levels[:, None]] - counts[own, level]
    change += counts[others, level] - counts[others, levels[:, None]] + 2
    change = np.where((others != own) & (levels != level)[:, None], change, 0).sum(axis=1)
    best = int(change.argmin())
    if change[best] >= 0:
        return False
    partner = partners[best]
    for place, before, after in ((own, level, levels[best]), (places[partner], levels[best], level)):
        counts[place, before] -= 1
        counts[place, after] += 1
    column[row], column[partner] = column[partner], column[row]
    return True


def _different(design: np.ndarray, setting: Callable[[np.ndarray], Setting], hashed: Hash) -> list[Setting]:
    """The settings of a design's rows, after exchanges of single levels where two rows give the same one."""
    settings = [setting(row) for row in design]
    rows_of = Counter(settings)
    before: Counter[Setting] = Counter()
    for row in range(len(settings)):
        if before[settings[row]]:
            other, had = _set_apart(row, design, settings, setting, hashed, rows_of)
            if other < row:
                before.subtract([had])
                before.update([settings[other]])
        before[settings[row]] += 1
    return settings


def _set_apart(
    row: int,
    design: np.ndarray,
    settings: list[Setting],
    setting: Callable[[np.ndarray], Setting],
    hashed: Hash,
    rows_of: Counter[Setting],
) -> tuple[int, Setting]:
    """Exchange one level of a row with another row, so that both have settings that no row has.

    `rows_of` counts the rows of each setting. Gives the other row, and the setting that it had.
    """
    others = _shuffled(np.arange(len(design)), hashed, "apart", row)
    for other in others[others != row]:
        for factor in range(design.shape[1]):
            pair = design[[row, other]]
            pair[[0, 1], factor] = pair[[1, 0], factor]
            new = [setting(each) for each in pair]
            if new[0] != new[1] and not any(rows_of[each] for each in new):
                had = settings[other]
                rows_of.subtract([settings[row], had])
                rows_of.update(new)
                design[[row, other]] = pair
                settings[row], settings[other] = new
                return int(other), had
    what = f"no balanced design of {len(design)} different settings was found"
    raise InputError(what, hint="ask for fewer trials, give more levels, or take kind: factorial")
