"""How far the choice of test images alone can move a risk, from each image's outcome. Needs numpy and pandas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from prunescape.landscape.table import SETTING

if TYPE_CHECKING:
    import pandas as pd


def image_error(best: np.ndarray, carried: np.ndarray) -> float:
    """Standard error of a mean risk over test images, percentage points; settings and seeds are taken as they are.

    `best` (n,) says which images the variant's best cell gets right, `carried` (k, n) the same for its cells at the
    base's good settings. Cells see the same images, so the risk is a mean over images of
    e = best − mean over k of carried, and its error is 100 s(e) / √n.
    """
    differences = best.astype(float) - carried.mean(axis=0)
    return 100 * differences.std(ddof=1) / math.sqrt(len(differences))


def risk_image_error(cells: pd.DataFrame, best: tuple[float, float], carried: pd.DataFrame) -> float | None:
    """`image_error` of one variant and seed; None where a cell's outcomes per image are not known.

    `cells` are the variant's cells of that seed, `best` the (log10_lr, log10_wd) of its best one and `carried` has the
    settings of the base's 0.5-ROI as columns log10_lr, log10_wd.
    """
    if not {"correct_bits", "tested"} <= set(cells.columns):
        return None
    outcomes = {tuple(row[:2]): _unpacked(*row[2:]) for row in cells[[*SETTING, "correct_bits", "tested"]].to_numpy()}
    wanted = [best, *carried[SETTING].itertuples(index=False, name=None)]
    found = [outcomes.get(setting) for setting in wanted]
    return None if any(bits is None for bits in found) else image_error(found[0], np.stack(found[1:]))


def _unpacked(bits: bytes | None, tested: float) -> np.ndarray | None:
    """(n,) booleans; None for a diverged cell, which has no outcomes."""
    if not isinstance(bits, bytes) or not bits or tested != tested:
        return None
    return np.unpackbits(np.frombuffer(bits, np.uint8))[: int(tested)].astype(bool)
