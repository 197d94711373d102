"""The look that both drawings of a figure share: colours, words and sizes. Needs nothing."""

# viridis is ordered in lightness and safe for colour-blind readers; the rest is Okabe and Ito's palette
COLOUR_MAP = "viridis"
INK, FAINT, PAPER, PANEL = "#1f2933", "#77818d", "#ffffff", "#d6dbe2"
PRIOR = "#d55e00"
BASE_BOX, PRUNED_BOX, LAST_ROUND = "#33658a", "#a9c6dd", "#e7eef5"
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
METRIC_TITLES = {"top1": "top-1", "top5": "top-5"}
ABSOLUTE, RELATIVE = "risk, percentage points", "relative risk, % of the variant's best"
X_TITLE, Y_TITLE = "log10 weight decay", "log10 learning rate"


def variant_title(name: str) -> str:
    """`uniform-0.6` as a reader sees it: `uniform 0.6`."""
    return name.replace("-", " ", 1)


def seeds_text(seeds: tuple[int, ...]) -> str:
    """`seed 0`, `seeds 0, 1, 2`, or, of more than five, `10 seeds`."""
    if len(seeds) > 5:
        return f"{len(seeds)} seeds"
    return ("seeds " if len(seeds) > 1 else "seed ") + ", ".join(map(str, seeds))


def round_title(number: int) -> str:
    """Which cells a round planned."""
    return "configured grid" if number == 0 else f"round {number}"


def round_colours(rounds: list[int]) -> dict[int, str]:
    """A colour per round, from the darkest for the first to the lightest for the last; a lone one needs no darkness."""
    if len(rounds) < 2:
        return dict.fromkeys(rounds, PRUNED_BOX)
    dark, light = (tuple(bytes.fromhex(colour[1:])) for colour in (BASE_BOX, LAST_ROUND))
    shares = [place / (len(rounds) - 1) for place in range(len(rounds))]
    mixed = [[round(a + (b - a) * share) for a, b in zip(dark, light, strict=True)] for share in shares]
    return {number: "#" + bytes(colour).hex() for number, colour in zip(rounds, mixed, strict=True)}


def is_dark(colour: str) -> bool:
    """Whether letters on this colour must be white: its relative luminance (ITU-R BT.709) is below a half."""
    red, green, blue = bytes.fromhex(colour[1:])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128


def file_name(*parts: object) -> str:
    """A name for files from any parts: other characters than letters, digits, dot and underscore become `-`."""
    text = "-".join(str(part) for part in parts)
    return "".join(sign if sign.isalnum() or sign in "._" else "-" for sign in text)
