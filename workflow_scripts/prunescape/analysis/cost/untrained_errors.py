"""How far measurements of untrained variants are from those of trained ones; edgetune2022 (3.1) takes them as equal."""

import pandas as pd

from prunescape.analysis.cost.measured import PLACE_COLUMNS, SETTING_COLUMNS
from prunescape.analysis.cost.property_tables import percent_error
from prunescape.store.tables import Columns

# name -> column of both tables
PROPERTIES = {
    "latency": "latency_median_s",
    "memory": "peak_memory_bytes",
    "energy": "energy_j",
    "file size": "file_bytes",
    "encoded size": "encoded_bytes",
}
UNTRAINED_ERROR_COLUMNS: Columns = {
    **PLACE_COLUMNS,
    **SETTING_COLUMNS,
    "property": ("string", "latency, memory, energy, file size or encoded size"),
    "trained": ("float64", "as measured of the trained cell: seconds per run, bytes, or joules per run"),
    "untrained": ("float64", "as measured of the same variant before training"),
    "percent_error": ("float64", "|trained - untrained| / trained x 100"),
    "noisy": ("bool", "one of the two timings was noisy"),
}
ALIKE = [name for name in (*PLACE_COLUMNS, *SETTING_COLUMNS) if name != "rank"]


def untrained_errors(architectures: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """One row per trained model and property that was measured before training too, in the same setting.

    `measured` as `read_measured` gives it. Settings with a CPU frequency that was set have no trained counterpart.
    """
    before = architectures[architectures["frequency_mhz"].isna()]
    columns = [*PROPERTIES.values(), "noisy"]
    both = measured[[*ALIKE, "rank", *columns]].merge(before[[*ALIKE, *columns]], on=ALIKE, suffixes=("", "_before"))
    rows = [_row(row, name, column) for row in both.to_dict("records") for name, column in PROPERTIES.items()]
    known = [row for row in rows if row["percent_error"] is not None]
    return pd.DataFrame(known, columns=list(UNTRAINED_ERROR_COLUMNS)).astype({"noisy": bool})


def _row(row: dict, name: str, column: str) -> dict:
    values = [None if pd.isna(value) else float(value) for value in (row[column], row[f"{column}_before"])]
    about = {key: row[key] for key in (*ALIKE, "rank")} | {"property": name}
    noisy = bool(row["noisy"] or row["noisy_before"])
    return about | {
        "trained": values[0],
        "untrained": values[1],
        "percent_error": percent_error(*values),
        "noisy": noisy,
    }
