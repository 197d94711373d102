"""The files of one cell's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellFiles:
    """The paths that the training of a cell reads and writes.

    `shared` (JSON, see declare_experiment) holds the recipe and the training code's digest, `widths` the plan of the
    variant, `identity` and `data` the prepared data set. In `checkpoint` an interrupted training left its state; the
    next one goes on from there, to the same result. `folder` holds the images of an image folder: it changes no result.
    """

    shared: str
    identity: str
    widths: str
    data: str
    record: str
    weights: str
    checkpoint: str
    folder: str | None = None
