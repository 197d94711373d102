"""The classification of images: uint8 batches and their scaling."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from prunescape.space.recipe import Recipe
from prunescape.tasks.classification import Classification
from prunescape.tasks.contract import Splits
from prunescape.tasks.images.augmentations import augmentation_named
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder, load_prepared
from prunescape.tasks.images.scaling import scaling_of
from prunescape.tasks.images.splits import InMemory
from prunescape.tasks.parts import trained_and_held_out

__all__ = ["Task", "example_data", "load_prepared"]


class Task(Classification):
    """Images of one prepared data set and their classes, as tasks/contract.py says.

    Examples are uint8 (b, height, width, channels), those of k networks (b, height, width, k, channels).
    """

    stack_dim = 3

    def __init__(self, data: PreparedData | PreparedFolder, device: torch.device, scaling: str = "standard") -> None:
        self.data, self.device = data, device
        centre, spread = scaling_of(data, scaling)
        self.scale = (1 / (255 * torch.from_numpy(spread))).to(device)
        self.shift = torch.from_numpy(centre / spread).to(device)

    def open_splits(self, recipe: Recipe, generator: torch.Generator) -> Splits:
        """The splits; the training split draws from `generator`. Crops of an image folder have no `crop_padding`."""
        data, device, augment = self.data, self.device, augmentation_named(recipe.augmentation, self.data.classes)
        if isinstance(data, PreparedFolder):
            from prunescape.tasks.images.streaming import Streamed

            rows, held_out = trained_and_held_out(recipe, data.train_listing["label"], [data.train_listing])
            drawn = {"flip": recipe.flip, "generator": generator, "augment": augment}
            listings = (data.test_listing, held_out[0] if held_out else data.validation_listing)
            others = (None if listing is None else Streamed(listing, data, device) for listing in listings)
            return Splits(Streamed(*rows, data, device, **drawn), *others)
        augmentation = {"crop_padding": recipe.crop_padding, "flip": recipe.flip, "generator": generator}
        pool = [data.train_images, data.train_labels]
        trained, held_out = trained_and_held_out(recipe, data.train_labels, pool)
        train = InMemory(*trained, device, augmentation, augment)
        validation = held_out or (data.validation_images, data.validation_labels)
        others = [(data.test_images, data.test_labels), validation]
        return Splits(train, *(None if split[0] is None else InMemory(*split, device) for split in others))

    def inputs(self, examples: Tensor) -> Tensor:
        """(x / 255 − centre) / spread (see scaling.py) as float32: (b, channels, height, width), channels last.

        For k networks (b, k, channels, height, width).
        """
        scaled = examples * self.scale - self.shift
        return scaled.permute(0, *range(3, scaled.dim()), 1, 2)


def example_data(identity: dict[str, Any], count: int) -> PreparedData:
    """`count` random images of the shape in `identity`, all of one class: for measuring training steps."""
    channels, *pixels = identity["shape"]
    images = np.random.default_rng(0).integers(0, 256, (count, channels, *pixels), dtype=np.uint8)
    labels = np.zeros(count, np.int64)
    mean, std = np.full(channels, 0.5, np.float32), np.full(channels, 0.3, np.float32)
    return PreparedData(images, labels, images, labels, mean, std, identity["classes"])
