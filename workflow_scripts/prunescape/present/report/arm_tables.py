"""Tables of the report about arms: each against the arm that varies all, and what optimisation and device do."""

import pandas as pd

from prunescape.analysis.arms.trials import CONDITION, STANDARD
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import arm_title, condition_title, property_title, variant_title
from prunescape.present.numbers import DASH, is_missing, number
from prunescape.present.report.table import Columns, Table, by_variant, make_table, p_value

Tables = dict[str, pd.DataFrame]
PLACE = ["experiment", "variant", *CONDITION, "arm", "property"]
# property -> unit and what its values are multiplied by
UNITS = {
    **{"top1": ("%", 1.0), "latency_median_s": ("ms", 1e3), "parameters": ("thousands", 1e-3)},
    **{"file_bytes": ("kB", 1e-3), "encoded_bytes": ("kB", 1e-3), "flops": ("millions", 1e-6)},
}
UNITLESS = ("", 1.0)
SEARCHED = {"effect_best": "effect_best", "low": "search_low", "high": "search_high", "p_holm": "p_search"}
# what a property depends on, beside the network: one condition tells it for all others
DEPENDS: dict[str, tuple[str, ...]] = {"top1": ("precision",), "flops": (), "parameters": ()}
DEPENDS |= {"file_bytes": ("precision",), "encoded_bytes": ("precision",)}
AS_TRAINED = "as trained"
NOTE = (
    "Best model: (held − all) ÷ all of the best models of both arms. δ: Cliff's delta of the best models with its 95 % "
    "interval, given these models; p: Mann–Whitney, two-sided, after Holm. Over whole searches: the same share of "
    "geometric means with a 95 % interval over searches, p by exchange of trials, after Holm; a dash where only the "
    "best models are known. The control is chance alone and has no corrected p."
)


def arm_rows(tables: Tables) -> pd.DataFrame:
    """`arm_comparisons` with what `arm_searches` tells of whole searches beside."""
    searches = tables["arm_searches"][[*PLACE, *SEARCHED]].rename(columns=SEARCHED)
    return tables["arm_comparisons"].merge(searches, on=PLACE, how="left")


def standard_place(tables: Tables) -> tuple[str, str]:
    """Target and precision of the models before optimisation; empty where nothing was measured."""
    if len(tables["arm_pair_tests"]):
        first = tables["arm_pair_tests"].iloc[0]
        return first["standard_target"], first["standard_precision"]
    measured = tables["arm_comparisons"].query("target != ''")[CONDITION]
    return tuple(measured.iloc[0]) if len(measured) else ("", "")


def without_repeats(rows: pd.DataFrame, standard: tuple[str, str]) -> pd.DataFrame:
    """The rows with each property in one of the conditions that tell the same: as trained, then the standard, others.

    A file has one size on every target; accuracy is shown as trained, and for each other precision on its first target.
    """
    place = rows[CONDITION].apply(tuple, axis=1)
    precision = rows["precision"].where(rows["target"] != "", standard[1] or STANDARD)
    told = rows.assign(precision=precision).to_dict("records")
    keys = [(row["variant"], row["property"], *(row[name] for name in _depends(row["property"]))) for row in told]
    order = place.map(lambda each: 0 if each == ("", "") else 1 if each == standard else 2)
    first = pd.DataFrame({"key": keys, "place": place, "order": order}, index=rows.index).sort_values(
        "order", kind="stable"
    )
    kept = first.groupby("key")["place"].transform("first") == first["place"]
    return rows.loc[first.index[kept]].sort_index()


def _depends(name: str) -> tuple[str, ...]:
    return DEPENDS.get(name, tuple(CONDITION))


def place_title(name: str, target: str, precision: str) -> str:
    """`latency (here, fp32)`, `file size (int8)`; of what is known of every trial, `accuracy`."""
    told = {"target": target, "precision": precision}
    where = condition_title(*(told[part] if part in _depends(name) else "" for part in CONDITION))
    return f"{property_title(name)} ({where})" if target and where else property_title(name)


