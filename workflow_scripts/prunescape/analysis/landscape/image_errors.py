"""How far the choice of test images can move a risk or a gain, from each image's outcome."""

import math

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.store.records import OK, outcomes


def image_error(best: np.ndarray, carried: np.ndarray) -> float:
    """Standard error of a mean risk over test images, percentage points; settings and seeds are taken as they are.

    `best` (n,) says which images the variant's best cell gets right, `carried` (k, n) the same for its cells at the
    base's good settings. Cells see the same images, so the risk is a mean over images of
    e = best − mean over k of carried, and its error is 100 s(e) / √n.
    """
    differences = best.astype(float) - carried.mean(axis=0)
    return 100 * differences.std(ddof=1) / math.sqrt(len(differences))


def risk_image_error(cells: pd.DataFrame, axes: Axes, best: tuple[float, ...], carried: pd.DataFrame) -> float | None:
    """`image_error` of one variant and seed; None where a cell's outcomes per image are not known.

    `cells` are the variant's cells of that seed, `best` the values of the axes of its best one; the rows of `carried`
    are the base's good settings, with the axes as columns.
    """
    if not {"correct_bits", "tested"} <= set(cells.columns):
        return None
    rows = cells[[*axes.names, "correct_bits", "tested"]].to_numpy()
    right = {tuple(setting): _unpacked(bits, tested) for *setting, bits, tested in rows}
    found = [right.get(setting) for setting in (best, *carried[axes.names].itertuples(index=False, name=None))]
    return None if any(bits is None for bits in found) else image_error(found[0], np.stack(found[1:]))


def image_shares(cells: pd.DataFrame, axes: Axes, settings: pd.DataFrame) -> np.ndarray | None:
    """(settings, images) share of a variant's seeds that get each test image right; None where that is not known.

    `cells` has the axes, status, score (percent), correct_bits and tested as columns, and any number of seeds per
    setting. A diverged cell is right at chance, on all images alike.
    """
    sizes = cells.loc[cells["status"] == OK, "tested"].unique()
    if len(sizes) != 1 or not sizes[0] >= 2:
        return None
    images = int(sizes[0])
    places = {setting: row for row, setting in enumerate(settings[axes.names].itertuples(index=False, name=None))}
    total, seeds = np.zeros((len(places), images), np.float32), np.zeros(len(places))
    columns = [*axes.names, "status", "score", "correct_bits", "tested"]
    for *setting, status, score, bits, tested in cells[columns].itertuples(index=False, name=None):
        row = places.get(tuple(setting))
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
