"""System parameters that change how sums are rounded: settled once, declared, part of what a cell is."""

import json

import numpy as np
import pytest
import torch

from declare_experiment import declare_experiment
from prunescape.analysis.study_tables import check_records
from prunescape.errors import InputError
from prunescape.models.sealed_tensors import read_tensors
from prunescape.pruning.variant_plan import write_widths
from prunescape.space.cells import Cell
from prunescape.space.system_parameters import CHANGING, SYSTEM
from prunescape.store.files import read_json, write_json
from prunescape.tasks.images.preparing import write_prepared
from prunescape.training import probe
from prunescape.training.cell_job import checkpoint_key
from prunescape.training.numerics import apply_numerics
from prunescape.training.system.opening import note_numerics, workers_within
from support.cells import BASE_PLAN, base_cell, cell_files
from train_cell import train_cell

RECIPE = {"epochs": 1, "batch_size": 8, "precision": "auto"}
PRIOR = {"log10_lr": -1.0, "log10_wd": -4.0}
PROBE = {"architecture": "resnet_cifar", "model": "resnet8", "hyperparameters": {}, "device": "cpu", "prior": PRIOR}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Noise in two classes, and the base's plan."""
    out, random = tmp_path_factory.mktemp("prepared"), np.random.default_rng(0)
    arrays = {}
    for split in ("train", "test"):
        arrays[f"{split}_images"] = random.integers(0, 256, (16, 1, 8, 8), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(16) % 2
    files = {"data": out / "noise.npz", "identity": out / "noise.json", "widths": out / "widths.json"}
    write_prepared(arrays, dataset="noise", data=files["data"], identity=files["identity"])
    write_widths(BASE_PLAN, identity=files["identity"], weights=None, out=files["widths"])
    return files


def seconds(monkeypatch, of):
    """Let a step take what `of` says of the threads and the order of the network's filters."""
    made = []

    def step(network, task, batch, recipe, precision):
        filters = next(
            parameter for parameter in network.parameters() if parameter.dim() == 4 and parameter.shape[1] > 1
        )
        made.append((precision, filters.is_contiguous()))
        return made[-1]

    monkeypatch.setattr(probe, "throwaway_step", step)
    monkeypatch.setattr(probe, "seconds_of", lambda step, device: of(*step, torch.get_num_threads()))


@pytest.mark.parametrize(
    ("of", "chosen"),
    [
        (lambda precision, plain, threads: 1.0 / threads, {"threads": 4}),
        (lambda precision, plain, threads: 1.0 - 0.01 * threads, {"threads": 1}),  # not worth it
        (lambda precision, plain, threads: (0.5 if plain else 1.0) * threads, {"memory_format": "contiguous"}),
        (lambda precision, plain, threads: 0.5 if precision == "bf16" else 1.0, {"precision": "bf16"}),
    ],
)
def test_the_first_value_stays_unless_another_is_clearly_faster(prepared, tmp_path, monkeypatch, of, chosen):
    seconds(monkeypatch, of)
    values = {"threads": [1, 2, 4], "precision": ["fp32", "bf16"], "memory_format": ["channels_last", "contiguous"]}
    assert set(values) == set(CHANGING)
    before = torch.get_num_threads()
    declare_experiment(
        RECIPE, "code", identity=prepared["identity"], out=tmp_path / "s.json", probe=PROBE, settle=values
    )
    found = read_json(tmp_path / "s.json")
    first = {"threads": 1, "memory_format": "channels_last"}
    assert found["numerics"] == first | {name: value for name, value in chosen.items() if name in first}
    assert found["recipe"]["precision"] == chosen.get("precision", "fp32")
    assert torch.get_num_threads() == before


def test_a_real_probe_gives_one_of_the_values_and_a_study_without_declares_nothing(prepared, tmp_path):
    settle = {"threads": [1, 2], "memory_format": ["contiguous", "channels_last"]}
    recipe = RECIPE | {"precision": "fp32"}
    for name, values in (("some", settle), ("none", {})):
        out = tmp_path / f"{name}.json"
        declare_experiment(recipe, "code", identity=prepared["identity"], out=out, probe=PROBE, settle=values)
    found = read_json(tmp_path / "some.json")["numerics"]
    assert set(found) == set(settle) and all(found[name] in settle[name] for name in settle)
    assert set(read_json(tmp_path / "none.json")) == {"recipe", "code", "data"}


def trained(prepared, out, numerics, workers=1):
    """The record and the weights of a cell whose experiment declares these numerics."""
    out.mkdir()
    declared = {
        "recipe": {"epochs": 2, "batch_size": 8},
        "code": "c",
        "data": read_json(prepared["identity"])["digest"],
    }
    write_json(out / "shared.json", declared | ({"numerics": numerics} if numerics else {}))
    files = cell_files(out, shared=out / "shared.json", **prepared)
    train_cell(base_cell().content, files, device="cpu", workers=workers)
    torch.set_num_threads(1)
    tensors, _ = read_tensors(out / "weights.safetensors")
    return read_json(out / "record.json"), torch.cat([tensor.flatten().double() for tensor in tensors.values()])


def test_cells_are_trained_as_declared_again_and_again(prepared, tmp_path):
    """Contiguous filters round otherwise than channels_last, and the same declaration gives the same bits."""
    plain = {"threads": 2, "memory_format": "contiguous"}
    found = {name: trained(prepared, tmp_path / name, numerics) for name, numerics in (("a", plain), ("b", plain))}
    record, usual = trained(prepared, tmp_path / "usual", None)
    assert torch.equal(found["a"][1], found["b"][1])
    assert not torch.equal(found["a"][1], usual) and torch.allclose(found["a"][1], usual, atol=1e-2)
    assert found["a"][0]["provenance"]["numerics"] == plain and "numerics" not in record["provenance"]
    assert found["a"][0]["provenance"]["threads"] == 2 and record["provenance"]["threads"] == 1


def test_a_record_of_other_numerics_is_noticed(prepared, tmp_path):
    trained(prepared, tmp_path / "cell", {"threads": 2})
    shared = tmp_path / "cell" / "shared.json"
    widths = {Cell.from_content(base_cell().content).variant_path: prepared["widths"]}
    known = {"e": {"shared": shared, "widths": widths, "levels": {}}}
    check_records([tmp_path / "cell" / "record.json"], known)
    write_json(shared, read_json(shared) | {"numerics": {"threads": 1}})
    with pytest.raises(InputError, match="trained with other numerics than now"):
        check_records([tmp_path / "cell" / "record.json"], known)


def test_a_job_with_fewer_cores_than_threads_is_refused(prepared, tmp_path):
    with pytest.raises(InputError) as caught:
        trained(prepared, tmp_path / "cell", {"threads": 3})
    assert str(caught.value) == (
        "system.parameters.threads: cells are declared with 3 threads, and the job has 2 cores; hint: give it more: "
        "--cores 3"
    )
    assert [workers_within(3, {"numerics": {"threads": threads}}) for threads in (1, 2, 4)] == [3, 2, 0]
    assert workers_within(3, {}) == 3


def test_a_checkpoint_goes_on_with_the_same_numerics_only():
    keys = set()
    for numerics in ({}, {"numerics": {"threads": 2}}, {"numerics": {"threads": 4}}):
        digests = {"code_digest": "c"}
        note_numerics(digests, numerics)
        keys.add(checkpoint_key({}, {}, digests, "cpu"))
    assert len(keys) == 3


def test_contiguous_filters_meet_contiguous_images():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)).to(memory_format=torch.channels_last)
    apply_numerics(network, {"memory_format": "contiguous"})
    seen = []
    network[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].is_contiguous()))
    network(torch.zeros(2, 3, 8, 8).to(memory_format=torch.channels_last))
    assert seen == [True] and network[0].weight.is_contiguous()
    assert json.dumps({name: SYSTEM[name].default for name in CHANGING})
