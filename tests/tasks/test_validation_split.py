"""Images held out of the training split: which ones, that nothing learns from them, what is recorded and chosen."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from prepare_data import prepare_data
from prunescape.analysis.study_tables import cell_columns
from prunescape.config.datasets import resolve_options
from prunescape.config.study import load_study
from prunescape.deploy.export_best import best_records
from prunescape.designs.plan import experiment_plan
from prunescape.designs.rounds import first_cells
from prunescape.errors import InputError
from prunescape.store.files import read_json
from prunescape.store.records import pack_bits, unpack_bits
from prunescape.tasks.images.prepared import STATISTICS, PreparedData, load_prepared
from prunescape.tasks.images.task import Task
from prunescape.tasks.subsets import choose_splits, draw
from support.small_images import prepared_files
from support.trainings import recipe_with, record_of, train

VALIDATION_FIELDS = ("val_correct", "val_tested", "val_top1", "val_top5")


def prepared(folder, **options):
    files = prepared_files(folder)
    prepare_data(resolve_options("digits", options), **files)
    return load_prepared(**files), read_json(files["identity"])


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """The digits with 200 of 1,197 training images held out."""
    return prepared(tmp_path_factory.mktemp("held-out"), validation=200)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The digits as they are without a validation split."""
    return prepared(tmp_path_factory.mktemp("whole"))


def as_set(images):
    return {bytes(image) for image in images}


def test_the_validation_images_leave_the_training_split_with_equal_shares(held_out, whole):
    (data, identity), (full, _) = held_out, whole
    assert (identity["train"], identity["validation"], identity["test"]) == (997, 200, 600)
    both = np.concatenate([data.train_images, data.validation_images])
    assert sorted(map(bytes, both)) == sorted(map(bytes, full.train_images))
    np.testing.assert_array_equal(data.test_images, full.test_images)
    shares = np.bincount(data.validation_labels) / np.bincount(full.train_labels)
    np.testing.assert_allclose(shares, 200 / 1197, atol=0.01)


def test_mean_and_std_are_of_what_remains(held_out, whole):
    (data, identity), (_, before) = held_out, whole
    pixels = data.train_images / 255
    assert identity["mean"] == pytest.approx([pixels.mean()], rel=1e-12) != pytest.approx(before["mean"], rel=1e-6)
    assert identity["std"] == pytest.approx([pixels.std()], rel=1e-12)


def test_without_validation_nothing_is_held_out_and_nothing_changes(whole, tmp_path):
    data, identity = whole
    assert data.validation_images is None and "validation" not in identity
    assert prepared(tmp_path, validation=0)[1] == identity
    assert sorted(identity) == sorted(["task", "dataset", "digest", "shape", "classes", "train", "test", *STATISTICS])


def test_the_seed_draws_and_another_number_of_training_images_draws_the_same(held_out, tmp_path):
    data, identity = held_out
    other, _ = prepared(tmp_path / "seed", validation=200, split_seed=1, test=600)
    fewer, counts = prepared(tmp_path / "fewer", validation=200, train=100)
    assert as_set(other.validation_images) != as_set(data.validation_images)
    np.testing.assert_array_equal(fewer.validation_images, data.validation_images)
    assert counts["train"] == 100 and as_set(fewer.train_images) <= as_set(data.train_images)
    assert counts["digest"] != identity["digest"]


@pytest.mark.parametrize(
    ("labels", "count", "said"),
    [
        ([0, 1] * 50, 1, "1 examples cannot be drawn for the validation split; allowed: 2 to 98"),
        ([0, 1] * 50, 99, "99 examples cannot be drawn for the validation split; allowed: 2 to 98"),
        ([0] * 99 + [1], 10, "class 1 has only one; allowed: two examples or more"),
        ([0] * 98 + [1] * 2, 10, "10 examples for the validation split hold none of class 1; hint: draw more"),
        ([0] * 98 + [1] * 2, 90, "90 examples for the validation split leave none over of class 1; hint: draw fewer"),
    ],
)
def test_a_split_without_a_class_is_refused(labels, count, said):
    with pytest.raises(InputError, match=said):
        draw(np.array(labels), count, seed=0, split="validation", leave=True)


