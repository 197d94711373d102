"""Training against the update written out in numpy, augmentation against cropping by hand, and reproducibility."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from prunescape.analysis.study_tables import cell_columns, record_row
from prunescape.pruning.retraining import rate_factors
from prunescape.space.pipelines import plan_pipeline
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData
from prunescape.tasks.images.splits import Augmenter, InMemory
from prunescape.tasks.images.task import Task
from prunescape.training.cell_record import best_epoch
from prunescape.training.energy import Meter, energy_fields
from prunescape.training.loop import start_training
from prunescape.training.optimisers.sgd import SGD
from prunescape.training.together import train_together
from support.trainings import CPU, recipe_with, record_of, train


def blobs(classes: int = 3, images: int = 60, size: int = 6) -> PreparedData:
    """Images whose class shows in their brightness, in two channels, with a little noise."""
    random = np.random.default_rng(0)

    def split(count):
        labels = np.arange(count) % classes
        level = 40 + 160 * labels / classes
        noise = random.integers(-20, 20, (count, 2, size, size))
        return np.clip(level[:, None, None, None] + noise, 0, 255).astype(np.uint8), labels.astype(np.int64)

    (train_images, train_labels), (test_images, test_labels) = split(images), split(images // 2)
    pixels = train_images / 255
    mean, std = (pixels.mean((0, 2, 3)).astype(np.float32), pixels.std((0, 2, 3)).astype(np.float32))
    return PreparedData(train_images, train_labels, test_images, test_labels, mean, std, classes)


def linear_network(data: PreparedData) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(data.train_images.shape[1:])), data.classes))


def normalised(images, data: PreparedData) -> np.ndarray:
    return (images / 255 - data.mean[:, None, None]) / data.std[:, None, None]


def split_to_test(data: PreparedData) -> InMemory:
    return InMemory(data.test_images, data.test_labels, CPU)


def softmax_training_by_hand(weight, bias, images, labels, order, *, rate, decay, momentum, batch):
    """Eq 2.1 of matthiesen2023 in float64: V ← μV + ∇L + λW; W ← W − γV, for softmax regression."""
    velocity_w, velocity_b = np.zeros_like(weight), np.zeros_like(bias)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        x, y = images[chosen], labels[chosen]
        logits = x @ weight.T + bias
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[np.arange(len(y)), y] -= 1
        velocity_w = momentum * velocity_w + shares.T @ x / len(y) + decay * weight
        velocity_b = momentum * velocity_b + shares.mean(0) + decay * bias
        weight, bias = weight - rate * velocity_w, bias - rate * velocity_b
    return weight, bias


def test_the_update_is_equation_2_1():
    data = blobs()
    network = linear_network(data)
    weight, bias = (tensor.detach().double().numpy().copy() for tensor in network[1].parameters())
    train(network, data, recipe_with(0.05, 0.3, epochs=1, batch_size=16, momentum=0.9), seed=5)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(5)).numpy()
    images, rates = normalised(data.train_images, data).reshape(60, -1), {"rate": 0.05, "decay": 0.3, "momentum": 0.9}
    weight, bias = softmax_training_by_hand(weight, bias, images, data.train_labels, order, **rates, batch=16)
    np.testing.assert_allclose(network[1].weight.detach().numpy(), weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network[1].bias.detach().numpy(), bias, rtol=1e-4, atol=1e-5)


def test_steps_are_torchs_own_bit_for_bit():
    """torch.optim.SGD on the same gradients, on a network with weights, biases and batch norm."""
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 3))
    theirs = copy.deepcopy(ours)
    optimiser = SGD(ours.parameters(), momentum=0.9, weight_decay=0.03)
    reference = torch.optim.SGD(theirs.parameters(), lr=1.0, momentum=0.9, weight_decay=0.03)
    for step in range(5):
        images = torch.randn(8, 2, 6, 6)
        ours(images).square().mean().backward()
        theirs(images).square().mean().backward()
        optimiser.step(0.1 / (step + 1))
        reference.param_groups[0]["lr"] = 0.1 / (step + 1)
        reference.step()
        reference.zero_grad()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert mine.grad is None
            assert torch.equal(mine, other)


def test_images_are_normalised_with_the_given_mean_and_std():
    data = blobs()
    split = InMemory(data.train_images, data.train_labels, CPU)
    normal = Task(data, CPU).inputs(split.images).double()
    assert normal.shape == (60, 2, 6, 6)
    np.testing.assert_allclose(normal.mean((0, 2, 3)), [0, 0], atol=1e-5)
    np.testing.assert_allclose(normal.std((0, 2, 3), correction=0), [1, 1], rtol=1e-5)


def test_augmented_images_are_crops_of_the_padded_image_and_mirrors():
    images = torch.randint(1, 256, (4, 5, 7, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    augmenter = Augmenter(images, crop_padding=2, flip=True, generator=torch.Generator().manual_seed(3))
    chosen, places = torch.tensor([2, 0, 3, 3]), list(itertools.product(range(5), range(5), (False, True)))
    seen, alike = set(), 0
    for _ in range(200):
        batch = augmenter.batch(chosen)
        alike += torch.equal(batch[2], batch[3])
        for number, image in zip(chosen.tolist(), batch, strict=True):
            padded = np.pad(images[number].numpy(), ((2, 2), (2, 2), (0, 0)))
            known = {
                padded[row : row + 5, column : column + 7][:, :: -1 if flip else 1].tobytes(): (row, column, flip)
                for row, column, flip in places
            }
            seen.add(known[image.numpy().tobytes()])
    assert seen == set(places)
    assert alike < 20  # one image twice in a batch is cropped anew each time: 1 of 50 by chance


def test_without_augmentation_images_stay_as_they_are():
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4, 1)
    augmenter = Augmenter(images, crop_padding=0, flip=False, generator=torch.Generator())
    assert torch.equal(augmenter.batch(torch.tensor([1, 0])), images.flip(0))


def test_schedules_follow_their_closed_forms():
    step = Recipe(epochs=180, batch_size=128, milestones=(90, 135))
    factors = [step.rate_factor(epoch) for epoch in range(180)]
    assert factors == pytest.approx([1.0] * 90 + [0.1] * 45 + [0.01] * 45)
    cosine = Recipe(epochs=8, batch_size=1, schedule="cosine")
    assert [cosine.rate_factor(epoch) for epoch in (0, 4)] == pytest.approx([1, 0.5])
    assert cosine.rate_factor(7) == pytest.approx((1 + math.cos(7 * math.pi / 8)) / 2)


def test_the_pipeline_scratch_is_the_whole_recipe():
    recipe = Recipe(epochs=4, batch_size=1, schedule="cosine")
    assert rate_factors(plan_pipeline("scratch"), recipe) == [recipe.rate_factor(epoch) for epoch in range(4)]


def test_each_segment_of_a_schedule_follows_the_one_before():
    data, recipe = blobs(), recipe_with(0.2, 0, epochs=2, batch_size=32, milestones=(1,))
    twice = plan_pipeline("scratch") | {"segments": ["recipe", "recipe"]}
    factors = rate_factors(twice, recipe)
    training = start_training(linear_network(data), Task(data, CPU), recipe, seed=0, rate_factors=factors)
    train_together([training])
    rates = [entry["learning_rate"] for entry in training.outcome.history]
    assert rates == pytest.approx([0.2, 0.02, 0.2, 0.02])


def test_the_schedule_sets_each_epochs_rate():
    data = blobs()
    recipe = recipe_with(0.2, 0, epochs=4, batch_size=32, milestones=(2,), decay=0.5)
    outcome = train(linear_network(data), data, recipe, seed=0)
    assert [entry["learning_rate"] for entry in outcome.history] == pytest.approx([0.2, 0.2, 0.1, 0.1])


def test_it_learns_and_evaluates_every_image_once():
    data = blobs()
    network = linear_network(data)
    outcome = train(network, data, recipe_with(0.01, 1e-4, epochs=15, batch_size=16, schedule="cosine"), seed=0)
    with torch.no_grad():
        logits = network(torch.from_numpy(normalised(data.test_images, data)).float())
    labels = torch.from_numpy(data.test_labels)
    assert torch.equal(outcome.test.correct, logits.argmax(1) == labels)
    assert outcome.test.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert outcome.test.correct.float().mean() > 0.9
    assert outcome.test.correct_top5 is None


def test_batch_norm_learns_in_training_and_rests_in_evaluation():
    """Running statistics by hand: momentum 0.1 over the batches; evaluation uses them and leaves them alone."""
    data = blobs()
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3))
    train(network, data, recipe_with(1e-9, 0, epochs=1, batch_size=60), seed=0)
    normal = normalised(data.train_images, data)
    variance = normal.var((0, 2, 3), ddof=0) * 2160 / 2159
    np.testing.assert_allclose(network[0].running_mean, 0.1 * normal.mean((0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(network[0].running_var, 0.9 + 0.1 * variance, rtol=1e-5)
    before = copy.deepcopy(network.state_dict())
    correct = Task(data, CPU).test(network, split_to_test(data)).correct
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    fixed = network.eval()
    tested = torch.from_numpy(normalised(data.test_images, data)).float()
    with torch.no_grad():
        assert torch.equal(fixed(tested).argmax(1) == torch.from_numpy(data.test_labels), correct)


def test_top5_counts_the_five_best_classes():
    logits = torch.arange(12.0, 0, -1).repeat(3, 1)
    images = np.zeros((3, 1, 2, 2), np.uint8)
    data = PreparedData(
        images, np.zeros(3, np.int64), images, np.array([0, 4, 5]), np.zeros(1, "f4"), np.ones(1, "f4"), 12
    )

    class Fixed(nn.Module):
        def forward(self, x):
            return logits[: len(x)]

    tested = Task(data, CPU).test(Fixed(), split_to_test(data))
    assert tested.correct.tolist() == [True, False, False]
    assert tested.correct_top5.tolist() == [True, True, False]


def test_same_seed_same_weights_history_and_correctness():
    data = blobs()
    recipe = recipe_with(0.05, 0.01, epochs=3, batch_size=16, crop_padding=1, flip=True)
    runs = []
    for seed in (0, 0, 1):
        network = linear_network(data)
        outcome = train(network, data, recipe, seed=seed)
        runs.append((network[1].weight.detach().clone(), outcome))
    assert torch.equal(runs[0][0], runs[1][0])
    assert runs[0][1].history == runs[1][1].history
    assert torch.equal(runs[0][1].test.correct, runs[1][1].test.correct)
    assert not torch.equal(runs[0][0], runs[2][0])


def test_a_diverged_training_is_recorded_at_chance_level():
    data = blobs(classes=20)
    outcome = train(linear_network(data), data, recipe_with(1e30, 1.0, epochs=5, batch_size=16), seed=0)
    assert outcome.diverged
    assert len(outcome.history) < 5
    record = record_of(outcome, data, log10_lr=1.0, log10_wd=0.0)
    assert (record["status"], record["top1"], record["top5"]) == ("diverged", 5.0, 25.0)
    assert record["correct"] is record["correct_top5"] is record["loss"] is None


def test_a_record_has_every_column_and_its_bits_count_the_correct():
    data = blobs(classes=20)
    outcome = train(linear_network(data), data, recipe_with(0.01, 0, epochs=2, batch_size=16), seed=0)
    record = record_of(outcome, data, log10_lr=-2.0, log10_wd=0.0, momentum=0.5, batch_size=16)
    job = {"seconds": 1.0, "resumes": 0, "together": 1, "alone": None, "peak_memory_bytes": 5}
    job |= {"recipe": {"precision": "fp32"}, "compile_seconds": None}
    job |= energy_fields(Meter(), outcome.used, outcome.seconds, together=1)
    names = ("device", "host", "cpu", "torch", "numpy", "finished")
    digests = ("data_digest", "code_digest", "widths_digest", "weights_digest")
    host = dict.fromkeys((*names, *digests), "x")
    place = {"stage": "grid", "round": 0, "select_on": "test"}
    assert record["setting"] == {"log10_lr": -2.0, "log10_wd": 0.0, "momentum": 0.5, "batch_size": 16}
    columns = cell_columns(record["setting"])
    row = record_row(copy.deepcopy(record) | job | {"provenance": host}, place, columns)
    assert list(row) == list(columns) and row["epochs_trained"] == 2
    assert (row["epoch_joules"], row["energy_reason"]) == (None, "energy was not asked for")
    bits = np.unpackbits(np.frombuffer(row["correct_bits"], np.uint8))[: row["tested"]]
    assert bits.tolist() == outcome.test.correct.int().tolist()
    assert row["correct"] == bits.sum()
    assert row["top1"] == 100 * row["correct"] / 30


def test_the_best_epoch_is_the_first_with_the_most_correct():
    history = [{"epoch": number, "correct": correct} for number, correct in enumerate([3, 9, 9, None], start=1)]
    assert best_epoch(history) == 2
    assert best_epoch([{"epoch": 1, "correct": None}]) is None
