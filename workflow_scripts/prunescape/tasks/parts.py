"""Which of the training examples a cell trains on, and which it holds out: fixed, disjoint parts with equal shares."""

import numpy as np

from prunescape.space.recipe import Recipe

SEED = 0  # one order for all cells: what they reach differs by the parts, not by chance


def training_count(pool: int, classes: int, partition: str, data_share: float) -> int:
    """How many of the `pool` of training examples are trained on: one per class at least."""
    part = pool if partition == "none" else _cuts(pool, partition)[0]
    return min(max(round(part * data_share), classes), part)


def parts_of(labels: np.ndarray, partition: str, data_share: float) -> tuple[np.ndarray, np.ndarray | None]:
    """The ascending numbers of the examples with these `labels` (n,) that are trained on, and of those held out.

    A `partition` A-B-C (burmester2023, 2.5) trains on A percent and validates on B; C percent stay aside, for the data
    set's own test split is the test of all cells. None are held out with `none`. Of what is trained on, `data_share` is
    taken. All parts are cut from one order: a smaller share or partition is within a larger one.
    """
    pool, order = len(labels), stratified_order(labels)
    trained = np.sort(order[: training_count(pool, len(np.unique(labels)), partition, data_share)])
    if partition == "none":
        return trained, None
    first, last = _cuts(pool, partition)
    return trained, np.sort(order[first:last])


def trained_and_held_out(
    recipe: Recipe, labels: np.ndarray, arrays: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """The rows of the training `arrays` that the recipe trains on, and those that its partition holds out."""
    if recipe.partition == "none" and recipe.data_share == 1:
        return arrays, None
    trained, held_out = parts_of(labels, recipe.partition, recipe.data_share)
    return [array[trained] for array in arrays], (None if held_out is None else [array[held_out] for array in arrays])


def _cuts(pool: int, partition: str) -> tuple[int, int]:
    train, validation, _ = (int(percent) for percent in partition.split("-"))
    return round(pool * train / 100), round(pool * (train + validation) / 100)


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """A random order, (n,), every stretch of which has nearly the shares of the classes that all `labels` have.

    It begins with one example of each class.
    """
    shuffled = np.random.default_rng(SEED).permutation(len(labels))
    known, of_class, counts = np.unique(labels[shuffled], return_inverse=True, return_counts=True)
    places = np.empty(len(labels))
    for number in range(len(known)):
        places[of_class == number] = np.arange(counts[number]) / counts[number]
    return shuffled[np.argsort(places, kind="stable")]
