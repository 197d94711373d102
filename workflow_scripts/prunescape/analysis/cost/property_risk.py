"""Properties of a variant's exported cells over its good settings in fp32: the region and the risk of each.

A landscape's region and risk (matthiesen2023, 3.3, Eq 3.3 to 3.6) ask whether a pruned network keeps the base's good
settings. The same estimators ask here whether the exported network does: in int8, in size, in latency. What the base
is there is here the accuracy in fp32 of the same cells on the same target.
"""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import CONDITION_COLUMNS, CONDITIONS, MODEL, MODEL_COLUMNS, PLACE, RUN, STANDARD
from prunescape.analysis.cost.measured import group_table as table_of_groups
from prunescape.analysis.landscape.regions import TOLERANCE

ACCURACY = "top1"
PROPERTIES = (ACCURACY, "latency_median_s", "encoded_bytes")  # what differs between cells of one architecture
CELLS = [*CONDITIONS, "network", "variant"]  # all exported cells of one variant under one condition
_KEYS = {**CONDITION_COLUMNS, **{name: MODEL_COLUMNS[name] for name in ("network", "variant")}}
_PROPERTY = ("string", "a column of benchmarks.parquet")

PROPERTY_ROI_COLUMNS: dict[str, tuple[str, str]] = {
    **_KEYS,
    "rank": MODEL_COLUMNS["rank"],
    "property": _PROPERTY,
    "value": ("float64", "in that column's unit"),
    "distance": ("float64", "from the best of these cells: percentage points of top1, percent of any other's lowest"),
    "in_roi": ("bool", "the distance is the risk threshold or less: a member of the property's own region"),
    "float_top1": ("float64", "accuracy of the same cell in fp32 on this target, percent"),
    "in_float_roi": ("bool", "a member of the region of that accuracy"),
}
PROPERTY_RISK_COLUMNS: dict[str, tuple[str, str]] = {
    **_KEYS,
    "property": _PROPERTY,
    "cells": ("int64", "exported cells that tell it"),
    "best": ("float64", "the best value among them, in that column's unit"),
    "best_rank": ("int64", "rank of that cell; of equal ones the first"),
    "float_rank": ("int64", "rank of the cell with the highest accuracy in fp32"),
    "n": ("int64", "cells of the region of accuracy in fp32"),
    "n_own": ("int64", "cells of the property's own region"),
    "shared": ("int64", "cells in both"),
    "whole": (
        "bool",
        "cells are exported in the order of accuracy in fp32, and one lies outside its region: none is left out of it",
    ),
    "d_mean": ("float64", "mean distance over the n cells: the risk of the settings that are good in fp32"),
    "d_std": ("float64", "its standard deviation in the 1/n form"),
    "d_median": ("float64", "median distance over the n cells"),
    "d_float": ("float64", "mean distance in accuracy in fp32 over them, percentage points"),
    "d_chosen": (
        "float64",
        "distance of the cell that is most accurate in fp32, the mean of equal ones: what choosing by this would gain",
    ),
    "correlation": ("float64", "Spearman's, of accuracy in fp32 and nearness to the best; null where one is constant"),
}


def property_roi(measured: pd.DataFrame, risk_threshold: float) -> pd.DataFrame:
    """The distance of every exported cell to the best of its variant in each of PROPERTIES, as PROPERTY_ROI_COLUMNS.

    Of variants with two exported cells or more. The regions have the `risk_threshold` x: points of accuracy, percent of
    the lowest value of any other property.
    """
    same = [*PLACE, *(name for name in MODEL if name != "precision"), *RUN]
    standard = measured.loc[measured["precision"] == STANDARD, [*same, ACCURACY]].dropna()
    table = measured.merge(standard.rename(columns={ACCURACY: "float_top1"}), on=same, validate="m:1")
    limit = risk_threshold + TOLERANCE

    def of_variant(cells: pd.DataFrame) -> list[dict]:
        in_float_roi = cells["float_top1"].max() - cells["float_top1"] <= limit
        parts = []
        for name in PROPERTIES if len(cells) > 1 else ():
            values = cells[name].astype("float64")
            far = values.max() - values if name == ACCURACY else 100 * (values / values.min() - 1)
            known = {"property": name, "value": values, "distance": far, "in_roi": far <= limit}
            part = cells[["rank", "float_top1"]].assign(**known, in_float_roi=in_float_roi)
            parts += part[values.notna()].to_dict("records")
        return parts

    return table_of_groups(table, CELLS, of_variant, PROPERTY_ROI_COLUMNS)


def property_risk(points: pd.DataFrame) -> pd.DataFrame:
    """Region and risk of every property of every variant, as PROPERTY_RISK_COLUMNS, from what `property_roi` gives.

    d = the distance to the best over the n cells whose accuracy in fp32 is within x points of its best, mean and
    standard deviation in the 1/n form (matthiesen2023, 3.3.2, Eq 3.4 and 3.5). As there, the best of several noisy
    values is high by luck; `d_float` of the same cells has that, too.
    """
    return table_of_groups(points, [*CELLS, "property"], lambda cells: [_risk(cells)], PROPERTY_RISK_COLUMNS)


def _risk(cells: pd.DataFrame) -> dict:
    cells = cells.sort_values("rank")
    good = cells[cells["in_float_roi"]]
    best, chosen = cells.loc[cells["distance"].idxmin()], cells.loc[cells["float_top1"].idxmax()]
    highest = cells[cells["float_top1"] >= chosen["float_top1"] - TOLERANCE]  # ranks in int8 must not break a tie
    varies = cells["distance"].nunique() > 1 and cells["float_top1"].nunique() > 1
    near = cells["float_top1"].corr(-cells["distance"], method="spearman") if varies else np.nan
    return {
        **{"cells": len(cells), "best": best["value"], "best_rank": best["rank"], "float_rank": chosen["rank"]},
        **{"n": len(good), "n_own": cells["in_roi"].sum(), "shared": good["in_roi"].sum()},
        "whole": not cells["in_float_roi"].all() and (cells["float_top1"].diff().dropna() <= TOLERANCE).all(),
        **{"d_mean": good["distance"].mean(), "d_std": good["distance"].std(ddof=0)},
        "d_median": good["distance"].median(),
        "d_float": (cells["float_top1"].max() - good["float_top1"]).mean(),
        **{"d_chosen": highest["distance"].mean(), "correlation": near},
    }
