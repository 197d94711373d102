"""Augmentations of whole batches by torchvision's transforms: one module each, named as in the recipe."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

Labelled = tuple["Tensor", "Tensor"]


def augmentation_named(name: str, classes: int) -> Callable[[Tensor, Tensor, int], Labelled] | None:
    """What changes a batch, given a seed: images (b, height, width, channels) and labels (b,); None for `none`.

    What it gives may have other types: mixed images are float32 (0 to 255), their labels the share of each class
    (b, classes). The same seed gives the same batch, and torch's global state stays as it was.
    """
    if name == "none":
        return None
    module = importlib.import_module(f"prunescape.tasks.images.augmentations.{name}")

    def augment(images: Tensor, labels: Tensor, seed: int) -> Labelled:
        with _drawing_from(seed):
            changed, shares = module.augment(images.permute(0, 3, 1, 2), labels, classes)
        return changed.permute(0, 2, 3, 1), shares

    return augment


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """Within it torch's global state of the processor, from which torchvision draws, is that of `seed`."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def draw_seed(generator: torch.Generator) -> int:
    """The seed of one batch."""
    return int(torch.randint(0, 2**62, (), generator=generator))