def test_splits_are_disjoint_and_together_what_there_is():
    labels = np.arange(90) % 3
    options = {"validation": 12, "train": None, "test": 6, "split_seed": 3}
    chosen = choose_splits(labels, labels[:30], options)
    together = np.concatenate([chosen["train"], chosen["validation"]])
    assert sorted(together) == list(range(90)) and len(chosen["test"]) == 6
    assert np.bincount(labels[chosen["validation"]]).tolist() == [4, 4, 4]


def blobs(classes=12, images=96, size=4) -> PreparedData:
    """Images whose class shows in one bright pixel, with noise; as many are held out as are tested."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", images), ("test", images // 2), ("validation", images // 2)):
        labels = np.arange(count) % classes
        pixels = random.integers(0, 120, (count, 1, size, size), dtype=np.uint8)
        pixels.reshape(count, -1)[np.arange(count), labels] += 60
        arrays |= {f"{split}_images": pixels, f"{split}_labels": labels.astype(np.int64)}
    return PreparedData(**arrays, mean=np.full(1, 0.25, "f4"), std=np.full(1, 0.15, "f4"), classes=classes)


def trained(data: PreparedData, epochs=3, **settings):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, data.classes))
    known = {"learning_rate": 0.05, "weight_decay": 1e-4, "epochs": epochs, "batch_size": 16} | settings
    return network, train(network, data, recipe_with(**known), seed=0)


def test_nothing_learns_from_the_validation_images():
    data = blobs()
    without = replace(data, validation_images=None, validation_labels=None)
    (network, outcome), (other, plain) = trained(data), trained(without)
    assert torch.equal(network[1].weight, other[1].weight)
    assert outcome.history == plain.history and torch.equal(outcome.test.correct, plain.test.correct)
    mine, theirs = record_of(outcome, data), record_of(plain, without)
    changed = {name for name in theirs if mine[name] != theirs[name]}
    assert changed - {"images_per_second", "epoch_seconds"} == set(VALIDATION_FIELDS)
    assert [theirs[name] for name in VALIDATION_FIELDS] == [None] * 4


def test_the_record_scores_the_validation_images_after_the_last_epoch(monkeypatch):
    """Against the trained network's own answers; top-5 counts from 11 classes on."""
    evaluated, test = [], Task.test

    def counted(task, network, split, **hooks):
        evaluated.append(len(split.labels))
        return test(task, network, split, **hooks)

    data = blobs()
    data = replace(data, validation_images=data.validation_images[:36], validation_labels=data.validation_labels[:36])
    monkeypatch.setattr(Task, "test", counted)
    network, outcome = trained(data, epochs=4)
    assert evaluated == [48, 48, 48, 48, 36]
    normal = torch.from_numpy((data.validation_images / 255 - 0.25) / 0.15).float()
    with torch.no_grad():
        best = network.eval()(normal).argsort(1, descending=True)
    labels = torch.from_numpy(data.validation_labels)[:, None]
    right, right_top5 = (int((best[:, :count] == labels).any(1).sum()) for count in (1, 5))
    record = record_of(outcome, data)
    wanted = [right, 36, 100 * right / 36, 100 * right_top5 / 36]
    assert [record[name] for name in VALIDATION_FIELDS] == wanted
    assert 3 < right < 36


@pytest.mark.parametrize(("classes", "top5"), [(12, 500 / 12), (4, None)])
def test_a_diverged_cell_scores_as_guessing_does(classes, top5):
    data = blobs(classes)
    _, outcome = trained(data, learning_rate=1e30)
    record = record_of(outcome, data)
    assert record["status"] == "diverged"
    assert [record[name] for name in VALIDATION_FIELDS] == [None, 48, 100 / classes, top5]


