"""What a loss is worth, in words: the test set's resolution, diverged cells, seeds, bias. Needs nothing."""

from __future__ import annotations

from prunescape.report.numbers import is_missing, number, standard_error, whole


def resolution(loss: float, best: float, tested: int | None) -> str:
    """The loss against the binomial standard error of one accuracy; empty where the table names no image count."""
    if not tested:
        return ""
    error = standard_error(best, tested)
    measured = (
        f"One standard error of an accuracy of {number(best)} % on {whole(tested)} images is {number(error)} points"
    )
    if error == 0:
        return f"{measured}: at 100 % the formula says nothing about what the test set resolves."
    if loss <= error:
        return f"{measured}: the loss is smaller than what this test set resolves."
    if loss <= 2 * error:
        return f"{measured}: the loss is between one and two of them, at the edge of what this test set resolves."
    return f"{measured}: the loss is more than two of them, which the size of the test set alone does not explain."


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
