"""What limits a finding: the test set's resolution, diverged cells, seeds, and the bias of a maximum."""

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.present.numbers import counted, is_missing, number, short, standard_error, whole
from prunescape.store.records import GRID

CHOICE_BY_SCORE = (
    "A variant's best score is a maximum over noisy cells, so it is too high by luck, the more the noisier the cells "
    "and the finer the grid, and every mean risk here is biased upwards with it, even where the landscapes are "
    "identical. The base's good settings are also those where the base was lucky, and by their choice the base itself "
    "has no risk over {} points on them: its risk is no yardstick for a variant's."
)

CHOICE_BY_VALIDATION = (
    "Best cells and good settings are chosen on the validation split and scored on the test split. Luck with the test "
    "images therefore favours no setting, and a risk may be negative. A lucky training shows on both splits, so the "
    "best cells still score too high by it, and every mean risk here is still biased upwards, if by less. The base's "
    "good settings are also those where the base was lucky: its risk is no yardstick for a variant's."
)


def resolution(error: float | None) -> str:
    """The error of a mean risk over the choice of test images; empty where outcomes per image are not known."""
    if error is None:
        return ""
    return f"Its standard error over the choice of test images is {number(error)} points."


def diverged(risk) -> str:
    """What diverged cells do to the mean."""
    counts = "counts" if risk.n_diverged == 1 else "count"
    among = f"{risk.n_diverged} of these cells diverged and {counts} at chance level"
    if is_missing(risk.d_mean_converged):
        return f"{among}; none converged."
    return f"{among}; without them the mean risk is {number(risk.d_mean_converged)} points."


def fresh_seeds(cells: pd.DataFrame, axes: Axes) -> str:
    """At how many points there are seeds beside those of the grid; empty where there are none."""
    points = cells.groupby(["variant", *axes.names])
    several = points["seed"].nunique()[(points["stage"].nunique() > 1) | (points["stage"].first() != GRID)]
    if several.empty:
        return ""
    return (
        f"; {counted(len(several), 'of them has', 'of them have')} up to {several.max()}, for the noise between seeds"
    )


def limits(
    base, tested: int | None, seeds: int, threshold: float, *, has_verdicts: bool, validated: bool, more: str = ""
) -> list[str]:
    """What the experiment cannot show: resolution of the test set, seeds, and, last, the bias of a maximum.

    `validated`: settings were chosen on a validation split, so the score is no maximum over the test images; `more` as
    `fresh_seeds` gives it.
    """
    texts = []
    if tested:
        error = standard_error(base.best, tested)
        texts.append(
            f"The test set has {whole(tested)} images: one image is {number(100 / tested, 3)} points, and the standard "
            f"error of one accuracy near {number(base.best, 1)} % is {number(error)} points. All cells see the same "
            "images, so a difference between two is known better than that; standard errors of risks here are paired."
        )
    if seeds == 1 and has_verdicts:
        texts.append(
            "The landscapes were trained with one seed: a repeat would give other scores, best cells and regions. Only "
            "the verdicts rest on fresh seeds."
        )
    elif seeds == 1:
        texts.append(
            f"Every setting was trained with one seed{more}. One seed cannot settle whether retuning is "
            "needed: a repeat with another seed would give other scores and other best cells."
        )
    else:
        texts.append(f"Cells were trained with {seeds} seeds; the risk is computed per seed, and its spread is shown.")
    texts.append(CHOICE_BY_VALIDATION if validated else CHOICE_BY_SCORE.format(short(threshold)))
    return texts
