"""What several kinds of figures share in names, titles and captions: metrics, seeds, how settings are chosen."""

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.present.labels import axis_title, joined, seeds_text

CHOSEN_ON_VALIDATION = (
    " Best cells and regions are chosen by the accuracy on the validation split; what is shown is the accuracy on the "
    "test split, which may be higher elsewhere."
)


def file_name(*parts: object) -> str:
    """A name for files from any parts: other characters than letters, digits, dot and underscore become `-`."""
    text = "-".join(str(part) for part in parts)
    return "".join(sign if sign.isalnum() or sign in "._" else "-" for sign in text)


def seeds_name(seeds: tuple[int, ...]) -> str:
    """The end of a landscape's file name: `seed0`, or `mean` over several seeds."""
    return "mean" if len(seeds) > 1 else f"seed{seeds[0]}"


def seeds_title(seeds: tuple[int, ...]) -> str:
    """`seed 0`, or `mean over seeds 0, 1`."""
    return "mean over " * (len(seeds) > 1) + seeds_text(seeds)


def is_validated(scores: pd.DataFrame) -> bool:
    """Whether settings are chosen by another accuracy than the score, that on a validation split."""
    return bool(((scores["chosen_on"] - scores["score"]).abs() > TOLERANCE).any())


def landscape_notes(axes: Axes, seeds: tuple[int, ...], *, validated: bool, ellipses: bool) -> str:
    """The end of a caption: how settings were chosen, the profile over other axes, the mean over seeds."""
    return CHOSEN_ON_VALIDATION * validated + _profile_text(axes) + _mean_text(seeds, ellipses=ellipses)


def _profile_text(axes: Axes) -> str:
    if not axes.others:
        return ""
    others = joined([axis_title(axis) for axis in axes.others])
    return f" Each point is a profile: of the cells there, which differ in {others}, it shows the best."


def _mean_text(seeds: tuple[int, ...], *, ellipses: bool) -> str:
    if len(seeds) < 2:
        return ""
    shapes = (
        " The ellipses are those of this mean landscape's regions; tables give the estimates of each seed, which are "
        "other numbers."
    )
    return (
        f" Each score is the mean over {seeds_text(seeds)}. Settings that not every seed was trained at are left out; "
        f"a setting that diverged with any seed counts as diverged.{shapes * ellipses}"
    )
