"""What a loss is worth, in words: the test set's resolution, diverged cells, seeds, bias. Needs nothing."""

from __future__ import annotations

from prunescape.report.numbers import is_missing, luck_of_the_best, number, standard_error, whole


def luck(best: float, tested: int | None, cells: int) -> float | None:
    """How far the best of `cells` equally good cells would seem above them by the choice of test images, in points.

    The expected maximum of independent binomial errors (normal approximation). Cells share the test images, which makes
    it less; seeds differ, which makes it more. None where the number of images is not known.
    """
    return standard_error(best, tested) * luck_of_the_best(cells) if tested else None


def resolution(loss: float, best: float, tested: int | None, cells: int) -> str:
    """The loss against what luck alone gives the best cell; empty where the table names no image count."""
    if not tested:
        return ""
    error, lucky = standard_error(best, tested), luck(best, tested, cells)
    if error == 0:
        return "At 100 % the binomial standard error is 0 and says nothing about what the test set resolves."
    measured = (
        f"One standard error of an accuracy of {number(best)} % on {whole(tested)} images is {number(error)} points; "
        f"were all {cells} cells equally good, the best would seem {number(lucky)} points above them by that luck alone"
    )
    if loss <= lucky:
        return f"{measured}: the loss is within it."
    return f"{measured}: the loss is beyond it, though the luck of the seed comes on top."


def diverged(risk) -> str:
    """What diverged cells do to the mean."""
    among = (
        f"{risk.n_diverged} of these cells diverged and {'counts' if risk.n_diverged == 1 else 'count'} at chance level"
    )
    if is_missing(risk.d_mean_converged):
        return f"{among}; none converged."
    return f"{among}; without them the mean loss is {number(risk.d_mean_converged)} points."


def limits(base, tested: int | None, seeds: int) -> list[str]:
    """What the experiment cannot say: resolution of the test set, seeds, and the bias of a maximum."""
    texts = []
    if tested:
        error = standard_error(base.best, tested)
        texts.append(
            f"The test set has {whole(tested)} images: one image is {number(100 / tested, 3)} points, and the standard "
            f"error of one accuracy near {number(base.best, 1)} % is {number(error)} points. A smaller difference "
            "between two cells is no evidence that one setting is better."
        )
    if seeds == 1:
        texts.append(
            "Every cell was trained with one seed. One seed per cell cannot settle whether retuning is needed: a "
            "repeat with another seed would give other scores and other best cells."
        )
    else:
        texts.append(f"Cells were trained with {seeds} seeds; the risk is computed per seed, and its spread is shown.")
    texts.append(
        "A variant's best score is a maximum over noisy cells, so it is too high by luck, the more the noisier the "
        "cells and the finer the grid, and every mean risk here is biased upwards with it, even where the landscapes "
        "are identical. The base's good settings are also those where the base was lucky."
    )
    return texts
