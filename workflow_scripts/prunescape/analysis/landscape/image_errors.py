"""How far the choice of test images can move a risk or a gain, from each image's outcome. Needs numpy and pandas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import SETTING
from prunescape.store.records import OK, outcomes

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


def image_shares(cells: pd.DataFrame, settings: pd.DataFrame) -> np.ndarray | None:
    """(settings, images) share of a variant's seeds that get each test image right; None where that is not known.

    `cells` has the columns log10_lr, log10_wd, status, score (percent), correct_bits, tested, and any number of seeds
    per setting. A diverged cell is right at chance, on all images alike.
    """
    sizes = cells.loc[cells["status"] == OK, "tested"].unique()
    if len(sizes) != 1 or not sizes[0] >= 2:
        return None
    images = int(sizes[0])
    wanted = {setting: row for row, setting in enumerate(settings[SETTING].itertuples(index=False, name=None))}
    total, seeds = np.zeros((len(wanted), images), np.float32), np.zeros(len(wanted))
    for *setting, status, score, bits, tested in cells[
        [*SETTING, "status", "score", "correct_bits", "tested"]
    ].itertuples(index=False, name=None):
        row = wanted.get(tuple(setting))
        if row is None:
            continue
        right = _unpacked(bits, tested) if status == OK else np.float32(score / 100)
        if right is None:
            return None
        total[row] += right
        seeds[row] += 1
    return total / seeds[:, None].astype(np.float32) if seeds.all() else None


def gain_variances(seen: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(points,) variance over test images of each point's gain over the members' mean, squared percentage points.

    `seen` (points, images) as `image_shares` gives it. A gain is a mean over images of e = seen_j − mean over Θ_b of
    seen; its variance over other images like these is 100² s²(e) / n. The noise between seeds is partly in it too.
    """
    gain = seen - seen[members].mean(axis=0)
    return 100**2 * gain.var(axis=1, ddof=1, dtype=np.float64) / seen.shape[1]


def _unpacked(bits: bytes | None, tested: float) -> np.ndarray | None:
    """(n,) booleans; None for a diverged cell, which has no outcomes."""
    if not isinstance(bits, bytes) or not bits or tested != tested:
        return None
    return outcomes(bits, int(tested))
