"""The record of one cell: its fixed values, and which test images were right, packed as bits."""

import base64
from typing import Any

# what every widths.json holds
WIDTHS = ("model", "architecture", "in_channels", "classes", "modules", "ratio_achieved", "flops", "parameters")
OK, DIVERGED = "ok", "diverged"
# which part of the design a cell is: its landscape's grid; fresh seeds at the prior, for the seed noise; fresh seeds at
# the points that the screening kept; a setting from a space; fresh seeds at the best of these
GRID, PILOT, REPLICATE, TRIAL, CONFIRMATION = STAGES = ("grid", "pilot", "replicate", "trial", "confirmation")
FRESH = (PILOT, REPLICATE, CONFIRMATION)  # fresh seeds of settings that were chosen
OF_TRIALS = (TRIAL, CONFIRMATION)  # of an experiment that has a space instead of a grid, and no landscape
TEST, VALIDATION = SPLITS = ("test", "validation")
TOP5_CLASSES = 11  # with fewer classes, guessing five of them is right half of the time or more


def pack_bits(correct) -> str:
    """Per-image correctness, (n,) booleans, as base64 of packed bits, for a JSON record."""
    import numpy as np

    return base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()


def unpack_bits(packed: str, count: int):
    """What `pack_bits` packed: per-image correctness, (count,) booleans. Raises ValueError for other text."""
    return outcomes(base64.b64decode(packed), count)


def in_float(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose correct examples are those of its stored weights: a cell may score in int8, they are float."""
    names = ("correct", "correct_bits")
    floats = {name: record.get(f"float_{name}") for name in names}
    return record if floats["correct"] is None else record | floats


def outcomes(bits: bytes, count: int):
    """Per-image correctness, (count,) booleans, from the bytes that cells.parquet holds as `correct_bits`."""
    import numpy as np

    return np.unpackbits(np.frombuffer(bits, np.uint8))[:count].astype(bool)
