"""Seeded subsets with equal shares per class. Needs numpy and scikit-learn."""

import numpy as np

from prunescape.errors import InputError


def draw(labels: np.ndarray, count: int | None, *, seed: int, split: str, leave: bool = False) -> np.ndarray:
    """Indices, ascending, of `count` of the images with these `labels` (n,), stratified by class; all for None.

    With `leave`, at least one image per class is left over. Raises InputError, naming the `split`, for a count that
    cannot be drawn.
    """
    total, classes = len(labels), len(np.unique(labels))
    if count is None or (count == total and not leave):
        return np.arange(total)
    # scikit-learn wants one image per class on either side of the cut
    if not classes <= count <= total - (classes if leave else 1):
        raise InputError(
            f"{count} images cannot be drawn for the {split} split",
            allowed=f"{classes} to {total - classes if leave else total}",
        )
    return np.sort(_stratified(labels, count, seed))


def _stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import train_test_split

    total, classes = len(labels), len(np.unique(labels))
    indices = np.arange(total)
    if total - count < classes:  # too few are left over for a stratified cut: shuffle, and leave out the last ones
        return np.random.default_rng(seed).permutation(indices)[:count]
    return train_test_split(indices, train_size=count, random_state=seed, stratify=labels)[0]


def take_subsets(arrays: dict[str, np.ndarray], options: dict) -> dict[str, np.ndarray]:
    """The prepared arrays cut to `options["train"]` and `options["test"]` images, drawn by `options["split_seed"]`.

    A split that already has its number is left as it is. Raises InputError for a number that cannot be drawn.
    """
    cut = {}
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        chosen = draw(labels, options[split], seed=options["split_seed"], split=split)
        cut |= {f"{split}_images": images[chosen], f"{split}_labels": labels[chosen]}
    return cut
