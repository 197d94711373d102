"""The answer of an experiment with a grid: what stands at the top of its section, one line per variant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from prunescape.analysis.axes import BASE
from prunescape.analysis.cost.measured import with_network
from prunescape.analysis.cost.payback import TIME
from prunescape.analysis.landscape.chance import no_answers
from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.labels import capitalised, variant_title
from prunescape.present.numbers import DASH, counted, is_missing, number, significant, span
from prunescape.present.report.pipelines import pipeline_glances, pipeline_sentences
from prunescape.present.report.price_tables import images_to_pay_back
from prunescape.present.report.table import Columns, ExperimentResults, Table, make_table, show
from prunescape.present.report.target_sentences import fastest_sentences, slower_sentences
from prunescape.present.report.target_tables import beside_base, shares_kept, subnormals_kept
from prunescape.present.summary import bound_level, no_answer, overall_verdict, rows_with_verdict

SIGNS = {KEEP: "●", RETUNE: "▲", INCONCLUSIVE: "○"}  # the marks of the forest plot
NOISY = "*"  # behind a latency
BEST = "best"  # the mark of the best value of a column
NO_BASE = "The base has no finished cells, so there is nothing to compare the pruned variants with."
NO_PRUNED = "There is no pruned variant yet, so there is nothing to compare with the base."
NO_FRESH_SEEDS = "Inconclusive for every variant: there are no fresh seeds, without which there is no verdict."
NOISE = f" {NOISY}: too noisy to rest on."
PAID_AFTER = "paid back after, images"
STANDARD = ("precision", "threads", "batch")


@dataclass(frozen=True)
class Answer:
    """Sentences, the most important first, and the tables below them."""

    sentences: list[str]
    tables: list[Table] = field(default_factory=list)


def grid_answer(results: ExperimentResults) -> Answer:
    """The verdicts of an experiment with a grid, what is fastest, and one line per variant."""
    tables, chance = results.tables, results.tables["chance_tests"]
    verdicts = rows_with_verdict(tables["verdicts"])
    unanswered = {key[-1] for key in no_answers(chance)}
    lost = [f"{capitalised(text)}." for text in no_answer(chance)] or [NO_BASE] * results.rows("risk", "top1").empty
    pruned = set(results.cells["variant"]) - {BASE}
    said = overall_verdict(verdicts, results.axes, pruned - set(verdicts))
    nothing = NO_FRESH_SEEDS if pruned else NO_PRUNED
    sentences = [*(lost + said or [nothing]), *fastest_sentences(tables)]
    sentences += slower_sentences(tables["speedups"], results.odd_widths) if "speedups" in tables else []
    sentences += pipeline_sentences(results)
    best = results.rows("risk", "top1").groupby("variant")["best"].mean().to_dict()
    shown: Columns = {
        "verdict": lambda name: _verdict(name, verdicts, unanswered),
        "gain of tuning": lambda name: _gain(verdicts.get(name)),
    }
    marks = {
        name: verdicts[name].verdict_bonferroni if name in verdicts else INCONCLUSIVE for name in pruned - unanswered
    }
    notes = [_gain_note(row) for row in list(verdicts.values())[:1]]
    variants = variants_table(results, best, shown, "tuning_cost", marks, " ".join(notes))
    return Answer(sentences, [variants, *pipeline_glances(results)])


def _gain_note(row) -> str:
    """What the column of gains shows, and the level of its bounds."""
    bounds = bound_level(row.alpha, row.claims, row.noise)
    gain = "Gain: percentage points on fresh seeds, at the points that earlier seeds chose; in brackets its bounds."
    return f"{gain} {bounds}"


def _verdict(name: str, verdicts: Mapping[str, Any], unanswered: set[str]) -> str:
    if name == BASE:
        return "reference"
    if name in unanswered:
        return "no answer"
    verdict = verdicts[name].verdict_bonferroni if name in verdicts else INCONCLUSIVE
    return f"{SIGNS[verdict]} {verdict}"


def _gain(row) -> str:
    """`0.10 (−0.31 to 0.28)`, with one bound `0.10 (at most 0.28)`."""
    if row is None:
        return DASH
    lower, upper = row.lower_bonferroni, row.upper_bonferroni
    if is_missing(upper):
        bounds = "not bounded"
    else:
        bounds = f"at most {number(upper)}" if is_missing(lower) else span(lower, upper)
    return bounds if is_missing(row.gain) else f"{number(row.gain)} ({bounds})"


def variants_table(
    results: ExperimentResults,
    best: Mapping[str, float],
    shown: Columns,
    costs: str,
    marks: Mapping[str, str],
    note: str = "",
) -> Table:
    """One line per variant: what is `shown` of its name, best accuracy, FLOPs, each target, size, price of tuning.

    `best` is the best accuracy by variant, `costs` the name of the table of tuning costs, `marks` the class of the
    first column that is shown, by variant. Columns that tell nothing are left out.
    """
    names = sorted(results.cells["variant"].unique(), key=variant_order)
    measured, shares = models_shown(results), shares_kept(results.cells)
    networks = list(with_network(results.cells)["network"].unique())
    own: Columns = {
        "variant": variant_title,
        **shown,
        "top-1, %": lambda name: number(best.get(name)),
        "FLOPs": lambda name: number(_share(shares, networks, measured, name), 3),
    }
    spans = [
        ("", own),
        *_targets(measured, results.tables.get("payback")),
        ("price of tuning", _price(results.tables[costs])),
    ]
    spans = _telling(names, spans)
    flops = " FLOPs: share of the base's." * ("FLOPs" in spans[0][1])
    notes = [note, f"Top-1: that of the best cell, too high by luck.{flops}"]
    if len(measured):
        conditions = measured[["target", *STANDARD]].drop_duplicates().itertuples(index=False)
        named = [
            f"{row.target} {row.precision}, {counted(row.threads, 'thread')}, batch {row.batch}" for row in conditions
        ]
        told = f"Latency of one run ({'; '.join(named)}); speed-up: the base's time ÷ this one's."
        if any(PAID_AFTER in columns for _, columns in spans):
            told += (
                " Paid back: when the target has saved as many seconds as the trainings took; never: it is slower; "
                "not shown: to be faster or slower."
            )
        notes.append(told + NOISE * bool(measured["noisy"].any()))
    notes.append(
        "Price: all trainings of the variant, of search and fresh seeds; hours are wall time of trainings, whatever "
        "their threads and workers. Bold: the best of a column."
    )
    table = make_table("Variants at a glance", names, spans, [text for text in notes if text])
    return Table(**{**vars(table), "marks": _marks(table, names, marks, list(shown)[:1])})


def models_shown(results: ExperimentResults) -> pd.DataFrame:
    """Of each target and variant the model that the answer shows, with its speed-up; no rows without measurements.

    It is the best cell's, fp32 where that was measured, with the fewest threads and the smallest batch; of several
    networks the most accurate.
    """
    if results.benchmarks is None or results.benchmarks.empty:
        return pd.DataFrame(columns=["target", "variant", *STANDARD])
    rows = beside_base(results.benchmarks, results.tables["speedups"])
    rows = rows.assign(other=rows["precision"] != "fp32").sort_values(
        ["target", "other", *STANDARD, "rank", "top1"], ascending=[True] * 6 + [False], kind="stable"
    )
    alike = rows[["target", *STANDARD]].drop_duplicates("target")
    return rows.merge(alike, on=["target", *STANDARD]).drop_duplicates(["target", "variant"])


def _share(
    shares: Mapping[tuple[str, str], float], networks: Sequence[str], measured: pd.DataFrame, name: str
) -> float | None:
    """The share of FLOPs kept by the network that is shown; None where networks differ and none was measured."""
    known = list(measured.loc[measured["variant"] == name, "network"]) if len(measured) else []
    shown = known[:1] or networks
    return shares.get((shown[0], name)) if len(shown) == 1 else None


def _targets(measured: pd.DataFrame, payback: pd.DataFrame | None) -> list[tuple[str, Columns]]:
    """Latency, speed-up and pay-back on each target, then the size of the file."""
    found: list[tuple[str, Columns]] = []
    for target, rows in measured.groupby("target", sort=True):
        models = {row.variant: row for row in rows.itertuples()}
        columns: Columns = {"latency, ms": _latency, "speed-up": ("speedup", 2)}
        paid = {} if payback is None else {row.variant: row for row in _paybacks(rows, payback).itertuples()}
        shown = {head: _of(models, shown) for head, shown in columns.items()}
        found.append((str(target), {**shown, PAID_AFTER: _of(paid, images_to_pay_back)}))
    if len(measured):
        sizes = {row.variant: row for row in measured.drop_duplicates("variant").itertuples()}
        found.append(("", {"file, kB": _of(sizes, ("file_bytes", 1, 1e-3))}))
    return found


def _paybacks(shown: pd.DataFrame, payback: pd.DataFrame) -> pd.DataFrame:
    """The pay-back in seconds of the models of ONE target, each under the conditions that are `shown`."""
    keys = ["target", "network", "variant", "rank", *STANDARD]
    rows = with_network(subnormals_kept(payback[payback["cost"] == TIME]))
    return rows.astype({key: shown[key].dtype for key in keys}).merge(shown[keys], on=keys)


def _latency(row) -> str:
    return significant(1e3 * row.latency_median_s) + NOISY * bool(row.noisy)


def _of(rows: Mapping[str, Any], shown: Any) -> Callable[[str], str]:
    return lambda name: show(rows[name], shown) if name in rows else DASH


def _price(costs: pd.DataFrame) -> Columns:
    """Trainings, and the hours of each resource."""
    trainings = costs.groupby("variant")["trainings"].sum().to_dict()
    columns: Columns = {"trainings": lambda name: str(int(trainings.get(name, 0)))}
    for resource, rows in costs.groupby("resource", sort=True):
        hours = rows.groupby("variant")["hours"].sum(min_count=1).to_dict()
        columns[f"{resource}-hours"] = lambda name, hours=hours: significant(hours.get(name), 2)
    return columns


def _telling(names: list[str], spans: list[tuple[str, Columns]]) -> list[tuple[str, Columns]]:
    """The spans with the columns that show something of some variant."""
    kept = [
        (head, {name: shown for name, shown in columns.items() if any(show(row, shown) != DASH for row in names)})
        for head, columns in spans
    ]
    return [(head, columns) for head, columns in kept if columns]


def _marks(table: Table, names: list[str], marks: Mapping[str, str], first: list[str]) -> dict[tuple[int, int], str]:
    """The class of single cells by row and column: verdicts, the highest accuracy and the lowest latencies."""
    found = {}
    for column, head in enumerate(table.heads):
        if head in first:
            found |= {(row, column): marks[name] for row, name in enumerate(names) if name in marks}
        elif head in ("top-1, %", "latency, ms"):
            known = {
                row: float(cells[column].rstrip(NOISY)) for row, cells in enumerate(table.rows) if cells[column] != DASH
            }
            choose = max if head.startswith("top") else min
            found |= {(row, column): BEST for row, value in known.items() if value == choose(known.values())}
    return found
