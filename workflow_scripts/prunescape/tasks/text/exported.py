"""What an exported classifier of texts takes, and what is stored of the test split for checking it."""

from typing import Any

import numpy as np

from prunescape.tasks.exporting import CALIBRATION_EXAMPLES, PARITY_EXAMPLES
from prunescape.tasks.subsets import evenly_spread
from prunescape.tasks.text.prepared import PreparedTexts


def calibration_inputs(prepared: PreparedTexts, scaling_name: str) -> np.ndarray:
    """Real TRAINING texts, evenly spaced: int64 (up to 256, length)."""
    return prepared.train_tokens[evenly_spread(len(prepared.train_tokens), CALIBRATION_EXAMPLES)].astype(np.int64)


def parity_inputs(prepared: PreparedTexts, scaling_name: str) -> np.ndarray:
    """The first test texts, int64 (up to 256, length)."""
    return prepared.test_tokens[:PARITY_EXAMPLES].astype(np.int64)


def stored_inputs(prepared: PreparedTexts, scaling_name: str) -> tuple[np.ndarray, np.ndarray]:
    """All test texts, int64 (n, length), and their labels (n,)."""
    return prepared.test_tokens.astype(np.int64), prepared.test_labels


def scaling(identity: dict[str, Any], prepared: PreparedTexts, scaling_name: str) -> dict[str, list[float]]:
    """Nothing is scaled: token numbers go in as they are."""
    return {}


def stored_score(record: dict[str, Any], prepared: PreparedTexts) -> dict[str, int]:
    """The cell's correct ones of the stored test texts, all of them, and their number."""
    return {"correct": record["correct"], "tested": record["tested"]}
