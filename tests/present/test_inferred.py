"""Figures, tables and sentences about a landscape of which a share was trained."""

import re

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse_study
from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.present.figures.folder import draw_figures, study_figures
from prunescape.present.figures.inferred_surface import NOT_INFERRED, InferredFigure
from prunescape.present.figures.matplotlib_landscape import draw_landscape_static
from prunescape.present.figures.plotly_landscape import draw_landscape_interactive
from prunescape.present.report.page import write_report
from prunescape.present.study_terms import StudyTerms
from prunescape.store.files import read_json
from support.analysed import study_terms
from support.surfaces import cells, grid

NAMES = ("base", "uniform-0.5", "uniform-0.25")
GRID = {name: sorted(grid()[name].unique().tolist()) for name in AXES.names}
PLAN = {"model": "m", "dataset": "d", "variants": list(NAMES), "seeds": [0], "recipe": {}, "grid": GRID}
PLAN |= {"prior": {"log10_lr": 0.0, "log10_wd": 0.0}, "design": {"kind": "adaptive", "share": 0.34}}
STUDY = {"study": "s", "experiments": {"e": PLAN}}
DRAWN = ("roi", "ellipses", "inferred_roi", "inferred_ellipses")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A third of a grid of three variants, of which the last has no form: analysed, drawn and reported."""
    folder = tmp_path_factory.mktemp("share")
    frame = cells(variants=NAMES)
    last = frame["variant"] == NAMES[-1]
    frame.loc[last, "score"] = np.random.default_rng(4).permutation(np.repeat([60.0, 91.0, 91.1], 9))
    frame = frame.rename(columns={"score": "top1"}).assign(experiment="e", model="m", dataset="d", seed=0, status="ok")
    frame.to_parquet(folder / "cells.parquet")
    terms = study_terms(e=AXES.names)
    terms["experiments"]["e"]["grid"] = GRID
    analyse_study(folder / "cells.parquet", terms, folder)
    drawn = {name: folder / f"{name}.parquet" for name in DRAWN}
    draw_figures(STUDY, cells=folder / "cells.parquet", **drawn, out=folder / "figures")
    page = {"figures": folder / "figures", "missing": [], "unmeasured": [], "out": folder / "report.html"}
    write_report(STUDY, folder, **page)
    return folder


def figures_of(folder, study) -> list:
    terms = StudyTerms.of(study)
    tables = {name: terms.read(name, folder / f"{name}.parquet") for name in DRAWN}
    inferred = tables.pop("inferred_roi"), tables.pop("inferred_ellipses")
    scores = terms.scores(terms.read_cells(folder / "cells.parquet"))
    return [figure for figure, _ in study_figures(scores, **tables, terms=terms, inferred=inferred)]


def test_panels_show_the_inferred_surface_and_the_cells_it_rests_on(folder):
    figure = figures_of(folder, STUDY)[0]
    assert isinstance(figure, InferredFigure) and figure.title.endswith("partly inferred")
    (shown,) = figure.landscapes
    roi = pd.read_parquet(folder / "inferred_roi.parquet").query("threshold == 1")
    shapes = pd.read_parquet(folder / "inferred_ellipses.parquet").set_index(["variant", "threshold"])
    for panel in shown.panels[:2]:
        own = roi[roi["variant"] == panel.variant].set_index(["log10_lr", "log10_wd"])
        assert len(panel.score) == 27 and panel.surface.shape == panel.reach.shape == (61, 61)
        middle = own.loc[(0.0, 0.0)]
        assert panel.surface[30, 30] == pytest.approx(middle["inferred"], abs=1e-4)
        assert panel.reach[30, 30] == pytest.approx(middle["high"] - middle["inferred"], abs=1e-4)
        endless = own["low"].to_numpy() <= 0
        assert panel.pale[30, 30] == (middle["low"] <= 0) and panel.pale.max() == endless.max()
        x, y = panel.outlines[1.0]
        shape = shapes.loc[(panel.variant, 1.0)]
        assert np.hypot(np.ptp(x), np.ptp(y)) == pytest.approx(np.hypot(shape["length"], shape["width"]), rel=1e-3)
    last = shown.panels[2]
    assert last.reach is None and figure.panel_title(last).endswith(NOT_INFERRED)
    assert shown.shades.floor <= roi["inferred"].max() <= shown.shades.ceiling


def test_a_grid_that_was_trained_whole_keeps_its_figure(folder):
    study = {"study": "s", "experiments": {"e": {name: value for name, value in PLAN.items() if name != "design"}}}
    figure = figures_of(folder, study)[0]
    assert not figure.inferred and all(panel.reach is None for panel in figure.landscapes[0].panels)


def test_both_drawings_show_how_unsure_the_surface_is(folder):
    figure, unsure = figures_of(folder, STUDY)[:2]
    assert unsure.name == f"{figure.name}-unsure" and "95 % interval" in unsure.caption
    labels = [[axes.get_ylabel() for axes in draw_landscape_static(shown).axes] for shown in (figure, unsure)]
    assert "top-1 accuracy, %" in labels[0] and "may be better by, points" in labels[1]
    drawn = [draw_landscape_interactive(shown) for shown in (figure, unsure)]
    bars = [page.layout.coloraxis.colorbar.title.text for page in drawn]
    assert bars == ["top-1, %", "may be better by, points"]
    counts = [sum(trace.type == "contour" and trace.name != "pale" for trace in page.data) for page in drawn]
    assert counts == [3, 2], "every surface, and how unsure the two inferred ones are"


def test_the_report_says_what_was_trained_inferred_and_refused(folder):
    page = re.sub(r"\s+", " ", (folder / "report.html").read_text())
    assert "A share of the grid was trained: 27 of its 81 settings for each variant." in page
    assert "over these trained settings, not over the grid" in page
    assert re.search(
        r"allows, but for uniform 0\.25 \(predicted from all others, \d+% of its 27 trained settings", page
    )
    assert "an isolated peak between the trained ones is seen neither by the inferred surface nor by its check" in page
    assert "Inferred and trained, top-1" in page and "kind adaptive; share 0.34" in page
    risk = pd.read_parquet(folder / "inferred_risk.parquet").set_index("variant").loc["uniform-0.5"]
    assert f"{risk.d_low:.2f} to {risk.d_high:.2f}" in page
    index = read_json(folder / "figures/figures.json", "figures")["figures"]
    assert "dots are its cells, all else is inferred" in index[0]["caption"]
