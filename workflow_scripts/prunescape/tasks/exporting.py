"""How many examples check and calibrate an exported model, of any task."""

import numpy as np

CALIBRATION_EXAMPLES = PARITY_EXAMPLES = 256


def evenly_spread(count: int, most: int = CALIBRATION_EXAMPLES) -> np.ndarray:
    """At most `most` positions, evenly spaced over `count` examples: of every class where examples lie sorted."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
