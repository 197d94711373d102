"""What an exported recogniser of words takes, and what is stored of the test split for checking it."""

from typing import Any

import numpy as np

from prunescape.tasks.exporting import CALIBRATION_EXAMPLES, PARITY_EXAMPLES
from prunescape.tasks.speech.prepared import FULL_SCALE, PreparedWaves
from prunescape.tasks.subsets import evenly_spread


def calibration_inputs(prepared: PreparedWaves, scaling_name: str) -> np.ndarray:
    """Real TRAINING recordings, evenly spaced, without augmentation: float32 (up to 256, 1, samples)."""
    return _scaled(prepared.train_waves[evenly_spread(len(prepared.train_waves), CALIBRATION_EXAMPLES)])


def parity_inputs(prepared: PreparedWaves, scaling_name: str) -> np.ndarray:
    """The first test recordings, float32 (up to 256, 1, samples)."""
    return _scaled(prepared.test_waves[:PARITY_EXAMPLES])


def stored_inputs(prepared: PreparedWaves, scaling_name: str) -> tuple[np.ndarray, np.ndarray]:
    """All test recordings, float32 (n, 1, samples), and their labels (n,)."""
    return _scaled(prepared.test_waves), prepared.test_labels


def _scaled(waves: np.ndarray) -> np.ndarray:
    return waves.astype(np.float32) / np.float32(FULL_SCALE)


def scaling(identity: dict[str, Any], prepared: PreparedWaves, scaling_name: str) -> dict[str, list[float]]:
    """What an exported model carries: samples over full scale, -1 to 1, go in as they are."""
    return {"mean": [0.0], "std": [1.0]}


def stored_score(record: dict[str, Any], prepared: PreparedWaves) -> dict[str, int]:
    """The cell's correct ones of the stored test recordings, all of them, and their number."""
    return {"correct": record["correct"], "tested": record["tested"]}
