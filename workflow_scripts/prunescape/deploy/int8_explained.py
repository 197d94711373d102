"""Why a network loses accuracy in int8, and what mends it: other ways of quantising, and layers left in float.

Ways are compared on examples that neither calibrate them nor test the network; the test examples only report.
"""

import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx

from prunescape.deploy.export import logits_of
from prunescape.deploy.int8 import RECURRENT
from prunescape.deploy.int8_layers import Layer, layers_of, tensor_ranges, weight_ranges
from prunescape.deploy.int8_ways import EXPORTED, WAYS, Quantiser, Way
from prunescape.store.files import read_json, write_json
from prunescape.tasks.contract import task_module
from prunescape.tasks.exporting import CALIBRATION_EXAMPLES
from prunescape.tasks.subsets import evenly_spread

LOSS = 1.0  # percentage points on the test examples: what loses more is explained
MOST = 2000  # examples on which ways are compared
BATCH = 256  # of them at a time
KINDS = ("listing", "images", "tokens", "waves")  # what the examples of a prepared data set are called
AS_EXPORTED, IN_FLOAT = "as exported", "layers in float"


@dataclass(frozen=True)
class Examples:
    """Inputs as the network takes them, (n, ...), and their labels, (n,)."""

    inputs: np.ndarray
    labels: np.ndarray

    def logits(self, file: Path) -> np.ndarray:
        """The logits (n, classes) of an ONNX file; InputError where onnxruntime cannot run it here."""
        starts = range(0, len(self.labels), BATCH)
        return np.concatenate([logits_of(file, self.inputs[start : start + BATCH]) for start in starts])

    def correct(self, logits: np.ndarray) -> int:
        """How many of them these logits classify correctly."""
        return int((logits.argmax(1) == self.labels).sum())


@dataclass(frozen=True)
class Compared:
    """What calibrates, (n, ...), and the examples of the split `split` on which ways are compared."""

    calibration: np.ndarray
    examples: Examples
    split: str


def explain_int8(
    exports: Sequence[Path], *, identity: Path, data: Path, scaling: str, folder: str | None, out: Path
) -> None:
    """Write to `out` (JSON) what int8 costs each model of the files export.json `exports`, and why, where it is much.

    `scaling` is that of cells whose setting gives none; `folder` is where the images of an image folder lie. A model
    that loses more than LOSS points is quantised in all WAYS and with its most sensitive layers in float. Raises
    InputError when a file is missing or damaged.
    """
    known = read_json(identity, "task")
    prepared = task_module(known, "prepared").load_prepared(data, identity, folder=folder)
    task, explained = task_module(known, "exported"), []
    for export in exports:
        models = {(model["rank"], model["precision"]): model for model in read_json(export, "models")["models"]}
        for (rank, precision), model in models.items():
            if precision != "int8":
                continue
            print(f"{export.parent}, rank {rank}", flush=True)
            own = model["cell"]["setting"].get("scaling", scaling)
            files = (export.parent / each["file"] for each in (models[rank, "fp32"], model))
            test, compared = (
                Examples(*task.stored_inputs(prepared, own)),
                partial(compared_examples, task, prepared, own),
            )
            explained.append({"rank": rank, "cell": model["cell"], **explain_model(*files, test, compared)})
    write_json(out, {"models": explained})


def compared_examples(task: ModuleType, prepared: Any, scaling: str) -> Compared:
    """The examples of a prepared data set; ways are compared on validation examples, or on training ones.

    These are at most MOST, evenly spaced: all validation examples, or training examples that calibrate nothing.
    """
    kind = next(kind for kind in KINDS if hasattr(prepared, f"train_{kind}"))
    split = "train" if getattr(prepared, f"validation_{kind}", None) is None else "validation"
    examples = getattr(prepared, f"{split}_{kind}")
    labels = examples["label"] if kind == "listing" else getattr(prepared, f"{split}_labels")
    free = np.arange(len(labels))
    if split == "train":
        free = np.setdiff1d(free, evenly_spread(len(labels), CALIBRATION_EXAMPLES))
        free = free if len(free) else np.arange(len(labels))
    taken = free[evenly_spread(len(free), MOST)]
    parts = (
        examples[taken[start : start + CALIBRATION_EXAMPLES]] for start in range(0, len(taken), CALIBRATION_EXAMPLES)
    )
    inputs = [task.calibration_inputs(replace(prepared, **{f"train_{kind}": part}), scaling) for part in parts]
    calibration = task.calibration_inputs(prepared, scaling)
    return Compared(calibration, Examples(np.concatenate(inputs), labels[taken]), split)