def percent(share: float) -> str:
    """A share as signed percent, `−1.2 %`."""
    if is_missing(share):
        return DASH
    return "+" * (share > 0) + number(100 * share, 1, " %")


def amount(name: str, value: float) -> str:
    """A value of a property in its unit, with four digits that count."""
    if is_missing(value):
        return DASH
    shown = value * UNITS.get(name, UNITLESS)[1]
    size = abs(shown)
    return number(shown, 2 if size >= 10 or size == 0 else 3 if size >= 1 else 4)


def delta_text(row) -> str:
    """`−0.90 (−0.98 to −0.50)`."""
    return DASH if is_missing(row.delta) else f"{number(row.delta)} ({number(row.low)} to {number(row.high)})"


def search_text(row) -> str:
    """`−1.9 % (−2.5 % to −1.2 %)`; a dash where searches cannot be drawn again."""
    if is_missing(row.effect_best):
        return DASH
    return f"{percent(row.effect_best)} ({percent(row.search_low)} to {percent(row.search_high)})"


def arm_table(rows: pd.DataFrame) -> Table:
    """Every arm of ONE variant and condition against the arm that varies all, in one property."""
    first = rows.iloc[0]
    name, unit = first["property"], UNITS.get(first["property"], UNITLESS)[0]
    columns: Columns = {
        "arm: at its default": lambda row: arm_title(row.arm) + ", A/A control" * bool(row.control),
        "best model": lambda row: percent(row.best_difference),
        f"median of the best {first['n']}": lambda row: amount(name, row.median),
        "median, all": lambda row: amount(name, row.median_baseline),
        "p, Holm": lambda row: p_value(row.p_holm),
        "Cliff's δ, 95 %": delta_text,
        "over whole searches, 95 %": search_text,
        "p, Holm ": lambda row: p_value(row.p_search),
    }
    title = place_title(name, first["target"], first["precision"])
    unit = f", {unit}" if unit else ""
    return make_table(f"Arms, {variant_title(first['variant'])}: {title}{unit}", rows.itertuples(), columns, [])


def arm_tables(tables: Tables) -> list[Table]:
    """A table per variant and property, as trained or on the standard target; then those of optimisation."""
    if tables["arm_comparisons"].empty:
        return []
    standard = standard_place(tables)
    rows = without_repeats(arm_rows(tables), standard)
    rows = rows[rows[CONDITION].apply(tuple, axis=1).isin([("", ""), standard])]
    found = []
    for variant in sorted(rows["variant"].unique(), key=variant_order):
        own = rows[rows["variant"] == variant]
        found += [arm_table(part) for _, part in own.groupby(["property", *CONDITION], sort=False)]
    found[0].notes.append(NOTE)
    return [*found, *optimisation_tables(tables)]


def optimisation_tables(tables: Tables) -> list[Table]:
    """What precision and target do to the best models of the arm that varies all, together and each alone."""
    where: Columns = {
        "variant": lambda row: variant_title(row.variant),
        "condition": lambda row: condition_title(row.target, row.precision),
        "property": lambda row: property_title(row.property),
    }
    changes: Columns = {
        "models": "models",
        "median change": lambda row: percent(row.relative_median),
        "pairs: KS p": lambda row: p_value(row.ks_p),
    }
    alone: Columns = {
        "change": "change",
        "models": "models",
        "median": lambda row: percent(row.median),
        "95 % interval": lambda row: DASH if is_missing(row.low) else f"{percent(row.low)} to {percent(row.high)}",
    }
    tests, split = (table[table["property"] != "flops"] for table in (tables["arm_pair_tests"], tables["arm_split"]))
    against = f"Against {condition_title(*standard_place(tables))}. " if len(tests) else ""
    descriptive = "KS: whether differences within pairs of models changed; descriptive only, pairs are dependent."
    shown = [
        make_table("Optimisation of the best models", by_variant(tests), where | changes, [against + descriptive]),
        make_table("Optimisation and device apart", by_variant(split), where | alone, []),
    ]
    return [table for table in shown if table.rows]
