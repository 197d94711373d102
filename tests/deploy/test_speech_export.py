"""The whole path of one network for speech without Snakemake: recordings, training, pruning, export, measurement."""

import numpy as np
import onnx
import pytest
import torch

from prunescape.config.datasets import resolve_options
from prunescape.deploy.export import export_model
from prunescape.deploy.precisions import export_precision
from prunescape.measure.benchmark import agent_spec
from prunescape.measure.local import TEST_SPLIT, run_agent
from prunescape.models.build import build_model, initialise, planned_network
from prunescape.pruning.planning import plan_content, plan_widths
from prunescape.store.files import read_json
from prunescape.tasks.speech import exported
from prunescape.tasks.speech.prepared import load_prepared
from prunescape.tasks.speech.preparing import write_waves
from prunescape.tasks.speech.task import Task
from support.small_images import prepared_files
from support.small_speech import TONES, write_tree
from support.trainings import CPU, recipe_with, start_training, train_together

PRECISIONS = ("int8", "fp16")
WORDS = len(TONES)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Prepared data and their identity, from recordings in the true format."""
    folder = tmp_path_factory.mktemp("speech")
    write_tree(folder / "originals", train=16, validation=2, test=8)
    files = prepared_files(folder)
    write_waves(resolve_options("speech-commands", {"folder": str(folder / "originals")}), **files)
    return files


@pytest.fixture(scope="module")
def trained(files):
    """A pruned network that was trained from scratch, its data, and what the training reached."""
    data = load_prepared(**files)
    whole = initialise(build_model("m5", "m5_small", in_channels=1, classes=WORDS), 0)
    plan = plan_widths(whole, (1, 8000), method="nonuniform", ratio=0.8)
    names = {"model": "m5_small", "architecture": "m5", "method": "nonuniform", "ratio": 0.8}
    content = plan_content(plan, **names, classes=WORDS, input_shape=(1, 8000))
    network = initialise(planned_network(content), 0)
    training = start_training(network, Task(data, CPU), recipe_with(0.05, 1e-4, epochs=10, batch_size=16), seed=0)
    train_together([training])
    return training.network.eval(), data, training.outcome.test.correct


@pytest.fixture(scope="module")
def measured(trained, files, tmp_path_factory):
    """What the agent finds of the exported network in each precision, and how near each is to torch."""
    network, data, _ = trained
    folder, identity = tmp_path_factory.mktemp("onnx"), read_json(files["identity"])
    inputs, scaling = exported.parity_inputs(data, "standard"), exported.scaling(identity, data, "standard")
    places = {name: folder / f"{name}.onnx" for name in ("fp32", *PRECISIONS)}
    parity = {"fp32": export_model(network, inputs, places["fp32"], **scaling)}
    for precision in PRECISIONS:
        checks = {"inputs": inputs, "calibration": exported.calibration_inputs(data, "standard")}
        parity[precision] = export_precision(
            precision, network, places["fp32"], **checks, out=places[precision], **scaling
        )
    target = {"threads": [1], "batch": [1, 40], "provider": "CPUExecutionProvider"}
    protocol = {"warmups": 1, "repeats": 2, "chunk_seconds": 0.001}
    models = [{"id": name, "path": str(path), "optional": True} for name, path in places.items()]
    return run_agent(agent_spec(target, models, str(files["data"]), protocol)), places, parity


def test_what_was_trained_is_what_the_agent_finds(trained, measured):
    _, data, correct = trained
    found, _, parity = measured
    accuracy = {entry["id"]: entry for entry in found["accuracy"]}
    assert correct.float().mean() > 0.9, "a tone is easily told from others"
    assert accuracy["fp32"]["correct"] == correct.sum() and accuracy["fp32"]["tested"] == len(data.test_labels)
    assert parity["fp32"]["difference"] < 1e-5 and parity["fp32"]["top1_agreement"] == 1
    assert accuracy["int8"]["correct"] >= 0.8 * len(correct) and 0 < parity["int8"]["difference"] < 0.2


def test_every_precision_is_measured_at_every_batch(measured):
    found, _, _ = measured
    assert {entry["id"] for entry in found["latency"]} == {"fp32", *PRECISIONS}
    assert {(entry["id"], entry["batch"]) for entry in found["latency"]} >= {("int8", 1), ("int8", 40)}
    assert all(entry["median_s"] > 0 for entry in found["latency"])
    assert not found["not_run"]


def test_the_files_take_waves_of_any_batch_and_int8_quantises_convolutions(measured):
    _, places, _ = measured
    (entry,) = onnx.load(places["fp32"]).graph.input
    sizes = [size.dim_param or size.dim_value for size in entry.type.tensor_type.shape.dim]
    assert sizes == ["batch", 1, 8000]
    kinds = [node.op_type for node in onnx.load(places["int8"]).graph.node]
    assert kinds.count("Conv") == 4 and kinds.count("QuantizeLinear") >= 4
    assert places["int8"].stat().st_size < places["fp32"].stat().st_size


def test_calibration_takes_training_clips_as_the_network_does(trained):
    _, data, _ = trained
    inputs = exported.calibration_inputs(data, "standard")
    assert inputs.dtype == np.float32 and len(inputs) == len(data.train_waves) and np.abs(inputs).max() <= 1
    given = Task(data, CPU).inputs(torch.from_numpy(data.train_waves))
    np.testing.assert_array_equal(inputs, given.numpy())


def test_the_agent_reads_what_is_sent_to_a_target():
    from prunescape.measure.agent import EXAMPLES

    assert set(TEST_SPLIT) == {*EXAMPLES, "test_labels"}
