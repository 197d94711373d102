"""What an exported classifier of images takes, and what is stored of the test split for checking it."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from prunescape.store.records import unpack_bits
from prunescape.tasks.exporting import CALIBRATION_EXAMPLES, PARITY_EXAMPLES
from prunescape.tasks.images.decoding import read_crop
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder
from prunescape.tasks.images.scaling import scaling_of
from prunescape.tasks.subsets import evenly_spread

STANDARD = "standard"


def calibration_inputs(prepared: PreparedData | PreparedFolder, scaling_name: str) -> np.ndarray:
    """Real TRAINING images, evenly spaced, without augmentation: float32 (up to 256, channels, height, width).

    They are scaled as the cell's inputs are.
    """
    if isinstance(prepared, PreparedData):
        images = prepared.train_images[evenly_spread(len(prepared.train_images), CALIBRATION_EXAMPLES)]
    else:
        rows = prepared.train_listing[evenly_spread(len(prepared.train_listing), CALIBRATION_EXAMPLES)]
        crop = {"resize": prepared.resize, "size": prepared.size}
        paths = [Path(prepared.folder) / os.fsdecode(row["path"]) for row in rows]
        images = np.stack([read_crop(path, **crop) for path in paths]).transpose(0, 3, 1, 2)
    return _scaled(images, prepared, scaling_name)


def parity_inputs(prepared: PreparedData | PreparedFolder, scaling_name: str) -> np.ndarray:
    """The first stored test images, scaled as for training: float32 (up to 256, channels, height, width)."""
    return _scaled(prepared.test_images[:PARITY_EXAMPLES], prepared, scaling_name)


def stored_inputs(prepared: PreparedData | PreparedFolder, scaling_name: str) -> tuple[np.ndarray, np.ndarray]:
    """All stored test images, scaled as for training, float32 (n, channels, height, width), and their labels (n,)."""
    return _scaled(prepared.test_images, prepared, scaling_name), prepared.test_labels


def _scaled(images: np.ndarray, prepared: PreparedData | PreparedFolder, scaling_name: str) -> np.ndarray:
    """Pixels uint8 (n, channels, height, width) as a network takes them, float32."""
    images = np.ascontiguousarray(images, dtype=np.float32) / np.float32(255)
    centre, spread = scaling_of(prepared, scaling_name)
    return (images - centre[:, None, None]) / spread[:, None, None]


def scaling(
    identity: dict[str, Any], prepared: PreparedData | PreparedFolder, scaling_name: str
) -> dict[str, list[float]]:
    """What an exported model carries: a target subtracts `mean` from pixels of 0..1 and divides by `std`.

    With every scaling these are its centre and spread per channel.
    """
    if scaling_name == STANDARD:
        return {part: identity[part] for part in ("mean", "std")}
    ends = scaling_of(prepared, scaling_name)
    return {part: values.tolist() for part, values in zip(("mean", "std"), ends, strict=True)}


def stored_score(record: dict[str, Any], prepared: PreparedData | PreparedFolder) -> dict[str, int]:
    """The cell's correct ones of the stored test images, all or an image folder's sample, and their number."""
    if isinstance(prepared, PreparedData):
        return {"correct": record["correct"], "tested": record["tested"]}
    bits = unpack_bits(record["correct_bits"], record["tested"])[prepared.test_positions]
    return {"correct": int(bits.sum()), "tested": len(bits)}
