"""The figure of accuracy against cost: its data by hand, both drawings against that data, its files and index."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from prunescape.analysis.cost.pareto import pareto
from prunescape.present.figures.folder import OPEN, write_figures
from prunescape.present.figures.pareto import draw_pareto_interactive, draw_pareto_static, pareto_figures
from support.measurements import entry, measured, three_models


def figures():
    return pareto_figures(pareto(measured(*three_models())))


def test_the_figure_shows_models_by_cost_and_the_stairs_of_the_front():
    (figure,) = figures()
    latency, size = figure.panels
    assert (figure.experiment, figure.target, figure.name) == ("e", "t", "pareto-e-t")
    assert latency.names == ["uniform 0.5", "nonuniform 0.5", "base"] and latency.cost.tolist() == [2, 3, 4]
    assert latency.front.tolist() == [True, False, True] and latency.base.tolist() == [False, False, True]
    assert [part.tolist() for part in latency.stairs] == [[2, 4, 4], [97, 97, 98]]
    assert size.title == "file, kB" and size.cost.tolist() == [100, 200, 300] and size.front.all()
    assert latency.error == pytest.approx(100 * np.sqrt(latency.top1 / 100 * (1 - latency.top1 / 100) / 600))


def test_energy_has_a_panel_where_it_is_known_and_wide_costs_a_log_axis():
    rows = [entry("base", 100.0, energy_j=0.004, energy_source="measured"), entry("uniform-0.5", 1.0)]
    (figure,) = pareto_figures(pareto(measured(*rows)))
    assert [panel.title for panel in figure.panels][-1] == "energy, mJ per image"
    assert figure.panels[-1].cost.tolist() == [4.0]
    assert [panel.axis for panel in figure.panels][:2] == ["log", "linear"]


def test_both_drawings_show_that_data():
    (figure,) = figures()
    page, printed = draw_pareto_interactive(figure), draw_pareto_static(figure)
    dots = [trace for trace in page.data if "markers" in trace.mode]
    for panel, trace, axes in zip(figure.panels, dots, printed.axes, strict=True):
        assert list(trace.x) == panel.cost.tolist() and list(trace.y) == panel.top1.tolist()
        parts = [part for part in axes.collections if isinstance(part, PathCollection)]
        drawn = np.concatenate([part.get_offsets() for part in parts])
        drawn = {tuple(dot) for dot in drawn.tolist()}
        assert set(zip(panel.cost.tolist(), panel.top1.tolist(), strict=True)) == drawn
        assert axes.get_xlabel() == panel.title


def test_names_that_would_overlap_are_left_to_the_table():
    (figure,) = figures()
    assert figure.panels[0].labels == ["uniform 0.5", "", "base"] and "table" not in figure.caption
    long = [replace(panel, names=[f"{name} {'x' * 40}" for name in panel.names]) for panel in figure.panels]
    unnamed = replace(figure, panels=long)
    assert not any(unnamed.panels[0].labels) and unnamed.caption.endswith("The table pareto names the models.")
    assert not draw_pareto_static(unnamed).axes[0].texts


def test_the_folder_holds_its_files_and_names_it(tmp_path):
    write_figures([(figure, OPEN) for figure in figures()], tmp_path)
    (known,) = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert (known["kind"], known["experiment"]) == ("pareto", "e")
    for kind in ("html", "fragment.html", "svg", "pdf"):
        assert (tmp_path / f"pareto-e-t.{kind}").stat().st_size > 1000


def test_no_target_no_figure():
    assert pareto_figures(pareto(measured(entry()).iloc[:0])) == []
