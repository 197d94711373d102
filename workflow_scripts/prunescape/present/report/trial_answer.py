"""The answer of an experiment with a space: which hyperparameters matter, what to look at again after pruning."""

from collections.abc import Mapping

import pandas as pd

from prunescape.analysis.axes import BASE
from prunescape.analysis.factors.interactions import AGAIN, INCONCLUSIVE, LEVEL, STAY
from prunescape.analysis.landscape.chance import chance_tests
from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.trials import ALL
from prunescape.analysis.verdict.evidence import KEEP, RETUNE
from prunescape.present.factor_words import RESPONSES, in_words
from prunescape.present.labels import arm_title, capitalised, joined, variant_title
from prunescape.present.numbers import DASH, is_missing, number
from prunescape.present.report.answer import SIGNS, Answer, variants_table
from prunescape.present.report.factor_sentences import share
from prunescape.present.report.table import Columns, ExperimentResults, Table, make_table
from prunescape.present.report.target_sentences import fastest_sentences
from prunescape.present.summary import no_answer

Tables = Mapping[str, pd.DataFrame]
TOP1 = RESPONSES["top1"]
CLASSES = {AGAIN: RETUNE, STAY: KEEP, INCONCLUSIVE: INCONCLUSIVE}  # how a verdict on a hyperparameter looks


def trial_answer(results: ExperimentResults) -> Answer:
    """What is to look at again, which hyperparameters matter, what arms show, and one line per variant."""
    words = in_words(results.tables)
    lost = [f"{capitalised(text)}." for text in no_answer(chance_tests(results.cells))]
    found = [*again_sentences(words), *matter_sentences(words), *arm_sentences(results.tables)]
    sentences = [*lost, *(found or ["Inconclusive: too few trials to say which hyperparameters matter."])]
    tables = [_variants(results, words), matter_table(words)]
    return Answer([*sentences, *fastest_sentences(results.tables)], [table for table in tables if table.rows])


def again_sentences(words: Tables) -> list[str]:
    """What acts otherwise after pruning, over all pruned variants; empty where none was compared with the base."""
    rows = of_top1(words["interactions"])
    if rows.empty:
        return []
    again = _named(rows[rows["verdict"] == AGAIN], "other", rows["other"].nunique())
    every = rows.groupby("factor", sort=False)["verdict"].agg(lambda verdicts: set(verdicts))
    stay = [factor for factor, verdicts in every.items() if verdicts == {STAY}]
    open_ = [factor for factor, verdicts in every.items() if INCONCLUSIVE in verdicts and AGAIN not in verdicts]
    parts = [f"look again at {joined(again)}" if again else "nothing is shown to need a second look"]
    parts += [f"{joined(stay)} may stay"] if stay else []
    parts += [f"inconclusive: {joined(open_)}"] if open_ else []
    return [f"After pruning, {'; '.join(parts)}."]


def matter_sentences(words: Tables) -> list[str]:
    """Which hyperparameters are shown to change top-1."""
    tests = of_top1(words["factors"])
    if tests.empty:
        return []
    named = _named(tests[tests["p_holm"] < LEVEL], "by", tests["by"].nunique())
    return [f"Shown to change top-1: {joined(named)}." if named else "No hyperparameter is shown to change top-1."]


def arm_sentences(tables: Tables) -> list[str]:
    """Which hyperparameters cost accuracy when they stay at their default; empty where a design has one arm."""
    rows = tables["arm_comparisons"]
    rows = rows[(rows["property"] == "top1") & ~rows["control"].astype(bool) & rows["p"].notna()]
    rows = rows.drop_duplicates(["variant", "arm"])
    if rows.empty:
        return []
    count = rows["variant"].nunique()
    worse = rows[(rows["p_holm"] < LEVEL) & (rows["delta"] < 0)]
    named = _named(
        worse.assign(factor=worse["arm"].map(arm_title), by=worse["variant"].map(variant_title)), "by", count
    )
    what = f"the best models are less accurate: {joined(named)}" if named else "no best models are shown less accurate"
    return [f"Left at its default instead of searched (against the arm {ALL}), {what}."]


