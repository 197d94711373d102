"""What int8 costs in accuracy, by the way of quantising and by what the processor can do.

Float models of a study are quantised in several ways. Each file is scored on the test images on this host and on a
processor with AVX2 and without VNNI, which QEMU's user mode emulates (Debian: qemu-user). Prints a table in Markdown,
in about a second per file and score: `python benchmarks/int8_ways.py results/digits/data/digits.npz MODEL.onnx ...`.
Needs onnxruntime.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

EMULATED = ("qemu-x86_64", "-cpu", "Haswell")
CALIBRATION = 256
SESSION_OPTION = "session.x64quantprecision"  # of onnxruntime: products of u8 and s8 as those of u8 and u8
PLAIN = "8 bits per channel, smallest and largest"
WAYS = {
    PLAIN: {},
    "... after quant_pre_process": {"prepared": True},
    "... entropy": {"calibrate_method": "Entropy"},
    "... percentile 99.99": {"calibrate_method": "Percentile", "extra_options": {"CalibPercentile": 99.99}},
    "... percentile 99.9": {"calibrate_method": "Percentile", "extra_options": {"CalibPercentile": 99.9}},
    "... per tensor": {"per_channel": False},
    "... first convolution in float": {"first_in_float": True},
    "... unsigned weights": {"weight_type": "QUInt8"},
    "7 bits per channel, smallest and largest": {"reduce_range": True},
}


class Batches:
    """Calibration images for onnxruntime, batch by batch."""

    def __init__(self, images: np.ndarray) -> None:
        self.parts = iter(np.array_split(images, 4))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch, then None."""
        part = next(self.parts, None)
        return None if part is None else {"input": part}


def quantise(source: Path, images: np.ndarray, out: Path, way: dict) -> None:
    """Write the float model `source` in int8 to `out`, in one of the WAYS."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quant_pre_process, quantize_static

    way = {"per_channel": True, "weight_type": "QInt8", "calibrate_method": "MinMax", **way}
    way["weight_type"] = QuantType[way["weight_type"]]
    way["calibrate_method"] = CalibrationMethod[way["calibrate_method"]]
    if way.pop("first_in_float", False):
        nodes = onnx.load(source).graph.node
        way["nodes_to_exclude"] = [next(node.name for node in nodes if node.op_type == "Conv")]
    with contextlib.redirect_stdout(io.StringIO()):
        if way.pop("prepared", False):
            quant_pre_process(str(source), str(source := out.with_suffix(".prepared")))
        types = {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8}
        quantize_static(str(source), str(out), Batches(images), **types, **way)


def accuracies(files: list[str], images: Path, precise: bool = False) -> list[float]:
    """Top-1 of each file, percent, of the images and labels in the npz file `images`."""
    stored, found = np.load(images), []
    for file in files:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        if precise:
            options.add_session_config_entry(SESSION_OPTION, "1")
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        classes = session.run(None, {"input": stored["images"]})[0].argmax(1)
        found.append(100 * float((classes == stored["labels"]).mean()))
    return found


def scaled(pixels: np.ndarray, model: Path) -> np.ndarray:
    """Pixels uint8 (n, channels, height, width) as a network takes them, by the metadata of its file."""
    properties = onnxruntime.InferenceSession(str(model)).get_modelmeta().custom_metadata_map
    mean, std = (np.array(json.loads(properties[f"prunescape.{name}"]), np.float32) for name in ("mean", "std"))
    return (pixels / np.float32(255) - mean[:, None, None]) / std[:, None, None]


def emulated(words: list[str]) -> list[float]:
    """What this script prints for `words` on the emulated processor."""
    environment = {**os.environ, "PYTHONPATH": str(Path(np.__file__).parents[1])}
    python = str(Path(sys.executable).resolve())
    done = subprocess.run([*EMULATED, python, __file__, *words], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(data: Path, models: list[Path]) -> None:
    """Print mean and largest loss of each way over the `models`, in points."""
    stored = np.load(data)
    train = stored["train_images"][np.linspace(0, len(stored["train_images"]) - 1, CALIBRATION).round().astype(int)]
    print("| way | this host | without VNNI |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "test.npz"
        np.savez(images, images=scaled(stored["test_images"], models[0]), labels=stored["test_labels"])
        calibration, float_scores = scaled(train, models[0]), np.array(accuracies([*map(str, models)], images))
        for number, (name, way) in enumerate(WAYS.items()):
            files = [str(Path(folder) / f"{number}-{model}.onnx") for model in range(len(models))]
            for model, file in zip(models, files, strict=True):
                quantise(model, calibration, Path(file), way)
            scores = [accuracies(files, images), emulated(["--score", str(images), *files])]
            rows = [(name, scores)]
            if name == PLAIN:
                precise = [accuracies(files, images, True), emulated(["--precise", str(images), *files])]
                rows.append((f"... and the session option {SESSION_OPTION}", precise))
            for told, both in rows:
                lost = [float_scores - found for found in both]
                print(
                    f"| {told} |", " | ".join(f"{loss.mean():.2f}, {loss.max():.2f}" for loss in lost), "|", flush=True
                )


if __name__ == "__main__":
    if sys.argv[1:2] in (["--score"], ["--precise"]):
        print(json.dumps(accuracies(sys.argv[3:], Path(sys.argv[2]), sys.argv[1] == "--precise")))
    else:
        main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
