"""The report's tables of what int8 costs exported models, and sentences on those that it costs too much."""

from collections.abc import Mapping

import pandas as pd

from prunescape.analysis.cost.int8_losses import AS_EXPORTED
from prunescape.analysis.cost.measured import with_network
from prunescape.analysis.read_cells import variant_order
from prunescape.present.architecture_words import variant_of
from prunescape.present.numbers import counted, number, whole
from prunescape.present.report.table import ExperimentResults, Table, make_table

MODEL = ["network", "variant", "rank"]
NAMED = 4  # layers that a sentence names
SHOWN = 5  # layers of a model in the table
FAR = 4.0  # a range so many times the median channel's is worth a word


def int8_tables(results: ExperimentResults) -> list[Table]:
    """What each way of quantising costs, and the most sensitive layers of models that lose too much; else empty."""
    if "int8_ways" not in results.tables:
        return []
    return [ways_table(results.tables["int8_ways"]), layers_table(results.tables["int8_layers"])]


def ways_table(ways: pd.DataFrame) -> Table:
    """One line per model and way of quantising."""
    columns = {
        "variant": variant_of,
        "rank": "rank",
        "way": lambda row: f"{row.float_layers} {row.way}" if row.float_layers else row.way,
        "fp32, %": ("float_top1", 2),
        "int8, %": ("top1", 2),
        "points lost": ("lost", 2),
        "lost in comparison": ("compared_lost", 2),
        "logits changed": ("logit_error", 3),
        "best": lambda row: "yes" if row.best else "",
        "encoded, kB": ("encoded_bytes", 1, 1e-3),
        "fp32, kB": ("float_encoded_bytes", 1, 1e-3),
    }
    notes = [
        "Top-1 on the stored test examples, on this study's host. Where the exported file loses more than a point, "
        "other ways are tried and compared on examples that neither calibrate nor test. Best: loses least there, and "
        "of equal ones changes logits least (root mean square, as a share of theirs).",
    ]
    return make_table("What int8 costs", _in_order(ways), columns, notes)


def layers_table(layers: pd.DataFrame) -> Table:
    """The most sensitive layers of each model that was explained; no rows where none was."""
    columns = {
        "variant": variant_of,
        "rank": "rank",
        "layer": "layer",
        "lost alone": ("lost_alone", 2),
        "logits changed": ("logit_error", 3),
        **{
            f"{name}{'' if name == 'weights' else ' values'}": lambda row, end=end: _range(row, end)
            for name, end in (("weights", "weight"), ("before", "input"), ("behind", "output"))
        },
    }
    notes = [
        f"The {SHOWN} layers that change the logits most when each is alone in int8. Ranges with batch norm folded in; "
        "in brackets the range of all channels ÷ the median channel's: so much coarser is one scale for all. Weights "
        "have a scale per channel, values one for all channels.",
    ]
    return make_table("Which layers int8 costs most", _in_order(layers[layers["sensitivity"] <= SHOWN]), columns, notes)


def _in_order(rows: pd.DataFrame) -> list:
    """The rows by network, variant and rank, each model's as they come."""
    rows = with_network(rows)
    order = rows.assign(order=rows["variant"].map(variant_order))
    return list(order.sort_values(["network", "order", "rank"], kind="stable").itertuples())


def _range(row, name: str) -> str:
    low, high, spread = (getattr(row, f"{name}_{part}") for part in ("low", "high", "spread"))
    return f"{_figure(low)} to {_figure(high)} ({_figure(spread)})"


def _figure(value: float) -> str:
    """Three digits, for weights between millionths and millions."""
    return f"{value:.3g}".replace("-", "−")


def int8_sentences(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What mends each model of ONE experiment that loses more than a point in int8, by how much, and why."""
    ways, layers = (with_network(tables[name]) for name in ("int8_ways", "int8_layers"))
    texts = []
    for key, rows in ways.groupby(MODEL, sort=False):
        exported = rows[rows["way"] == AS_EXPORTED].iloc[0]
        if exported["too_much"]:
            own = layers[(layers[MODEL] == list(key)).all(axis=1)].sort_values("sensitivity")
            texts.append(_explained(exported, rows, own))
    return texts


def _explained(exported: pd.Series, rows: pd.DataFrame, layers: pd.DataFrame) -> str:
    rank = f" rank {exported['rank']}" if exported["rank"] > 1 else ""
    lost, of = number(exported["lost"]), number(exported["float_top1"])
    text = f"In int8 {variant_of(exported)}{rank} loses {lost} of {of} % on {whole(exported['tested'])} test examples."
    if len(rows) == 1:
        return f"{text} No other way was tried, since it is quantised dynamically."
    best = rows[rows["best"]].iloc[0]
    split = "validation" if best["split"] == "validation" else "training"
    compared = f"compared on {whole(best['compared'])} {split} examples"
    return f"{text} {_mended(exported, best)} ({counted(len(rows) - 1, 'other way')}, {compared}). {_why(layers)}"


def _mended(exported: pd.Series, best: pd.Series) -> str:
    """Which way loses least in comparison, and what it loses on the test examples."""
    if best["way"] == AS_EXPORTED:
        return "No other way of quantising loses less"
    named = f"{best['float_layers']} {best['way']}" if best["float_layers"] else best["way"]
    named += f" ({best['float_layer_names'].replace(' ', ', ')})" if 0 < best["float_layers"] <= NAMED else ""
    kilobytes = [f"{number(row['encoded_bytes'] / 1e3, 1)} kB" for row in (best, exported)]
    helps = "helps" if best["lost"] < exported["lost"] else "does not help on the test examples"
    verb = helps if best["too_much"] else "mends it"
    size = f"{kilobytes[0]} encoded instead of {kilobytes[1]}"
    return f"What loses least in comparison {verb}: {named}, which loses {number(best['lost'])}, at {size}"


def _why(layers: pd.DataFrame) -> str:
    """The layers that cost most when they are alone in int8, with the ranges of the first of them."""
    first = next(layers.itertuples())
    costly = layers[layers["lost_alone"] > 1].head(NAMED).itertuples()
    named = ", ".join(f"{row.layer} ({number(row.lost_alone)})" for row in costly)
    alone = (
        f"alone in int8 these lose most in comparison: {named}" if named else "no layer alone loses more than a point"
    )
    texts = {"weight": "its weights", "input": "the values before it", "output": "the values behind it"}
    far = [f"{text} {_range(first, name)}" for name, text in texts.items() if getattr(first, f"{name}_spread") >= FAR]
    ranges = (
        f"In {first.layer} one channel's range is far from the median channel's, in brackets so many times: "
        f"{'; '.join(far)}."
        if far
        else f"No channel's range in {first.layer} is far from the median channel's."
    )
    return f"Why: {alone}. {ranges}"