def test_the_columns_stand_behind_top5():
    names = list(cell_columns(["log10_lr", "log10_wd"]))
    assert tuple(names[names.index("top5") + 1 :][:4]) == VALIDATION_FIELDS


def test_bits_are_unpacked_as_they_were_packed():
    bits = np.random.default_rng(0).random(77) < 0.5
    np.testing.assert_array_equal(unpack_bits(pack_bits(bits), 77), bits)


def cell(correct, val_correct=None, log10_lr=-1.0, status="ok"):
    setting = {"log10_lr": log10_lr, "log10_wd": -4.0}
    return {"status": status, "correct": correct, "val_correct": val_correct, "setting": setting, "seed": 0}


def test_the_best_are_chosen_on_the_validation_split_where_there_is_one():
    records = [cell(90, 40), cell(80, 45), cell(95, 40, -2.0), cell(None, None, status="diverged")]
    assert best_records(records, 4) == [1, 2, 0]  # ties by the setting, whatever the test split says
    assert best_records(records, 4, "test") == [2, 0, 1]
    assert best_records([cell(90), cell(91)], 1) == [1]
    old = {name: value for name, value in cell(7).items() if name != "val_correct"}
    assert best_records([old], 1) == [0]


EXPERIMENT = {
    "model": "torchvision:resnet18",
    "dataset": "imagenet",
    "recipe": {"epochs": 90, "batch_size": 256, "milestones": [30, 60], "flip": True},
    "variants": {"nonuniform": [0.4]},
    "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
    "grid": {"log10_lr": {"step": 0.4, "size": 3}, "log10_wd": {"step": 0.4, "size": 3}},
}


def study_with(datasets=None, **changes):
    config = {"study": "s", "datasets": datasets or {}, "experiments": {"e": EXPERIMENT | changes}}
    return load_study(copy.deepcopy(config), "my.yaml")


def test_imagenets_recipe_can_be_said():
    """Table 3.3 of matthiesen2023: batch 256, 90 epochs, rate ÷ 10 after 30 and 60; a 3 x 3 grid (section 3.3)."""
    study = study_with(model="resnet50")
    cells = first_cells({"e": experiment_plan(study, "e")})
    recipe = study.experiments["e"].recipe
    factors = [recipe.rate_factor(epoch) for epoch in range(90)]
    assert factors == pytest.approx([1] * 30 + [0.1] * 30 + [0.01] * 30)
    assert (recipe.batch_size, recipe.momentum, recipe.flip, len(cells)) == (256, 0.9, True, 18)


def test_a_choice_on_validation_needs_images_for_it():
    with pytest.raises(InputError, match=r"my.yaml: experiments.e.select_on: nothing is held out.*imagenet") as told:
        study_with(select_on="validation")
    assert "\n" not in str(told.value)
    assert study_with().experiments["e"].select_on == "test"
    held = {"imagenet": {"validation": 50_000}}
    assert study_with(held, select_on="validation").experiments["e"].select_on == "validation"
    partition = {"recipe": EXPERIMENT["recipe"] | {"partition": "80-10-10"}}
    assert study_with(select_on="validation", **partition).experiments["e"].select_on == "validation"
    with pytest.raises(InputError, match=r"partition: 80-10-10 holds images out, and so does datasets\.imagenet"):
        study_with(held, **partition)
    with pytest.raises(InputError, match="select_on"):
        study_with(held, select_on="train")


def test_padded_crops_of_an_image_folder_are_refused():
    recipe = EXPERIMENT["recipe"] | {"crop_padding": 4}
    with pytest.raises(InputError, match=r"recipe.crop_padding: 4 has no meaning here; allowed: 0; hint: imagenet is"):
        study_with(recipe=recipe)


def test_where_the_images_lie_and_who_decodes_them_is_no_part_of_the_study():
    places = [{"folder": "a", "workers": 1}, {"folder": "b", "workers": 2}]
    first, second = (study_with({"imagenet": place}).summary() for place in places)
    assert first == second
