"""What figures show, and that both drawings of them are whole, repeatable and free of the network."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.analysis.landscape.risk import risk, risk_points
from prunescape.analysis.read_cells import mean_scores, read_cells, scores
from prunescape.present.figures.folder import DRAWINGS, study_figures, write_figures
from prunescape.present.figures.grid_data import NO_CELL, grid_figure
from prunescape.present.figures.grid_drawings import draw_grid_interactive, draw_grid_static
from prunescape.present.figures.landscape_data import colour_range, landscape_figure
from prunescape.present.figures.matplotlib_landscape import draw_landscape_static
from prunescape.present.figures.plane import profile, surface
from prunescape.present.figures.plotly_landscape import draw_landscape_interactive
from prunescape.present.figures.risk_data import risk_figure
from prunescape.present.figures.risk_drawings import draw_risk_interactive, draw_risk_static
from prunescape.present.figures.style import is_dark, roi_colours, round_colours
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
    return grid_figure(landscapes, AXES, 1.0, prior, (0,))


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


def test_colour_bar_is_the_top_15_percent_of_all_cells_unless_a_variant_had_no_colour(landscapes):
    near = landscapes[landscapes["variant"] != "nonuniform-0.25"]
    lifted = near.assign(score=near["score"].where(near["variant"] == "base", near["score"] + 1))
    lifted["chosen_on"] = lifted["score"]
    floor, ceiling = colour_range(lifted, AXES, 1.0)
    assert ceiling == lifted["score"].max()
    assert floor == min(np.percentile(lifted["score"], 85), lifted["score"].max() - 1)
    assert colour_range(landscapes, AXES, 1.0)[0] == pytest.approx(PEAKS["nonuniform-0.25"] - 1)


def test_panels_hold_every_cell_and_its_best(landscape):
    (shown,) = landscape.landscapes
    assert [panel.variant for panel in shown.panels] == ["base", "uniform-0.5", "nonuniform-0.25"]
    for panel in shown.panels:
        assert (len(panel.score), panel.diverged.sum()) == (25, 1)
        assert (panel.best.x, panel.best.y, panel.best_score) == (-4.0, 0.0, PEAKS[panel.variant])
        assert panel.best.text == "log10 learning rate 0, log10 weight decay −4"
        assert set(panel.outlines) == {0.5, 1.0}
    assert landscape.span_x[0] < -5 and landscape.span_x[1] > -1


def test_surface_repeats_a_plane_inside_the_hull_and_is_blank_outside():
    wd, lr = np.array([-4.0, -2.0, -4.0, -2.0]), np.array([-2.0, -2.0, 0.0, 0.0])
    kept = pd.DataFrame({"log10_wd": wd, "log10_lr": lr, "score": 90 + wd + 2 * lr})
    x, y = np.linspace(-5, -2, 7), np.linspace(-2, 0, 5)
    height = surface(kept, AXES, x, y)
    assert np.isnan(height[:, x < -4]).all()
    inside = np.add.outer(90 + 2 * y, x[x >= -4])
    np.testing.assert_allclose(height[:, x >= -4], inside, atol=1e-4)
    assert surface(kept.iloc[:2], AXES, x, y) is None
    assert surface(kept.iloc[:0], AXES, x, y) is None


def test_top1_and_top5_share_a_figure_each_with_its_own_regions_and_colours(tmp_path):
    """Top-5 is best elsewhere, at log10 wd -2, lr -2: its star, ellipses and bar are not those of top-1."""
    frame = band(classes=100)
    wd, lr = frame["log10_wd"], frame["log10_lr"]
    frame["top5"] = 99 - 0.2 * np.abs(wd + 2) - 0.3 * np.abs(lr + 2)
    frame.loc[frame["status"] != "ok", ["top1", "top5"]] = [1.0, 5.0]
    two = figure_of(scores_of(tmp_path, frame[frame["variant"] != "uniform-0.5"]))
    first, second = two.landscapes
    assert (two.metrics, two.stacked) == (["top1", "top5"], False)
    best = [part.panels[0].best for part in two.landscapes]
    assert [(point.x, point.y) for point in best] == [(-4.0, 0.0), (-2.0, -2.0)]
    assert not np.allclose(first.panels[0].outlines[1.0], second.panels[0].outlines[1.0])
    assert first.ceiling == 98.0 and second.ceiling == 99.0
    assert "Left: top-1; right: top-5" in two.caption
    page = draw_landscape_interactive(two)
    assert (page.layout.coloraxis.cmax, page.layout.coloraxis2.cmax) == (98.0, 99.0)
    assert page.layout.coloraxis.colorbar.x < page.layout.coloraxis2.colorbar.x
    left, right = (page.get_subplot(1, column).xaxis.domain for column in (2, 4))
    assert left[1] < page.layout.coloraxis.colorbar.x < right[0]
    printed = draw_landscape_static(two)
    assert [len(part.axes) for part in printed.subfigs] == [5, 5], "four panels and a bar each"
    more = [frame.assign(variant=f"uniform-0.{digit}") for digit in (1, 2, 3)]
    together = pd.concat([frame[frame["variant"] == "base"], *more])
    four = figure_of(scores_of(tmp_path, together.drop_duplicates(["variant", "log10_wd", "log10_lr"])))
    assert four.stacked and "Upper half: top-1" in four.caption
    page = draw_landscape_interactive(four)
    assert page.layout.coloraxis.colorbar.y > page.layout.coloraxis2.colorbar.y


def test_a_row_of_cells_is_shown_as_cells_where_contours_would_be(landscapes):
    row = figure_of(landscapes[landscapes["log10_lr"] == 0])
    assert all(panel.surface is None for panel in row.landscapes[0].panels)
    page = draw_landscape_interactive(row)
    upper = [trace for trace in page.select_traces(row=1, col=1) if trace.name == "cell"]
    assert len(upper) == 1 and len(upper[0].x) == row.landscapes[0].panels[0].coloured.sum() > 0


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
    assert "mean over seeds 0, 1, 2" in figure.caption and "this mean landscape's regions" in figure.caption


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
    assert "configured grid" in figure.caption and "diverged" in figure.caption


def test_the_configured_grid_is_the_darkest():
    """WCAG's relative luminance falls from each round to the one before; white letters only on dark cells."""
    colours = list(round_colours([0, 1, 2, 5]).values())
    linear = [
        [
            (part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
            for part in bytes.fromhex(colour[1:])
        ]
        for colour in colours
    ]
    luminance = [float(np.dot([0.2126, 0.7152, 0.0722], parts)) for parts in linear]
    assert luminance == sorted(luminance)
    for colour, light in zip(colours, luminance, strict=True):
        letter = 1.0 if is_dark(colour) else 0.0
        assert (max(letter, light) + 0.05) / (min(letter, light) + 0.05) > 3, "contrast of bold or large letters"


@pytest.mark.parametrize(("count", "drawn"), [(1, 5), (9, 5), (21, 1)])
def test_the_printed_grid_has_every_variant_that_fits_a_page(count, drawn):
    axis = np.arange(count) * 0.2 - 4
    wd, lr = (part.ravel() for part in np.meshgrid(axis, axis))
    names = ["base", "uniform-0.5", "uniform-0.4", "uniform-0.3", "uniform-0.2"]
    parts = [table_of(wd, lr, 90.0 + wd, variant=name) for name in names]
    figure = grid_of(pd.concat(parts, ignore_index=True).assign(round=0))
    page = draw_grid_static(figure)
    assert page.axes[0].get_title() == "base"
    assert sum(axes.get_visible() for axes in page.axes) == drawn
    assert max(page.get_size_inches()) < 14
    wide, high = page.get_size_inches() / np.array(page.axes[0].get_subplotspec().get_gridspec().get_geometry()[::-1])
    letters = page.axes[0].texts[0].get_fontsize()
    assert wide / count > 5 * 0.6 * letters / 72 and high / count > letters / 72, "room for 5 letters in a cell"


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
    for box in group.absolute:
        assert [box.stats[name] for name in ("q1", "med", "q3")] == np.percentile(box.values, [25, 50, 75]).tolist()
        inside = box.values[box.values <= 2.5 * box.stats["q3"] - 1.5 * box.stats["q1"]]
        assert box.stats["whishi"] == max(inside.max(), box.stats["q3"])
        assert box.mean == pytest.approx(box.values.mean())
    relative = [box.values for box in group.relative]
    for values, box in zip(relative, group.absolute, strict=True):
        np.testing.assert_allclose(values, 100 * box.values / PEAKS[box.variant])


def test_risk_of_several_seeds_shows_all_dots_and_the_mean_that_tables_give(tmp_path):
    table = seeds_of(tmp_path, 0, 3)
    figure = risk_figure_of(risks_of(table))
    table = risk(table, risks_of(table), AXES)
    for box in figure.groups[0].absolute:
        rows = table[table["variant"] == box.variant]
        assert len(box.values) == rows["n"].sum()
        assert box.mean == pytest.approx(np.mean(rows["d_mean"]))
    assert figure.name == "risk-d-m-top1-all-seeds" and "seeds 0, 3" in figure.title
    assert "its own seed" in figure.caption


def test_a_diverged_setting_does_not_flatten_the_boxes(landscapes):
    points = risks_of(landscapes)
    before = risk_figure_of(points).groups[0].limits[0][1]
    points.loc[points.index[-1], "d"] = 80.0
    (group,) = risk_figure_of(points).groups
    assert group.limits[0][1] <= 3 * before
    assert max(box.values.max() for box in group.absolute) == 80.0


def test_a_risk_below_zero_is_on_the_axis(landscapes):
    points = risks_of(landscapes)
    points.loc[points.index[0], ["d", "d_rel", "chosen_on"]] = [-0.4, -0.004, 90.0]
    figure = risk_figure_of(points)
    assert figure.groups[0].limits[0][0] < -0.4 and figure.groups[0].limits[1][0] < -0.4
    assert "may then be below 0" in figure.caption


def test_models_stand_side_by_side_on_one_axis_unless_one_would_be_flat(landscapes):
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
    assert [axes.get_title() for axes in page.axes] == ["m on d", "ResNet-56 on d", "", ""]
    base, pruned = (page.axes[0].patches[place].get_facecolor() for place in (0, 1))
    assert sum(base[:3]) < sum(pruned[:3]), "the base is darker"
    assert {trace.xaxis for trace in draw_risk_interactive(alike).data} == {"x", "x2", "x3", "x4"}


def test_interactive_figure_shows_the_data_it_was_given(landscape):
    page = draw_landscape_interactive(landscape)
    (shown,) = landscape.landscapes
    cells = [trace for trace in page.data if trace.name == "cell"]
    assert len(cells) == len(PEAKS)
    assert list(cells[0].marker.color) == shown.panels[0].score[shown.panels[0].coloured].tolist()
    assert [trace.zmin for trace in page.data if trace.type == "contour"] == [shown.floor] * 3
    assert page.layout.coloraxis.cmin == shown.floor


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
        ("risk-one-top1-seed0", "open"),
        ("grid-one-top1-seed0", "folded"),
        ("landscape-two-top1-top5-mean", "open"),
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
    kinds = [(figure.kind, figure.seeds, place) for figure, place in chosen if figure.kind != "risk"]
    assert kinds == [("landscape", (0,), "open"), ("landscape", (1,), "linked")], "no setting was trained with both"


def test_folder_holds_every_figure_thrice_and_again_the_same_bytes(tmp_path):
    small = band().query("variant == 'base' and log10_wd < -2 and log10_lr > -2")
    out = draw(tmp_path / "one", pd.concat([small, small.assign(seed=1)]))
    figures = json.loads((out / "figures.json").read_text())["figures"]
    assert [figure["kind"] for figure in figures] == ["landscape", "risk", "grid", "landscape", "landscape"]
    for figure in figures:
        assert ElementTree.parse(out / f"{figure['name']}.svg").getroot().tag.endswith("svg")
        assert (out / f"{figure['name']}.pdf").read_bytes().startswith(b"%PDF")
        fragment = out / f"{figure['name']}.fragment.html"
        assert fragment.exists() == (figure["place"] != "linked")
        page = (out / f"{figure['name']}.html").read_text()
        assert re.findall(r'src="([^"]*)"', page) == ["plotly.min.js"]
    table = scores_of(tmp_path, pd.concat([small, small.assign(seed=1)]))
    write_figures(study_figures_of(table)[:3], tmp_path / "two")
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
        "flat": ["landscape", "risk", "grid"],
        "column": ["landscape", "risk", "grid"],
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
    assert (page.layout.xaxis4.title.text, page.layout.yaxis.title.text) == ("momentum", "batch size")
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
    grid = grid_figure(both, axes, 1.0, None, (0,))
    np.testing.assert_array_equal(grid.panels[0].score, grid_of(landscapes).panels[0].score)
    assert grid.panels[0].settings[0, 0].endswith("momentum 0.9") and "differ in momentum" in grid.caption
