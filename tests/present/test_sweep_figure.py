"""The figure of cells that differ along one hyperparameter: its lines are the cells, its region that of the tables."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.analysis.read_cells import read_cells, scores
from prunescape.present.figures.folder import study_figures
from prunescape.present.figures.sweep_data import sweep_figure, swept_axis, without_insides
from prunescape.present.figures.sweep_drawings import draw_sweep_interactive, draw_sweep_static
from prunescape.present.study_terms import StudyTerms

RATES = np.array([-2.0, -1.5, -1.0, -0.5, 0.0])
TOP1 = {"base": [90.0, 97.2, 98.0, 96.0, 10.0], "uniform-0.5-fine_tune": [95.0, 95.5, 96.0, 96.5, 97.0]}
PRIOR = {"log10_wd": -3.0, "log10_lr": -1.0}
X = 1.0  # percentage points


@pytest.fixture
def cells(tmp_path) -> pd.DataFrame:
    """Two variants over the learning rate alone; the base's highest one diverged. In no order."""
    frames = [pd.DataFrame({"variant": name, "log10_lr": RATES, "top1": top1}) for name, top1 in TOP1.items()]
    frame = pd.concat(frames, ignore_index=True).assign(log10_wd=-3.0, model="m", dataset="d", seed=0, classes=10)
    frame["status"] = np.where(frame["top1"] == 10.0, "diverged", "ok")
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "cells.parquet")
    return scores(read_cells(tmp_path / "cells.parquet", partial=True), AXES)


@pytest.fixture
def figure(cells):
    return sweep_figure(cells, AXES, X, PRIOR, (0,))


def test_cells_along_one_axis_are_a_sweep_and_others_are_not(cells):
    assert swept_axis(cells, AXES).name == "log10_lr"
    assert swept_axis(cells[cells["log10_lr"] == -1.0], AXES) is None
    assert swept_axis(pd.concat([cells, cells.assign(log10_wd=-4.0)]), AXES) is None


def test_lines_are_the_cells_and_filled_marks_the_region_of_the_tables(cells, figure):
    members = regions(cells, AXES, (X,))
    for sweep in figure.sweeps:
        assert sweep.values.tolist() == RATES.tolist() and sweep.scores.tolist() == TOP1[sweep.variant]
        expected = sorted(members.loc[members["variant"] == sweep.variant, "log10_lr"])
        assert sweep.values[sweep.inside].tolist() == expected
    base, tuned = figure.sweeps
    assert base.values[base.best] == -1.0 and tuned.values[tuned.best] == 0.0
    assert base.diverged.tolist() == [False] * 4 + [True]
    assert tuned.title == "uniform 0.5\n(fine-tune)\nbest 97.00 %"


def test_the_vertical_axis_leaves_out_what_is_far_below_and_says_how_much(figure):
    low, high = figure.span_y
    assert 77 <= low < 78 and 98 < high < 99.1
    assert "1 cell more than 20 points below the best of all: not drawn." in figure.caption


def test_a_variant_that_learnt_nothing_has_no_region(figure):
    base, tuned = without_insides(figure, ["base"]).sweeps
    assert not base.inside.any() and tuned.inside.any()


def test_both_drawings_show_every_variant_with_its_cells(figure):
    page = draw_sweep_static(figure)
    titles = [axes.get_title() for axes in page.axes]
    assert titles == [sweep.title for sweep in figure.sweeps]
    drawn = [trace for trace in draw_sweep_interactive(figure).data if trace.mode == "lines" and trace.x[0] is not None]
    assert [list(trace.y) for trace in drawn] == [TOP1["base"], TOP1["base"], TOP1["uniform-0.5-fine_tune"]]
    named = {trace.name for trace in draw_sweep_interactive(figure).data if trace.name}
    assert named == {"best cell", "1.0-ROI", "other cells", "diverged", "base"}


def test_the_study_shows_it_in_place_of_the_landscape(cells):
    roi = regions(cells, AXES, (X,))
    shown = study_figures({"m / d": cells}, roi, ellipses(roi, cells, AXES), StudyTerms.of({}))
    kinds = [figure.kind for figure, _ in shown]
    assert "sweep" in kinds and "landscape" not in kinds and "grid" in kinds
