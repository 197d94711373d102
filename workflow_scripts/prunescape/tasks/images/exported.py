"""What an exported classifier of images takes, and what is stored of the test split for checking it."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from prunescape.store.records import unpack_bits
from prunescape.tasks.exporting import PARITY_EXAMPLES, evenly_spread
from prunescape.tasks.images.decoding import read_crop
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder


def calibration_inputs(prepared: PreparedData | PreparedFolder) -> np.ndarray:
    """Real TRAINING images, evenly spaced, without augmentation: float32 (up to 256, channels, height, width)."""
    if isinstance(prepared, PreparedData):
        images = prepared.train_images[evenly_spread(len(prepared.train_images))]
    else:
        rows = prepared.train_listing[evenly_spread(len(prepared.train_listing))]
        crop = {"resize": prepared.resize, "size": prepared.size}
        paths = [Path(prepared.folder) / os.fsdecode(row["path"]) for row in rows]
        images = np.stack([read_crop(path, **crop) for path in paths]).transpose(0, 3, 1, 2)
    return _normalised(images, prepared)


def parity_inputs(prepared: PreparedData | PreparedFolder) -> np.ndarray:
    """The first stored test images, normalised as for training: float32 (up to 256, channels, height, width)."""
    return _normalised(prepared.test_images[:PARITY_EXAMPLES], prepared)


def _normalised(images: np.ndarray, prepared: PreparedData | PreparedFolder) -> np.ndarray:
    """Pixels uint8 (n, channels, height, width) as a network takes them, float32."""
    images = np.ascontiguousarray(images, dtype=np.float32) / np.float32(255)
    return (images - prepared.mean[:, None, None]) / prepared.std[:, None, None]


def scaling(identity: dict[str, Any]) -> dict[str, list[float]]:
    """The mean and std per channel that an exported model carries, of pixels scaled to 0..1."""
    return {name: identity[name] for name in ("mean", "std")}


def stored_score(record: dict[str, Any], prepared: PreparedData | PreparedFolder) -> dict[str, int]:
    """The cell's correct ones of the stored test images, all or an image folder's sample, and their number."""
    if isinstance(prepared, PreparedData):
        return {"correct": record["correct"], "tested": record["tested"]}
    bits = unpack_bits(record["correct_bits"], record["tested"])[prepared.test_positions]
    return {"correct": int(bits.sum()), "tested": len(bits)}
