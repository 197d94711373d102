"""What int8 costs the exported networks of a finished study, in every way of quantising that the workflow tries.

The workflow tries them only where int8 loses more than a point; here each network is quantised in all of them, and with
its most sensitive layers in float. Prints two tables in Markdown per experiment, of points lost on the test examples
and of the layers that change the logits most: `python benchmarks/int8_of_study.py results/STUDY`. Needs torch; a target
of the study has fp32 and int8.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import numpy as np

from prunescape.deploy import int8_explained
from prunescape.store.files import read_json

SHOWN = 5  # layers of a network


def explained(study: Path, experiment: Path) -> list[dict]:
    """Every int8 model of an experiment, as `explain_int8` describes it."""
    exports = sorted(experiment.glob("**/onnx/export.json"))
    data = study / "data" / read_json(exports[0], "models")["models"][0]["cell"]["dataset"]
    identity, prepared = data.with_suffix(".json"), data.with_suffix(".npz")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        out = Path(folder) / "int8.json"
        files = {"identity": identity, "data": prepared, "out": out}
        int8_explained.explain_int8(exports, scaling="standard", folder=None, **files)
        return read_json(out)["models"]


def print_ways(models: list[dict]) -> None:
    """Points lost on the test examples by each network, in the order of their export."""
    titles = [f"{model['cell']['variant']} {' '.join(map(str, model['cell']['setting'].values()))}" for model in models]
    print("\n| way |", " | ".join(titles), "|\n|", " --- |" * (len(models) + 1))
    print("| fp32, % |", " | ".join(f"{100 * model['float_correct'] / model['tested']:.2f}" for model in models), "|")
    names = list(dict.fromkeys((way["way"], len(way["float_layers"])) for model in models for way in model["ways"]))
    for name in names:
        cells = []
        for model in models:
            losses = [
                f"{100 * (model['float_correct'] - way['correct']) / model['tested']:.2f}"
                for way in model["ways"]
                if (way["way"], len(way["float_layers"])) == name
            ]
            cells += losses or [""]
        print(f"| {f'{name[1]} ' if name[1] else ''}{name[0]} |", " | ".join(cells), "|")


def print_layers(models: list[dict]) -> None:
    """The most sensitive layers of each network: points lost and change of logits with this one alone in int8."""
    print("\n| network | layer | lost alone | logits changed | largest weight | weights ÷ median channel's |")
    print("|", " --- |" * 6)
    for place, model in enumerate(models, start=1):
        for row in model["layers"][:SHOWN]:
            lost = 100 * (model["float_compared"] - row["correct_compared"]) / model["compared"]
            largest = np.abs([row["weight_low"], row["weight_high"]]).max()
            numbers = f"{lost:.2f} | {row['logit_error']:.3f} | {largest:.3g} | {row['weight_spread']:.3g}"
            print(f"| {place} | {row['layer']} | {numbers} |")


if __name__ == "__main__":
    int8_explained.LOSS = -100.0  # whatever it loses
    folder = Path(sys.argv[1])
    for place in sorted(folder.glob("experiment=*")):
        print(f"\n{place.name}")
        networks = explained(folder, place)
        print_ways(networks)
        print_layers(networks)
