"""The look that all figures share: the colour scale, the colours of marks and regions, fonts."""

COLOUR_SCALE = "viridis"  # ordered in lightness and safe for colour-blind readers; matplotlib and plotly both know it
ROI_SHADES = ("white", "lightgrey", "grey", "dimgrey", "black")  # of ellipses, from the largest region to the smallest
INK, FAINT, PAPER, PANEL, LINES = "#1f2933", "#77818d", "#ffffff", "#d6dbe2", "#e3e6ea"
PRIOR = "#d55e00"  # of Okabe and Ito's palette
BASE, PRUNED, LAST_ROUND = "#33658a", "#a9c6dd", "#e7eef5"
# how far the 95 % interval of an inferred score reaches above it, percentage points: the shades, from sure to unsure
UNSURE_LEVELS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
UNSURE_SHADES = (PANEL, "#d9b9bf", "#cc929c", "#b5626f", "#913546", "#5e1626")  # the last beyond the last level
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
# what every drawing for the browser has
PLOTLY_LAYOUT = {
    "font": {"family": FONT, "size": 12, "color": INK},
    "hoverlabel": {"font": {"family": FONT}},
    "plot_bgcolor": PAPER,
    "paper_bgcolor": PAPER,
}
# a row of entries whose upper edge stands at the height y
PLOTLY_LEGEND = {"orientation": "h", "x": 0.5, "xanchor": "center", "yanchor": "top"}
# for print; fixed salt: the same figure gives the same bytes
MATPLOTLIB_STYLE = {"svg.hashsalt": "prunescape", "pdf.fonttype": 42, "font.size": 9, "axes.labelsize": 8.5}


def roi_colours(thresholds: tuple[float, ...]) -> dict[float, str]:
    """A colour per region's ellipse: white for the largest threshold, black for the smallest of several."""
    ordered = sorted(thresholds, reverse=True)
    last = len(ROI_SHADES) - 1
    return {x: ROI_SHADES[round(place * last / max(len(ordered) - 1, 1))] for place, x in enumerate(ordered)}


def variant_colour(variant: str) -> str:
    """The base is darker."""
    return BASE if variant == "base" else PRUNED


def round_colours(rounds: list[int]) -> dict[int, str]:
    """A colour per round, from the darkest for the first to the lightest for the last; a lone one is light."""
    if len(rounds) < 2:
        return dict.fromkeys(rounds, PRUNED)
    dark, light = (tuple(bytes.fromhex(colour[1:])) for colour in (BASE, LAST_ROUND))
    shares = [place / (len(rounds) - 1) for place in range(len(rounds))]
    mixed = [[round(a + (b - a) * share) for a, b in zip(dark, light, strict=True)] for share in shares]
    return {number: "#" + bytes(colour).hex() for number, colour in zip(rounds, mixed, strict=True)}


def is_dark(colour: str) -> bool:
    """Whether letters on this colour must be white: its relative luminance (ITU-R BT.709) is below a half."""
    red, green, blue = bytes.fromhex(colour[1:])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128
