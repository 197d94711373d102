"""What figures show, and that both drawings of them are whole, repeatable and free of the network."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from draw_figures import draw_figures
from estimate_risk import estimate_risk
from map_landscapes import map_landscapes
from prunescape.figures.landscape_data import colour_range, landscape_figure, surface
from prunescape.figures.plotly_landscape import draw_landscape
from prunescape.figures.risk_data import risk_figure
from prunescape.landscape.ellipse import ellipses
from prunescape.landscape.risk import risk_points
from prunescape.landscape.roi import regions
from prunescape.landscape.table import read_cells, scores

PEAKS = {"base": 98.0, "uniform-0.5": 97.0, "nonuniform-0.25": 80.0}
STUDY = {"experiments": {"d-m": {"prior": {"log10_lr": "-1.0", "log10_wd": -3.0}}}}


def band(**columns) -> pd.DataFrame:
    """Three variants on 5 x 5: a diagonal band, worse with the distance from it; one corner diverged."""
    wd, lr = (part.ravel() for part in np.meshgrid(np.arange(-5.0, 0), np.arange(-3.0, 2)))
    far = np.abs(wd + lr + 4)
    parts = [
        pd.DataFrame({"variant": name, "log10_wd": wd, "log10_lr": lr, "top1": peak - 0.3 * far**2 - 0.05 * lr**2})
        for name, peak in PEAKS.items()
    ]
    frame = pd.concat(parts, ignore_index=True).assign(model="m", dataset="d", seed=0, status="ok", classes=10)
    frame.loc[(frame["log10_wd"] == -1) & (frame["log10_lr"] == 1), ["status", "top1"]] = ["diverged", 10.0]
    return frame.assign(**columns)


@pytest.fixture
def landscapes(tmp_path) -> pd.DataFrame:
    band().to_csv(tmp_path / "cells.csv", index=False)
    return scores(read_cells(tmp_path / "cells.csv"))


@pytest.fixture
def landscape(landscapes):
    return landscape_figure(landscapes, ellipses(regions(landscapes), landscapes), (-3.0, -1.0))


def test_colour_bar_is_the_top_15_percent_of_all_cells_unless_a_variant_had_no_colour(landscapes):
    near = landscapes[landscapes["variant"] != "nonuniform-0.25"]
    lifted = near.assign(score=near["score"].where(near["variant"] == "base", near["score"] + 1))
    floor, ceiling = colour_range(lifted)
    assert ceiling == lifted["score"].max()
    assert floor == min(np.percentile(lifted["score"], 85), lifted["score"].max() - 1)
    assert colour_range(landscapes)[0] == pytest.approx(PEAKS["nonuniform-0.25"] - 1)


def test_panels_hold_every_cell_and_its_best(landscape):
    assert [panel.variant for panel in landscape.panels] == ["base", "uniform-0.5", "nonuniform-0.25"]
    for panel in landscape.panels:
        assert (len(panel.score), panel.diverged.sum()) == (25, 1)
        assert panel.best == (-4.0, 0.0, PEAKS[panel.variant])
        assert set(panel.outlines) == {0.5, 1.0}
    assert landscape.span_wd[0] < -5 and landscape.span_wd[1] > -1


def test_surface_repeats_a_plane_inside_the_hull_and_is_blank_outside():
    wd, lr = np.array([-4.0, -2.0, -4.0, -2.0]), np.array([-2.0, -2.0, 0.0, 0.0])
    kept = pd.DataFrame({"log10_wd": wd, "log10_lr": lr, "score": 90 + wd + 2 * lr})
    x, y = np.linspace(-5, -2, 7), np.linspace(-2, 0, 5)
    height = surface(kept, x, y)
    assert np.isnan(height[:, x < -4]).all()
    inside = np.add.outer(90 + 2 * y, x[x >= -4])
    np.testing.assert_allclose(height[:, x >= -4], inside, atol=1e-4)
    assert surface(kept.iloc[:2], x, y) is None
    assert surface(kept.iloc[:0], x, y) is None


def test_risk_boxes_are_numpys_quartiles_and_tukeys_whiskers(landscapes):
    figure = risk_figure(risk_points(landscapes, regions(landscapes)))
    for box in figure.absolute:
        assert [box.q1, box.median, box.q3] == np.percentile(box.values, [25, 50, 75]).tolist()
        inside = box.values[box.values <= box.q3 + 1.5 * (box.q3 - box.q1)]
        assert box.high == max(inside.max(), box.q3)
        assert box.mean == pytest.approx(box.values.mean())
    relative = [box.values for box in figure.relative]
    for values, box in zip(relative, figure.absolute, strict=True):
        np.testing.assert_allclose(values, 100 * box.values / PEAKS[box.variant])


def test_a_diverged_setting_does_not_flatten_the_boxes(landscapes):
    points = risk_points(landscapes, regions(landscapes))
    before = risk_figure(points).limits[0]
    points.loc[points.index[-1], "d"] = 80.0
    figure = risk_figure(points)
    assert figure.limits[0] <= 3 * before
    assert max(box.values.max() for box in figure.absolute) == 80.0


def test_interactive_figure_shows_the_data_it_was_given(landscape):
    page = draw_landscape(landscape)
    cells = [trace for trace in page.data if trace.name == "cell"]
    assert len(cells) == len(PEAKS)
    kept = landscape.panels[0].score >= landscape.floor
    assert list(cells[0].marker.color) == landscape.panels[0].score[kept].tolist()
    assert [trace.zmin for trace in page.data if trace.type == "contour"] == [landscape.floor] * 3
    assert page.layout.coloraxis.cmin == landscape.floor


def draw(folder, frame):
    folder.mkdir()
    frame.to_parquet(folder / "cells.parquet")
    tables = {name: folder / f"{name}.parquet" for name in ("roi", "ellipses", "risk")}
    map_landscapes(
        folder / "cells.parquet",
        roi=tables["roi"],
        roi_csv=folder / "roi.csv",
        ellipses_parquet=tables["ellipses"],
        ellipses_csv=folder / "ellipses.csv",
    )
    estimate_risk(folder / "cells.parquet", parquet=tables["risk"], csv=folder / "risk.csv")
    out = folder / "figures"
    draw_figures(STUDY, cells=folder / "cells.parquet", roi=tables["roi"], ellipses=tables["ellipses"], out=out)
    return out


def test_folder_holds_every_figure_thrice_and_again_the_same_bytes(tmp_path):
    folders = [draw(tmp_path / name, band(top5=99.0).query("variant == 'base'")) for name in ("one", "two")]
    figures = json.loads((folders[0] / "figures.json").read_text())["figures"]
    kinds = {(figure["kind"], figure["metric"]) for figure in figures}
    assert kinds == {(kind, metric) for kind in ("landscape", "risk") for metric in ("top1", "top5")}
    for figure in figures:
        for kind in ("html", "svg", "pdf", "fragment.html"):
            files = [folder / f"{figure['name']}.{kind}" for folder in folders]
            assert files[0].read_bytes() == files[1].read_bytes()
        assert ElementTree.parse(files[0].with_name(f"{figure['name']}.svg")).getroot().tag.endswith("svg")
        page = (folders[0] / f"{figure['name']}.html").read_text()
        assert re.findall(r'src="([^"]*)"', page) == ["plotly.min.js"]


def test_flat_small_and_absent_landscapes_are_drawn_too(tmp_path):
    flat = band(top1=10.0, status="diverged")
    single = band().query("log10_wd == -3 and log10_lr == -1")
    pruned_only = band().query("variant != 'base'")
    names = {}
    for name, frame in {"flat": flat, "single": single, "pruned": pruned_only, "none": band().iloc[:0]}.items():
        index = json.loads((draw(tmp_path / name, frame) / "figures.json").read_text())
        names[name] = [figure["kind"] for figure in index["figures"]]
    assert names == {
        "flat": ["landscape", "risk"],
        "single": ["landscape", "risk"],
        "pruned": ["landscape"],
        "none": [],
    }
