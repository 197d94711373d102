"""What targets rule out before anything is trained, as lines for the terminal and sentences for the report."""

import pandas as pd

from prunescape.analysis.cost.inference_settings import NO_LIMIT
from prunescape.analysis.cost.measured import with_network
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import network_title, variant_title
from prunescape.present.numbers import counted, is_missing, number


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows about variants on targets by experiment, target, network and variant, the base first."""
    rows = with_network(table).assign(place=lambda rows: rows["variant"].map(variant_order))
    return rows.sort_values(["experiment", "target", "network", "place"], kind="stable").drop(columns="place")


def variant_of(row) -> str:
    """`uniform 0.5`, with the hyperparameters of its network where the setting gives some."""
    return variant_title(row.variant) + network_title(row.network)


def ruled_out_lines(ruled_out: pd.DataFrame) -> list[str]:
    """One line per variant and target of the table `ruled_out`, below a line per experiment."""
    lines = []
    for experiment, rows in in_order(ruled_out).groupby("experiment", sort=False):
        lines.append(f"{experiment}: untrained variants on their targets")
        named = [(variant_of(row), row.target, _judgement(row)) for row in rows.itertuples()]
        first, second = (max(len(texts[place]) for texts in named) for place in (0, 1))
        lines += [f"  {variant:{first}}  {target:{second}}  {text}" for variant, target, text in named]
    return lines


def _judgement(row) -> str:
    if row.ruled_out:
        return f"ruled out: {row.reason}"
    memory = "" if is_missing(row.least_memory_bytes) else f", {number(row.least_memory_bytes / 1e6, 1)} MB"
    costs = f"{number(1e3 * row.least_latency_s, 3)} ms{memory}, {number(row.least_file_bytes / 1e3, 1)} kB at best"
    kept = NO_LIMIT if row.reason == NO_LIMIT else "keeps the limits"
    return f"{kept}: {costs}" + (f" ({row.reason})" if row.reason not in ("", NO_LIMIT) else "")


def ruled_out_sentences(ruled_out: pd.DataFrame | None, cells: pd.DataFrame) -> list[str]:
    """What targets ruled out of ONE experiment, and how many of its `cells` no target needed; none without limits.

    Those trainings could have been spared.
    """
    if ruled_out is None:
        return []
    rows = in_order(ruled_out[ruled_out["reason"] != NO_LIMIT])
    sentences = []
    for target, here in rows.groupby("target", sort=False):
        out = [f"{variant_of(row)} ({row.reason})" for row in here.itertuples() if row.ruled_out]
        told = f"rules out {', '.join(out)}" if out else "rules out none of them"
        sentences.append(
            f"Before a cell was trained, {counted(len(here), 'variant')} were measured: target {target} {told}."
        )
    everywhere = rows.groupby(["network", "variant"], sort=False)["ruled_out"].all()
    unneeded = {key for key, out in everywhere.items() if out}
    keys = zip(with_network(cells)["network"], cells["variant"], strict=True)
    spared = sum(key in unneeded for key in keys)
    if spared:
        sentences.append(f"Every target rules out the variants of {spared} of {counted(len(cells), 'training')}.")
    return sentences
