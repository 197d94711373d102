"""Which exported models no other one beats in accuracy and cost at once."""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.accuracy import CHANGE_COLUMNS, wilson_interval, with_precision_change
from prunescape.analysis.cost.measured import COSTS, MODEL, PLACE, PLACE_COLUMNS, SETTING, SETTING_COLUMNS, group_table

TOGETHER = "latency, size and energy"

PARETO_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "cost": ("string", "what stands against accuracy; `latency, size and energy` is all of these that are known"),
    **SETTING_COLUMNS,
    "top1": ("float64", "accuracy of the exported model, percent"),
    "top1_low": ("float64", "lower end of its 95 % interval over test images (Wilson), percent; null when not known"),
    "top1_high": ("float64", "upper end"),
    **CHANGE_COLUMNS,
    "value": ("float64", "the cost at the setting where it is lowest for this model; null for several costs"),
    "unit": ("string", "its unit"),
    "on_front": ("bool", "no other model is as good in both and better in one"),
    "dominated_by": (
        "string",
        "the cheapest model that is so, as (network,) variant, rank and precision; empty on the front",
    ),
}


def pareto(measured: pd.DataFrame) -> pd.DataFrame:
    """Every model of every experiment and target against each cost that is known there, as PARETO_COLUMNS.

    Decided: a model stands at the setting (threads, batch) where this cost is lowest for it. Models that are equal in
    accuracy and cost are both on the front. Energy is taken as it is told, measured or estimated, but never mixed.
    """
    return group_table(measured, PLACE, _of_target, PARETO_COLUMNS)


def dominance(accuracy: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """(models, models) whether the second is at least as accurate and as cheap in all costs, and better in one.

    `accuracy` is (models,), higher is better; `costs` (models, costs), lower is better.
    """
    points = np.column_stack([-np.asarray(accuracy, dtype="float64"), np.asarray(costs, dtype="float64")])
    no_worse = (points[None] <= points[:, None]).all(axis=2)
    return no_worse & (points[None] < points[:, None]).any(axis=2)


def front_of(accuracy: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """(n,) whether no other of n points dominates one, with ONE cost; False where either is nan. In n log n steps."""
    points = pd.DataFrame({"accuracy": accuracy, "cost": cost}).dropna()
    best = points.groupby("cost")["accuracy"].max()
    cheaper = best.cummax().shift(fill_value=-np.inf)
    at = points["cost"]
    front = (points["accuracy"] == at.map(best)) & (points["accuracy"] > at.map(cheaper))
    return front.reindex(range(len(accuracy)), fill_value=False).to_numpy(dtype=bool)


def _of_target(here: pd.DataFrame) -> list[dict]:
    """The rows of one experiment and target: each cost alone, then latency, size and energy together."""
    here = with_precision_change(here)
    measured = here["energy_source"] == "measured"
    if measured.any():
        here = here.assign(energy_per_image_j=here["energy_per_image_j"].where(measured))
    known = {name: part for name, (column, _) in COSTS.items() if len(part := _lowest(here, column))}
    rows = [
        {"cost": name, "unit": COSTS[name][1], **row}
        for name, part in known.items()
        for row in _compared(part, [COSTS[name][0]])
    ]
    return rows + [{"cost": TOGETHER, "unit": "", **row} for row in _together(known)]


def _lowest(here: pd.DataFrame, column: str) -> pd.DataFrame:
    """Each model's row with the lowest `column`; models that do not tell it, or no accuracy, are left out."""
    rows = here[here[column].notna() & here["top1"].notna()]
    return rows.sort_values([column, *SETTING], kind="stable").drop_duplicates(MODEL)


def _together(known: dict[str, pd.DataFrame]) -> list[dict]:
    """Accuracy against latency, size and energy at once, each at its lowest, for the models that tell all of them."""
    names = [name for name in ("latency", "size", "energy") if name in known]
    if len(names) < 2:
        return []
    table = known[names[0]].set_index(MODEL)
    for name in names[1:]:
        column = COSTS[name][0]
        table[column] = known[name].set_index(MODEL)[column]
    columns = [COSTS[name][0] for name in names]
    return _compared(table.dropna(subset=columns).reset_index(), columns)


def _compared(models: pd.DataFrame, columns: list[str]) -> list[dict]:
    if models.empty:
        return []
    models = models.sort_values([*columns, *MODEL], kind="stable")
    beaten = dominance(models["top1"].to_numpy(), models[columns].to_numpy(dtype="float64"))
    names = np.array([" ".join(str(getattr(row, name)) for name in MODEL).strip() for row in models.itertuples()])
    tested = models["tested"].astype("float64")
    intervals = [wilson_interval(*pair) for pair in zip(models["top1"], tested, strict=True)]
    low, high = np.array(intervals).T
    found = models[[*SETTING, "top1", *CHANGE_COLUMNS]].assign(
        top1_low=low,
        top1_high=high,
        value=models[columns[0]].astype("float64") if len(columns) == 1 else np.nan,
        on_front=~beaten.any(axis=1),
        dominated_by=np.where(beaten.any(axis=1), names[beaten.argmax(axis=1)], ""),
    )
    return found.to_dict("records")
