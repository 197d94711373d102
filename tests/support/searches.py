"""Finished trainings made by hand, in memory and as the tables of a study's folder, on which searches are replayed."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from prunescape.analysis.efficiency.curves import CURVE_COLUMNS
from prunescape.analysis.search.histories import Histories
from prunescape.space.settings import Setting
from prunescape.store.tables import arrow_schema, write_table

NAMED = {"experiment": "e", "model": "m", "dataset": "d"}


def grid_settings(rates: int, decays: int) -> tuple[Setting, ...]:
    """A grid of so many learning rates and weight decays."""
    axes = itertools.product(np.linspace(-3, 0, rates).round(2), np.linspace(-5, -1, decays).round(2))
    return tuple(Setting.of({"log10_lr": rate, "log10_wd": decay}) for rate, decay in axes)


def histories(scores: np.ndarray, settings: tuple[Setting, ...] | None = None, **changes) -> Histories:
    """Histories in which searches choose by the scores (seeds, settings, epochs) that regret is in."""
    seeds, count, epochs = scores.shape
    known = {
        **NAMED,
        "variant": "base",
        "settings": settings or grid_settings(count, 1),
        "seeds": tuple(range(seeds)),
        "ranked": scores,
        "scores": scores,
        "trained": np.full((seeds, count), epochs),
    }
    return Histories(**known | changes)


def drawn_scores(seeds: int = 3, settings: int = 6, epochs: int = 10, seed: int = 0) -> np.ndarray:
    """Scores without ties: a level per setting, noise per cell, and more noise in early epochs."""
    random = np.random.default_rng(seed)
    level, cell = random.normal(90, 2, (1, settings, 1)), random.normal(0, 0.5, (seeds, settings, 1))
    return level + cell + random.normal(0, 2, (seeds, settings, epochs)) * np.linspace(1, 0, epochs)


def curve_rows(scores: np.ndarray, variant: str = "base", settings: tuple[Setting, ...] | None = None) -> pd.DataFrame:
    """The rows of curves.parquet for such scores; NaN is an epoch in or after which the training diverged."""
    settings = settings or grid_settings(scores.shape[1], 1)
    rows = []
    for seed, place, epoch in np.ndindex(scores.shape):
        score = scores[seed, place, epoch]
        if np.isnan(score) and epoch and np.isnan(scores[seed, place, epoch - 1]):
            continue  # a diverged training has no later epoch
        known = None if np.isnan(score) else score
        loss = None if known is None else 100 - score
        row = {**NAMED, "variant": variant, "setting": str(settings[place]), "seed": seed, "epoch": epoch + 1}
        rows.append(row | {"test_top1": known, "test_loss": loss, "train_top1": score, "train_loss": loss})
    return pd.DataFrame(rows)


def write_study(folder: Path, curves: pd.DataFrame, classes: int = 10) -> Path:
    """A study's folder with the two tables that a replay reads."""
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in curves.to_dict("records")
    ]
    write_table(pa.Table.from_pylist(rows, schema=arrow_schema(CURVE_COLUMNS)), folder / "curves.parquet")
    names = sorted(set(curves["experiment"]))
    write_table(pa.table({"experiment": names, "classes": [classes] * len(names)}), folder / "cells.parquet")
    return folder
