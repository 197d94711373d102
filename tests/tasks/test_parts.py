"""Partitions of the training examples and shares of them: fixed, disjoint, stratified, nested."""

import itertools

import numpy as np
import pytest
import torch

from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.tasks.images.task import Task
from prunescape.tasks.parts import parts_of, stratified_order, training_count
from support.small_images import three_classes
from support.trainings import CPU, recipe_with, train

LABELS = np.random.default_rng(1).choice(4, 1003, p=[0.4, 0.3, 0.2, 0.1])
PARTITIONS = [name for name in PARAMETERS["partition"].levels if name != "none"]


def shares(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels, minlength=4) / len(labels)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_partition_has_its_percentages_with_equal_shares_of_each_class(partition):
    trained, held_out = parts_of(LABELS, partition, 1.0)
    percent = [int(part) for part in partition.split("-")]
    assert len(trained) == round(1003 * percent[0] / 100) == training_count(1003, 4, partition, 1.0)
    assert abs(len(held_out) - 1003 * percent[1] / 100) <= 1
    assert not set(trained) & set(held_out) and sum(percent) == 100
    for part in (trained, held_out):
        assert (np.diff(part) > 0).all()
        np.testing.assert_allclose(shares(LABELS[part]), shares(LABELS), atol=2 / len(part))


def test_a_smaller_share_is_within_a_larger_one():
    parts = [set(parts_of(LABELS, "none", share)[0]) for share in (0.001, 0.1, 0.11, 0.5, 1.0)]
    assert [len(part) for part in parts] == [4, 100, 110, 502, 1003]
    assert all(small < large for small, large in itertools.pairwise(parts))
    assert shares(LABELS[list(parts[0])]).tolist() == [0.25] * 4, "one of each class at least"
    np.testing.assert_allclose(shares(LABELS[list(parts[1])]), shares(LABELS), atol=0.02)


def test_a_share_is_taken_of_what_a_partition_trains_on():
    whole, held_out = parts_of(LABELS, "60-20-20", 1.0)
    part, same = parts_of(LABELS, "60-20-20", 0.25)
    assert set(part) < set(whole) and len(part) == round(0.25 * len(whole))
    assert np.array_equal(held_out, same)


def test_the_order_is_the_same_every_time_and_no_rank():
    order = stratified_order(LABELS)
    assert np.array_equal(order, stratified_order(LABELS)) and np.array_equal(np.sort(order), np.arange(1003))
    assert abs(np.corrcoef(order, np.arange(1003))[0, 1]) < 0.1


def test_a_training_sees_its_part_only_and_counts_what_it_validates_on():
    data = three_classes(60, 30, 0, channels=1, pixels=4)
    data = type(data)(**{**vars(data), "validation_images": None, "validation_labels": None})
    recipe = Recipe(epochs=1, batch_size=8, partition="60-20-20", data_share=0.5)
    splits = Task(data, CPU).open_splits(recipe, torch.Generator())
    trained, held_out = parts_of(data.train_labels, "60-20-20", 0.5)
    assert splits.counts == {"train": 18, "test": 30, "validation": 12}
    seen = torch.cat([images for images, _ in splits.train.in_order(50)]).permute(0, 3, 1, 2).numpy()
    assert np.array_equal(seen, data.train_images[trained])
    labels = torch.cat([labels for _, labels in splits.validation.in_order(9)])
    assert np.array_equal(labels, data.train_labels[held_out])
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    outcome = train(network, data, recipe_with(0.1, 0, epochs=1, batch_size=8, partition="60-20-20"), seed=0)
    assert len(outcome.validation.correct) == 12 and len(outcome.test.correct) == 30


def test_all_of_it_is_what_was_prepared():
    data = three_classes(60, 30, 20, channels=1, pixels=4)
    splits = Task(data, CPU).open_splits(Recipe(epochs=1, batch_size=8), torch.Generator())
    assert splits.counts == {"train": 60, "test": 30, "validation": 20}
