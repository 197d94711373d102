"""A training that diverges, at once or at the very end, is a result: chance level, no counts, valid JSON, no export."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from declare_experiment import declare_experiment
from prunescape.analysis.study_tables import is_readable
from prunescape.deploy.export_best import export_best
from prunescape.errors import InputError
from prunescape.pruning.variant_plan import write_widths
from prunescape.store.files import read_json
from prunescape.tasks.images.prepared import load_prepared
from prunescape.tasks.images.task import Task
from prunescape.training.cell_record import cell_record
from support.cells import BASE_PLAN, base_cell, cell_files
from support.small_images import prepare_noise
from support.trainings import CPU, recipe_with, train
from train_cell import train_cell

CLASSES = 20
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
    files = prepare_noise(folder, (1, 8, 8), CLASSES, high=255, train=40, test=20, validation=20)
    write_widths(BASE_PLAN, identity=files["identity"], weights=None, out=folder / "widths.json")
    return files | {"widths": folder / "widths.json"}


@pytest.fixture(params=ENDS)
def ended(request, places, tmp_path):
    """A cell really trained until it diverged: its record, its weights, and the epochs that it should have."""
    recipe, log10_lr, epochs = ENDS[request.param]
    shared = tmp_path / "shared.json"
    declare_experiment(recipe | {"log10_lr": log10_lr}, "code", identity=places["identity"], out=shared)
    train_cell(base_cell(log10_wd=-4).content, cell_files(tmp_path, shared=shared, **places), device="cpu")
    return tmp_path / "record.json", tmp_path / "weights.safetensors", epochs


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
    export_best({"best": 1}, records=[record], weights=[weights], out=tmp_path / "onnx", **places)
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["export.json"]
    assert read_json(tmp_path / "onnx" / "export.json")["models"] == []
    pruned = BASE_PLAN | {"method": "nonuniform", "ratio": "0.5", "score": "l1_layer", "min_keep": 0.1}
    with pytest.raises(InputError, match="diverged at the prior"):
        write_widths(pruned, identity=places["identity"], weights=weights, out=tmp_path / "widths.json")


class FailsOn(nn.Module):
    """Logits of zero, and no number for images in which a pixel is white."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(CLASSES))

    def forward(self, images):
        white = images.flatten(1).amax(1, keepdim=True) >= self.white
        return torch.where(white, torch.nan, self.scale.expand(len(images), -1))


def test_a_validation_split_that_is_not_finite_diverges_after_the_last_epoch(places):
    data = load_prepared(places["data"], places["identity"])
    for images in (data.train_images, data.test_images):
        images[images == 255] = 0
        images[images > 200] = 200
    data.validation_images[0, 0, 0, 0] = 255
    network = FailsOn()
    network.white = float((1 - data.mean[0]) / data.std[0]) - 1e-3
    outcome = train(network, data, recipe_with(0.1, 0.0, epochs=2, batch_size=20), seed=0)
    assert len(outcome.history) == 2 and outcome.test is not None
    assert outcome.diverged
    identity, widths = read_json(places["identity"]), read_json(places["widths"])
    record = cell_record(base_cell(log10_lr=-1), outcome, task=Task(data, CPU), widths=widths, identity=identity)
    assert record["status"] == "diverged"
    assert (record["top1"], record["val_top1"], record["correct"]) == (100 / CLASSES, 100 / CLASSES, None)
    json.dumps(record, allow_nan=False)
