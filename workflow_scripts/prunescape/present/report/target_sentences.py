"""What each variant costs on the targets, and what to run on each of them, as sentences."""

from collections.abc import Mapping

import pandas as pd

from prunescape.analysis.cost.accuracy import PAIRED
from prunescape.analysis.cost.comparisons import SLOWER
from prunescape.analysis.cost.measured import STANDARD, with_network
from prunescape.analysis.cost.speedups import BLOCK, OddWidths
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import joined, variant_title
from prunescape.present.numbers import DASH, counted, is_missing, number, short, significant, span, whole
from prunescape.present.report.target_tables import subnormals_kept, variant_of_network
from prunescape.space.settings import network_path

SHOWN_WIDTHS = 6  # layers that a sentence names

# objective -> (what the recommended model has, factor and unit in which its value is read)
OBJECTIVES = {
    "latency": ("the lowest latency", 1e3, "ms per run"),
    "throughput": ("the highest throughput", 1e3, "ms per image"),
    "energy": ("the lowest energy", 1e3, "mJ per image"),
}
LIMITS = {
    "accuracy_floor": "top-1 of {} % or more",
    "latency_limit_ms": "a run of {} ms or less",
    "memory_limit_mb": "peak memory of {} MB or less",
    "size_limit_kb": "file of {} kB or less",
}


def overall_cost(benchmarks: pd.DataFrame | None) -> list[str]:
    """One sentence per target and setting: between which ends the speed-ups of the pruned variants lie."""
    if benchmarks is None:
        return []
    pruned = benchmarks[(benchmarks["variant"] != "base") & (benchmarks["rank"] == 1)]
    speeds: dict[str, list[float]] = {}
    for row in pruned[pruned["speedup"].notna()].itertuples():
        speeds.setdefault(_where(row), []).append(row.speedup)
    return [
        f"{where} the speed-up of the pruned variants is {span(min(values), max(values))}."
        for where, values in speeds.items()
    ]


def slower_sentences(speedups: pd.DataFrame, odd: OddWidths) -> list[str]:
    """One sentence per variant of ONE experiment that is shown to be slower than its base, and a likely reason.

    A setting counts where the corrected test of the speed-up says so. `odd` holds the layers, with their channels, that
    were cut to no multiple of a runtime's block.
    """
    rows = with_network(subnormals_kept(speedups))
    slow = dict(iter(rows[(rows["rank"] == 1) & (rows["verdict"] == SLOWER)].groupby(["network", "variant"])))
    ordered = sorted(slow, key=lambda key: (key[0], variant_order(key[1])))
    return [
        _slower(variant_of_network(slow[key].iloc[0]), slow[key], odd.get((network_path(key[0]), key[1]), {}))
        for key in ordered
    ]


def slower_lines(speedups: pd.DataFrame, odd: Mapping[str, OddWidths]) -> list[str]:
    """The same for a terminal, of every experiment; `odd` by experiment."""
    experiments = speedups.groupby("experiment", sort=True)
    return [f"{name}: {text}" for name, rows in experiments for text in slower_sentences(rows, odd.get(name, {}))]


def _slower(title: str, rows: pd.DataFrame, odd: Mapping[str, int]) -> str:
    places = [
        f"{_where(row).replace('On', 'on', 1)} its speed-up is {number(row.speedup, 3)} (95 % interval "
        f"{span(row.low, row.high, 3)})"
        for row in rows.itertuples()
    ]
    text = f"{title} is slower than the base: {'; '.join(places)}."
    if not odd:
        return text
    named = [f"{layer} ({width})" for layer, width in list(odd.items())[:SHOWN_WIDTHS]]
    named += [f"{len(odd) - SHOWN_WIDTHS} more"] if len(odd) > SHOWN_WIDTHS else []
    return (
        f"{text} {counted(len(odd), 'of its layers has', 'of its layers have')} a width that is no multiple of "
        f"{BLOCK}, which slowed onnxruntime down on CPUs (docs/performance.md): {joined(named)}. round_to: {BLOCK} "
        "under pruning in the config avoids such widths."
    )


