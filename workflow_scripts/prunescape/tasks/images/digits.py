"""scikit-learn's 1,797 handwritten digits, 8x8, split once into train and test."""

import numpy as np

from prunescape.tasks.images.subsets import draw


def read_digits(options: dict) -> dict[str, np.ndarray]:
    """The digits as uint8 (n, 1, 8, 8), pixels 0..16 scaled to 0..255 by round(255 x / 16).

    `options["test"]` images are drawn by `options["split_seed"]`, stratified by class, and the rest is for training.
    scikit-learn's copy is the test half of the original set, so this split is ours. Raises InputError when there are
    not that many images.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = bunch.target.astype(np.int64)
    tested = draw(labels, options["test"], seed=options["split_seed"], split="test", leave=True)
    kept = np.setdiff1d(np.arange(len(labels)), tested)
    return {
        "train_images": images[kept],
        "train_labels": labels[kept],
        "test_images": images[tested],
        "test_labels": labels[tested],
    }
