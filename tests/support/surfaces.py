"""Cells of a landscape with a ridge, of which a part is trained."""

import numpy as np
import pandas as pd

KEY = {"experiment": "e", "model": "m", "dataset": "d", "metric": "top1"}


def grid(step: float = 0.2) -> pd.DataFrame:
    """Every setting of a grid over 1.6 x 1.6 decades."""
    axis = np.round(np.arange(-0.8, 0.8 + step / 2, step), 9)
    wd, lr = (each.ravel() for each in np.meshgrid(axis, axis, indexing="ij"))
    return pd.DataFrame({"log10_lr": lr, "log10_wd": wd})


def band(settings: pd.DataFrame) -> pd.Series:
    """A ridge at lr + wd = 0, 94 at its middle, in percent."""
    along = (settings["log10_lr"] - settings["log10_wd"]) / np.sqrt(2)
    across = (settings["log10_lr"] + settings["log10_wd"]) / np.sqrt(2)
    return 94 - 4 * across**2 - 0.5 * along**2


def cells(sigma: float = 0.2, variants: tuple[str, ...] = ("base",), share: int = 3, seed: int = 0) -> pd.DataFrame:
    """A random third (or other share) of the grid for each variant, each next one a point lower, with noise."""
    random, parts = np.random.default_rng(seed), []
    for number, variant in enumerate(variants):
        settings = grid().iloc[np.sort(random.permutation(81)[: 81 // share])]
        score = band(settings) - number + sigma * random.standard_normal(len(settings))
        parts.append(settings.assign(variant=variant, score=score))
    return pd.concat(parts, ignore_index=True)
