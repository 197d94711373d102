"""One variant as ONNX files before it is trained: inference costs belong to the architecture (edgetune2022, 3.1)."""

import hashlib
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from prunescape.deploy.export import compare_logits, finish_model, logits_of, trace_network
from prunescape.deploy.precisions import CALIBRATED, export_precision
from prunescape.errors import InputError
from prunescape.models.build import initialise, planned_network
from prunescape.store.files import file_digest, read_json, whole_file, write_json
from prunescape.store.records import WIDTHS
from prunescape.tasks.contract import task_module

SEED = 0
SCALING = "standard"  # how a recipe scales its inputs changes two numbers in a file, and no cost
NORMALISATIONS = nn.modules.batchnorm._BatchNorm


def export_untrained(
    precisions: list[str], *, widths: str, identity: str, data: str, out: str, folder: str | None = None
) -> None:
    """Write a variant with fresh He weights as `out`/fp32.onnx, and beside it in the `precisions`.

    export.json lists the files. The weights come from a fixed seed. Batch norm takes its statistics from real test
    images, as a training would give it some: with those of a fresh layer the values of a deep network outgrow 16 bits.
    int8 is calibrated on training images of the data set; `folder` is where an image folder's lie. What was in `out` is
    deleted first. Raises InputError when a file is missing or damaged.
    """
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)  # export.json stands for the models beside it
    plan, known = read_json(widths, *WIDTHS), read_json(identity, "task")
    prepared = task_module(known, "prepared").load_prepared(data, identity, folder=folder)
    task = task_module(known, "exported")
    network = initialise(planned_network(plan), SEED)
    inputs, scaling = task.parity_inputs(prepared, SCALING), task.scaling(known, prepared, SCALING)
    calibration = task.calibration_inputs(prepared, SCALING) if CALIBRATED & set(precisions) else None
    settle_statistics(network, inputs)
    file = Path(out) / "fp32.onnx"
    written = {"fp32": (file, write_float(network, inputs, file, **scaling))}
    for precision in (name for name in precisions if name != "fp32"):
        other, checks = Path(out) / f"{precision}.onnx", {"inputs": inputs, "calibration": calibration}
        written[precision] = other, export_precision(precision, network, file, **checks, out=other, **scaling)
    models = [describe(path, precision) | {"parity": parity} for precision, (path, parity) in written.items()]
    counts = {name: plan[name] for name in ("model", "flops", "parameters")}
    about = {"widths_digest": file_digest(widths), "architecture_digest": architecture_digest(plan)}
    write_json(Path(out) / "export.json", {"models": models, "torch": torch.__version__, **counts, **about})


def settle_statistics(network: nn.Module, inputs: np.ndarray) -> None:
    """Give every batch norm the mean and variance of what it sees for `inputs`, (n, ...); all else stays as it is."""
    network.eval()
    layers = [layer for layer in network.modules() if isinstance(layer, NORMALISATIONS) and layer.track_running_stats]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train()
        layer.momentum = 1.0
    with torch.no_grad():
        network(torch.from_numpy(inputs))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()


def write_float(network: nn.Module, inputs: np.ndarray, path: Path, **scaling: list[float]) -> dict | None:
    """Write `network` as `export_model` does, with no bound on the parity: random logits lie near each other.

    Returns how near it is to torch, None where onnxruntime does not run it here: a target may.
    """
    with whole_file(path) as temporary:
        trace_network(network, torch.from_numpy(inputs[:2]), temporary)
        finish_model(temporary, **scaling)
        try:
            return compare_logits(network, inputs, [logits_of(temporary, inputs)])
        except InputError:
            return None


def describe(file: Path, precision: str) -> dict[str, Any]:
    """What is known of an exported file: digests of its bytes and of its graph, and its sizes in bytes."""
    content = file.read_bytes()
    return {
        "precision": precision,
        "file": file.name,
        "sha256": file_digest(file),
        "graph_digest": graph_digest(file),
        "file_bytes": len(content),
        "encoded_bytes": len(zlib.compress(content, 9)),
    }


def graph_digest(file: Path) -> str:
    """SHA-256 of an ONNX file without its weights' values: operators, shapes and types decide what a run costs."""
    model = onnx.load(file)
    del model.metadata_props[:]
    _empty(model.graph)
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def _empty(message) -> None:
    """Drop the values of every tensor of floats, or of quantised ones, within an ONNX message."""
    if isinstance(message, onnx.TensorProto):
        if message.data_type != onnx.TensorProto.INT64:  # shapes and axes, which belong to the graph
            for name in ("raw_data", "float_data", "int32_data", "double_data", "uint64_data"):
                message.ClearField(name)
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                _empty(part)


def architecture_digest(plan: dict[str, Any]) -> str:
    """SHA-256 of what a widths.json says of the network alone: equal for variants that came to the same widths."""
    names = ("model", "architecture", "in_channels", "classes", "input_shape", "network", "modules")
    text = repr([(name, _sorted(plan.get(name))) for name in names])
    return hashlib.sha256(text.encode()).hexdigest()


def _sorted(value: Any) -> Any:
    return sorted((key, _sorted(part)) for key, part in value.items()) if isinstance(value, dict) else value
