"""The accuracy of exported models: its interval over test images, and what a precision changes against fp32."""

import math
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import MODEL, STANDARD
from prunescape.analysis.intervals import NORMAL_QUANTILE
from prunescape.store.records import outcomes

LEVEL = 0.95
PAIRED = "image by image"
FROM_COUNTS = "from counts alone"
FROM_TORCH = "from counts alone, against torch"

CHANGE_COLUMNS: dict[str, tuple[str, str]] = {
    "float_top1": ("float64", "accuracy of the same weights in fp32 over the same test images, percent"),
    "top1_change": ("float64", "top1 - float_top1, percentage points; 0 for fp32"),
    "change_low": ("float64", "lower end of its 95 % interval over images like these; null for fp32"),
    "change_high": ("float64", "upper end"),
    "change_by": (
        "string",
        "image by image: paired; from counts alone: not, so the interval is wide; against torch: fp32 was not measured "
        "there, the trained cell stands in; empty for fp32 and where nothing is known",
    ),
}


def wilson_interval(top1: float, tested: float) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) of an accuracy `top1`, percent, of `tested` images; nan where not known."""
    from scipy.stats import binomtest

    if not tested > 0 or math.isnan(top1):
        return math.nan, math.nan
    found = binomtest(round(top1 * tested / 100), int(tested)).proportion_ci(LEVEL, method="wilson")
    return 100 * float(found.low), 100 * float(found.high)


def paired_interval(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """95 % interval of the accuracy of `first` less that of `second`, percentage points.

    Both (n,) booleans, of the same images. Wald's interval with one image more in each of the two cells that differ
    (Bonett and Price 2012; recommended by Fagerland, Lydersen and Laake 2014). It holds the change in 93 % or more.
    """
    images = len(first) + 2
    gained, lost = ((np.sum(one & ~other) + 1) / images for one, other in ((first, second), (second, first)))
    half = NORMAL_QUANTILE * math.sqrt((gained + lost - (gained - lost) ** 2) / images)
    return 100 * float(gained - lost - half), 100 * float(gained - lost + half)


def unpaired_interval(top1: float, other: float, tested: float) -> tuple[float, float]:
    """The same of two accuracies, percent, each of `tested` images, as if of different ones (Newcombe 1998, method 10).

    Two precisions of the same weights agree on most images, so this interval is too wide.
    """
    (low, high), (other_low, other_high) = wilson_interval(top1, tested), wilson_interval(other, tested)
    below, above = math.hypot(top1 - low, other_high - other), math.hypot(high - top1, other - other_low)
    return top1 - other - below, top1 - other + above


def precision_change(model: Any, reference: Any) -> dict[str, float | str | None]:
    """The values of CHANGE_COLUMNS of a measured `model` against `reference`, the same in fp32, None if not measured.

    Both have precision, top1 (percent), tested, correct_torch and correct_bits, as rows of benchmarks.parquet.
    """
    nothing = dict.fromkeys(CHANGE_COLUMNS) | {"change_by": ""}
    if not _known(model.top1):
        return nothing
    if model.precision == STANDARD:
        return nothing | {"float_top1": model.top1, "top1_change": 0.0}
    if reference is not None and _known(reference.top1):
        before, pair = reference.top1, [_right(each) for each in (model, reference)]
        paired = all(right is not None for right in pair) and len(pair[0]) == len(pair[1])
        low, high = paired_interval(*pair) if paired else unpaired_interval(model.top1, before, model.tested)
        how = PAIRED if paired else FROM_COUNTS
    elif _known(model.correct_torch) and _known(model.tested):
        before, how = 100 * model.correct_torch / model.tested, FROM_TORCH
        low, high = unpaired_interval(model.top1, before, model.tested)
    else:
        return nothing
    change = {"float_top1": before, "top1_change": model.top1 - before, "change_low": low, "change_high": high}
    return {name: None if math.isnan(value) else float(value) for name, value in change.items()} | {"change_by": how}


def with_precision_change(here: pd.DataFrame) -> pd.DataFrame:
    """The measurements of ONE target with CHANGE_COLUMNS."""
    weights = [name for name in MODEL if name != "precision"]
    models = list(here.drop_duplicates(MODEL).itertuples())
    floats = {tuple(getattr(row, name) for name in weights): row for row in models if row.precision == STANDARD}
    rows = [
        {name: getattr(row, name) for name in MODEL}
        | precision_change(row, floats.get(tuple(getattr(row, name) for name in weights)))
        for row in models
    ]
    changes = pd.DataFrame(rows, columns=[*MODEL, *CHANGE_COLUMNS])
    return here.merge(changes, on=MODEL, how="left", validate="m:1").set_index(here.index)


def _known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _right(model: Any) -> np.ndarray | None:
    """(n,) which test images a model gets right; None where that is not recorded."""
    return outcomes(model.correct_bits, int(model.tested)) if isinstance(model.correct_bits, bytes) else None
