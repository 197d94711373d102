"""What tuning each variant took: trainings, the hours of a core or a GPU, and the energy that their records tell."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.analysis.efficiency.efficiency import JOULES_PER_WH, column_numbers
from prunescape.store.records import CONFIRMATION, GRID, PILOT, REPLICATE, TRIAL
from prunescape.store.stages import RANKING, TUNING

CORE, GPU = "core", "GPU"
SECONDS_PER_HOUR = 3600.0
# what trainings are for -> the stages of their cells, and that in words
PARTS = {
    "grid": ((GRID,), "of a landscape: the grid, its extension or a share of it"),
    "search": ((TRIAL, RANKING, TUNING), "of a space: its trials, and bases that are trained for their weights alone"),
    "verdict": ((PILOT, REPLICATE), "fresh seeds for the seed noise and the verdict"),
    "confirmation": ((CONFIRMATION,), "fresh seeds at the best trials"),
}
# quantity -> (arrow type, its sum over all parts)
QUANTITIES = {
    "trainings": ("int64", "finished cells of the variant"),
    "hours": (
        "float64",
        "wall time of training and testing; of cells in step on a GPU each has its share; null: not told",
    ),
    "energy_wh": ("float64", "watt-hours of the training of all epochs, without tests; null where a cell tells none"),
}
TUNING_COST_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: KEY_COLUMNS[name] for name in (*GROUP, "variant")},
    "resource": ("string", "core (of a processor, one per training) or GPU; null where cells do not tell a device"),
    **{
        name: column
        for quantity, (kind, meaning) in QUANTITIES.items()
        for name, column in {
            quantity: (kind, meaning),
            **{f"{quantity}_{part}": (kind, f"{quantity} {words}") for part, (_, words) in PARTS.items()},
        }.items()
    },
}


def tuning_cost(cells: pd.DataFrame) -> pd.DataFrame:
    """TUNING_COST_COLUMNS: one row per experiment, variant and resource, sorted by these.

    hours = sum over cells of seconds / 3600 / (cells that trained in step), from the columns `seconds` and `together`;
    energy_wh = sum over cells of epoch_joules x epochs_trained / 3600, without epochs that an earlier rung of a search
    had trained. Each is null where some cell does not tell what it needs: a part would pass for the whole.
    """
    hours = column_numbers(cells, "seconds") / SECONDS_PER_HOUR / column_numbers(cells, "together").fillna(1)
    epochs = column_numbers(cells, "epochs_trained") - column_numbers(cells, "continued_from").fillna(0)
    energy = column_numbers(cells, "epoch_joules") * epochs / JOULES_PER_WH
    of_cell = {"trainings": pd.Series(1, index=cells.index), "hours": hours, "energy_wh": energy}
    known = cells[[*GROUP, "variant"]].assign(resource=_resources(cells), **of_cell)
    for part, (stages, _) in PARTS.items():
        others = ~cells["stage"].isin(stages)
        known = known.assign(**{f"{name}_{part}": values.mask(others, 0) for name, values in of_cell.items()})
    sums = [name for name, (kind, _) in TUNING_COST_COLUMNS.items() if kind != "string"]
    groups = known.groupby([*GROUP, "variant", "resource"], dropna=False, sort=True)
    return groups[sums].agg(lambda values: values.sum(skipna=False)).reset_index()[list(TUNING_COST_COLUMNS)]


def _resources(cells: pd.DataFrame) -> pd.Series:
    """The resource of each cell by its `device`, which is cpu or the name of a GPU."""
    if "device" not in cells:
        return pd.Series(None, index=cells.index, dtype="object")
    device = cells["device"].astype("object")
    return pd.Series(np.where(device == "cpu", CORE, GPU), index=cells.index, dtype="object").where(
        device.notna(), None
    )
