"""The page of `prunescape factors`: words, a figure and tables per response, and what to look at again."""

from datetime import UTC, datetime
from pathlib import Path

from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.factor_tables import FactorAnalysis
from prunescape.present.figures.figure import INDEX, LIBRARY
from prunescape.present.labels import joined
from prunescape.present.numbers import whole
from prunescape.present.report.factor_sentences import amount, interaction_texts, paragraphs
from prunescape.present.report.factor_tables import interaction_tables, response_tables
from prunescape.present.report.page import placed_figures, read_drawing, render
from prunescape.store.files import read_json, whole_file


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
        "interaction_tables": interaction_tables(tables),
        "setup": [("rows", whole(len(runs.frame))), *((each.name, factor_text(each)) for each in runs.factors)],
        "notes": analysis.notes,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "plotly": read_drawing(index, figures, LIBRARY),
    }
    with whole_file(out) as temporary:
        temporary.write_text(render("factors.html.j2", content), encoding="utf-8")


def factor_text(factor: Factor) -> str:
    """`categorical: adam, sgd; reference sgd`, or `continuous, 0 to 0.5`."""
    if factor.continuous:
        return f"{factor.kind}, {amount(factor.low)} to {amount(factor.high)}"
    shown = ", ".join(factor.levels[:12]) + ", ..." * (len(factor.levels) > 12)
    return f"{factor.kind}: {shown}; reference {factor.reference}"
