"""The folder of a study's figures: every figure as HTML, SVG and PDF, and an index of them. Needs both drawers."""

from __future__ import annotations

from pathlib import Path

import matplotlib

from prunescape.cost.pareto import PARETO_COLUMNS
from prunescape.figures import (
    matplotlib_landscape,
    matplotlib_pareto,
    matplotlib_risk,
    plotly_landscape,
    plotly_pareto,
    plotly_risk,
)
from prunescape.figures.landscape_data import LandscapeFigure, landscape_figure
from prunescape.figures.pareto_data import ParetoFigure, pareto_figures
from prunescape.figures.risk_data import RiskFigure, risk_figure
from prunescape.files import whole_file, write_json
from prunescape.landscape.ellipse import ELLIPSE_COLUMNS
from prunescape.landscape.result import read_result
from prunescape.landscape.risk import risk_points
from prunescape.landscape.roi import ROI_COLUMNS
from prunescape.landscape.table import read_cells, scores

LIBRARY = "plotly.min.js"
INDEX = "figures.json"
SELECT = ["experiment", "metric", "seed"]
# fixed salt and no dates: the same figure gives the same bytes
STATIC_STYLE = {"svg.hashsalt": "prunescape", "pdf.fonttype": 42, "font.size": 9.5, "axes.labelsize": 9}
INTERACTIVE = {
    "landscape": plotly_landscape.draw_landscape,
    "pareto": plotly_pareto.draw_pareto,
    "risk": plotly_risk.draw_risk,
}
STATIC = {
    "landscape": matplotlib_landscape.draw_landscape,
    "pareto": matplotlib_pareto.draw_pareto,
    "risk": matplotlib_risk.draw_risk,
}
METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def draw_figures(
    study: dict,
    *,
    cells: Path | str,
    roi: Path | str,
    ellipses: Path | str,
    out: Path | str,
    pareto: Path | str | None = None,
) -> None:
    """Write every figure of whatever cells exist into the folder `out`, and the fronts where `pareto` holds them.

    Raises InputError for unusable tables.
    """
    landscapes = scores(read_cells(cells, partial=True))
    points = risk_points(landscapes, read_result(roi, ROI_COLUMNS))
    fronts = pareto_figures(read_result(pareto, PARETO_COLUMNS)) if pareto else []
    write_figures(study_figures(landscapes, read_result(ellipses, ELLIPSE_COLUMNS), points, study) + fronts, out)


def study_figures(scores, ellipses, points, study: dict) -> list[LandscapeFigure | RiskFigure]:
    """A landscape and a risk figure for every experiment, metric and seed that has the rows for it."""
    figures: list = []
    for key, rows in scores.groupby(SELECT, sort=True):
        prior = study.get("experiments", {}).get(key[0], {}).get("prior")
        at = None if prior is None else (float(prior["log10_wd"]), float(prior["log10_lr"]))
        figures.append(landscape_figure(rows, _of(ellipses, key), at))
        if len(risks := _of(points, key)):
            figures.append(risk_figure(risks))
    return figures


def _of(table, key: tuple):
    return table[(table[SELECT] == list(key)).all(axis=1)]


def write_figures(figures: list[LandscapeFigure | RiskFigure | ParetoFigure], out: Path | str) -> None:
    """Write NAME.html, .svg, .pdf and .fragment.html (for the report) of each figure, plotly.js once, and the index."""
    from plotly.offline import get_plotlyjs

    out = Path(out)
    with whole_file(out / LIBRARY) as temporary:
        temporary.write_text(get_plotlyjs(), encoding="utf-8")
    for figure in figures:
        _write_interactive(figure, out)
        _write_static(figure, out)
    write_json(out / INDEX, {"figures": [_entry(figure) for figure in figures]})


def _kind(figure) -> str:
    if isinstance(figure, ParetoFigure):
        return figure.kind
    return "landscape" if isinstance(figure, LandscapeFigure) else "risk"


def _entry(figure) -> dict:
    named = {name: getattr(figure, name) for name in ("name", "title", "caption", "experiment", "metric", "seed")}
    return {**named, "kind": _kind(figure)}


def _write_interactive(figure, out: Path) -> None:
    page = INTERACTIVE[_kind(figure)](figure)
    options = {"div_id": figure.name, "config": {"displaylogo": False, "responsive": True}}
    with whole_file(out / f"{figure.name}.fragment.html") as temporary:
        temporary.write_text(page.to_html(full_html=False, include_plotlyjs=False, **options), encoding="utf-8")
    page.update_layout(title={"text": figure.title, "x": 0.5, "y": 0.97}, margin_t=104)
    with whole_file(out / f"{figure.name}.html") as temporary:
        temporary.write_text(page.to_html(include_plotlyjs=LIBRARY, **options), encoding="utf-8")


def _write_static(figure, out: Path) -> None:
    with matplotlib.rc_context(STATIC_STYLE):
        page = STATIC[_kind(figure)](figure)
        for kind, metadata in METADATA.items():
            with whole_file(out / f"{figure.name}.{kind}") as temporary:
                page.savefig(temporary, format=kind, metadata=metadata)
