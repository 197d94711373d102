"""Writes the one prepared file of a data set of recordings and its identity."""

from pathlib import Path
from typing import Any

import numpy as np

from prunescape.config.speech import TASK
from prunescape.tasks.arrays import write_arrays
from prunescape.tasks.speech.prepared import WORDS, data_digest
from prunescape.tasks.speech.readers import RATE, SAMPLES, list_clips, read_waves
from prunescape.tasks.subsets import draw


def write_waves(options: dict[str, Any], *, data: Path, identity: Path) -> None:
    """Write the recordings of a data set as waves to `data` (npz), what they are to `identity` (JSON).

    `options` are resolved. Each split is drawn from the published one of its name, so that no speaker is in two. The
    identity's shape is [1, samples]. Raises InputError as `list_clips` and `read_waves` do, and for numbers of clips
    that cannot be drawn.
    """
    words, published = list_clips(options)
    if options["validation"] is None:
        del published["validation"]
    splits = {
        split: clips.take(draw(clips.labels, options[split], seed=options["split_seed"], split=split))
        for split, clips in published.items()
    }
    arrays = {WORDS: np.frombuffer("\n".join(words).encode(), np.uint8)}
    waves = read_waves(options, [name for clips in splits.values() for name in clips.names])
    ends = np.cumsum([len(clips.names) for clips in splits.values()])
    for (split, clips), part in zip(splits.items(), np.split(waves, ends[:-1]), strict=True):
        arrays |= {f"{split}_waves": part, f"{split}_labels": clips.labels}
    content = {
        "task": TASK,
        "dataset": options["name"],
        "digest": data_digest(arrays),
        "shape": [1, SAMPLES],
        "rate": RATE,
        "classes": len(words),
        **{split: len(clips.names) for split, clips in splits.items()},
    }
    write_arrays(arrays, content, data=data, identity=identity)
