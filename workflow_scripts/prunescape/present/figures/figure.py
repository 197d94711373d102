"""What all figures have, and what several kinds share in names, titles and captions."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.present.labels import METRIC_TITLES, axis_title, joined, seeds_text, shortened, zero_note
from prunescape.store.files import short_name

LONGEST = 120  # bytes of a figure's name
# in the report: drawn and open, drawn and folded, or only named with its files, so that many seeds do not swell it
OPEN, FOLDED, LINKED = "open", "folded", "linked"
# in a folder of figures, beside these: what lists them, and what the interactive ones load
INDEX, LIBRARY = "figures.json", "plotly.min.js"
CHOSEN_ON_VALIDATION = (
    " Best cells and regions are chosen by the accuracy on the validation split; what is shown is the accuracy on the "
    "test split, which may be higher elsewhere."
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The data of a figure, without its drawing: of one experiment, or of all where `experiment` is None.

    `validated` says that settings are chosen by the accuracy on a validation split, not by the score; `note` is what a
    page adds to the caption. Every kind has a `title`, a `caption`, and the `least_width` in pixels that the browser's
    drawing needs.
    """

    kind: ClassVar[str]
    name: str
    experiment: str | None
    metrics: list[str]
    seeds: tuple[int, ...]
    validated: bool = False
    note: str = ""

    @property
    def whose(self) -> str:
        """The experiment in a title."""
        return "All experiments" if self.experiment is None else shortened(self.experiment)

    @property
    def metric_titles(self) -> str:
        """`top-1`, or `top-1 and top-5`."""
        return joined([METRIC_TITLES[metric] for metric in self.metrics])


def file_name(*parts: object) -> str:
    """A name for files from any parts: other characters than letters, digits, dot and underscore become `-`.

    A name with such characters, or over `LONGEST` bytes and so shortened, ends in a digest that keeps it apart.
    """
    text = "-".join(str(part) for part in parts)
    name = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in text)
    return short_name(name, LONGEST, of="" if name == text else text)


def seeds_name(seeds: tuple[int, ...]) -> str:
    """The end of a landscape's file name: `seed0`, or `mean` over several seeds."""
    return "mean" if len(seeds) > 1 else f"seed{seeds[0]}"


def seeds_title(seeds: tuple[int, ...]) -> str:
    """`seed 0`, or `mean over seeds 0, 1`."""
    return "mean over " * (len(seeds) > 1) + seeds_text(seeds)


def is_validated(scores: pd.DataFrame) -> bool:
    """Whether settings are chosen by another accuracy than the score, that on a validation split."""
    return bool(((scores["chosen_on"] - scores["score"]).abs() > TOLERANCE).any())


def landscape_notes(figure: Figure, axes: Axes, *, ellipses: bool) -> str:
    """The end of a caption: how settings were chosen, the profile over other axes, the mean over seeds."""
    notes = CHOSEN_ON_VALIDATION * figure.validated + zero_note(axes)
    if axes.others:
        others = joined([axis_title(axis) for axis in axes.others])
        notes += f" Each point is a profile: of the cells there, which differ in {others}, it shows the best."
    if len(figure.seeds) > 1:
        notes += (
            f" Each score is the mean over {seeds_text(figure.seeds)}. Settings that not every seed was trained at are "
            "left out; a setting that diverged with any seed counts as diverged."
        )
    if len(figure.seeds) > 1 and ellipses:
        notes += (
            " The ellipses are those of this mean landscape's regions; tables give the estimates of each seed, which "
            "are other numbers."
        )
    return notes
