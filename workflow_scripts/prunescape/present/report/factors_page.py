"""The page of `prunescape factors`: words, a figure and tables per response, and what to look at again."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.factor_tables import FactorAnalysis
from prunescape.present.figures.folder import INDEX, LIBRARY
from prunescape.present.labels import joined, level_title
from prunescape.present.numbers import DASH, whole
from prunescape.present.report.factor_sentences import amount, interaction_texts, paragraphs, rows_of, share
from prunescape.present.report.page import placed_figures, read_drawing, render
from prunescape.present.report.table import Columns, Table, make_table, p_value
from prunescape.store.files import read_json, whole_file

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


def write_factors_page(analysis: FactorAnalysis, *, figures: Path, out: Path | str) -> None:
    """Write the page to `out`; `figures` is the folder with the analysis' figures."""
    runs, tables, out = analysis.runs, analysis.tables, Path(out)
    index = read_json(figures / INDEX, "figures", "files")
    drawn = placed_figures(index, figures, out)
    sections = [
        {
            "title": each.response + f", {each.by}" * bool(each.by),
            "text": each.text,
            "figures": drawn.get(f"{each.by}|{each.response}", []),
            "tables": response_tables(tables, each.by, each.response),
        }
        for each in paragraphs(tables)
    ]
    moved = tables["interactions"]
    content = {
        "name": runs.path.name,
        "responses": joined(list(runs.question.responses)),
        "factors": joined([factor.name for factor in runs.factors]),
        "sections": sections,
        "interactions": interaction_texts(tables),
        "with_": joined(list(dict.fromkeys(moved["with"]))) if len(moved) else "",
        "interaction_tables": [make_table("Interactions", moved.itertuples(), INTERACTIONS, [])] if len(moved) else [],
        "setup": [("rows", whole(len(runs.frame))), *((each.name, factor_text(each)) for each in runs.factors)],
        "notes": analysis.notes,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "plotly": read_drawing(index, figures, LIBRARY),
    }
    with whole_file(out) as temporary:
        temporary.write_text(render("factors.html.j2", content), encoding="utf-8")


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


def factor_text(factor: Factor) -> str:
    """`categorical: adam, sgd; reference sgd`, or `continuous, 0 to 0.5`."""
    if factor.continuous:
        return f"{factor.kind}, {amount(factor.low)} to {amount(factor.high)}"
    shown = ", ".join(factor.levels[:12]) + ", ..." * (len(factor.levels) > 12)
    return f"{factor.kind}: {shown}; reference {factor.reference}"