def matter_table(words: Tables) -> Table:
    """One line per hyperparameter: whether it is shown to change top-1, how much, and the verdict after pruning."""
    tests, importance, moved = (of_top1(words[name]) for name in ("factors", "importance", "interactions"))
    alone = importance[importance["other"].isna()]
    shares = {(row.by, row.factor): row.share for row in alone.itertuples()}
    known = {(row.by, row.factor): row for row in tests.itertuples()}
    verdicts = {(row.other, row.factor): row.verdict for row in moved.itertuples()}
    groups, others = (_in_order(table[name]) for table, name in ((tests, "by"), (moved, "other")))
    largest = {factor: max(shares.get((by, factor), 0) for by in groups) for factor in tests["factor"].unique()}
    factors = sorted(largest, key=largest.get, reverse=True)

    def changes(by: str) -> Columns:
        return {f"{by}": lambda factor: _changes(known.get((by, factor)), shares.get((by, factor)))}

    def after(other: str) -> Columns:
        return {f"{other} ": lambda factor: _signed(verdicts.get((other, factor)))}

    first: Columns = {"hyperparameter": lambda factor: factor}
    spans = [("", first), ("changes top-1 (share of variance)", _all(changes, groups))]
    spans += [("after pruning", _all(after, others))] if others else []
    notes = [
        "Changes: F test, 5 % after Holm; share of the variance by a random forest. After pruning: whether the "
        "hyperparameter acts otherwise than in the base (docs/factors.md)."
    ]
    table = make_table("Which hyperparameters matter", factors, spans, notes)
    marks = {}
    for row, factor in enumerate(factors):
        for place, other in enumerate(others):
            marks[row, 1 + len(groups) + place] = CLASSES.get(verdicts.get((other, factor)), "")
        for place, by in enumerate(groups):
            test = known.get((by, factor))
            marks[row, 1 + place] = "best" if test is not None and test.p_holm < LEVEL else ""
    return Table(**{**vars(table), "marks": {place: mark for place, mark in marks.items() if mark}})


def of_top1(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of factors about top-1."""
    return table[table["response"] == TOP1]


def _in_order(titles: pd.Series) -> list[str]:
    """Variants by their titles, in their usual order."""
    return sorted(titles.unique(), key=lambda title: variant_order(title.replace(" ", "-", 1)))


def _all(make, names: list[str]) -> Columns:
    return {head: shown for name in names for head, shown in make(name).items()}


def _changes(test, explained: float | None) -> str:
    if test is None:
        return DASH
    part = "" if is_missing(explained) else f" ({share(explained)})"
    return ("yes" if test.p_holm < LEVEL else "not shown") + part


def _signed(verdict: str | None) -> str:
    return DASH if verdict is None else f"{SIGNS[CLASSES[verdict]]} {verdict}"


def _named(rows: pd.DataFrame, column: str, most: int) -> list[str]:
    """`learning rate (base, uniform 0.5)`: each factor, with where it is so unless that is all of `most` places."""
    found = {factor: _in_order(part[column]) for factor, part in rows.groupby("factor", sort=False)}
    where = {factor: f" ({', '.join(names)})" if len(names) < most else "" for factor, names in found.items()}
    return [f"{factor}{place}" for factor, place in where.items()]


def _variants(results: ExperimentResults, words: Tables) -> Table:
    """The answer's line per variant: the best setting's accuracy, with fresh seeds where there are some."""
    best = results.tables["best_settings"]
    best = best[(best["place"] == 1) & best["score"].notna()]
    arm = ALL if (best["arm"] == ALL).any() else next(iter(best["arm"]), ALL)
    chosen = {row["variant"]: row for row in best[best["arm"] == arm].to_dict("records")}
    fresh = {
        (row["variant"], row["setting"]): row["top1"] for row in results.tables["confirmations"].to_dict("records")
    }
    again = of_top1(words["interactions"])
    again = again[again["verdict"] == AGAIN]

    def look(name: str) -> str:
        if name == BASE:
            return "reference"
        return ", ".join(again.loc[again["other"] == variant_title(name), "factor"]) or "nothing shown"

    def confirmed(name: str) -> str:
        return number(fresh.get((name, chosen[name]["setting"]))) if name in chosen else DASH

    shown: Columns = {"look again at": look, "with fresh seeds, %": confirmed}
    top1 = {name: row["top1"] for name, row in sorted(chosen.items(), key=lambda item: variant_order(item[0]))}
    return variants_table(results, top1, shown, "trial_tuning_cost", {})
