"""What was measured on the targets, checked and completed, from benchmarks.parquet."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.errors import InputError
from prunescape.space.settings import NETWORK_COLUMN
from prunescape.store.files import AGAIN
from prunescape.store.tables import Columns, read_result

NEEDED = (
    *("experiment", "variant", "rank", "target", "precision", "threads", "batch"),
    *("latency_median_s", "samples", "file_bytes", "top1"),
)
# what not every target can tell, and what stands there when it is not told
OPTIONAL = {
    **dict.fromkeys(("encoded_bytes", "tested", "peak_memory_bytes", "energy_j", "latency_dataset_s"), np.nan),
    **dict.fromkeys(("correct_bits", "correct_torch"), np.nan),
    **{"energy_source": "absent", "flush_to_zero": False, "noisy": False, "learnt": True, "network": ""},
}
# name -> (column, unit): each is better when smaller
COSTS = {
    "latency": ("latency_median_s", "s per run"),
    "time per image": ("seconds_per_image", "s per image"),
    "size": ("file_bytes", "bytes"),
    "memory": ("peak_memory_bytes", "bytes"),
    "energy": ("energy_per_image_j", "J per image"),
}

STANDARD = "fp32"  # the precision that others are compared with
# the keys that result tables share
PLACE_COLUMNS = {"experiment": ("string", "name in the config"), "target": ("string", "name in the config")}
# one exported file
MODEL_COLUMNS = {
    **NETWORK_COLUMN,
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "rank": ("int64", "1 for the best cell of this variant of this network"),
    "precision": ("string", "number format of the exported model"),
}
# how it is run; models run alike were timed in turns, so that their repeats are pairs
RUN_COLUMNS = {
    "threads": ("int64", "threads inside an operator"),
    "batch": ("int64", "images per run"),
    "flush_to_zero": ("bool", "denormal numbers are taken as zero"),
}
SETTING_COLUMNS = MODEL_COLUMNS | RUN_COLUMNS  # a model and how it is run
# models under the same conditions are compared with each other
CONDITION_COLUMNS = {**PLACE_COLUMNS, "precision": ("string", "number format of the exported models"), **RUN_COLUMNS}
PLACE, MODEL, RUN = list(PLACE_COLUMNS), list(MODEL_COLUMNS), list(RUN_COLUMNS)
SETTING, CONDITIONS = list(SETTING_COLUMNS), list(CONDITION_COLUMNS)


def written_columns(columns: Columns, measured: pd.DataFrame | None) -> Columns:
    """The columns that a table of results has on disk: without `network` where no model that was measured has one."""
    has_networks = measured is not None and bool((measured["network"] != "").any())
    return columns if has_networks else {name: column for name, column in columns.items() if name != "network"}


def with_network(table: pd.DataFrame) -> pd.DataFrame:
    """A table of cells, measurements or results with its column `network`, empty where it has none."""
    return table.assign(network=table["network"].fillna("") if "network" in table else "")


def read_measured(path: Path | str) -> pd.DataFrame:
    """The measurements in `path` (Parquet) with every optional column there and the costs per image added.

    Added are seconds_per_image and energy_per_image_j (of one batch ÷ its images). No row is no error. Raises
    InputError when the file cannot be read, lacks a column, or holds a value that cannot be.
    """
    return complete(read_result(path, dict.fromkeys(NEEDED)), path)


def complete(table: pd.DataFrame, path: Path | str = "benchmarks") -> pd.DataFrame:
    """`table` with every optional column and the costs per image; raises InputError for a value that cannot be."""
    for name, (low, high) in {"latency_median_s": (0, np.inf), "top1": (0, 100), "file_bytes": (0, np.inf)}.items():
        _check_range(table, name, low, high, path)
    for name, default in OPTIONAL.items():
        table = table.assign(**{name: table.get(name, default)})
        if default is not np.nan:
            table[name] = table[name].astype(object).where(table[name].notna(), default).astype(type(default))
    keys = [*PLACE, *SETTING]
    twice = table.duplicated(keys).to_numpy()
    if twice.any():
        row = table.loc[:, keys].iloc[twice.argmax()]
        named = ", ".join(f"{name} {value}" for name, value in row.items() if value != "")
        raise InputError(f"a measurement is there twice: {named}", where=path, hint=AGAIN)
    energy = table["energy_j"].astype("float64").where(table["energy_source"].isin(["measured", "estimated"]))
    return table.assign(
        top1=table["top1"].astype("float64"),
        energy_j=energy,
        energy_per_image_j=energy / table["batch"],
        seconds_per_image=table["latency_median_s"] / table["batch"],
    ).reset_index(drop=True)


def _check_range(table: pd.DataFrame, name: str, low: float, high: float, path: Path | str) -> None:
    """Nothing is infinite; only an accuracy may be zero, or null where a target did not test it."""
    values = table[name].to_numpy(dtype="float64", na_value=np.nan)
    bad = (values < low) | (values > high) | ((np.isnan(values) | (values <= 0)) & (name != "top1"))
    bad |= np.isinf(values)
    if bad.any():
        what = f'the column "{name}" holds {values[bad.argmax()]:g}'
        allowed = f"{low} to {high}" if np.isfinite(high) else "above 0"
        raise InputError(what, where=f"{path}, row {bad.argmax() + 1}", allowed=allowed)


def group_table(
    table: pd.DataFrame, keys: list[str], make: Callable[[pd.DataFrame], list[dict]], columns: Iterable[str]
) -> pd.DataFrame:
    """The rows that `make` gives of each group with equal `keys`, with these keys, as one table of the `columns`."""
    rows = []
    for values, group in table.groupby(keys, sort=True):
        named = dict(zip(keys, values, strict=True))
        rows += [named | row for row in make(group)]
    return pd.DataFrame(rows, columns=list(columns))


def paired_log_ratio(first: object, second: object) -> np.ndarray | None:
    """(repeats,) log(first ÷ second) repeat by repeat, of two rows of ONE target and setting; None if no pairs."""
    pair = [np.asarray([] if row.samples is None else row.samples, dtype="float64") for row in (first, second)]
    same = all(getattr(first, name) == getattr(second, name) for name in (*PLACE, *RUN))
    if not same or len(pair[0]) != len(pair[1]) or not len(pair[0]) or min(map(np.min, pair)) <= 0:
        return None
    return np.log(pair[0] / pair[1])
