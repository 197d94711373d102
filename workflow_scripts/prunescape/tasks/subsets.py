"""Subsets of examples: seeded ones with equal shares per class, and evenly spread ones."""

import numpy as np

from prunescape.errors import InputError


def draw(labels: np.ndarray, count: int | None, *, seed: int, split: str, leave: bool = False) -> np.ndarray:
    """Indices, ascending, of `count` of the examples with these `labels` (n,), stratified by class; all for None.

    With `leave`, at least one example per class is left over. Raises InputError, naming the `split`, for a count that
    cannot be drawn, or that leaves a class without an example there or, with `leave`, in what is left over.
    """
    known, shares = np.unique(labels, return_counts=True)
    total, classes = len(labels), len(known)
    if count is None or (count == total and not leave):
        return np.arange(total)
    # scikit-learn needs one example per class on either side of the cut
    if not classes <= count <= total - (classes if leave else 1):
        allowed = f"{classes} to {total - classes if leave else total}"
        raise InputError(f"{count} examples cannot be drawn for the {split} split", allowed=allowed)
    if shares.min() < 2:
        what = f"examples cannot be drawn for the {split} split: class {known[shares.argmin()]} has only one"
        raise InputError(what, allowed="two examples or more in every class", hint=f"take all, without `{split}`")
    drawn = np.sort(_stratified(labels, count, seed))
    _refuse_empty_class(known, labels[drawn], f"{count} examples for the {split} split hold none", "draw more")
    if leave:
        left = np.delete(labels, drawn)
        _refuse_empty_class(known, left, f"{count} examples for the {split} split leave none over", "draw fewer")
    return drawn


def _refuse_empty_class(known: np.ndarray, kept: np.ndarray, what: str, hint: str) -> None:
    missing = np.setdiff1d(known, kept)
    if len(missing):
        raise InputError(f"{what} of class {missing[0]}", hint=hint)


def _stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import train_test_split

    total, classes = len(labels), len(np.unique(labels))
    indices = np.arange(total)
    if total - count < classes:  # too few are left over for a stratified cut: shuffle, and leave out the last ones
        return np.random.default_rng(seed).permutation(indices)[:count]
    return train_test_split(indices, train_size=count, random_state=seed, stratify=labels)[0]


def choose_splits(train_labels: np.ndarray, test_labels: np.ndarray, options: dict) -> dict[str, np.ndarray]:
    """For each split the ascending indices of its examples: train and validation into the first, test into the second.

    `options["validation"]` examples (None: no such split) are held out first, then `options["train"]` are drawn of what
    remains; all by `options["split_seed"]`. Raises InputError for a number that cannot be drawn.
    """
    seed, chosen, remain = options["split_seed"], {}, np.arange(len(train_labels))
    if options.get("validation"):
        held = draw(train_labels, options["validation"], seed=seed, split="validation", leave=True)
        chosen["validation"], remain = held, np.setdiff1d(remain, held)
    chosen["train"] = remain[draw(train_labels[remain], options["train"], seed=seed, split="train")]
    chosen["test"] = draw(test_labels, options["test"], seed=seed, split="test")
    return chosen


def take_subsets(arrays: dict[str, np.ndarray], options: dict) -> dict[str, np.ndarray]:
    """The prepared arrays cut to the numbers of examples in `options`, as `choose_splits` draws them."""
    cut = {}
    for split, chosen in choose_splits(arrays["train_labels"], arrays["test_labels"], options).items():
        source = "test" if split == "test" else "train"
        cut |= {f"{split}_{kind}": arrays[f"{source}_{kind}"][chosen] for kind in ("images", "labels")}
    return cut


def evenly_spread(count: int, most: int) -> np.ndarray:
    """At most `most` positions, evenly spaced over `count` examples: of every class where examples lie sorted."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
