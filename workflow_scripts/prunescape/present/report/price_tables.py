"""The report's tables of what tuning took, and of when a target has saved it."""

import pandas as pd

from prunescape.analysis.cost.payback import AFTER, ENERGY
from prunescape.analysis.efficiency.tuning_cost import PARTS
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import variant_title
from prunescape.present.numbers import DASH, is_missing, number, power, significant
from prunescape.present.report.table import Columns, Table, make_table
from prunescape.present.report.target_sentences import model_title, run_title

# quantity of the table of tuning costs -> its head and decimals
PRICES = {"trainings": ("trainings", 0), "hours": ("hours", 3), "energy_wh": ("watt-hours", 2)}


def tuning_cost_table(costs: pd.DataFrame) -> Table:
    """What tuning each variant of ONE experiment took, by what its trainings were for."""
    ordered = costs.assign(order=costs["variant"].map(variant_order)).sort_values(["order", "resource"])
    spans: list[tuple[str, Columns]] = [
        ("", {"variant": lambda row: variant_title(row.variant), "resource": "resource"}),
        *((head, _of_parts(costs, quantity, digits)) for quantity, (head, digits) in PRICES.items()),
    ]
    note = (
        "Hours are wall time of training and testing, one core or an equal share of a GPU each; watt-hours are those "
        "of the epochs' training. Grid, search and confirmation choose and check settings; verdict: fresh seeds."
    )
    return make_table("What tuning took", ordered.itertuples(), [span for span in spans if span[1]], [note])


def _of_parts(costs: pd.DataFrame, quantity: str, digits: int) -> Columns:
    """One column per part for which there were trainings, then their sum; none where nothing is told."""
    if costs[quantity].isna().all():
        return {}
    used = [part for part in PARTS if (costs[f"trainings_{part}"] > 0).any()]
    return {**{part: (f"{quantity}_{part}", digits) for part in used}, "all": (quantity, digits)}


def payback_table(rows: pd.DataFrame) -> Table:
    """After how many images each variant's best model has saved what its tuning took."""

    columns = {
        "target": "target",
        "model": model_title,
        "run with": run_title,
        "price of tuning": lambda row: number(row.price, 0, f" {_unit(row)}") + _of_resource(row.resource),
        "saved per image": lambda row: significant(1e3 * row.saved_per_image, unit=f" m{_unit(row)}"),
        "images": images_to_pay_back,
        "95 % interval": _payback_interval,
        "why": lambda row: row.reason or DASH,
    }
    notes = [
        "Images after which the target has saved, against the base under the same conditions, what all trainings of "
        "the variant took: seconds of the training host against seconds of the target, or joules against joules where "
        "both were measured. The interval is that of the ratio of times. Never: shown to be "
        "slower, or no joule is saved. Not shown: to be faster or slower.",
    ]
    best = rows[rows["rank"] == 1]
    return make_table("Pay-back of tuning", best.itertuples(), columns, notes)


def _unit(row) -> str:
    return "J" if row.cost == ENERGY else "s"


def _of_resource(resource: str | None) -> str:
    return "" if is_missing(resource) else f" of a {resource}"


def _payback_interval(row) -> str:
    low, high = row.inferences_low, row.inferences_high
    return DASH if is_missing(low) else " to ".join(dict.fromkeys((power(low), power(high))))


def images_to_pay_back(row) -> str:
    """`1.5 × 10⁵`, `never`, `not shown` or `not known`: a row of the table `payback`."""
    return power(row.inferences) if row.status == AFTER else row.status
