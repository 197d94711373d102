"""The table of rungs: how far the ranking of settings after each epoch is that after the last."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from prunescape.analysis.search.histories import Histories
from prunescape.analysis.search.replay import LEVEL, VARIANT_COLUMNS
from prunescape.analysis.search.terms import SearchTerms
from prunescape.store.tables import Columns

RESAMPLES = 200  # of settings, for intervals
RUNG_COLUMNS: Columns = {
    **VARIANT_COLUMNS,
    "epoch": ("int64", "from 1"),
    "settings": ("int64", "that are ranked"),
    "seeds": ("int64", "over which correlations are averaged"),
    "rank_by": ("string", "column of curves.parquet that ranks them"),
    "spearman": ("float64", "Spearman's correlation of the ranking after this epoch with that after the last"),
    "spearman_low": ("float64", "lower end of its 95 % interval: percentiles over resampled settings"),
    "spearman_high": ("float64", "its upper end"),
    "spearman_top": ("float64", "the same among the half of the settings that are best after the last epoch"),
    "spearman_others": ("float64", "of this epoch's ranking with that by the mean score of the other seeds at the end"),
    "best_place": ("float64", "mean place, from 1, that the best setting of the last epoch has after this one"),
}


def rungs(histories: Sequence[Histories], terms: SearchTerms) -> pd.DataFrame:
    """One row with RUNG_COLUMNS per variant and epoch; null where all settings score alike.

    Rankings are those by what searches choose by, seed by seed.
    """
    frames = [_frame(each, terms) for each in histories]
    return pd.concat(frames, ignore_index=True)[list(RUNG_COLUMNS)]


def _frame(histories: Histories, terms: SearchTerms) -> pd.DataFrame:
    ranked = histories.ranked.transpose(0, 2, 1)  # seeds, epochs, settings
    seeds, epochs, settings = ranked.shape
    last = ranked[:, -1:]
    generator = np.random.default_rng(terms.seed)
    draws = (generator.integers(0, settings, settings) for _ in range(RESAMPLES))
    resampled = np.array([mean_spearman(ranked[:, :, draw], last[:, :, draw]) for draw in draws])
    low, high = _percentiles(resampled)
    return pd.DataFrame(
        {
            **histories.key,
            "epoch": np.arange(1, epochs + 1),
            "settings": settings,
            "seeds": seeds,
            "rank_by": terms.rank_by,
            "spearman": mean_spearman(ranked, last),
            "spearman_low": low,
            "spearman_high": high,
            "spearman_top": _among_the_best(ranked, last),
            "spearman_others": mean_spearman(ranked, histories.others[:, None]),
            "best_place": _places_of_best(ranked),
        }
    )


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation over the last axis, ties at mean ranks; NaN where either side is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    a, b = (values - values.mean(axis=-1, keepdims=True) for values in ranks)
    size = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.divide((a * b).sum(axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0)


def mean_spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The mean over the first axis of Spearman's correlations over the last, as far as they are defined."""
    found = spearman(first, second)
    known = ~np.isnan(found)
    sums, counts = np.where(known, found, 0.0).sum(axis=0), known.sum(axis=0)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _percentiles(resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the interval (epochs,) from resampled correlations (R, epochs); NaN where any has none."""
    undefined = np.isnan(resampled).all(axis=0)
    filled = np.where(undefined, 0.0, resampled)
    low, high = np.nanpercentile(filled, (50 - LEVEL / 2, 50 + LEVEL / 2), axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def _among_the_best(ranked: np.ndarray, last: np.ndarray) -> np.ndarray:
    """As `mean_spearman`, of each seed over its better half of settings by the last epoch, ties by their order."""
    best = np.argsort(-last, axis=-1, kind="stable")[:, :, : -(-last.shape[-1] // 2)]
    some = np.take_along_axis(ranked, np.broadcast_to(best, (*ranked.shape[:2], best.shape[-1])), axis=-1)
    return mean_spearman(some, some[:, -1:])


def _places_of_best(ranked: np.ndarray) -> np.ndarray:
    """Mean over seeds (epochs,) of the place of the finally best setting, the mean one of equal scores."""
    from scipy.stats import rankdata

    places = rankdata(-ranked, axis=-1)
    best = ranked[:, -1:] == ranked[:, -1:].max(axis=-1, keepdims=True)
    return ((places * best).sum(axis=-1) / best.sum(axis=-1)).mean(axis=0)
