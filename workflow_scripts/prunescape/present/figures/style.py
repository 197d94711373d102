"""The look that all figures share: sizes of print, fonts, the colour scale, the colour and mark of each variant."""

import zlib

from matplotlib.axes import Axes

COLOUR_SCALE = "viridis"  # ordered in lightness and safe for colour-blind readers; matplotlib and plotly both know it
SINGLE, DOUBLE = 84 / 25.4, 174 / 25.4  # inches: one and two columns of a paper; figures are drawn at the size of print
SMALL, TEXT, TITLE = 7, 7.5, 8  # points, the smallest at that size
ROI_SHADES = ("white", "lightgrey", "grey", "dimgrey", "black")  # of regions, from the largest to the smallest
INK, FAINT, PAPER, PANEL, LINES = "#1f2933", "#77818d", "#ffffff", "#d6dbe2", "#e3e6ea"
BELOW = "#b4bac2"  # of scores below the colour bar
PALE = 0.6  # how far what is not sure fades into the panel
ACCENT, TINT = "#33658a", "#a9c6dd"  # what stands out and what does not, where colour tells no variant
# pruning method -> colours at a kept share of 1 and of 0, matplotlib's mark, plotly's: blue and orange are told apart
# by colour-blind readers, shares by lightness, and methods by their marks in print without colour
METHODS = {
    "uniform": (("#08519c", "#c6dbef"), "o", "circle"),
    "nonuniform": (("#993404", "#fdd0a2"), "^", "triangle-up"),
}
BASE = ("#4a4f57", "s", "square")
# any other variant, by its name: Okabe and Ito's palette without its blue and orange
OTHERS = (
    *(("#009e73", "D", "diamond"), ("#cc79a7", "v", "triangle-down"), ("#f0e442", "P", "cross")),
    *(("#56b4e9", "X", "x"), ("#e69f00", "p", "pentagon")),
)
# how far the 95 % interval of an inferred score reaches above it, percentage points: the shades, from sure to unsure
UNSURE_LEVELS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
UNSURE_SHADES = (PANEL, "#d9b9bf", "#cc929c", "#b5626f", "#913546", "#5e1626")  # the last beyond the last level
FONTS = ("DejaVu Sans", "Helvetica", "Arial", "sans-serif")
# what every drawing for the browser has
PLOTLY_LAYOUT = {
    "font": {"family": ", ".join(FONTS), "size": 12, "color": INK},
    "hoverlabel": {"font": {"family": ", ".join(FONTS)}},
    "plot_bgcolor": PAPER,
    "paper_bgcolor": PAPER,
}
# a row of entries whose upper edge stands at the height y
PLOTLY_LEGEND = {"orientation": "h", "x": 0.5, "xanchor": "center", "yanchor": "top"}
# for print; fixed salt: the same figure gives the same bytes. Text stays text in SVG, and PDF embeds its fonts
MATPLOTLIB_STYLE = {
    **{"svg.hashsalt": "prunescape", "svg.fonttype": "none", "pdf.fonttype": 42, "path.simplify_threshold": 0.3},
    **{"font.size": TEXT, "font.sans-serif": [*FONTS[:-1], "DejaVu Sans"], "text.color": INK},
    **{"axes.labelsize": TEXT, "axes.titlesize": TITLE, "axes.labelcolor": INK, "axes.linewidth": 0.6},
    **{"xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "xtick.major.size": 2.5, "ytick.major.size": 2.5},
    **{"legend.fontsize": SMALL, "legend.title_fontsize": SMALL, "legend.frameon": False},
}


def roi_colours(thresholds: tuple[float, ...]) -> dict[float, str]:
    """A colour per region: white for the largest threshold, black for the smallest of several."""
    ordered = sorted(thresholds, reverse=True)
    last = len(ROI_SHADES) - 1
    return {x: ROI_SHADES[round(place * last / max(len(ordered) - 1, 1))] for place, x in enumerate(ordered)}


def variant_colour(variant: str) -> str:
    """The colour of a variant in every figure: grey for the base, a hue per method, lighter the less is kept."""
    method, share = _method_and_share(variant)
    if method in METHODS:
        (dark, light), *_ = METHODS[method]
        return mixed(light, dark, share)
    return BASE[0] if variant == "base" else _other(variant)[0]


def variant_marker(variant: str) -> str:
    """matplotlib's mark of a variant, by its method."""
    return _marks(variant)[0]


def variant_symbol(variant: str) -> str:
    """plotly's mark of a variant, by its method."""
    return _marks(variant)[1]


def _marks(variant: str) -> tuple[str, str]:
    method, _ = _method_and_share(variant)
    return METHODS[method][1:] if method in METHODS else (BASE if variant == "base" else _other(variant))[1:]


def _method_and_share(variant: str) -> tuple[str, float]:
    """The method of a pruned variant and the share that it keeps; no method for any other name."""
    method, _, share = variant.partition("-")
    return (method, float(share)) if method in METHODS and share.replace(".", "", 1).isdigit() else ("", 0.0)


def _other(variant: str) -> tuple[str, str, str]:
    return OTHERS[zlib.crc32(variant.encode()) % len(OTHERS)]


def open_axes(axes: Axes, grid: str) -> None:
    """No frame and no marks of ticks; faint lines along the axes that `grid` names: x, y or both."""
    axes.grid(axis=grid, color=LINES, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def mixed(first: str, second: str, share: float) -> str:
    """The colour between two, #rrggbb, at a `share` of the way from the first to the second."""
    parts = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * min(share, 1.0)) for a, b in parts).hex()


def is_dark(colour: str) -> bool:
    """Whether letters on this colour must be white: its relative luminance (ITU-R BT.709) is below a half."""
    red, green, blue = bytes.fromhex(colour[1:])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128
