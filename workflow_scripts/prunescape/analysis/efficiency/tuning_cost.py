"""What tuning each variant took: trainings, and the hours of a core or a GPU that their records tell."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.store.records import FRESH

CORE, GPU = "core", "GPU"
SECONDS_PER_HOUR = 3600.0

TUNING_COST_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: KEY_COLUMNS[name] for name in (*GROUP, "variant")},
    "resource": ("string", "core (of a processor, one per training) or GPU; null where cells do not tell a device"),
    "trainings": ("int64", "finished cells of the variant, search and fresh seeds"),
    "trainings_search": ("int64", "those that settings are chosen by: of a grid or of trials"),
    "trainings_fresh": ("int64", "those with fresh seeds, for the seed noise, the verdict or a confirmation"),
    "hours": (
        "float64",
        "wall time of training and testing; of cells in step on a GPU each has its share; null: not told",
    ),
    "hours_search": ("float64", "the same of trainings_search"),
    "hours_fresh": ("float64", "the same of trainings_fresh"),
}


def tuning_cost(cells: pd.DataFrame) -> pd.DataFrame:
    """TUNING_COST_COLUMNS: one row per experiment, variant and resource, sorted by these.

    hours = sum over cells of seconds / 3600 / (cells that trained in step), from the columns `seconds` and `together`.
    They are null where some cell does not tell its seconds: a part would pass for the whole.
    """
    fresh = cells["stage"].isin(FRESH)
    seconds = cells["seconds"].astype("float64") if "seconds" in cells else pd.Series(np.nan, index=cells.index)
    share = cells["together"].astype("float64").fillna(1) if "together" in cells else 1.0
    hours = seconds / SECONDS_PER_HOUR / share
    told = cells[[*GROUP, "variant"]].assign(resource=_resources(cells), trainings=1)
    told = told.assign(trainings_search=(~fresh).astype("int64"), trainings_fresh=fresh.astype("int64"))
    told = told.assign(hours=hours, hours_search=hours.mask(fresh, 0.0), hours_fresh=hours.mask(~fresh, 0.0))
    sums = [name for name, (kind, _) in TUNING_COST_COLUMNS.items() if kind != "string"]
    groups = told.groupby([*GROUP, "variant", "resource"], dropna=False, sort=True)
    return groups[sums].agg(lambda values: values.sum(skipna=False)).reset_index()[list(TUNING_COST_COLUMNS)]


def _resources(cells: pd.DataFrame) -> pd.Series:
    """The resource of each cell by its `device`, which is cpu or the name of a GPU."""
    if "device" not in cells:
        return pd.Series(None, index=cells.index, dtype="object")
    device = cells["device"].astype("object")
    return pd.Series(np.where(device == "cpu", CORE, GPU), index=cells.index, dtype="object").where(
        device.notna(), None
    )
