"""A training that diverges, at once or at the very end, is a result: chance level, no counts, valid JSON, no export."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from declare_experiment import declare_experiment
from prunescape.analysis.collect import is_readable
from prunescape.deploy.export_best import export_best
from prunescape.errors import InputError
from prunescape.pruning.variant_plan import write_widths
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.files import read_json
from prunescape.tasks.images.prepared import load_prepared
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.images.task import Task
from prunescape.training.cell_record import cell_record
from support.trainings import recipe_with, train
from train_cell import train_cell

CLASSES = 20
PLAN = {"model": "resnet8", "architecture": "resnet_cifar", "method": "base"}
FINITE = {"epochs": 3, "batch_size": 20, "precision": "fp32"}
# how a training ends: recipe, log10 of the learning rate, epochs that it finishes
ENDS = {
    "from the first step": (FINITE, 38.0, 1),
    "in the last epoch": (FINITE | {"milestones": (2,), "decay": 1e30}, -3.0, 3),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, Path]:
    """Forty images of noise in 20 classes, ten of them held out, and the plan of an unpruned ResNet-8."""
    folder = tmp_path_factory.mktemp("noise")
    draw = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 40), ("test", 20), ("validation", 20)):
        arrays[f"{split}_images"] = draw.integers(0, 255, (count, 1, 8, 8), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % CLASSES
    places = {name: folder / name for name in ("data.npz", "data.json", "widths.json")}
    write_prepared(arrays, dataset="noise", data=places["data.npz"], identity=places["data.json"])
    write_widths(PLAN, identity=places["data.json"], weights=None, out=places["widths.json"])
    return places


@pytest.fixture(params=ENDS)
def ended(request, places, tmp_path):
    """A cell really trained until it diverged: its record, its weights, and the epochs that it should have."""
    recipe, log10_lr, epochs = ENDS[request.param]
    shared, record, weights = (tmp_path / name for name in ("shared.json", "record.json", "weights.safetensors"))
    declare_experiment(recipe | {"log10_lr": log10_lr}, "code", identity=places["data.json"], out=shared)
    files = {"identity": places["data.json"], "widths": places["widths.json"], "data": places["data.npz"]}
    files |= {"shared": shared, "record": record, "weights": weights, "checkpoint": tmp_path / "checkpoint.safetensors"}
    train_cell(Cell("e", BASE, Setting.of({"log10_wd": -4})).content, files, device="cpu")
    return record, weights, epochs


def strict(path: Path) -> dict:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word: str):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_the_record_is_chance_level_without_counts(ended):
    path, _, epochs = ended
    record = strict(path)
    assert is_readable(path)
    assert (record["status"], record["epochs_trained"]) == ("diverged", epochs)
    assert (record["top1"], record["top5"]) == (100 / CLASSES, 500 / CLASSES)
    assert (record["val_top1"], record["val_top5"]) == (100 / CLASSES, 500 / CLASSES)
    assert all(record[name] is None for name in ("correct", "correct_top5", "val_correct", "loss"))
    assert record["correct_bits"] == ""
    finite = [entry["test_loss"] is not None for entry in record["history"]]
    assert finite == [True] * (epochs - 1) + [False]


def test_it_is_never_exported_and_never_ranks_filters(ended, places, tmp_path):
    record, weights, _ = ended
    given = {"widths": places["widths.json"], "identity": places["data.json"], "data": places["data.npz"]}
    export_best({"best": 1}, records=[record], weights=[weights], out=tmp_path / "onnx", **given)
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["export.json"]
    assert read_json(tmp_path / "onnx" / "export.json")["models"] == []
    pruned = PLAN | {"method": "nonuniform", "ratio": "0.5", "score": "l1_layer", "min_keep": 0.1}
    with pytest.raises(InputError, match="diverged at the prior"):
        write_widths(pruned, identity=places["data.json"], weights=weights, out=tmp_path / "widths.json")


class FailsOn(nn.Module):
    """Logits of zero, and no number for images in which a pixel is white."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(CLASSES))

    def forward(self, images):
        white = images.flatten(1).amax(1, keepdim=True) >= self.white
        return torch.where(white, torch.nan, self.scale.expand(len(images), -1))


def test_a_validation_split_that_is_not_finite_diverges_after_the_last_epoch(places):
    data = load_prepared(places["data.npz"], places["data.json"])
    for images in (data.train_images, data.test_images):
        images[images == 255] = 0
        images[images > 200] = 200
    data.validation_images[0, 0, 0, 0] = 255
    network = FailsOn()
    network.white = float((1 - data.mean[0]) / data.std[0]) - 1e-3
    outcome = train(network, data, recipe_with(0.1, 0.0, epochs=2, batch_size=20), seed=0)
    assert len(outcome.history) == 2 and outcome.test is not None
    assert outcome.diverged
    cell, identity = Cell("e", BASE, Setting.of({"log10_lr": -1})), read_json(places["data.json"])
    task, widths = Task(data, torch.device("cpu")), read_json(places["widths.json"])
    record = cell_record(cell, outcome, task=task, widths=widths, identity=identity)
    assert record["status"] == "diverged"
    assert (record["top1"], record["val_top1"], record["correct"]) == (100 / CLASSES, 100 / CLASSES, None)
    json.dumps(record, allow_nan=False)
