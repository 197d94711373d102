"""The same trained network in other precisions, as ONNX files beside its float one."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.utils import prune

from prunescape.deploy.export import finish_model, logits_of, trace_network
from prunescape.deploy.halve import HALVES, halve
from prunescape.deploy.quantise import quantise
from prunescape.errors import InputError
from prunescape.store.files import whole_file

SPARSITY = 0.8  # of every layer (liao2022, 3.2.2)


def export_precision(
    precision: str,
    network: nn.Module,
    float_file: Path,
    *,
    images: np.ndarray,
    calibration: np.ndarray | None,
    out: Path,
    mean,
    std,
) -> dict | None:
    """Write `network`, whose fp32 export is `float_file`, to `out` as int8, fp16, bf16 or sparse80.

    `images` and `calibration` (for int8 only) are normalised float32 (n, channels, height, width). Returns how far the
    logits of `images` are from torch's in float and how often the class is the same, or None where onnxruntime does
    not run this precision here: a target may. No bound is set, for the loss is what is to be measured.
    """
    network = network.eval()
    with whole_file(out) as temporary:
        if precision == "int8":
            quantise(float_file, calibration, temporary)
        elif precision in HALVES:
            halve(float_file, precision, temporary)
        else:
            trace_network(sparse(network).eval(), torch.from_numpy(images[:2]), temporary)
        finish_model(temporary, mean=mean, std=std)
        return _distance(network, images, temporary)


def sparse(network: nn.Module, share: float = SPARSITY) -> nn.Module:
    """A copy in which the smallest `share` of every convolution's and linear layer's weights, by magnitude, are zero.

    Nothing is trained afterwards: liao2022 names no fine-tuning.
    """
    network = copy.deepcopy(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            prune.l1_unstructured(layer, "weight", amount=share)
            prune.remove(layer, "weight")
    return network


def _distance(network: nn.Module, images: np.ndarray, path: Path) -> dict | None:
    with torch.no_grad():
        wanted = network(torch.from_numpy(images)).numpy()
    try:
        found = logits_of(path, images)
    except InputError:
        return None
    scale = max(float(np.abs(wanted).max()), float(np.finfo(np.float32).tiny))
    return {
        "difference": float(np.abs(found - wanted).max()) / scale,
        "top1_agreement": float((found.argmax(1) == wanted.argmax(1)).mean()),
        "images": len(images),
    }


def subnormal_weights(path: Path) -> int:
    """How many float32 weights of an ONNX file are subnormal: below 2^-126 in magnitude, but not zero."""
    tiny, count = np.finfo(np.float32).tiny, 0
    for tensor in onnx.load(path).graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = np.abs(onnx.numpy_helper.to_array(tensor))
            count += int(((values > 0) & (values < tiny)).sum())
    return count
