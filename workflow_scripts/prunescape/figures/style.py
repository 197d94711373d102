"""The look that both drawings of a figure share: colours, words and sizes. Needs nothing."""

# viridis is ordered in lightness and safe for colour-blind readers; the rest is Okabe and Ito's palette
COLOUR_MAP = "viridis"
INK, FAINT, PAPER, PANEL = "#1f2933", "#77818d", "#ffffff", "#d6dbe2"
PRIOR = "#d55e00"
BASE_BOX, PRUNED_BOX = "#33658a", "#a9c6dd"
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
METRIC_TITLES = {"top1": "top-1", "top5": "top-5"}
X_TITLE, Y_TITLE = "log10 weight decay", "log10 learning rate"


def variant_title(name: str) -> str:
    """`uniform-0.6` as a reader sees it: `uniform 0.6`."""
    return name.replace("-", " ", 1)


def seeds_text(seeds: tuple[int, ...]) -> str:
    """`seed 0`, `seeds 0, 1, 2`, or, of more than five, `10 seeds`."""
    if len(seeds) > 5:
        return f"{len(seeds)} seeds"
    return ("seeds " if len(seeds) > 1 else "seed ") + ", ".join(map(str, seeds))


def file_name(*parts: object) -> str:
    """A name for files from any parts: other characters than letters, digits, dot and underscore become `-`."""
    text = "-".join(str(part) for part in parts)
    return "".join(sign if sign.isalnum() or sign in "._" else "-" for sign in text)
