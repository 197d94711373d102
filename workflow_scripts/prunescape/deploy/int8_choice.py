"""Which cells of a variant are the best in int8, among those that are good in float."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from prunescape.deploy.export import logits_of, trace_network
from prunescape.deploy.int8 import quantise

BATCH = 256  # test examples at a time
ROUNDING = 1e-9  # percentage points: equal counts are ties


def near_best(top1: Sequence[float], order: Sequence[int], threshold: float, least: int) -> list[int]:
    """Those of the positions `order`, best first, whose `top1` is within `threshold` points of the best.

    It is the region of matthiesen2023 (3.3, Eq 3.3), and the next best ones where that holds fewer than `least`.
    """
    best = max((top1[position] for position in order), default=0.0)
    return [p for place, p in enumerate(order) if place < least or top1[p] >= best - threshold - ROUNDING]


def correct_in_int8(network: torch.nn.Module, calibration: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> int:
    """How many of the examples `inputs`, (n, ...), with `labels`, (n,), the quantised `network` gets right here.

    Nothing is kept of it. Raises InputError where onnxruntime does not run it.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        trace_network(network.eval(), torch.from_numpy(inputs[:2]), file)
        quantise(file, calibration, file)
        batches = (slice(start, start + BATCH) for start in range(0, len(labels), BATCH))
        return sum(int((logits_of(file, inputs[part]).argmax(1) == labels[part]).sum()) for part in batches)


def best_in_int8(
    candidates: Sequence[int], count: int, correct_of: Callable[[int], int]
) -> tuple[list[int], list[int]]:
    """The `count` positions with the most correct examples, best first, and the counts of all `candidates`.

    Of equal ones the first of the candidates wins, which come best first in float.
    """
    counts = [correct_of(position) for position in candidates]
    ranked = sorted(range(len(candidates)), key=lambda place: -counts[place])
    return [candidates[place] for place in ranked[:count]], counts
