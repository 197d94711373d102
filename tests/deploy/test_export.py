"""Export of trained cells to ONNX, checked against torch and against onnx's own reference evaluator. Needs torch."""

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from prunescape.deploy import export
from prunescape.deploy.export import check_parity, export_model, strip_metadata
from prunescape.deploy.export_best import best_records, chosen_records, export_best
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops, count_parameters
from prunescape.models.weights import save_weights
from prunescape.store.files import read_json, write_json
from prunescape.tasks.images.exported import parity_inputs
from prunescape.tasks.images.prepared import load_prepared
from support.cells import named
from support.small_images import prepare_noise, prepared_files

ARCHITECTURE = {"architecture": "resnet_cifar", "model": "resnet8"}
CUT = {  # the first block of ResNet-8 with 9 of its 16 inner channels
    "layer1.0.conv1": {"in_channels": 16, "out_channels": 9, "groups": 1},
    "layer1.0.bn1": {"num_features": 9},
    "layer1.0.conv2": {"in_channels": 9, "out_channels": 16, "groups": 1},
}
CELLS = [  # log10_lr, seed, status, correct: the first diverged, the second and third tie, the fourth is best
    (-0.2, 0, "diverged", None),
    (-1.0, 1, "ok", 20),
    (-1.0, 0, "ok", 20),
    (-1.4, 0, "ok", 25),
]


def random_network(seed, modules=CUT):
    """A pruned ResNet-8 whose batch norms have seen data, so that folding them into convolutions is put to the test."""
    network = rebuild(build_model(**ARCHITECTURE, in_channels=1, classes=10), modules)
    initialise(network, seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(32, 1, 8, 8))
    return network.eval()


def costs():
    flops, full = (count_flops(random_network(0, modules), (1, 8, 8)) for modules in (CUT, {}))
    return {"flops": flops, "parameters": count_parameters(random_network(0)), "ratio_achieved": flops / full}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """One variant as the earlier rules leave it: data, widths, and a record and weights per cell."""
    folder = tmp_path_factory.mktemp("study")
    prepare_noise(folder, (1, 8, 8), 10, train=40, test=30)
    write_json(folder / "widths.json", {**ARCHITECTURE, "in_channels": 1, "classes": 10, "modules": CUT, **costs()})
    for number, (log10_lr, seed, status, correct) in enumerate(CELLS):
        score = {"status": status, "correct": correct, "tested": 30, "top1": 10.0 if correct is None else correct / 0.3}
        write_json(folder / str(number) / "record.json", named("uniform-0.5", log10_lr, seed, **score))
        save_weights(random_network(number), folder / str(number) / "weights.safetensors")
    return folder


def arguments(study, out, cells=(0, 1, 2, 3)):
    return {
        "widths": study / "widths.json",
        "records": [study / str(number) / "record.json" for number in cells],
        "weights": [study / str(number) / "weights.safetensors" for number in cells],
        **prepared_files(study),
        "out": out,
    }


