"""The finished trainings of a study as searches see them: a score per seed, setting and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP
from prunescape.analysis.efficiency.curves import CURVE_COLUMNS
from prunescape.analysis.search.terms import LOSSES, SearchTerms
from prunescape.errors import InputError, nearest
from prunescape.space.parameters import Value
from prunescape.space.settings import Setting
from prunescape.store.tables import read_result

CURVES, CELLS = "curves.parquet", "cells.parquet"
VARIANT = [*GROUP, "variant"]
FEWEST_SETTINGS, FEWEST_SEEDS = 2, 2  # one seed chooses, the other scores


@dataclass(frozen=True)
class Histories:
    """What all trainings of one variant reached, epoch by epoch: S seeds at each of the same n settings.

    `ranked` (S, n, epochs) is what searches choose by, `scores` (S, n, epochs) what regret is in, percent; the higher
    the better in both, and a training that diverged stays at its worst from there. `trained` (S, n) are the epochs that
    it ran.
    """

    experiment: str
    model: str
    dataset: str
    variant: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    ranked: np.ndarray
    scores: np.ndarray
    trained: np.ndarray

    @property
    def key(self) -> dict[str, str]:
        """The columns that name it in a table."""
        return {name: getattr(self, name) for name in VARIANT}

    @property
    def name(self) -> str:
        """The experiment and the variant, for messages."""
        return f"{self.experiment}, {self.variant}"

    @property
    def epochs(self) -> int:
        """Epochs of a whole training."""
        return self.scores.shape[2]

    @property
    def others(self) -> np.ndarray:
        """(S, n): for each seed the mean score after the last epoch over all other seeds."""
        last = self.scores[:, :, -1]
        return (last.sum(axis=0) - last) / (len(last) - 1)


def read_histories(results: Path | str, terms: SearchTerms) -> tuple[list[Histories], list[str]]:
    """The histories of each variant in a study's folder, and what was left out of them, a line each.

    Only seeds that every setting of a variant was trained with count; fresh seeds at chosen settings are left out.
    Raises InputError for a folder without the tables of a study, a damaged table, trainings of different epochs, and
    where no variant has two settings and two such seeds.
    """
    folder = Path(results)
    curves, cells = _read(folder, CURVES), _read(folder, CELLS)
    classes = cells.groupby("experiment")["classes"].first()
    found, notes = [], []
    for key, rows in curves.groupby(VARIANT, sort=True):
        name = f"{key[0]}, {key[3]}"
        chosen, left = _complete(rows, name)
        notes += left
        if chosen is not None:
            found.append(_histories(key, chosen, 100 / classes[key[0]], terms, folder / CURVES))
    if not found:
        hint = "`seeds: [0, 1, 2]` in the config trains every setting with three: one chooses, the others score"
        what = f"no variant has two settings with two seeds each ({'; '.join(notes) or 'there are no trainings'})"
        raise InputError(what, where=folder, hint=hint)
    return found, notes


def _read(folder: Path, name: str) -> pd.DataFrame:
    """One table of the study in `folder`, with the columns that are read here."""
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        hint = nearest(folder.name, known) or "name the folder that a study left: results/STUDY"
        raise InputError("there is no such folder", where=folder, hint=hint)
    if not (folder / CELLS).exists():
        raise InputError(f"the folder holds no {CELLS}, so it is none of a study's results", where=folder)
    if not (folder / name).exists():
        hint = "run the study to its end; it is written from the records of its cells"
        raise InputError(f"there is no {name}, the history of each training", where=folder, hint=hint)
    needed = CURVE_COLUMNS if name == CURVES else dict.fromkeys(("experiment", "classes"), ("", ""))
    return read_result(folder / name, needed)


def _complete(rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame | None, list[str]]:
    """The rows of ONE variant with the seeds that all its settings have, None where those are too few; and notes."""
    settings = rows["setting"].nunique()
    trained = rows.groupby("seed")["setting"].nunique()
    common = trained.index[trained == settings]
    if settings < FEWEST_SETTINGS:
        return None, [f"{name}: one setting, which needs no search, left out"]
    if len(common) < FEWEST_SEEDS:
        return None, [f"{name}: {len(common)} of {len(trained)} seeds at all {settings} settings, left out"]
    kept = rows[rows["seed"].isin(common)]
    fresh = len(trained) - len(common)
    notes = [f"{name}: {fresh} seeds of few settings are left out"] if fresh else []
    return kept, notes


def _histories(key: Sequence[str], rows: pd.DataFrame, chance: float, terms: SearchTerms, path: Path) -> Histories:
    """The histories of ONE variant from the rows of its complete seeds."""
    rows = rows.sort_values(["seed", "setting", "epoch"], kind="stable")
    seeds, settings = sorted(rows["seed"].unique()), sorted(rows["setting"].unique())
    trained = rows.groupby(["seed", "setting"]).size()
    ended = rows.drop_duplicates(["seed", "setting"], keep="last")["test_loss"].notna().to_numpy()
    epochs = int(trained.max())
    different = sorted(set(trained[ended]) | {epochs})
    if len(different) > 1:
        what = f"trainings of {key[0]}, {key[3]} have different epochs: {', '.join(map(str, different))}"
        hint = "their rungs cannot be compared; replay a study whose `space` or `grid` has no epochs"
        raise InputError(what, where=path, hint=hint)
    full = pd.MultiIndex.from_product([seeds, settings, range(1, epochs + 1)], names=["seed", "setting", "epoch"])
    known, shape = rows.set_index(full.names).reindex(full), (len(seeds), len(settings), epochs)
    values = {column: _filled(known[column], chance).reshape(shape) for column in {terms.of, terms.rank_by}}
    return Histories(
        *key,
        settings=tuple(_setting(text, path) for text in settings),
        seeds=tuple(int(seed) for seed in seeds),
        ranked=values[terms.rank_by],
        scores=values[terms.of],
        trained=trained.to_numpy().reshape(shape[:2]),
    )


def _filled(values: pd.Series, chance: float) -> np.ndarray:
    """A column, higher values better; once a training diverged, its accuracy is that of guessing, its loss infinite."""
    known = values.to_numpy(dtype="float64")
    if values.name in LOSSES:
        return np.where(np.isnan(known), -np.inf, -known)
    return np.where(np.isnan(known), chance, known)


def _setting(text: str, path: Path) -> Setting:
    """The setting that a table spells as `log10_lr -1.0, log10_wd -4.0`."""
    try:
        return Setting.of(dict(pair.split(" ", 1) for pair in text.split(", ") if pair))
    except (ValueError, InputError) as error:
        raise InputError(f'"{text[:60]}" is no setting ({error})', where=path) from None


def setting_values(histories: Histories) -> dict[str, list[Value | None]]:
    """The values of each hyperparameter over the settings, in their order; None where a setting has none."""
    values = [setting.values for setting in histories.settings]
    names = sorted({name for one in values for name in one})
    return {name: [one.get(name) for one in values] for name in names}
