"""What several kinds of figure say of themselves: metrics, seeds, and by what settings are chosen. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.present.figures.style import METRIC_TITLES, seeds_text

if TYPE_CHECKING:
    import pandas as pd

CHOSEN_ON_VALIDATION = (
    " Best cells and regions are chosen by the accuracy on the validation split; what is shown is the accuracy on the "
    "test split, which may be higher elsewhere."
)


def metrics_text(metrics: list[str]) -> str:
    """`top-1`, or `top-1 and top-5`."""
    return " and ".join(METRIC_TITLES[metric] for metric in metrics)


def is_validated(scores: pd.DataFrame) -> bool:
    """Whether settings are chosen by another accuracy than the score, that on a validation split."""
    return bool(((scores["chosen_on"] - scores["score"]).abs() > TOLERANCE).any())


def mean_text(seeds: tuple[int, ...], *, ellipses: bool) -> str:
    """How the mean landscape came about, and what it is not; empty for one seed."""
    if len(seeds) < 2:
        return ""
    own = " The ellipses are those of this mean landscape's own regions;" if ellipses else ""
    rest = " tables give the estimates of each seed, which are other numbers." if ellipses else ""
    return (
        f" Each score is the mean over {seeds_text(seeds)}; settings that not every seed was trained at are left out, "
        f"and a setting that diverged with any seed counts as diverged.{own}{rest}"
    )
