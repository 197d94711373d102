"""The classification of images: uint8 batches, scaling, cross-entropy, top-1 and top-5."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.space.recipe import Recipe
from prunescape.store.records import TOP5_CLASSES, pack_bits
from prunescape.tasks.contract import Split, Splits, Tested
from prunescape.tasks.images.augmentations import augmentation_named
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder, load_prepared
from prunescape.tasks.images.scaling import scaling_of
from prunescape.tasks.images.splits import InMemory
from prunescape.tasks.parts import parts_of

__all__ = ["Task", "example_data", "load_prepared"]

TEST_BATCH = 1024


class Task:
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

            rows, held_out = _trained_and_held_out(recipe, data.train_listing["label"], [data.train_listing])
            drawn = {"flip": recipe.flip, "generator": generator, "augment": augment}
            listings = (data.test_listing, held_out[0] if held_out else data.validation_listing)
            others = (None if listing is None else Streamed(listing, data, device) for listing in listings)
            return Splits(Streamed(*rows, data, device, **drawn), *others)
        augmentation = {"crop_padding": recipe.crop_padding, "flip": recipe.flip, "generator": generator}
        pool = [data.train_images, data.train_labels]
        trained, held_out = _trained_and_held_out(recipe, data.train_labels, pool)
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

    @torch.inference_mode()
    def test(self, network: nn.Module, split: Split, *, between_batches: Callable[[], None] = lambda: None) -> Tested:
        """Mean cross-entropy, and which images of `split` are right: top-1 and, with enough classes, top-5."""
        network.eval()
        losses, top1, top5 = [], [], []
        for images, labels in split.in_order(TEST_BATCH):
            logits = network(self.inputs(images))
            losses.append(functional.cross_entropy(logits, labels, reduction="sum").double())
            top1.append(logits.argmax(1) == labels)
            if self.data.classes >= TOP5_CLASSES:
                top5.append((logits.topk(5).indices == labels[:, None]).any(1))
            between_batches()
        correct = torch.cat(top1).cpu()
        loss = torch.stack(losses).sum().item() / len(correct)
        return Tested(loss, correct, torch.cat(top5).cpu() if top5 else None)

    def scores(self, identity: dict[str, Any], test: Tested | None, validation: Tested | None) -> dict[str, Any]:
        """Counts and percentages of both splits; a diverged training scores as guessing does, without counts."""
        classes, held_out = self.data.classes, identity.get("validation")
        validated = dict.fromkeys(("correct", "top1", "top5"))
        if held_out is not None:
            validated = _percentages(validation, held_out, classes)
        return {
            "classes": classes,
            "tested": identity["test"],
            **_percentages(test, identity["test"], classes),
            "correct_bits": "" if test is None else pack_bits(test.correct),
            "val_tested": held_out,
            **{f"val_{name}": validated[name] for name in ("correct", "top1", "top5")},
        }


def _trained_and_held_out(
    recipe: Recipe, labels: np.ndarray, arrays: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """The rows of the training `arrays` that the recipe trains on, and those that its partition holds out."""
    if recipe.partition == "none" and recipe.data_share == 1:
        return arrays, None
    trained, held_out = parts_of(labels, recipe.partition, recipe.data_share)
    return [array[trained] for array in arrays], (None if held_out is None else [array[held_out] for array in arrays])


def _percentages(tested: Tested | None, images: int, classes: int) -> dict[str, Any]:
    """Counts and percent of a split of `images`; for None 100 / classes percent (METHODS, diverged cell)."""
    counts = None if tested is None else int(tested.correct.sum())
    top5_counts = None if tested is None or tested.correct_top5 is None else int(tested.correct_top5.sum())
    chance = 500 / classes if classes >= TOP5_CLASSES else None
    return {
        "correct": counts,
        "top1": 100 / classes if counts is None else 100 * counts / images,
        "correct_top5": top5_counts,
        "top5": chance if top5_counts is None else 100 * top5_counts / images,
    }


def example_data(identity: dict[str, Any], count: int) -> PreparedData:
    """`count` random images of the shape in `identity`, all of one class: for measuring training steps."""
    channels, *pixels = identity["shape"]
    images = np.random.default_rng(0).integers(0, 256, (count, channels, *pixels), dtype=np.uint8)
    labels = np.zeros(count, np.int64)
    mean, std = np.full(channels, 0.5, np.float32), np.full(channels, 0.3, np.float32)
    return PreparedData(images, labels, images, labels, mean, std, identity["classes"])
