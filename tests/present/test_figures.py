"""What figures show, and that both drawings of them are whole, repeatable and free of the network."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.analysis.landscape.risk import risk, risk_points
from prunescape.analysis.read_cells import mean_scores, read_cells, scores
from prunescape.present.figures.folder import DRAWINGS, study_figures, write_figures
from prunescape.present.figures.grid_data import NO_CELL, grid_figure
from prunescape.present.figures.grid_drawings import draw_grid_interactive, draw_grid_static
from prunescape.present.figures.landscape_data import landscape_figure, with_ellipses
from prunescape.present.figures.matplotlib_landscape import draw_landscape_static
from prunescape.present.figures.plane import profile, surface
from prunescape.present.figures.plotly_landscape import draw_landscape_interactive
from prunescape.present.figures.risk_data import risk_figure
from prunescape.present.figures.risk_drawings import draw_risk_interactive, draw_risk_static
from prunescape.present.figures.shades import shades_of
from prunescape.present.figures.style import BELOW, DOUBLE, is_dark, roi_colours, variant_colour
from prunescape.present.study_terms import StudyTerms
from prunescape.store.files import read_json
from support.drawn_figures import STUDY, draw
from support.landscapes import landscape as table_of

THRESHOLDS = (0.5, 1.0)
PRIOR = {"log10_wd": -3.0, "log10_lr": -1.0}
PEAKS = {"base": 98.0, "uniform-0.5": 97.0, "nonuniform-0.25": 80.0}


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


def scores_of(folder, frame) -> pd.DataFrame:
    frame.to_parquet(folder / "cells.parquet")
    return scores(read_cells(folder / "cells.parquet", partial=True), AXES)


def seeds_of(folder, *seeds) -> pd.DataFrame:
    """The band with another noise for each seed."""
    rng = np.random.default_rng(0)
    frames = [band(seed=seed) for seed in seeds]
    for frame in frames:
        frame["top1"] += rng.uniform(0, 0.3, len(frame)) * (frame["status"] == "ok")
    return scores_of(folder, pd.concat(frames))


def regions_of(landscapes, axes=AXES) -> pd.DataFrame:
    return regions(landscapes, axes, THRESHOLDS)


def shapes_of(landscapes, axes=AXES) -> pd.DataFrame:
    return ellipses(regions_of(landscapes, axes), landscapes, axes)


def figure_of(landscapes, seeds=(0,)):
    return landscape_figure(landscapes, shapes_of(landscapes), AXES, PRIOR, seeds)


def grid_of(landscapes, prior=None):
    return grid_figure(landscapes, AXES, THRESHOLDS, prior, (0,))


def risks_of(landscapes) -> pd.DataFrame:
    return risk_points(landscapes, regions_of(landscapes), AXES, 0.5)


def risk_figure_of(points, **options):
    return risk_figure(points, dict.fromkeys(points["experiment"], AXES), 0.5, **options)


def study_figures_of(table, study=STUDY):
    """All figures of landscapes that share their axes."""
    landscapes = dict(iter(table.groupby("experiment")))
    return study_figures(landscapes, regions_of(table), shapes_of(table), StudyTerms.of(study))


@pytest.fixture
def landscapes(tmp_path) -> pd.DataFrame:
    return scores_of(tmp_path, band())


@pytest.fixture
def landscape(landscapes):
    return figure_of(landscapes)


def test_two_thirds_of_the_cells_and_the_region_of_every_variant_have_a_colour(landscapes):
    for rows in (landscapes, landscapes[landscapes["variant"] != "nonuniform-0.25"]):
        shades = shades_of(rows, AXES, THRESHOLDS)
        worst = min(rows.groupby("variant")["score"].max())
        assert shades.ceiling >= rows["score"].max() > shades.ceiling - 0.25
        assert np.mean(rows["score"] >= shades.floor) >= 2 / 3 and shades.floor <= worst - 1
        higher = shades.levels[1]
        assert np.mean(rows["score"] >= higher) < 2 / 3 or higher > worst - 1 or shades.steps == 4, (
            "no lower than needed"
        )


def test_panels_hold_every_cell_and_its_best(landscape):
    (shown,) = landscape.landscapes
    assert [panel.variant for panel in shown.panels] == ["base", "uniform-0.5", "nonuniform-0.25"]
    for panel in shown.panels:
        assert (len(panel.score), panel.diverged.sum()) == (25, 1)
        assert (panel.best.x, panel.best.y, panel.best_score) == (-4.0, 0.0, PEAKS[panel.variant])
        assert panel.best.text == "log10 learning rate 0, log10 weight decay −4"
        assert set(panel.outlines) == {0.5, 1.0}
    assert landscape.span_x == (-5.08, -0.92), "the grid, and a rim"


def test_regions_enclose_the_cells_within_their_threshold_and_no_others(landscape):
    (shown,) = landscape.landscapes
    for panel in shown.panels:
        for threshold, (x, y) in panel.regions.items():
            inside = panel.score >= panel.best_score - threshold
            nearest = [np.nanmin(np.hypot(x - a, y - b)) for a, b in zip(panel.x, panel.y, strict=True)]
            assert min(nearest) > 0, "no line runs through a cell"
            height = [
                panel.surface[np.abs(landscape.surface_y - b).argmin(), np.abs(landscape.surface_x - a).argmin()]
                for a, b in zip(panel.x, panel.y, strict=True)
            ]
            np.testing.assert_allclose(height, panel.score, atol=1e-3)
            assert ((np.array(height) >= panel.best_score - threshold - 0.05) == inside).all()


def test_ellipses_stand_in_a_figure_of_their_own(landscape):
    other = with_ellipses(landscape)
    assert other.name == "landscape-d-m-top1-seed0-ellipses" and "confidence ellipses" in other.caption
    assert other.span_x[0] < landscape.span_x[0]
    lines = [draw_landscape_static(figure).axes[0].lines for figure in (landscape, other)]
    panel = landscape.landscapes[0].panels[0]
    for drawn, expected in zip(lines, (panel.regions, panel.outlines), strict=True):
        found = [line.get_xdata() for line in drawn if len(line.get_xdata()) > 30]
        assert len(found) == 2
        for line, threshold in zip(found, sorted(expected, reverse=True), strict=True):
            np.testing.assert_array_equal(line, expected[threshold][0])
    page = draw_landscape_interactive(landscape)
    hidden = {trace.name for trace in page.data if trace.visible == "legendonly"}
    assert {name for name in hidden if name} == {
        "ellipse of the 1.0-ROI (white)",
        "ellipse of the 0.5-ROI (black)",
    }


def test_surface_repeats_a_plane_inside_the_hull_and_is_blank_outside():
    wd, lr = np.array([-4.0, -2.0, -4.0, -2.0]), np.array([-2.0, -2.0, 0.0, 0.0])
    rows = pd.DataFrame({"log10_wd": wd, "log10_lr": lr})
    x, y = np.linspace(-5, -2, 7), np.linspace(-2, 0, 5)
    for kept in (rows, rows.iloc[:3]):
        height = surface(kept, (90 + wd + 2 * lr)[: len(kept)], AXES, x, y)
        assert np.isnan(height[:, x < -4]).all()
        inside = np.add.outer(90 + 2 * y, x[x >= -4])
        known = ~np.isnan(height[:, x >= -4])
        assert known.any()
        np.testing.assert_allclose(height[:, x >= -4][known], inside[known], atol=1e-4)
    assert surface(rows.iloc[:2], np.zeros(2), AXES, x, y) is None
    assert surface(rows.iloc[:0], np.zeros(0), AXES, x, y) is None


def test_a_surface_on_a_whole_grid_never_leaves_the_range_of_its_cells():
    """A step, at which a plain cubic would swing over."""
    wd, lr = (part.ravel() for part in np.meshgrid(np.arange(6.0), np.arange(6.0)))
    values = np.where(wd + lr > 5, 98.0, 10.0)
    height = surface(pd.DataFrame({"log10_wd": wd, "log10_lr": lr}), values, AXES, *[np.linspace(0, 5, 51)] * 2)
    assert (height.min(), height.max()) == (10, 98)
    np.testing.assert_array_equal(height[::10, ::10].ravel(), values)


def test_top1_and_top5_share_a_figure_each_with_its_own_regions_and_colours(tmp_path):
    """Top-5 is best elsewhere, at log10 wd -2, lr -2: its star, ellipses and bar are not those of top-1."""
    frame = band(classes=100)
    wd, lr = frame["log10_wd"], frame["log10_lr"]
    frame["top5"] = 99 - 0.2 * np.abs(wd + 2) - 0.3 * np.abs(lr + 2)
    frame.loc[frame["status"] != "ok", ["top1", "top5"]] = [1.0, 5.0]
    two = figure_of(scores_of(tmp_path, frame[frame["variant"] != "uniform-0.5"]))
    first, second = two.landscapes
    assert two.metrics == ["top1", "top5"]
    best = [part.panels[0].best for part in two.landscapes]
    assert [(point.x, point.y) for point in best] == [(-4.0, 0.0), (-2.0, -2.0)]
    assert not np.allclose(first.panels[0].outlines[1.0], second.panels[0].outlines[1.0])
    assert first.shades.ceiling == 98.0 and second.shades.ceiling == 99.0
    assert "Top: top-1; bottom: top-5" in two.caption
    page = draw_landscape_interactive(two)
    assert (page.layout.coloraxis.colorbar.ticktext[-1], page.layout.coloraxis2.colorbar.ticktext[-1]) == ("98", "99")
    assert page.layout.coloraxis.colorbar.y > page.layout.coloraxis2.colorbar.y
    printed = draw_landscape_static(two)
    assert [len(part.axes) for part in printed.subfigs] == [3, 3], "two panels and a bar each"


def test_panels_that_do_not_fit_stand_in_a_second_row(landscapes):
    one = landscapes[landscapes["variant"] == "uniform-0.5"]
    many = pd.concat([one.assign(variant=f"uniform-0.{digit}") for digit in range(2, 9)], ignore_index=True)
    figure = figure_of(many)
    assert figure.columns == 5
    panels = [axes for axes in draw_landscape_static(figure).axes if axes.get_title()]
    assert len({axes.get_subplotspec().rowspan.start for axes in panels}) == 2 and len(panels) == 7
    assert len({trace.xaxis for trace in draw_landscape_interactive(figure).data if trace.type == "contour"}) == 7


def test_a_row_of_cells_is_shown_as_cells(landscapes):
    row = figure_of(landscapes[landscapes["log10_lr"] == 0])
    assert all(panel.surface is None for panel in row.landscapes[0].panels)
    page = draw_landscape_interactive(row)
    shown = [trace for trace in page.select_traces(row=1, col=1) if trace.name == "cell"]
    panel = row.landscapes[0].panels[0]
    assert len(shown) == 1 and len(shown[0].marker.color) == (~panel.diverged).sum() > 0
    assert not [trace for trace in page.data if trace.type == "contour"] and "cells alone" in row.caption


def test_the_mean_landscape_is_numpys_over_the_settings_that_all_seeds_share(tmp_path):
    table = seeds_of(tmp_path, 0, 1, 2)
    lost = (table["seed"] == 1) & (table["variant"] == "base") & (table["log10_wd"] == -2) & (table["log10_lr"] == -2)
    table.loc[table.index[10], "status"] = "diverged"
    mean = mean_scores(table[~lost], AXES)
    assert len(mean) == 3 * 25 - 1
    assert mean.columns.tolist() == table.columns.tolist()
    keys = ["variant", "log10_wd", "log10_lr"]
    for row in mean.itertuples():
        own = table[(table[keys] == [row.variant, row.log10_wd, row.log10_lr]).all(axis=1)]
        assert row.score == pytest.approx(np.mean(own["score"]))
        assert row.status == ("ok" if (own["status"] == "ok").all() else "diverged")
    assert (mean["status"] != "ok").sum() == 4, "one corner of each variant, and the one that diverged with one seed"
    figure = figure_of(mean, (0, 1, 2))
    assert "mean over seeds 0, 1, 2" in figure.title and figure.name == "landscape-d-m-top1-mean"
    assert (
        "mean over seeds 0, 1, 2" in figure.caption and "this mean landscape's regions" in with_ellipses(figure).caption
    )


def test_captions_say_when_a_validation_split_chose(landscapes):
    chosen = landscapes.assign(chosen_on=landscapes["score"] - landscapes["log10_wd"].abs())
    figures = [figure_of(chosen), grid_of(chosen), risk_figure_of(risks_of(chosen))]
    assert all("validation split" in figure.caption for figure in figures)
    figures = [figure_of(landscapes), grid_of(landscapes), risk_figure_of(risks_of(landscapes))]
    assert not any("validation split" in figure.caption for figure in figures)


def test_grid_holds_each_score_and_round_at_its_place(landscapes):
    """A grid of 3 x 3 that grew by one round at high rates, with a hole."""
    inner = landscapes["log10_wd"].between(-4, -2) & (landscapes["log10_lr"] <= -1)
    hole = (landscapes["log10_wd"] == -3) & (landscapes["log10_lr"] == -2)
    grown = landscapes.assign(round=np.where(inner, 0, 1), chosen_on=landscapes["score"] - 1)[~hole]
    figure = grid_of(grown, PRIOR)
    assert (figure.rounds, figure.prior) == ([0, 1], (2, 2))
    assert [panel.variant for panel in figure.panels] == list(PEAKS)
    for panel in figure.panels:
        rows = grown[grown["variant"] == panel.variant].set_index(["log10_lr", "log10_wd"])
        for place, rate in np.ndenumerate(panel.score):
            setting = figure.y[place[0]], figure.x[place[1]]
            if setting == (-2.0, -3.0):
                assert np.isnan(rate) and panel.round[place] == NO_CELL
                continue
            row = rows.loc[setting]
            assert (rate, panel.round[place]) == (row["score"], row["round"])
            assert panel.good[place] == (row["score"] >= PEAKS[panel.variant] - 1)
        assert panel.best == (3, 1)
    texts = [text.get_text() for text in draw_grid_static(figure).axes[0].texts]
    base = grown[grown["variant"] == "base"].itertuples()
    expected = [f"{row.score:.2f}" + "×" * (row.status != "ok") for row in base]
    assert sorted(texts) == sorted(expected) and "10.00×" in texts
    assert "different rounds" in figure.caption and "diverged" in figure.caption
    for panel in figure.panels:
        corners = {corner for border in panel.borders for corner in border}
        assert {(3.5, row) for row in (-0.5, 0.5, 1.5, 2.5)} <= corners, "the right edge of the 3 x 3"
        assert len(panel.borders) == 9, "three sides; none around the hole"


def test_cells_have_the_colours_of_the_landscape_and_letters_that_can_be_read(landscapes):
    """WCAG's relative luminance rises with the score; white letters only on dark cells."""
    figure = grid_of(landscapes)
    assert figure.shades.levels.tolist() == figure_of(landscapes).landscapes[0].shades.levels.tolist()
    colours = figure.shades.colours
    assert [figure.shades.colour(level) for level in figure.shades.levels[:-1]] == colours
    linear = [
        [
            (part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
            for part in bytes.fromhex(colour[1:])
        ]
        for colour in [*colours, BELOW]
    ]
    luminance = [float(np.dot([0.2126, 0.7152, 0.0722], parts)) for parts in linear]
    assert luminance[:-1] == sorted(luminance[:-1])
    for colour, light in zip([*colours, BELOW], luminance, strict=True):
        letter = 1.0 if is_dark(colour) else 0.0
        assert (max(letter, light) + 0.05) / (min(letter, light) + 0.05) > 3, "contrast of bold or large letters"


@pytest.mark.parametrize(("count", "drawn", "letters"), [(1, 5, 5), (6, 5, 5), (9, 5, 4), (20, 2, 4), (45, 1, 0)])
def test_the_printed_grid_has_every_variant_that_fits_a_page(count, drawn, letters):
    axis = np.arange(count) * 0.2 - 4
    wd, lr = (part.ravel() for part in np.meshgrid(axis, axis))
    names = ["base", "uniform-0.5", "uniform-0.4", "uniform-0.3", "uniform-0.2"][: 5 if count < 20 else 2]
    parts = [table_of(wd, lr, 90.0 + wd, variant=name) for name in names]
    figure = grid_of(pd.concat(parts, ignore_index=True).assign(round=0))
    page = draw_grid_static(figure)
    assert page.axes[0].get_title() == "base"
    assert sum(axes.get_visible() for axes in page.axes) == min(drawn, len(names))
    assert page.get_size_inches()[0] <= DOUBLE + 0.3 and page.get_size_inches()[1] < 9.7
    texts = [text.get_text() for text in page.axes[0].texts]
    assert {len(text) for text in texts} == ({letters} if letters else set())
    if letters:
        gridspec = page.axes[0].get_subplotspec().get_gridspec().get_geometry()
        wide, high = page.get_size_inches() / np.array(gridspec[::-1])
        size = page.axes[0].texts[0].get_fontsize()
        assert size >= 7 and wide / count > letters * 0.6 * size / 72 and high / count > size / 72, "room in a cell"


def test_buttons_of_the_grid_show_one_variant_each(landscapes):
    page = draw_grid_interactive(grid_of(landscapes, PRIOR))
    grids = [place for place, trace in enumerate(page.data) if trace.type == "heatmap"]
    assert [page.data[place].name for place in grids] == ["base", "uniform 0.5", "nonuniform 0.25"]
    assert [page.data[place].visible for place in grids] == [True, False, False]
    (menu,) = page.layout.updatemenus
    for number, button in enumerate(menu.buttons):
        (visible,) = button.args[1:]
        assert len(visible) == len(page.data)
        assert [visible[place] for place in grids] == [at == number for at in range(3)]
        assert visible[-1], "the prior is on every grid"
    assert page.data[0].text[3][1] == "<b>98.00</b>" and page.data[0].text[4][4] == "10.00×"


def test_risk_boxes_are_numpys_quartiles_and_tukeys_whiskers(landscapes):
    (group,) = risk_figure_of(risks_of(landscapes)).groups
    for box in group.boxes:
        assert [box.stats[name] for name in ("q1", "med", "q3")] == np.percentile(box.values, [25, 50, 75]).tolist()
        inside = box.values[box.values <= 2.5 * box.stats["q3"] - 1.5 * box.stats["q1"]]
        assert box.stats["whishi"] == max(inside.max(), box.stats["q3"])
        assert box.mean == pytest.approx(box.values.mean())


def test_risk_of_several_seeds_shows_all_dots_and_the_mean_that_tables_give(tmp_path):
    table = seeds_of(tmp_path, 0, 3)
    figure = risk_figure_of(risks_of(table))
    table = risk(table, risks_of(table), AXES)
    for box in figure.groups[0].boxes:
        rows = table[table["variant"] == box.variant]
        assert len(box.values) == rows["n"].sum()
        assert box.mean == pytest.approx(np.mean(rows["d_mean"]))
    assert figure.name == "risk-d-m-top1-all-seeds" and "seeds 0, 3" in figure.title
    assert "its own seed" in figure.caption


def test_a_diverged_setting_does_not_flatten_the_boxes(landscapes):
    points = risks_of(landscapes)
    before = risk_figure_of(points).groups[0].limits[1]
    points.loc[points.index[-1], "d"] = 80.0
    (group,) = risk_figure_of(points).groups
    assert group.limits[1] <= 3 * before
    assert max(box.values.max() for box in group.boxes) == 80.0


def test_a_risk_below_zero_is_on_the_axis(landscapes):
    points = risks_of(landscapes)
    points.loc[points.index[0], ["d", "d_rel", "chosen_on"]] = [-0.4, -0.004, 90.0]
    figure = risk_figure_of(points)
    assert figure.groups[0].limits[0] < -0.4
    assert "may then be below 0" in figure.caption


def test_models_stand_below_each_other_on_one_axis_unless_one_would_be_flat(landscapes):
    points = risks_of(landscapes)
    far = points.assign(experiment="far", d=10 * points["d"], d_rel=10 * points["d_rel"], d_chosen_on=10 * points["d"])
    near = points.assign(experiment="near", model="resnet56")
    alike = risk_figure_of(pd.concat([points, near]), of_study=True)
    assert (alike.experiment, alike.name) == (None, "risk-of-study-top1-seed0")
    assert [group.title for group in alike.groups] == ["m on d", "ResNet-56 on d"]
    assert len({group.limits for group in alike.groups}) == 1 and "Axes differ" not in alike.caption
    unlike = risk_figure_of(pd.concat([points, far]), of_study=True)
    assert [group.title for group in unlike.groups] == ["m on d (d-m)", "m on d (far)"]
    assert len({group.limits for group in unlike.groups}) == 2 and "Axes differ" in unlike.caption
    page = draw_risk_static(alike)
    assert [axes.get_title() for axes in page.axes] == ["m on d", "ResNet-56 on d"]
    faces = [patch.get_facecolor() for patch in page.axes[0].patches]
    assert faces == [to_rgba(variant_colour(box.variant)) for box in alike.groups[0].boxes if box.is_drawn]
    assert {trace.xaxis for trace in draw_risk_interactive(alike).data} == {"x", "x2"}


def test_interactive_figure_shows_the_data_it_was_given(landscape):
    page = draw_landscape_interactive(landscape)
    (shown,) = landscape.landscapes
    cells = [trace for trace in page.data if trace.name == "cell"]
    assert len(cells) == len(PEAKS)
    assert list(cells[0].customdata[:, 1]) == shown.panels[0].score[~shown.panels[0].diverged].tolist()
    grounds = [trace for trace in page.data if trace.type == "contour"]
    for trace, panel in zip(grounds, shown.panels, strict=True):
        np.testing.assert_array_equal(trace.customdata, panel.surface)
        assert (trace.zmin, trace.zmax) == (-1, shown.shades.steps)
        assert [colour for _, colour in trace.colorscale[1::2]] == [BELOW, *shown.shades.colours]


def test_a_study_has_these_figures_in_this_order(tmp_path):
    """Two experiments, one of them with two seeds and top-5: seeds do not swell the page."""
    base = band(experiment="one").query("variant == 'base'")
    one, seen = base, {"experiment": "two", "top5": 99.0, "classes": 100}
    two = pd.concat([base.assign(seed=seed, **seen) for seed in (0, 1)])
    table = scores_of(tmp_path, pd.concat([one, two]))
    chosen = study_figures_of(table)
    assert [(figure.name, place) for figure, place in chosen] == [
        ("risk-of-study-top1-all-seeds", "open"),
        ("risk-of-study-top5-all-seeds", "folded"),
        ("landscape-one-top1-seed0", "open"),
        ("landscape-one-top1-seed0-ellipses", "linked"),
        ("risk-one-top1-seed0", "open"),
        ("grid-one-top1-seed0", "folded"),
        ("landscape-two-top1-top5-mean", "open"),
        ("landscape-two-top1-top5-mean-ellipses", "linked"),
        ("risk-two-top1-all-seeds", "open"),
        ("risk-two-top5-all-seeds", "folded"),
        ("grid-two-top1-mean", "folded"),
        ("grid-two-top5-mean", "folded"),
        ("landscape-two-top1-top5-seed0", "linked"),
        ("landscape-two-top1-top5-seed1", "linked"),
    ]
    apart = pd.concat([one.query("log10_lr < -1"), one.query("log10_lr >= -1").assign(seed=1)])
    table = scores_of(tmp_path, apart)
    chosen = study_figures_of(table)
    kinds = [
        (figure.kind, figure.seeds, place) for figure, place in chosen if figure.kind != "risk" and not figure.ellipses
    ]
    assert kinds == [("landscape", (0,), "open"), ("landscape", (1,), "linked")], "no setting was trained with both"


def test_folder_holds_every_figure_thrice_and_again_the_same_bytes(tmp_path):
    small = band().query("variant == 'base' and log10_wd < -2 and log10_lr > -2")
    out = draw(tmp_path / "one", pd.concat([small, small.assign(seed=1)]))
    figures = json.loads((out / "figures.json").read_text())["figures"]
    kinds = [figure["kind"] for figure in figures]
    assert kinds == ["landscape", "landscape", "risk", "grid", "landscape", "landscape"]
    for figure in figures:
        assert ElementTree.parse(out / f"{figure['name']}.svg").getroot().tag.endswith("svg")
        assert (out / f"{figure['name']}.pdf").read_bytes().startswith(b"%PDF")
        fragment = out / f"{figure['name']}.fragment.html"
        assert fragment.exists() == (figure["place"] != "linked")
        page = (out / f"{figure['name']}.html").read_text()
        assert re.findall(r'src="([^"]*)"', page) == ["plotly.min.js"]
    table = scores_of(tmp_path, pd.concat([small, small.assign(seed=1)]))
    write_figures(study_figures_of(table)[:4], tmp_path / "two")
    for again in (tmp_path / "two").iterdir():
        assert again.name == "figures.json" or again.read_bytes() == (out / again.name).read_bytes(), again.name


def test_flat_small_and_absent_landscapes_are_drawn_too(tmp_path):
    corner = band().query("log10_wd < -2 and log10_lr < -1")
    flat = corner.query("variant == 'base'").assign(top1=10.0, status="diverged")
    column = band().query("log10_wd == -3 and variant == 'base'")
    single = column.query("log10_lr == -1")
    holes = corner.query("variant == 'uniform-0.5'").iloc[::2]
    kinds = {}
    for name, frame in {"flat": flat, "column": column, "single": single, "holes": holes}.items():
        table = scores_of(tmp_path, frame)
        figures = [figure for figure, _ in study_figures_of(table)]
        kinds[name] = [figure.kind for figure in figures]
        for figure in figures:
            interactive, static = DRAWINGS[figure.kind]
            static(figure).savefig(io.BytesIO(), format="svg")
            assert interactive(figure).data
    assert kinds == {
        "flat": ["landscape", "landscape", "risk", "grid"],
        "column": ["sweep", "risk", "grid"],
        "single": ["landscape", "risk", "grid"],
        "holes": ["landscape", "grid"],
    }
    assert read_json(draw(tmp_path / "none", holes[:0]) / "figures.json")["figures"] == []


def test_other_axes_and_regions_name_themselves():
    """Momentum and batch size instead of learning rate and weight decay, and three regions."""
    axes, known = Axes.of(["momentum", "batch_size"]), {"log10_wd": "momentum", "log10_lr": "batch_size"}
    table = band(experiment="e", metric="top1", round=0).rename(columns=known | {"top1": "score"})
    table["batch_size"] = 2 ** (table["batch_size"] + 6)
    table["chosen_on"] = table["score"]
    shapes = ellipses(regions(table, axes, (0.25, 1.0, 2.0)), table, axes)
    figure = landscape_figure(table, shapes, axes, {"momentum": -3.0, "batch_size": 32}, (0,))
    assert (figure.prior.x, figure.prior.y, figure.prior.text) == (-3.0, 32.0, "batch size 32, momentum −3")
    assert "within 2.0 (white), 1.0 (grey) and 0.25 (black) points" in figure.caption
    page = draw_landscape_interactive(figure)
    assert (page.layout.xaxis.title.text, page.layout.yaxis.title.text) == ("momentum", "batch size")
    named = {trace.name for trace in page.data if "ellipse" in (trace.name or "")}
    colours = (("2.0", "white"), ("1.0", "grey"), ("0.25", "black"))
    assert named == {f"ellipse of the {size}-ROI ({colour})" for size, colour in colours}
    axis = draw_landscape_static(figure).axes[0]
    assert axis.get_ylabel() == "batch size"
    assert roi_colours((1.0,)) == {1.0: "white"}


def test_a_third_axis_is_shown_at_its_best(landscapes):
    """A worse copy of every cell at momentum 0 changes nothing but the text; the best cell is at 0.9."""
    axes = Axes.of(["log10_lr", "log10_wd", "momentum"])
    worse = landscapes.assign(momentum=0.0, score=landscapes["score"] - 1, chosen_on=landscapes["chosen_on"] - 1)
    both = pd.concat([worse, landscapes.assign(momentum=0.9)], ignore_index=True)
    shown = profile(both, axes)
    assert (shown["momentum"] == 0.9).all() and len(shown) == len(landscapes)
    figure = landscape_figure(both, shapes_of(both, axes), axes, None, (0,))
    flat = figure_of(landscapes)
    for panel, other in zip(figure.landscapes[0].panels, flat.landscapes[0].panels, strict=True):
        np.testing.assert_array_equal(panel.surface, other.surface)
        assert panel.best.text == f"{other.best.text}, momentum 0.9"
    assert "differ in momentum" in figure.caption and "differ in" not in flat.caption
    grid = grid_figure(both, axes, THRESHOLDS, None, (0,))
    np.testing.assert_array_equal(grid.panels[0].score, grid_of(landscapes).panels[0].score)
    assert grid.panels[0].settings[0, 0].endswith("momentum 0.9") and "differ in momentum" in grid.caption
