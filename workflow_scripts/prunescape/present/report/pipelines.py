"""What the report says of pipelines and scores: is it worth inheriting weights, at which rate, by which score."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from prunescape.analysis.axes import Axes, Axis
from prunescape.analysis.pipelines.candidates import BEST, CARRIED, LEVEL
from prunescape.present.labels import capitalised, joined, pipeline_title, setting, variant_title
from prunescape.present.numbers import DASH, counted, is_missing, number, short, span
from prunescape.present.report import table
from prunescape.present.report.table import ExperimentResults, Table, make_table, p_value
from prunescape.space.pipelines import PER_SEED
from prunescape.space.variants import FROM_TRAINED, Variant

FINE_TUNE, RANDOM = "fine_tune", "random"
AT = {BEST: "each at its own best setting", CARRIED: "all at the base's best setting"}
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


def pipeline_sentences(results: ExperimentResults) -> list[str]:
    """What pipelines and scores show in ONE experiment and those compared with it; nothing without several."""
    rows, tests = (results.tables.get(name) for name in ("pipelines", "pipeline_tests"))
    if rows is None or rows.empty:
        return []
    found = []
    for cut, own in rows.groupby("cut", sort=False):
        of_cut = tests[tests["cut"] == cut]
        differences = {choice: Differences(of_cut[of_cut["choice"] == choice]) for choice in AT}
        best, carried = ([*own[own["choice"] == choice].itertuples()] for choice in AT)
        paragraphs = [
            inheriting_sentences(best, differences[BEST]),
            [settings_sentence(best, carried, results.axes), loss_sentence(best)],
            [
                *against_fine_tuning(best, differences[BEST], BEST),
                *against_fine_tuning(carried, differences[CARRIED], CARRIED),
            ],
            control_sentences(best, differences[BEST]),
        ]
        texts = [" ".join(filter(None, sentences)) for sentences in paragraphs]
        found += [f"{capitalised(variant_title(cut))}. {text}" for text in texts if text]
    return [*found, method_sentence(rows, tests)]


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


def settings_sentence(best: list[Any], carried: list[Any], axes: Axes) -> str:
    """The best setting of each, those with one setting together; `carried` are at the base's best.

    Hyperparameters that are the same everywhere are left out.
    """
    together: dict[str, list[str]] = {}
    several = [axis for axis in axes if len({getattr(row, axis.name) for row in (*best, *carried)}) > 1]
    axes = several or list(axes)
    for row in best:
        together.setdefault(_setting(axes, row), []).append(_title(row) + " (at the grid's edge)" * row.at_edge)
    of_base = f" The base's best is {_setting(axes, carried[0])}." if carried else ""
    places = [f"{text} for {joined(names)}" for text, names in sorted(together.items())]
    return f"Best settings: {'; '.join(places)}.{of_base}"


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


def against_fine_tuning(rows: list[Any], differences: Differences, choice: str) -> Iterator[str]:
    """Each other pipeline that inherits against fine-tuning, by score."""
    tuned = {row.score: row for row in rows if row.pipeline == FINE_TUNE}
    parts = []
    for pipeline in dict.fromkeys(row.pipeline for row in rows):
        own = [row for row in rows if row.pipeline == pipeline and row.score in tuned and pipeline in FROM_TRAINED]
        if own and pipeline != FINE_TUNE:
            texts = [f"{differences.text(row, tuned[row.score])}{_with(row.score)}" for row in own]
            parts.append(f"{pipeline_title(pipeline)} {', '.join(texts)}")
    if parts:
        yield f"Points above fine-tuning with the same score, {AT[choice]}: {'; '.join(parts)}."


def control_sentences(best: list[Any], differences: Differences) -> Iterator[str]:
    """Each score against random filters in the same pipeline; then random filters at their best against fine-tuning."""
    random = {row.pipeline: row for row in best if row.score == RANDOM}
    ranked = [row for row in best if row.score not in ("", RANDOM) and row.pipeline in random]
    if not ranked:
        return
    texts = [f"{_title(row)} {differences.text(row, random[row.pipeline])}" for row in ranked]
    yield f"Points above random filters in the same pipeline: {'; '.join(texts)}."
    first = max(random.values(), key=lambda row: row.chosen)
    tuned = [row for row in ranked if row.pipeline == FINE_TUNE]
    if tuned and first.pipeline != FINE_TUNE:
        texts = [f"{differences.text(first, row)} above {_title(row)}" for row in tuned]
        yield f"Random filters in {pipeline_title(first.pipeline)}, their best pipeline: {', '.join(texts)}."


def method_sentence(rows: pd.DataFrame, tests: pd.DataFrame) -> str:
    """How they are compared, and what that cannot show."""
    pairs = int((tests["choice"] == BEST).sum())
    unequal = f" {UNEQUAL}: not known to train as many epochs after pruning." * (
        rows["epochs_trained"].nunique(dropna=False) > 1
    )
    return (
        f"Settings are chosen on other seeds than the {counted(int(rows['seeds'].max()), 'seed')} that compare. "
        f"Intervals: 95 %, each of one pair or mean alone. {SHOWN}: p under 5 % after Holm's correction over all pairs "
        f"of the study at that choice of settings, {pairs} of them here; losses at the base's setting: over all gains."
        f"{unequal} {scope_sentence(rows)}"
    )


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


def _with(score: str) -> str:
    return f" with {score}" if score else ""


def _setting(axes: Iterable[Axis], row: Any) -> str:
    return setting(axes, row._asdict())


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"
