"""Which model to run on a target, and how: the cheapest setting that keeps the limits."""

import pandas as pd

from prunescape.analysis.cost.accuracy import CHANGE_COLUMNS, with_precision_change
from prunescape.analysis.cost.measured import (
    COSTS,
    PLACE,
    PLACE_COLUMNS,
    RUN,
    SETTING,
    SETTING_COLUMNS,
    group_table,
)
from prunescape.analysis.read_cells import variant_order

ESTIMATED, MEASURED = "estimated", "measured"
RECOMMENDED, NONE = "recommended", "none"

RECOMMENDATION_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "objective": ("string", "latency, throughput or energy"),
    "status": ("string", "recommended, or none: nothing keeps the limits, or the objective was not measured"),
    "reason": ("string", "why there is none, or what the recommendation rests on; empty without need"),
    **SETTING_COLUMNS,
    "value": ("float64", "the objective: seconds per run, seconds per image, or joules per image"),
    "unit": ("string", "its unit"),
    "latency_median_s": ("float64", "seconds per run of one batch there"),
    "seconds_per_image": ("float64", "latency ÷ batch there"),
    "top1": ("float64", "accuracy of the exported model, percent"),
    **CHANGE_COLUMNS,
    "file_bytes": ("int64", "size of the ONNX file"),
    "peak_memory_bytes": ("int64", "peak memory there; null where it was not measured"),
    "noisy": ("bool", "the latency's relative interquartile range is above 3 %"),
    "settings": ("int64", "measured settings of all models on the target"),
    "feasible": ("int64", "those of them that keep every limit and tell the objective"),
    "tied": ("int64", "other feasible settings with exactly the same value"),
    "rivals": ("int64", "other models with a feasible setting; null for energy, which is not tested"),
    "shown_slower": ("int64", "those of them that are shown to be slower; where fewer, value may be least by luck"),
    "not_shown_to_differ": (
        "string",
        "models not shown to differ, each with its time ÷ this one's and the 95 % interval of that, separated by `; `",
    ),
    "faster": ("string", "models shown to be faster, whatever their median: the host's speed drifted; alike"),
    "not_tested": ("string", "models that were not timed in turns with it, or too seldom for a test"),
}
COUNTED = ("rivals", "shown_slower")
NAMED = ("not_shown_to_differ", "faster", "not_tested")
FROM_RIVALS = (*COUNTED, *NAMED)

# limits that a network keeps or breaks whatever its weights: name -> (column, its unit, the limit in words)
CEILINGS = {
    "latency_limit_ms": ("latency_median_s", 1e-3, "run of {:g} ms or less"),
    "memory_limit_mb": ("peak_memory_bytes", 1e6, "peak memory of {:g} MB or less"),
    "size_limit_kb": ("file_bytes", 1e3, "file of {:g} kB or less"),
}
# what is minimised: name -> (column, unit)
OBJECTIVES = {"latency": COSTS["latency"], "throughput": COSTS["time per image"], "energy": COSTS["energy"]}


def recommend(measured: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """One row per experiment, target and objective, as RECOMMENDATION_COLUMNS without FROM_RIVALS.

    The objective is minimised over the measured settings (edgetune2022, 3.4), never interpolated. Decided: of equal
    ones the more accurate wins, then the smaller file, then variant, rank, precision, threads and batch in order.
    `limits` holds accuracy_floor (percent) and the limits of CEILINGS, each None or left out.
    """
    names = [name for name in RECOMMENDATION_COLUMNS if name not in FROM_RIVALS]

    def of_target(here: pd.DataFrame) -> list[dict]:
        changed = with_precision_change(here)
        return [_recommend(changed, name, limits) for name in OBJECTIVES]

    table = group_table(measured, PLACE, of_target, names)
    return table.astype({name: "Int64" for name in names if RECOMMENDATION_COLUMNS[name][0] == "int64"})


def feasible_settings(here: pd.DataFrame, objective: str, limits: dict) -> tuple[pd.DataFrame, str]:
    """The rows of ONE target that keep the limits and tell the objective, and why there are none or what they rest on.

    Energy is minimised over measured values; over estimates only where nothing was measured. A model which learnt
    nothing is never recommended.
    """
    rows = here[here[OBJECTIVES[objective][0]].notna()]
    if rows.empty:
        return rows, f"{objective} was not measured on this target"
    rows = rows[rows["learnt"]]
    if rows.empty:
        return rows, "no model is better than guessing"
    notes = [] if limits.get("accuracy_floor") is not None else ["no accuracy floor is set"]
    if objective == "energy":
        source = MEASURED if (rows["energy_source"] == MEASURED).any() else ESTIMATED
        rows = rows[rows["energy_source"] == source]
        notes += ["the energy is an estimate"] if source == ESTIMATED else []
    kept, broken = rows, []
    for keeps, text in limit_masks(rows, limits):
        kept = kept[keeps.loc[kept.index]]
        broken += [f"{text} by {int((~keeps).sum())}"] if not keeps.all() else []
    if kept.empty:
        return kept, f"no setting keeps the limits; of {len(rows)} are broken: {', '.join(broken)}"
    return kept, "; ".join(notes)


def limit_masks(rows: pd.DataFrame, limits: dict) -> list[tuple[pd.Series, str]]:
    """For every given limit which rows keep it, and the limit in words; what was not measured keeps no limit."""
    masks, floor = [], limits.get("accuracy_floor")
    if floor is not None:
        masks.append((rows["top1"] >= floor - 1e-9, f"top-1 of {floor:g} % or more" + _unknown(rows["top1"])))
    for name, (column, unit, text) in CEILINGS.items():
        if (limit := limits.get(name)) is not None:
            keeps = (rows[column] <= unit * limit).fillna(False).astype(bool)
            masks.append((keeps, text.format(limit) + _unknown(rows[column])))
    return masks


def _unknown(values: pd.Series) -> str:
    count = int(values.isna().sum())
    return f" (not measured for {count})" if count else ""


def in_order(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """`rows` from the best down: by `column`, then as `recommend` breaks ties."""
    keys = rows.assign(place=rows["variant"].map(variant_order), less=-rows["top1"], text=rows["precision"].astype(str))
    by = [column, "less", "file_bytes", "place", "rank", "text", *RUN]
    return rows.loc[keys.sort_values(by, kind="stable").index]


def _recommend(here: pd.DataFrame, name: str, limits: dict) -> dict:
    column, unit = OBJECTIVES[name]
    kept, reason = feasible_settings(here, name, limits)
    counts = {"objective": name, "reason": reason, "settings": len(here), "feasible": len(kept), "unit": unit}
    if kept.empty:
        return {"status": NONE, "tied": 0, **counts}
    best = in_order(kept, column).iloc[0]
    shown = [*SETTING, "latency_median_s", "seconds_per_image", "top1", *CHANGE_COLUMNS, "file_bytes", "noisy"]
    memory = best["peak_memory_bytes"]
    return {
        "status": RECOMMENDED,
        **counts,
        "value": best[column],
        "tied": int((kept[column] == best[column]).sum()) - 1,
        **{key: best[key] for key in shown},
        "peak_memory_bytes": None if memory != memory or memory is None else int(memory),
    }
