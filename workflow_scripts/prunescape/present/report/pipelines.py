"""What the report says of pipelines and scores: is it worth inheriting weights, at which rate, by which score."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.pipelines.candidates import BEST, CARRIED, LEVEL
from prunescape.present.labels import capitalised, joined, pipeline_title, setting, variant_title
from prunescape.present.numbers import DASH, counted, is_missing, number, short, span
from prunescape.present.report import table
from prunescape.present.report.table import Columns, ExperimentResults, Table, make_table, p_value, show
from prunescape.space.pipelines import PER_SEED
from prunescape.space.variants import FROM_TRAINED, Variant

FINE_TUNE, RANDOM = "fine_tune", "random"
SHOWN = "*"  # behind a difference that Holm's correction shows
UNEQUAL = "†"  # behind one of pipelines that are not known to train as many epochs after pruning


class Differences:
    """The differences of every pair of ONE cut at one choice of settings, in either order."""

    def __init__(self, tests: pd.DataFrame) -> None:
        rows = tests.itertuples()
        self._rows = {((row.pipeline, row.score), (row.pipeline_other, row.score_other)): row for row in rows}

    def between(self, one: Any, other: Any) -> tuple[float, float, float, float] | None:
        """(one - other, low, high, corrected p) of two rows of `pipelines`; None for what is not compared."""
        key, other_key = (one.pipeline, one.score), (other.pipeline, other.score)
        if row := self._rows.get((key, other_key)):
            return row.difference, row.low, row.high, row.p_holm
        if row := self._rows.get((other_key, key)):
            return -row.difference, -row.high, -row.low, row.p_holm
        return None

    def text(self, one: Any, other: Any) -> str:
        """`+1.20 (0.30 to 2.10)*`."""
        difference, low, high, p = self.between(one, other)
        sign = "+" if difference > 0 else ""
        marks = SHOWN * (p < LEVEL) + UNEQUAL * (one.epochs_trained != other.epochs_trained)
        return f"{sign}{number(difference)} ({span(low, high)}){marks}"

    def difference(self, one: Any, other: Any) -> str:
        """The same; a dash for a row and itself, and without one of the two."""
        return DASH if one is None or other is None or one.Index == other.Index else self.text(one, other)


@dataclass(frozen=True)
class Compared:
    """The pipelines and scores of ONE cut, and their differences, at each one's best setting and at the base's."""

    cut: str
    best: list[Any]
    carried: list[Any]
    differences: dict[str, Differences]


def compared(results: ExperimentResults) -> list[Compared]:
    """Every cut of ONE experiment and those compared with it; nothing without several pipelines or scores."""
    rows, tests = (results.tables.get(name) for name in ("pipelines", "pipeline_tests"))
    if rows is None or rows.empty:
        return []
    found = []
    for cut, own in rows.groupby("cut", sort=False):
        of_cut = tests[tests["cut"] == cut]
        differences = {choice: Differences(of_cut[of_cut["choice"] == choice]) for choice in (BEST, CARRIED)}
        best, carried = ([*own[own["choice"] == choice].itertuples()] for choice in (BEST, CARRIED))
        found.append(Compared(cut, best, carried, differences))
    return found


def pipeline_sentences(results: ExperimentResults) -> list[str]:
    """What pipelines and scores show, cut by cut; `pipeline_glances` has the numbers."""
    found = []
    for each in compared(results):
        sentences = [
            *inheriting_sentences(each.best, each.differences[BEST]),
            setting_sentence(each.carried, results.axes),
            loss_sentence(each.best),
            *random_sentences(each.best, each.differences[BEST]),
        ]
        found.append(f"{capitalised(variant_title(each.cut))}. {' '.join(filter(None, sentences))}")
    return found


def inheriting_sentences(best: list[Any], differences: Differences) -> Iterator[str]:
    """The best of those that inherit trained weights against the best of the others, as the first seeds chose."""
    inherited = [row for row in best if row.pipeline in FROM_TRAINED]
    anew = [row for row in best if row.pipeline not in FROM_TRAINED]
    if not inherited or not anew:
        return
    one, other = (max(rows, key=lambda row: row.chosen) for rows in (inherited, anew))
    difference, low, high, p = differences.between(one, other)
    word = "is not shown to differ from starting anew"
    if p < LEVEL:
        word = "pays" if difference > 0 else "costs accuracy"
    yield (
        f"Inheriting weights {word}: {_title(one)} lies {number(abs(difference))} points "
        f"{'above' if difference > 0 else 'below'} {_title(other)} ({span(low, high)}; p {_p(p)})."
    )
    if not is_missing(one.epochs_trained):
        base = f", {short(one.epochs_total)} with the base's" if one.epochs_total > one.epochs_trained else ""
        yield f"It trains {short(one.epochs_trained)} epochs{base}; {_title(other)} {short(other.epochs_total)}."


def setting_sentence(carried: list[Any], axes: Axes) -> str:
    """The setting that all are compared at beside their own best."""
    return f"The base's best setting is {setting(axes, carried[0]._asdict())}." if carried else ""


def loss_sentence(best: list[Any]) -> str:
    """What the base's best setting loses, where Holm's correction over all gains shows it."""
    known = [row for row in best if not is_missing(row.gain)]
    lost = sorted((row for row in known if row.gain > 0 and row.gain_p_holm < LEVEL), key=lambda row: -row.gain)
    if not known:
        return ""
    if not lost:
        return "No pipeline is shown to lose at the base's best setting."
    named = [f"{_title(row)} {number(row.gain)} points ({span(row.gain_low, row.gain_high)})" for row in lost]
    others = "; no other is shown to lose" * (len(lost) < len(known))
    return f"The base's best setting costs {joined(named)}{others}."


def random_sentences(best: list[Any], differences: Differences) -> Iterator[str]:
    """Random filters in their best pipeline, as the first seeds chose, against fine-tuning by a score."""
    random = [row for row in best if row.score == RANDOM]
    tuned = [row for row in best if row.pipeline == FINE_TUNE and row.score != RANDOM]
    first = max(random, key=lambda row: row.chosen, default=None)
    if tuned and first and first.pipeline != FINE_TUNE:
        texts = [f"{differences.text(first, row)} above {_title(row)}" for row in tuned]
        yield f"Random filters in {pipeline_title(first.pipeline)}, their best pipeline: {', '.join(texts)}."


def pipeline_glances(results: ExperimentResults) -> list[Table]:
    """Of each cut one line per pipeline and score: its best setting, its accuracy, and the differences asked for."""
    rows, tests = (results.tables.get(name) for name in ("pipelines", "pipeline_tests"))
    return [glance(each, results.axes, method_notes(rows, tests)) for each in compared(results)]


def glance(known: Compared, axes: Axes, notes: list[str]) -> Table:
    """One line per pipeline and score of ONE cut; hyperparameters that are the same everywhere are left out."""
    best, carried = known.differences[BEST], known.differences[CARRIED]
    of = {(row.pipeline, row.score): row for row in known.best}
    of_base = {(row.pipeline, row.score): row for row in known.carried}
    several = [axis for axis in axes if len({getattr(row, axis.name) for row in known.best}) > 1]
    edge: Columns = {"at the grid's edge": lambda row: "yes" if row.at_edge else "no"}
    own: Columns = {
        "pipeline": lambda row: pipeline_title(row.pipeline),
        "score": lambda row: row.score or DASH,
        **table.setting_columns(several or axes),
        **(edge if any(row.at_edge for row in known.best) else {}),
        "top-1, %": lambda row: f"{number(row.mean)} ({span(row.low, row.high)})",
    }

    def tuned(rows: dict[tuple[str, str], Any], row: Any) -> Any:
        return rows.get((FINE_TUNE, row.score)) if row.pipeline in FROM_TRAINED else None

    def above_fine_tuning(row: Any) -> str:
        return best.difference(row, tuned(of, row))

    def above_at_base(row: Any) -> str:
        return carried.difference(of_base.get((row.pipeline, row.score)), tuned(of_base, row))

    def above_random(row: Any) -> str:
        return best.difference(row, of.get((row.pipeline, RANDOM)))

    spans: list[tuple[str, Columns]] = [
        ("", own),
        ("above fine-tuning, same score", {"at its best": above_fine_tuning, "at the base's": above_at_base}),
        ("above random filters, same pipeline", {"each at its best": above_random}),
    ]
    shown = [
        (head, columns)
        for head, columns in spans
        if any(show(row, each) != DASH for row in known.best for each in columns.values())
    ]
    return make_table(f"Pipelines and scores at a glance: {variant_title(known.cut)}", known.best, shown, notes)


def method_notes(rows: pd.DataFrame, tests: pd.DataFrame) -> list[str]:
    """How they are compared, and what that cannot show."""
    pairs = int((tests["choice"] == BEST).sum())
    unequal = f" {UNEQUAL}: not known to train as many epochs after pruning." * (
        rows["epochs_trained"].nunique(dropna=False) > 1
    )
    return [
        "Differences in percentage points. Settings are chosen on other seeds than the "
        f"{counted(int(rows['seeds'].max()), 'seed')} that compare. Intervals: 95 %, each of one pair or mean alone. "
        f"{SHOWN}: p under 5 % after Holm's correction over all pairs of the study at that choice of settings, {pairs} "
        f"of them here; losses at the base's setting: over all gains.{unequal}",
        scope_sentence(rows),
    ]


def scope_sentence(rows: pd.DataFrame) -> str:
    """What the intervals of `pipelines` are over beside seeds of training: one base, or as many as there are seeds."""
    if not (rows["bases"] == PER_SEED).any():
        return "For these test images and this trained base: another base may rank pipelines otherwise."
    of_one = " (the widths of nonuniform cuts are those of one)" * any(map(is_nonuniform, rows["cut"]))
    return f"For these test images, over trained bases too: each seed inherits from its own{of_one}."


def is_nonuniform(cut: str) -> bool:
    """Whether a ranking of filters says how wide the layers of a cut are."""
    return Variant.parse(cut).method == "nonuniform"


def pipelines_table(results: ExperimentResults) -> Table | None:
    """Each pipeline and score at both choices of settings."""
    rows = results.tables.get("pipelines")
    if rows is None or rows.empty:
        return None
    columns = {
        "cut": lambda row: variant_title(row.cut),
        "pipeline": lambda row: pipeline_title(row.pipeline),
        "score": lambda row: row.score or DASH,
        "setting": "choice",
        **table.setting_columns(results.axes),
        "edge": lambda row: "yes" if row.at_edge else "no",
        "top-1, %": ("mean", 2),
        "95 %": lambda row: table.interval(row.low, row.high),
        "gain": ("gain", 2),
        "its 95 %": lambda row: table.interval(row.gain_low, row.gain_high),
        "its p, Holm": lambda row: p_value(row.gain_p_holm),
        "epochs": "epochs_trained",
        "with the base's": "epochs_total",
    }
    note = "Gain: of its own best setting over the base's, percentage points, over the seeds that compare."
    return make_table("Pipelines and scores", rows.itertuples(), columns, [note])


def pipeline_tests_table(results: ExperimentResults) -> Table | None:
    """Every pair at both choices of settings."""
    rows = results.tables.get("pipeline_tests")
    if rows is None or rows.empty:
        return None
    columns = {
        "cut": lambda row: variant_title(row.cut),
        "setting": "choice",
        "one": lambda row: pipeline_title(row.pipeline, row.score),
        "other": lambda row: pipeline_title(row.pipeline_other, row.score_other),
        "difference": ("difference", 2),
        "95 %": lambda row: table.interval(row.low, row.high),
        "p": lambda row: p_value(row.p),
        "p, Holm": lambda row: p_value(row.p_holm),
        "epochs": lambda row: "equal" if row.equal_epochs else "other",
        "with the base's": lambda row: "equal" if row.equal_totals else "other",
    }
    note = "One - other, mean over the seeds that compare, percentage points of top-1."
    return make_table("Pairs of pipelines and scores", rows.itertuples(), columns, [note])


def _title(row: Any) -> str:
    return pipeline_title(row.pipeline) + (f" ({row.score})" if row.score else "")


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"
