"""Figures as a paper prints them: one colour per variant, letters that can be read, text as text, small files."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.landscape.regions import ellipses, regions
from prunescape.present.figures.figure import Figure
from prunescape.present.figures.folder import LINKED, shorter_paths, write_figures
from prunescape.present.figures.grid_data import grid_figure
from prunescape.present.figures.landscape_data import landscape_figure, with_ellipses
from prunescape.present.figures.style import DOUBLE, variant_colour, variant_marker, variant_symbol
from support.landscapes import landscape

VARIANTS = ("base", "uniform-0.5", "uniform-0.25", "nonuniform-0.5", "nonuniform-0.25")


def lightness(colour: str) -> float:
    """The grey of a colour in print without colour, by ITU-R BT.709."""
    return float(np.dot([0.2126, 0.7152, 0.0722], list(bytes.fromhex(colour[1:]))))


def test_each_variant_has_its_own_colour_and_each_method_its_own_mark():
    colours = [variant_colour(name) for name in VARIANTS]
    assert len(set(colours)) == len(VARIANTS)
    assert len({variant_marker(name) for name in ("base", "uniform-0.5", "nonuniform-0.5")}) == 3
    assert variant_symbol("uniform-0.5") == variant_symbol("uniform-0.25") == "circle"
    for method in ("uniform", "nonuniform"):
        greys = [lightness(variant_colour(f"{method}-{ratio}")) for ratio in (0.9, 0.75, 0.5, 0.25, 0.1)]
        assert greys == sorted(greys) and np.diff(greys).min() > 10, "told apart in grey"
    assert variant_colour("l1-half") == variant_colour("l1-half") != variant_colour("base")


def large_grid(size: int = 21) -> pd.DataFrame:
    """Five variants on a large and noisy grid: a band and a cliff."""
    axis = np.linspace(-4, 0, size)
    wd, lr = (part.ravel() for part in np.meshgrid(axis, axis))
    rng = np.random.default_rng(0)
    far = np.abs(wd + lr + 4)
    scores = [98 - shift - 2 * far**2 - 30 * (lr > -0.4) + rng.normal(0, 0.4, len(wd)) for shift in range(5)]
    parts = [
        landscape(wd, lr, np.clip(score, 10, 100), variant=name) for name, score in zip(VARIANTS, scores, strict=True)
    ]
    return pd.concat(parts, ignore_index=True).assign(round=0)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """The folder with the files of a landscape, its ellipses and its grid."""
    folder, rows = tmp_path_factory.mktemp("printed"), large_grid()
    shapes = ellipses(regions(rows, AXES, (0.5, 1.0)), rows, AXES)
    shown = landscape_figure(rows, shapes, AXES, {"log10_lr": -2.0, "log10_wd": -2.0}, (0,))
    figures: list[Figure] = [shown, with_ellipses(shown), grid_figure(rows, AXES, (1.0, 0.5), None, (0,))]
    write_figures([(figure, LINKED) for figure in figures], folder)
    return folder


def test_files_of_a_large_grid_are_small(printed):
    sizes = {path.name: path.stat().st_size for kind in ("svg", "pdf") for path in printed.glob(f"*.{kind}")}
    assert len(sizes) == 6 and max(sizes.values()) < 200_000, sizes


def test_text_is_text_of_7_points_or_more_at_the_width_of_a_page(printed):
    for path in printed.glob("*.svg"):
        drawing = path.read_text()
        assert float(re.search(r'width="([0-9.]+)pt"', drawing)[1]) <= 72 * DOUBLE + 0.1
        sizes = [float(size) for size in re.findall(r"<text[^>]*font(?:-size)?: (?:[a-z0-9]+ )*([0-9.]+)px", drawing)]
        assert sizes and len(sizes) == drawing.count("<text ") and min(sizes) >= 7, path.name
        assert "log10 learning rate" in drawing


def test_fonts_are_embedded_in_pdf(printed):
    """TrueType (Type 42) fonts, which publishers take, and no Type 3."""
    for path in printed.glob("*.pdf"):
        content = path.read_bytes()
        assert b"/FontFile2" in content and b"/Type3" not in content
    assert matplotlib.rcParams["svg.fonttype"] == "path", "the style holds while a figure is drawn, no longer"


def test_shorter_paths_keep_their_points():
    drawing = '<text x="1.23456">L 1.23456 2</text><path d="M 0 179.14252 \nL 493.228346 1 \nL 0 -0.00456 \nz\n"/>'
    short = shorter_paths(drawing)
    assert short == '<text x="1.23456">L 1.23456 2</text><path d="M 0 179.14 \nL 493.23 1 0 -0.00\nz\n"/>'