def explain_model(
    float_file: Path, int8_file: Path, test: Examples, compared_of: Callable[[], Compared]
) -> dict[str, Any]:
    """What int8 costs ONE network on `test`; where that is more than LOSS, what other ways cost, and its layers.

    `compared_of` gives what calibrates and compares these. A network that is quantised dynamically has no other way.
    """
    found: dict[str, Any] = {
        "tested": len(test.labels),
        "float_correct": test.correct(test.logits(float_file)),
        "float_bytes": encoded_bytes(float_file),
        "correct": test.correct(test.logits(int8_file)),
        "encoded_bytes": encoded_bytes(int8_file),
        "limit": LOSS,
        "ways": [],
        "layers": [],
    }
    recurrent = any(node.op_type in RECURRENT for node in onnx.load(float_file).graph.node)
    if recurrent or 100 * (found["float_correct"] - found["correct"]) / found["tested"] <= LOSS:
        return found
    compared = compared_of()
    scorer = Scorer(float_file, test, compared)
    found |= {"split": compared.split, "compared": len(compared.examples.labels)}
    found |= {"float_compared": compared.examples.correct(scorer.expected)}
    found["ways"].append(scorer.of_file(int8_file) | {"way": AS_EXPORTED, "float_layers": []})
    with tempfile.TemporaryDirectory() as folder:
        scorer.quantiser = Quantiser(float_file, compared.calibration, Path(folder))
        found["ways"] += [scorer.of_way(way) | {"way": name, "float_layers": []} for name, way in WAYS.items()]
        layers = layers_of(float_file)
        found["layers"] = scored_layers(scorer, layers, float_file)
        found["ways"] += in_float(scorer, layers, found)
    return found


class Scorer:
    """Scores files of ONE network in 8 bits against it in float: on the examples to compare, and on those to test."""

    def __init__(self, float_file: Path, test: Examples, compared: Compared) -> None:
        self.test, self.compared, self.expected = test, compared, compared.examples.logits(float_file)
        self.quantiser: Quantiser | None = None

    def of_file(self, file: Path, *, tested: bool = True) -> dict[str, Any]:
        """Correct ones, sizes, and the root mean square change of logits over that of the logits themselves."""
        logits = self.compared.examples.logits(file)
        changed, size = (np.square(values, dtype=float).mean() for values in (logits - self.expected, self.expected))
        found = {
            "correct_compared": self.compared.examples.correct(logits),
            "logit_error": float(np.sqrt(changed / max(size, np.finfo(np.float32).tiny))),
        }
        if tested:
            found |= {"correct": self.test.correct(self.test.logits(file)), "encoded_bytes": encoded_bytes(file)}
        return found

    def of_way(self, way: Way = EXPORTED, *, tested: bool = True, **nodes: Sequence[str]) -> dict[str, Any]:
        """The same of the network quantised in a `way`; `nodes` as in Quantiser.write."""
        file = self.quantiser.folder / "scored.onnx"
        self.quantiser.write(file, way, **nodes)
        return self.of_file(file, tested=tested)


def encoded_bytes(file: Path) -> int:
    """The size of a file after deflate, bytes."""
    return len(zlib.compress(file.read_bytes(), 9))


def scored_layers(scorer: Scorer, layers: Sequence[Layer], float_file: Path) -> list[dict[str, Any]]:
    """Each layer in 8 bits alone, all others in float, with its ranges; first what changes logits most."""
    ranges = tensor_ranges(float_file, layers, scorer.compared.calibration)
    rows = []
    for place, layer in enumerate(layers):
        weight, source, result = weight_ranges(layer), ranges[layer.source], ranges[layer.result]
        ends = {"weight": weight.ends, "input": source.ends, "output": result.ends}
        rows.append(
            {"layer": layer.name, "place": place}
            | scorer.of_way(only=layer.nodes, tested=False)
            | {
                f"{name}_{end}": value
                for name, both in ends.items()
                for end, value in zip(("low", "high"), both, strict=True)
            }
            | {"weight_spread": weight.spread, "input_spread": source.spread, "output_spread": result.spread}
        )
    return sorted(rows, key=lambda row: -row["logit_error"])


def in_float(scorer: Scorer, layers: Sequence[Layer], found: dict[str, Any]) -> list[dict[str, Any]]:
    """The 1, 2, 4, ... most sensitive layers in float, until LOSS is kept in comparison or half of them are.

    Each with the layer before it, which else would round what it takes: large weights enlarge that, in float too.
    """
    ways, count = [], 1
    while count <= max(1, len(layers) // 2):
        sensitive = [layers[row["place"]] for row in found["layers"][:count]]
        names = dict.fromkeys(name for layer in sensitive for name in (layer.name, layer.before) if name)
        kept = [layer for name in names for layer in layers if layer.name == name]
        score = scorer.of_way(but=list(chain.from_iterable(layer.nodes for layer in kept)))
        ways.append(score | {"way": IN_FLOAT, "float_layers": [layer.name for layer in kept]})
        if 100 * (found["float_compared"] - score["correct_compared"]) / found["compared"] <= LOSS:
            break
        count *= 2
    return ways
