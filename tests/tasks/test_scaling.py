"""Scalings of inputs against scikit-learn's scalers, in training and as a target sees an exported model."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from prunescape.errors import InputError
from prunescape.space.recipe import PARAMETERS
from prunescape.store.files import read_json
from prunescape.tasks.images import exported
from prunescape.tasks.images.prepared import load_prepared
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.images.scaling import scaling_of
from prunescape.tasks.images.task import Task
from support.small_images import noise, prepared_files
from support.trainings import CPU

SCALERS = {"standard": StandardScaler(), "robust": RobustScaler(), "minmax": MinMaxScaler()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Images of two channels, the second much darker; odd numbers, so that quartiles are values that occur."""
    arrays = noise((2, 5, 5), 3, high=201, train=45, test=9)
    for split in ("train", "test"):
        arrays[f"{split}_images"][:, 1] //= 4
    files = prepared_files(tmp_path_factory.mktemp("scaling"))
    write_prepared(arrays, dataset="digits", **files)
    return files


def test_every_scaling_is_compared():
    assert {*SCALERS, "none"} == set(PARAMETERS["scaling"].levels)


@pytest.mark.parametrize("name", [*SCALERS, "none"])
def test_inputs_are_those_of_scikit_learn(files, name):
    """Fitted on the training pixels of each channel; `none` leaves 0 to 255."""
    prepared = load_prepared(**files)
    images = torch.from_numpy(prepared.test_images).permute(0, 2, 3, 1)
    found = Task(prepared, CPU, name).inputs(images).numpy()
    wanted = np.empty(found.shape)
    for channel in range(2):
        tested = prepared.test_images[:, channel].astype(float)
        if name == "none":
            wanted[:, channel] = tested
        else:
            scaler = SCALERS[name].fit(prepared.train_images[:, channel].reshape(-1, 1).astype(float))
            wanted[:, channel] = scaler.transform(tested.reshape(-1, 1)).reshape(tested.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*SCALERS, "none"])
def test_a_target_feeds_what_training_fed(files, name):
    """By the metadata of an exported model, as measure/agent.py scales pixels."""
    prepared = load_prepared(**files)
    metadata = json.loads(json.dumps(exported.scaling(read_json(files["identity"]), prepared, name)))
    mean, std = (np.array(metadata[key], np.float32)[:, None, None] for key in ("mean", "std"))
    fed = (prepared.test_images.astype(np.float32) / np.float32(255) - mean) / std
    trained = Task(prepared, CPU, name).inputs(torch.from_numpy(prepared.test_images).permute(0, 2, 3, 1))
    np.testing.assert_allclose(fed, trained, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(exported.parity_inputs(prepared, name), fed)


def test_a_range_of_nothing_counts_as_1(tmp_path):
    arrays = noise((1, 4, 4), 2, train=20, test=4)
    arrays["train_images"][:, :, :, :3] = 0  # three quarters of the pixels are black, as on handwritten digits
    files = prepared_files(tmp_path)
    write_prepared(arrays, dataset="digits", **files)
    centre, spread = scaling_of(load_prepared(**files), "robust")
    assert (centre.item(), spread.item()) == (0, 1)


def test_data_prepared_without_quartiles_are_named(files):
    old = replace(load_prepared(**files), quartiles=None)
    with pytest.raises(InputError, match="prepared without what the scaling robust needs"):
        scaling_of(old, "robust")