def cost_sentences(benchmarks: pd.DataFrame | None, variant: str, shares: Mapping[tuple[str, str], float]) -> list[str]:
    """One sentence per target and setting: latency, speed-up, and what the FLOPs alone would give.

    `benchmarks` as `beside_base` gives them, `shares` as `shares_kept`. None where there are several
    networks: tables have them all.
    """
    if benchmarks is None or benchmarks["network"].nunique() > 1:
        return []
    rows = benchmarks[(benchmarks["variant"] == variant) & (benchmarks["rank"] == 1)]
    return [_cost(row, shares.get((row.network, variant))) for row in rows.itertuples()]


def _where(row) -> str:
    precision = "" if row.precision == STANDARD else f"{row.precision}, "
    return f"On target {row.target} ({precision}{counted(row.threads, 'thread')}, batch {row.batch})"


def _cost(row, flops_share: float | None) -> str:
    took = f"{_where(row)}: {significant(1e3 * row.latency_median_s)} ms per run"
    if is_missing(row.speedup) or not flops_share:
        return f"{took}."
    speed = f"speed-up {number(row.speedup)}, by the FLOPs alone {number(1 / flops_share)}"
    size = f"file {number(100 * row.file_bytes / row.base_file_bytes, 0)} % of the base's"
    noisy = " The timing was noisy." if row.noisy or row.base_noisy else ""
    return f"{took}, {speed}, {size}.{noisy}"


def recommendation_sentences(recommendations: pd.DataFrame) -> list[str]:
    """One sentence per target and objective; none for an objective that was not measured."""
    return [text for row in recommendations.itertuples() if (text := _recommendation(row))]


def _recommendation(row) -> str:
    if row.status != "recommended":
        if "was not measured" in row.reason:
            return ""
        return f"On target {row.target} nothing can be recommended for {row.objective}: {row.reason}."
    accuracy = ", its top-1 not measured" if is_missing(row.top1) else f", at {accuracy_text(row)}"
    text = (
        f"On target {row.target} {model_title(row)} with {run_title(row)} has {OBJECTIVES[row.objective][0]}, "
        f"{objective_value(row)}{accuracy}"
    )
    text += f" ({row.reason})." if row.reason else "."
    text += _faster_than(row.shown_slower, row.rivals)
    if others := model_list(row.not_shown_to_differ):
        text += f" Not shown to differ from it, by the ratio of times and its 95 % interval: {others}."
    if others := model_list(row.faster):
        text += f" Repeat by repeat faster, though not in the median, since the host's speed drifted: {others}."
    if others := model_list(row.not_tested):
        text += f" Not tested against it, as not timed in turns with it, or too seldom: {others}."
    return text + (" The timing was noisy." if row.noisy else "")


def quantised_sentences(property_risk: pd.DataFrame, risk_threshold: float) -> list[str]:
    """One sentence per variant, target and precision but fp32: whether settings that are good in fp32 are good there.

    Accuracy is the same however a model is run, so the first way speaks for all.
    """
    rows = property_risk[(property_risk["property"] == "top1") & (property_risk["precision"] != STANDARD)]
    rows = with_network(rows).drop_duplicates(["target", "precision", "network", "variant"])
    return [_quantised(row, risk_threshold) for row in rows.itertuples()]


def _quantised(row, risk_threshold: float) -> str:
    more_than_float = row.d_mean - row.d_float
    holds = max(more_than_float, row.d_chosen) <= risk_threshold + TOLERANCE
    hint = " (export: {by: int8})" if row.precision == "int8" else ""
    answer = "need not be tuned again" if holds else f"do not all hold, so cells are to be chosen in it{hint}"
    stays = "stays" if row.n == 1 else "stay"
    text = (
        f"In {row.precision} on target {row.target} the good settings of {variant_of_network(row)} {answer}: the "
        f"{counted(row.n, 'cell')} within {short(risk_threshold)} points of the best in fp32 {stays} "
        f"{number(row.d_mean)} points on average under the best of {row.cells} cells in {row.precision}, in fp32 "
        f"{number(row.d_float)}; the best one in fp32 {number(row.d_chosen)}. This describes these cells on these test "
        "images and is no verdict."
    )
    return text if row.whole else f"{text} More cells than were exported may be as good in fp32."


