"""Accuracy against what an epoch costs: the efficiency quotient of burmester2023 (2.7, Eq 1), rank and front."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.analysis.cost.pareto import front_of
from prunescape.space.settings import SETTING_PARAMETERS
from prunescape.store.records import FRESH, TEST, VALIDATION

JOULES_PER_WH = 3600.0
ENERGY, SECONDS = "energy", "seconds"  # what costs are counted in
# what a table of cells must have
NEEDED = (*GROUP, "variant", "seed", "status", "stage", "top1", "train_top1", "epoch_seconds")

EFFICIENCY_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: KEY_COLUMNS[name] for name in (*GROUP, "variant")},
    "setting": ("string", "the hyperparameters in which cells of the experiment differ, as NAME VALUE"),
    "seed": ("int64", "seed of the cell"),
    "stage": ("string", "part of the design that the cell is of"),
    "status": ("string", "ok, or diverged: its accuracy is chance level"),
    "accuracy": ("float64", "share of images that are right after the last epoch, on the split in accuracy_on"),
    "accuracy_on": ("string", "validation where there is such a split, else test"),
    "train_accuracy": ("float64", "the same over the last epoch's training batches, augmented"),
    "overfit": ("float64", "100 (train_accuracy - accuracy), percentage points"),
    "epoch_seconds": ("float64", "mean seconds per epoch"),
    "epoch_wh": ("float64", "mean watt-hours per epoch: joules / 3600; null where no energy is told"),
    "watts": ("float64", "joules / seconds; null where no energy is told"),
    "eq": ("float64", "efficiency quotient, accuracy / epoch_wh"),
    "eq_train": ("float64", "the same with train_accuracy, as the paper's text has it"),
    "accuracy_per_second": ("float64", "accuracy / epoch_seconds: no energy, so no efficiency quotient"),
    "train_accuracy_per_second": ("float64", "the same with train_accuracy"),
    "cost": ("string", "energy where more than half of the experiment's cells tell it, else seconds"),
    "rank": ("int64", "by eq or accuracy_per_second, as cost says; 1 is the highest, equals share; null without it"),
    "on_front": (
        "bool",
        "no other cell of the design is as accurate and costs as little, and better in one; no fresh seed",
    ),
}


def has_efficiency(cells: pd.DataFrame) -> bool:
    """Whether a table of cells tells what an epoch takes."""
    return set(NEEDED) <= set(cells) and bool(cells["epoch_seconds"].notna().any())


def efficiency(cells: pd.DataFrame) -> pd.DataFrame:
    """EFFICIENCY_COLUMNS of every cell, of any design, sorted by experiment and rank.

    EQ = accuracy / mean Wh per epoch, with the accuracy on validation images as the paper's code has it; eq_train is
    what its text says. Accuracies are fractions. Without energy the same quotients are over seconds.
    """
    parts = [_of_experiment(rows) for _, rows in cells.groupby("experiment", sort=True)]
    table = pd.concat(parts) if parts else pd.DataFrame(columns=list(EFFICIENCY_COLUMNS))
    table = table.sort_values(["experiment", "rank", "variant", "setting", "seed"], ignore_index=True)
    return table[list(EFFICIENCY_COLUMNS)]


def _of_experiment(cells: pd.DataFrame) -> pd.DataFrame:
    accuracy, split = accuracy_of(cells)
    trained, seconds = cells["train_top1"].astype("float64") / 100, column_numbers(cells, "epoch_seconds")
    wh = column_numbers(cells, "epoch_joules") / JOULES_PER_WH
    cost = ENERGY if wh.notna().mean() > 0.5 else SECONDS
    table = cells[[*GROUP, "variant", "seed", "stage", "status"]].assign(
        setting=setting_texts(cells),
        accuracy=accuracy,
        accuracy_on=split,
        train_accuracy=trained,
        overfit=100 * (trained - accuracy),
        epoch_seconds=seconds,
        epoch_wh=wh,
        watts=wh * JOULES_PER_WH / seconds,
        eq=accuracy / wh,
        eq_train=trained / wh,
        accuracy_per_second=accuracy / seconds,
        train_accuracy_per_second=trained / seconds,
        cost=cost,
    )
    quotient, paid = ("eq", "epoch_wh") if cost == ENERGY else ("accuracy_per_second", "epoch_seconds")
    table["rank"] = table[quotient].rank(method="min", ascending=False).astype("Int64")
    drawn = (~table["stage"].isin(FRESH)).to_numpy()
    front = np.zeros(len(table), bool)
    front[drawn] = front_of(table.loc[drawn, "accuracy"].to_numpy(), table.loc[drawn, paid].to_numpy())
    table["on_front"] = front
    return table


def accuracy_of(cells: pd.DataFrame) -> tuple[pd.Series, str]:
    """The accuracy (a fraction) of cells of ONE experiment, and the split it is on: validation if all have that."""
    validated = column_numbers(cells, "val_top1")
    if len(validated) and validated.notna().all():
        return validated / 100, VALIDATION
    return cells["top1"].astype("float64") / 100, TEST


def setting_texts(cells: pd.DataFrame) -> pd.Series:
    """`batch_size 32, momentum 0.9` of every cell: the hyperparameters that vary, without those that do not act."""
    names = varying(cells)
    texts = [
        ", ".join(f"{name} {_text(value)}" for name, value in zip(names, row, strict=True) if not pd.isna(value))
        for row in cells[names].itertuples(index=False)
    ]
    return pd.Series(texts, index=cells.index, dtype="str")


def varying(cells: pd.DataFrame) -> list[str]:
    """The hyperparameters that have several values in a table of cells, or act in a part of them; by name."""
    known = sorted(name for name in SETTING_PARAMETERS if name in cells)
    return [name for name in known if cells[name].nunique(dropna=False) > 1]


def _text(value: object) -> str:
    """`0.9`, `cosine`, `true`."""
    return str(value).lower() if isinstance(value, bool | np.bool_ | str) else f"{value:.12g}"


def column_numbers(cells: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers; null where the table lacks it."""
    return cells[name].astype("float64") if name in cells else pd.Series(np.nan, index=cells.index)
