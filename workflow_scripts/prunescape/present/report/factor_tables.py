"""Tables on a page about factors: F tests, effects, importance, interactions."""

import pandas as pd

from prunescape.present.labels import level_title
from prunescape.present.numbers import DASH
from prunescape.present.report.factor_sentences import amount, rows_of, share
from prunescape.present.report.table import Columns, Table, make_table, p_value

MOST_ROWS = 20  # of a table of importance; the file has all


def _interval(row) -> str:
    return f"{amount(row.low)} to {amount(row.high)}"


F_TEST: Columns = {
    "df": "df",
    "F": lambda row: amount(row.f),
    "p": lambda row: p_value(row.p),
    "p, Holm": lambda row: p_value(row.p_holm),
    "partial η²": ("partial_eta2", 3),
}
FACTORS: Columns = {"factor": "factor", "kind": "kind", **F_TEST}
EFFECTS: Columns = {
    "factor": "factor",
    "level": lambda row: level_title(row.level),
    "reference": lambda row: level_title(row.reference),
    "difference": lambda row: amount(row.estimate),
    "95 % interval": _interval,
}
IMPORTANCE: Columns = {
    "factor": "factor",
    "with": lambda row: DASH if pd.isna(row.other) else row.other,
    "share": lambda row: share(row.share),
    "95 % interval": lambda row: f"{share(row.low)} to {share(row.high)}",
}
INTERACTIONS: Columns = {
    "response": lambda row: row.response + f", {row.by}" * bool(row.by),
    "level": "other",
    "factor": "factor",
    "settings": "n",
    **F_TEST,
    "largest change": lambda row: amount(row.largest),
    "95 % bound": lambda row: amount(row.bound),
    "margin": lambda row: amount(row.margin),
    "verdict": "verdict",
}


def response_tables(tables: dict[str, pd.DataFrame], by: str, response: str) -> list[Table]:
    """F tests, effects and the largest shares of one response in one group; none where nothing was tested."""
    tests, effects, importance = (rows_of(tables[name], by, response) for name in ("factors", "effects", "importance"))
    if tests.empty:
        return []
    largest = importance.nlargest(MOST_ROWS, "share")
    evaluator = [f"By {importance['evaluator'].iloc[0]}."]
    if len(importance) > MOST_ROWS:
        evaluator.append(f"The {MOST_ROWS} largest of {len(importance)}; the others are in importance.csv.")
    return [
        make_table("F tests", tests.itertuples(), FACTORS, []),
        make_table("Effects", effects.itertuples(), EFFECTS, []),
        make_table("Importance", largest.itertuples(), IMPORTANCE, evaluator),
    ]


def interaction_tables(tables: dict[str, pd.DataFrame]) -> list[Table]:
    """The one table of interactions; none without any."""
    moved = tables["interactions"]
    return [make_table("Interactions", moved.itertuples(), INTERACTIONS, [])] if len(moved) else []


def factor_tables(tables: dict[str, pd.DataFrame]) -> list[Table]:
    """What the report of a study shows: interactions, and F tests of every response and variant."""
    tests = tables["factors"]
    groups: Columns = {"response": "response", "rows": "by", **FACTORS}
    shown = [make_table("F tests of hyperparameters", tests.itertuples(), groups, [])] if len(tests) else []
    return [*interaction_tables(tables), *shown]