@pytest.fixture(scope="module")
def exported(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "onnx"
    export_best({"best": 2}, **arguments(study, out))
    return out


def images_of(study):
    return parity_inputs(load_prepared(**prepared_files(study)), "standard")


def deflated(content):
    """Bytes of zlib's format by RFC 1950: 2 of header, the deflate stream at level 9, 4 of check sum."""
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return 2 + len(stream.compress(content) + stream.flush()) + 4


def test_the_best_records_are_exported_with_what_they_reached(exported):
    models = read_json(exported / "export.json")["models"]
    assert [(model["rank"], model["correct"], model["cell"]["seed"]) for model in models] == [(1, 25, 0), (2, 20, 0)]
    assert sorted(path.name for path in exported.iterdir()) == ["export.json", "rank-1.onnx", "rank-2.onnx"]
    for model in models:
        content = (exported / model["file"]).read_bytes()
        assert model["sha256"] == hashlib.sha256(content).hexdigest()
        assert model["file_bytes"] == len(content)
        assert model["encoded_bytes"] == deflated(content) < len(content)
        assert 0 < model["parity"]["difference"] <= 1e-4 and model["parity"]["top1_agreement"] == 1
        assert model["parity"]["batches"] == [1, 3, 30]


def test_onnx_reference_evaluator_finds_torchs_logits(study, exported):
    """onnx's own evaluator in numpy stands for any runtime; cell 3 is the best one."""
    images = images_of(study)
    with torch.no_grad():
        wanted = random_network(3)(torch.from_numpy(images[:5])).numpy()
    found = ReferenceEvaluator(str(exported / "rank-1.onnx")).run(["logits"], {"input": images[:5]})[0]
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_images_are_normalised_by_mean_and_std_of_the_training_images(study):
    """Against float64; the model's metadata carry the same."""
    identity = read_json(study / "data.json")
    with np.load(study / "data.npz") as file:
        pixels = file["test_images"].astype(np.float64) / 255
    np.testing.assert_allclose(images_of(study), (pixels - identity["mean"][0]) / identity["std"][0], atol=1e-5)
    assert images_of(study).dtype == np.float32


def test_the_file_says_how_to_feed_it_and_tells_nothing_of_this_machine(study, exported):
    model, identity = onnx.load(exported / "rank-1.onnx"), read_json(study / "data.json")
    known = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert known == {"prunescape.mean": identity["mean"], "prunescape.std": identity["std"]}
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [part.dim_param or part.dim_value for part in shape] == ["batch", 1, 8, 8]
    assert ([entry.name for entry in model.graph.input], model.graph.output[0].name) == (["input"], "logits")
    assert model.opset_import[0].version == 20
    content = (exported / "rank-1.onnx").read_bytes()
    for text in (".py", str(Path(export.__file__).parent), str(Path.home()), "site-packages", "stack_trace"):
        assert text.encode() not in content


def test_equal_weights_give_equal_bytes(study, exported, tmp_path):
    identity = read_json(study / "data.json")
    scaling = {"mean": identity["mean"], "std": identity["std"]}
    export_model(random_network(3), images_of(study), tmp_path / "again.onnx", **scaling)
    assert (tmp_path / "again.onnx").read_bytes() == (exported / "rank-1.onnx").read_bytes()


def test_other_weights_or_a_changed_file_fail_with_the_figures(study, exported, tmp_path):
    images = images_of(study)
    with pytest.raises(InputError, match=r"largest difference [\d.]+ of .* same class on [\d.]+% of 30 examples"):
        check_parity(random_network(4), images, exported / "rank-1.onnx", name="rank-1.onnx")
    model = onnx.load(exported / "rank-1.onnx")
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Identity"
            break
    onnx.save(model, tmp_path / "changed.onnx")
    with pytest.raises(InputError, match="does not compute what torch does"):
        check_parity(random_network(3), images, tmp_path / "changed.onnx", name="changed.onnx")


@pytest.mark.parametrize("share", [2e-4, 1e-2])
def test_logits_a_little_off_are_refused_though_every_class_is_the_same(study, exported, share):
    """A classifier scaled by 1 + e moves the logits by e / (1 + e) of the largest one, and no class."""
    with pytest.raises(InputError, match=r"same class on 100\.00% of 30 examples") as caught:
        check_parity(scaled_network(share), images_of(study), exported / "rank-1.onnx", name="rank-1.onnx")
    told = float(str(caught.value).split("largest difference ")[1].split()[0])
    assert told == pytest.approx(share / (1 + share), abs=2e-5)


def test_a_difference_within_rounding_is_accepted_and_told(study, exported):
    parity = check_parity(scaled_network(5e-5), images_of(study), exported / "rank-1.onnx", name="rank-1.onnx")
    assert parity["difference"] == pytest.approx(5e-5, abs=2e-5) and parity["top1_agreement"] == 1


def scaled_network(share):
    network = random_network(3)
    with torch.no_grad():
        for parameter in network.fc.parameters():
            parameter.mul_(1 + share)
    return network


def test_near_ties_that_flip_the_class_are_refused(tmp_path):
    """Logits (1, 1 + e) and (1 + e, 1) lie e apart, far within the tolerance, but no image keeps its class."""
    images, network = np.zeros((4, 1, 2, 2), np.float32), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    tie = torch.tensor([1.0, 1.00001])
    with torch.no_grad():
        network[1].bias.copy_(tie)
        export_model(network, images, tmp_path / "tie.onnx", mean=[0.0], std=[1.0])
        network[1].bias.copy_(tie.flip(0))
    with pytest.raises(InputError, match=r"same class on 0\.00% of 4 examples"):
        check_parity(network, images, tmp_path / "tie.onnx", name="tie.onnx")


def test_a_mismatch_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    images = np.zeros((3, 1, 8, 8), np.float32)
    with pytest.raises(InputError, match="does not compute what torch does"):
        export_model(random_network(0), images, tmp_path / "rank-1.onnx", mean=[0.0], std=[1.0])
    assert list(tmp_path.iterdir()) == []


def test_diverged_cells_only_is_an_empty_export(study, tmp_path):
    export_best({"best": 3}, **arguments(study, tmp_path / "onnx", cells=[0]))
    assert read_json(tmp_path / "onnx" / "export.json")["models"] == []
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["export.json"]


def test_ties_go_to_the_smallest_setting_as_numbers():
    """-1.0 is below -0.8 and 10 above 9, whatever their texts say; the test loss plays no part."""
    cells = [(-0.8, -4.0, 0), (-1.0, -4.0, 10), (-1.0, -4.0, 9), (-1.0, -5.0, 11), (-2.0, -5.0, 0)]
    records = [
        {"status": "ok", "correct": 500, "setting": {"log10_wd": wd, "log10_lr": lr}, "seed": seed, "loss": -index}
        for index, (lr, wd, seed) in enumerate(cells)
    ]
    records[4] |= {"status": "diverged", "correct": None}
    assert best_records(records, 10) == [3, 2, 1, 0]
    assert best_records([*records, records[0] | {"correct": 501}], 1) == [5]
    assert best_records([], 2) == []


def test_chosen_trials_are_exported_by_falling_score():
    """Of equal ones the first comes first; a diverged one is never exported."""
    scores = [(80.0, "ok"), (90.0, "ok"), (99.0, "diverged"), (80.0, "ok"), (10.0, "ok")]
    records = [{"status": status, "train_top1": score} for score, status in scores]
    assert chosen_records(records, {"rank_by": "train_top1", "precisions": []}) == [1, 0, 3, 4]


@pytest.mark.parametrize(
    ("damage", "said"),
    [("truncated", "cannot be read as safetensors"), ("other widths", "has shape"), ("missing", "file is missing")],
)
def test_weights_that_cannot_be_used_end_in_one_line(study, tmp_path, damage, said):
    places = arguments(study, tmp_path / "onnx", cells=[3])
    broken = tmp_path / "weights.safetensors"
    if damage == "truncated":
        broken.write_bytes(places["weights"][0].read_bytes()[:2000])
    elif damage == "other widths":
        save_weights(random_network(0, modules={}), broken)
    with pytest.raises(InputError, match=said) as caught:
        export_best({"best": 1}, **(places | {"weights": [broken]}))
    assert str(broken) in str(caught.value) and "\n" not in str(caught.value)


def test_stripping_reaches_every_part():
    node = onnx.helper.make_node("Relu", ["a"], ["b"], doc_string="here")
    node.metadata_props.add(key="stack", value="there")
    graph = onnx.helper.make_graph([node], "graph", [], [], doc_string="here")
    model = onnx.helper.make_model(graph)
    model.metadata_props.add(key="stack", value="there")
    strip_metadata(model)
    content = model.SerializeToString()
    assert b"here" not in content and b"stack" not in content
    assert model.graph.node[0].op_type == "Relu"


def test_mobilenet_v2_computes_the_same_in_onnxruntime(tmp_path):
    """The second architecture family: depthwise convolutions, 32x32 images in three channels."""
    network = initialise(build_model("mobilenet_v2", "mobilenet_v2", in_channels=3, classes=10), 0)
    torch.manual_seed(0)
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 32, 32))
    images = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    parity = export_model(network, images, tmp_path / "mobilenet.onnx", mean=[0.5] * 3, std=[0.2] * 3)
    assert parity["difference"] <= 1e-4 and parity["top1_agreement"] == 1


class Unwritable(torch.nn.Module):
    def forward(self, x):
        return torch.linalg.svdvals(x.flatten(2))[:, 0]


def test_a_network_that_torch_cannot_write_is_one_line(tmp_path):
    images = np.random.default_rng(0).standard_normal((4, 1, 4, 4)).astype(np.float32)
    with pytest.raises(
        InputError, match=r"^rank-1.onnx: torch cannot write the network as ONNX \(\w+: .*hint: "
    ) as error:
        export_model(Unwritable(), images, tmp_path / "rank-1.onnx")
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_an_operator_that_onnxruntime_lacks_is_one_line(tmp_path, monkeypatch):
    """A file in an opset that does not exist yet, as onnxruntime refuses it."""

    def of_the_future(path, **scaling):
        model = onnx.load(path)
        model.opset_import[0].version = 99
        path.write_bytes(model.SerializeToString())

    monkeypatch.setattr(export, "finish_model", of_the_future)
    images = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)
    with pytest.raises(
        InputError, match=r"^rank-1.onnx: onnxruntime cannot run the ONNX file \(\w+: .*hint: "
    ) as error:
        export_model(random_network(0), images, tmp_path / "rank-1.onnx")
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())