def fastest_sentences(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """One sentence per target: the model of lowest latency that the limits allow, and which are not shown to differ."""
    if "recommendations" not in tables:
        return []
    rows = tables["recommendations"]
    rows = rows[(rows["objective"] == "latency") & (rows["status"] == "recommended")]
    return [_fastest(row) for row in rows.itertuples()]


def _fastest(row) -> str:
    text = f"Fastest on {row.target}: {model_title(row)} ({run_title(row)}), {objective_value(row)}"
    text += "" if is_missing(row.top1) else f", {accuracy_text(row)}"
    equals = [name.split(" (")[0] for name in row.not_shown_to_differ.split("; ") if name]
    text += f"; not shown to differ: {joined([variant_title(name) for name in equals])}" if equals else ""
    return f"{text}{'; a noisy timing' if row.noisy else ''}."


def accuracy_text(row) -> str:
    """`96.00 % top-1`, of another precision than fp32 with what that has: the row has the columns of `accuracy`."""
    text = f"{number(row.top1)} % top-1"
    if row.precision == STANDARD:
        return text
    if is_missing(row.float_top1):
        return f"{text}, that of fp32 not known"
    return f"{text}, fp32 {number(row.float_top1)} %, a change of {precision_change_text(row)} points"


def precision_change_text(row) -> str:
    """`−0.50 (−1.20 to 0.20)`, and how, where it is not paired; a dash for fp32 or where it is not known."""
    if row.precision == STANDARD or is_missing(row.top1_change):
        return DASH
    ends = span(row.change_low, row.change_high)
    how = "" if row.change_by == PAIRED else f", {row.change_by}"
    return number(row.top1_change) + (f" ({ends}{how})" if ends != DASH else "")


def _faster_than(slower: int | None, rivals: int | None) -> str:
    """Whether the least of several medians is shown to be the least."""
    if is_missing(rivals) or rivals == 0:
        return ""
    if slower == rivals:
        return f" Shown to be faster than {'the other model' if rivals == 1 else f'all {whole(rivals)} other models'}."
    shown = whole(slower) if slower else "none"
    return (
        f" Shown to be faster than {shown} of {counted(int(rivals), 'other model')}: it may be the least of these "
        "medians by luck, and its own is then too low."
    )


def limit_pairs(objectives: dict) -> list[tuple[str, str]]:
    """The limits that every recommended model keeps, for the list of settings; nothing where the study sets none."""
    texts = [text.format(short(objectives[name])) for name, text in LIMITS.items() if objectives.get(name) is not None]
    return [("recommended models keep", ", ".join(texts))] if texts else []


def objective_value(row) -> str:
    """`2.00 ms per run`."""
    _, factor, unit = OBJECTIVES[row.objective]
    return f"{significant(factor * row.value)} {unit}"


def model_title(row) -> str:
    """`uniform 0.5 int8`, with the rank from the second on."""
    rank = f" rank {row.rank:.0f}" if row.rank > 1 else ""
    return f"{variant_of_network(row)}{rank} {row.precision}"


def run_title(row) -> str:
    """`1 thread, batch 8`."""
    flushed = ", denormals flushed" if row.flush_to_zero else ""
    return f"{counted(int(row.threads), 'thread')}, batch {row.batch:.0f}{flushed}"


def model_list(models: str) -> str:
    """Models as `rivals.named_models` lists them, for a reader; empty where there are none."""
    return ", ".join(variant_title(name) for name in models.split("; ") if name)
