"""Augmentations of batches: what they do to pixels and labels, and that a batch follows from the cell's generator."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from prunescape.space.levels import OF_SPEECH
from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.tasks.images.augmentations import augmentation_named
from prunescape.tasks.images.task import Task
from prunescape.training.loop import start_training
from prunescape.training.together import train_together
from support.small_images import three_classes
from support.trainings import CPU, recipe_with

NAMES = [name for name in PARAMETERS["augmentation"].levels if name not in ("none", *OF_SPEECH)]
IMAGES = torch.randint(0, 256, (16, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(16) % 4


@pytest.fixture(scope="module")
def data():
    return three_classes(40, 12, 9, channels=1, pixels=8)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_a_batch_and_leaves_torch_alone(name):
    augment = augmentation_named(name, 4)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (augment(IMAGES, LABELS, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0]) and first[0].shape == IMAGES.shape


def test_mixup_averages_images_as_it_does_their_labels():
    """x = λ x_i + (1 − λ) x_j and y likewise (Zhang et al. 2018, 2); the partner is the image before."""
    images, shares = augmentation_named("mixup", 4)(IMAGES, LABELS, 3)
    weight = shares[0, 0]
    assert 0 < weight < 1 and torch.allclose(shares.sum(1), torch.ones(16))
    torch.testing.assert_close(images, weight * IMAGES + (1 - weight) * IMAGES.roll(1, 0), rtol=1e-4, atol=1e-2)
    assert torch.allclose(shares[1], torch.tensor([1 - weight, weight, 0, 0]))


def test_cutmix_has_of_each_class_the_share_of_its_pixels():
    """Yun et al. 2019, 3.1."""
    for seed in range(4):
        images, shares = augmentation_named("cutmix", 4)(IMAGES, LABELS, seed)
        own = (images == IMAGES).all(-1).float().mean((1, 2))
        torch.testing.assert_close(shares[torch.arange(16), LABELS], own, atol=0.02, rtol=0)
        assert ((images == IMAGES) | (images == IMAGES.roll(1, 0))).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_randaugment_changes_each_image_by_itself(channels):
    same = IMAGES[:1, ..., :channels].expand(16, 8, 8, channels)
    images, labels = augmentation_named("randaugment", 4)(same, LABELS, 0)
    assert images.dtype == torch.uint8 and labels is LABELS
    assert len({image.numpy().tobytes() for image in images.contiguous()}) > 4


@pytest.mark.parametrize("name", NAMES)
def test_left_out_batches_are_drawn_all_the_same(data, name):
    """As a training that goes on in the middle of an epoch does."""
    recipe = Recipe(epochs=1, batch_size=8, augmentation=name, crop_padding=1)

    def batches(skip: int) -> list:
        splits = Task(data, CPU).open_splits(recipe, torch.Generator().manual_seed(3))
        return list(splits.train.shuffled(8, skip=skip))

    whole, rest = batches(0), batches(2)
    assert len(whole) == 5 and len(rest) == 3
    for one, other in zip(whole[2:], rest, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


@pytest.mark.parametrize("loss", ["cross_entropy", "poisson"])
@pytest.mark.parametrize("name", NAMES)
def test_a_training_learns_from_augmented_batches(data, name, loss):
    recipe = recipe_with(0.05, 0, epochs=3, batch_size=8, augmentation=name, loss_function=loss, label_smoothing=0.1)
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
        training = start_training(network, Task(data, CPU), recipe, seed=1)
        train_together([training])
        found.append(training.outcome)
    assert found[0].history == found[1].history
    assert found[0].history[-1]["train_loss"] < found[0].history[0]["train_loss"]
    assert found[0].history[-1]["train_top1"] > 40


@pytest.mark.parametrize("name", NAMES)
def test_stacked_trainings_come_to_what_each_reaches_alone(data, name):
    """With another optimiser and loss; sums are rounded otherwise."""
    recipe = recipe_with(0.01, 1e-3, epochs=2, batch_size=8, augmentation=name, loss_function="poisson")
    recipe = replace(recipe, optimiser="adam", warmup_epochs=1)

    def started(seed: int):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
        return start_training(network, Task(data, CPU), replace(recipe, beta1=0.8 + 0.1 * seed), seed=seed)

    together = [started(seed) for seed in range(2)]
    train_together(together)
    for seed, training in enumerate(together):
        alone = started(seed)
        train_together([alone])
        mine, other = training.outcome.history[-1], alone.outcome.history[-1]
        assert mine["train_loss"] == pytest.approx(other["train_loss"], rel=1e-3)
        assert mine["test_loss"] == pytest.approx(other["test_loss"], rel=1e-3)
