"""How pixels become the inputs of a network: (x / 255 − centre) / spread per channel."""

import numpy as np

from prunescape.errors import InputError
from prunescape.store.files import AGAIN
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder


def scaling_of(prepared: PreparedData | PreparedFolder, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread (channels,) of pixels scaled to 0..1, float32; statistics are of all training images.

    `standard`: mean and standard deviation. `robust`: median and interquartile range, as scikit-learn's RobustScaler;
    a range of 0 counts as 1. `minmax`: lowest and highest value go to 0 and 1. `none`: pixels stay 0 to 255. A data
    set that is partitioned keeps the statistics of the whole, so that a partition changes nothing else. Raises
    InputError for a data set that was prepared without what is needed.
    """
    if name == "standard":
        return prepared.mean, prepared.std
    if name == "none":
        return np.zeros_like(prepared.mean), np.full_like(prepared.mean, 1 / 255)
    levels = prepared.quartiles if name == "robust" else prepared.extremes
    if levels is None:
        raise InputError(f"the data set was prepared without what the scaling {name} needs", where="data", hint=AGAIN)
    centre, spread = (levels[1] if name == "robust" else levels[0]), levels[-1] - levels[0]
    return centre, np.where(spread > 0, spread, np.float32(1))
