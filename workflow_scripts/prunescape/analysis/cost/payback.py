"""After how many inferences a cheaper variant has saved on a target what its tuning took (docs/recommendations.md)."""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import ALIKE, FASTER, UNTESTED, Comparison, Comparisons
from prunescape.analysis.cost.measured import PLACE_COLUMNS, SETTING_COLUMNS, group_table
from prunescape.analysis.cost.speedups import pairs_with_base
from prunescape.analysis.efficiency.efficiency import JOULES_PER_WH
from prunescape.analysis.efficiency.tuning_cost import SECONDS_PER_HOUR

TIME, ENERGY = "time", "energy"
AFTER, NEVER, NOT_SHOWN, UNKNOWN = "after", "never", "not shown", "not known"
NO_INTERVAL = "energy is one number per setting: no interval and no test"

PAYBACK_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "cost": ("string", "time, or energy where both trainings and target measured it: what is compared"),
    **SETTING_COLUMNS,
    "resource": ("string", "core or GPU, whose seconds the price is in; null for energy, or where it is not told"),
    "price": ("float64", "of all trainings of the variant: seconds on the training host, or joules; null: not told"),
    "saved_per_image": ("float64", "base minus this model on the target: seconds, or joules; negative: it costs more"),
    "inferences": ("float64", "images after which saved equals price; null unless status is `after`"),
    "inferences_low": ("float64", "lower end of its 95 % interval, by that of the ratio of times; null for energy"),
    "inferences_high": ("float64", "upper end"),
    "status": ("string", "after; never: slower, or no joule is saved; not shown: to be faster or slower; or not known"),
    "reason": ("string", "why never, not shown or not known, or what the number lacks; empty otherwise"),
}


def payback(measured: pd.DataFrame, compared: Comparisons, costs: pd.DataFrame) -> pd.DataFrame:
    """Every pruned model against the base of its network under the same conditions, as PAYBACK_COLUMNS.

    n = P / (t (1 - r)): P is the price, all trainings of the variant by `costs` (as `tuning_cost`), t the base's
    median time per image, r the model's time / the base's. `compared` as `rivals.comparisons` gives it. Its interval
    has the ends of r's.
    """

    def of_target(here: pd.DataFrame) -> list[dict]:
        rows = {row.Index: row for row in here.itertuples()}
        found = []
        for model, base in pairs_with_base(here):
            known = {name: getattr(rows[model], name) for name in SETTING_COLUMNS}
            own = costs[(costs["experiment"] == rows[model].experiment) & (costs["variant"] == rows[model].variant)]
            parts = [_in_time(rows[base], compared[model, base], own), *_in_energy(rows[model], rows[base], own)]
            found += [known | part for part in parts]
        return found

    return group_table(measured, list(PLACE_COLUMNS), of_target, PAYBACK_COLUMNS)


def _in_time(base, comparison: Comparison, costs: pd.DataFrame) -> dict:
    resources = list(costs["resource"].dropna())
    price = SECONDS_PER_HOUR * costs["hours"].sum() if len(costs) == 1 and costs["hours"].notna().all() else np.nan
    saved = [base.seconds_per_image * (1 - ratio) for ratio in (comparison.ratio, comparison.low, comparison.high)]
    known = {
        "cost": TIME,
        "resource": resources[0] if len(resources) == 1 else None,
        "price": price,
        "saved_per_image": saved[0],
    }
    if comparison.verdict == UNTESTED:
        return known | {"status": UNKNOWN, "reason": comparison.reason}
    if comparison.verdict != FASTER:
        status = NOT_SHOWN if comparison.verdict == ALIKE else NEVER
        return known | {"status": status, "reason": f"against the base {comparison.verdict}"}
    if np.isnan(price):
        why = "trained on cores and on GPUs, whose hours do not add up" if len(costs) > 1 else "trainings tell no hours"
        return known | {"status": UNKNOWN, "reason": why}
    inferences = dict(zip(("inferences", "inferences_low", "inferences_high"), price / np.array(saved), strict=True))
    return known | {"status": AFTER, "reason": ""} | inferences


def _in_energy(model, base, costs: pd.DataFrame) -> list[dict]:
    """One row where the trainings and both models tell measured joules, else none."""
    measured = all(row.energy_source == "measured" and not np.isnan(row.energy_per_image_j) for row in (model, base))
    if not measured or costs.empty or costs["energy_wh"].isna().any():
        return []
    price, saved = JOULES_PER_WH * costs["energy_wh"].sum(), base.energy_per_image_j - model.energy_per_image_j
    known = {"cost": ENERGY, "resource": None, "price": price, "saved_per_image": saved}
    if saved <= 0:
        return [known | {"status": NEVER, "reason": "it saves no joule against the base"}]
    return [known | {"status": AFTER, "inferences": price / saved, "reason": NO_INTERVAL}]
