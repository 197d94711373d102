"""The mean landscape over seeds: to look at, since averaging seeds first is another estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.axes import Axes
from prunescape.analysis.keys import VARIANT_KEY
from prunescape.store.records import DIVERGED, OK

if TYPE_CHECKING:
    import pandas as pd


def mean_scores(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """`scores` of ONE experiment averaged over its seeds, with the same columns; `seed` is the first of them.

    Only settings that every seed was trained at are kept: elsewhere a mean would be one over other seeds. A setting is
    `diverged` when it is so with any seed; its mean holds chance level for those. Empty when no setting is left.
    """
    seeds = scores["seed"].unique()
    keys = [*VARIANT_KEY, *axes.names]
    marked = scores.assign(diverged=scores["status"] != OK)
    summary = {"score": "mean", "chosen_on": "mean", "round": "min", "diverged": "any", "seed": "size"}
    mean = marked.groupby(keys, as_index=False).agg(summary)
    mean = mean[mean["seed"] == len(seeds)]
    status = mean["diverged"].map({True: DIVERGED, False: OK})
    return mean.assign(seed=seeds.min(), status=status)[list(scores.columns)].reset_index(drop=True)
