"""What rounding pruned widths does to latency: rounded against unrounded widths of equal FLOPs, on onnxruntime here.

Each network is pruned to a share of its FLOPs with widths that are multiples of a block, and to the share that these
reached with widths of single channels. Both run in turns, with the base, in one process per network; the ratio of a
turn's two times is one pair. Weights are random: latency does not depend on them (docs/recommendations.md).
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch

from prunescape.analysis.cost.comparisons import compare
from prunescape.config.models import ROUND_TO, architecture_of
from prunescape.deploy.export import export_model
from prunescape.deploy.precisions import export_precision
from prunescape.errors import InputError
from prunescape.measure.files import bench_files, target_named
from prunescape.models.build import build_model, initialise
from prunescape.pruning.planning import plan_widths

NETWORKS = {"resnet20": 32, "mobilenet_v2": 32, "torchvision:mobilenet_v3_small": 224, "torchvision:resnet18": 224}
QUOTIENTS = ("unrounded ÷ rounded", "base ÷ unrounded", "base ÷ rounded")
COLUMNS = ("network", "share reached", "block", "precision", "batch", *QUOTIENTS)
IMAGES = 8  # for the export's check and the calibration of int8
SCALING = {"mean": [0.5] * 3, "std": [0.25] * 3}


def network_of(model: str) -> torch.nn.Module:
    """An untrained network for ten classes."""
    return initialise(build_model(architecture_of(model), model, in_channels=3, classes=10), 0)


def write_models(model: str, size: int, arguments, folder: Path) -> dict[tuple, dict[str, Path]]:
    """ONNX files by (share asked, share reached, block) and kind: rounded, unrounded."""
    shape, written = (3, size, size), {}
    for share, block in itertools.product(arguments.shares, ROUND_TO[2:]):
        try:
            rounded = plan_widths(network_of(model), shape, method="uniform", ratio=share, round_to=block)
        except InputError as error:
            print(f"{model}, {share}, {block}: {error}", file=sys.stderr)
            continue
        reached = rounded.ratio_achieved
        single = plan_widths(network_of(model), shape, method="uniform", ratio=reached)
        plans = {"rounded": rounded, "unrounded": single}
        files = {kind: folder / f"{share}-{block}-{kind}.onnx" for kind in plans}
        for kind, plan in plans.items():
            write_precisions(plan.network, size, files[kind])
        written[share, round(reached, 4), block] = files
    return written


def write_precisions(network: torch.nn.Module, size: int, file: Path) -> None:
    """`network` as `file` in float32 and beside it in int8."""
    images = np.random.default_rng(0).standard_normal((IMAGES, 3, size, size), dtype=np.float32)
    export_model(network, images, file, **SCALING)
    quantised = file.with_suffix(".int8.onnx")
    export_precision("int8", network, file, inputs=images, calibration=images, out=quantised, **SCALING)


def ratios(found: dict, batch: int, over: Path, under: Path) -> str:
    """The ratio of two files' times with its interval."""
    samples = {e["id"]: np.array(e["samples_s"]) for e in found["latency"] if e["batch"] == batch}
    pair = compare(np.log(samples[str(over)] / samples[str(under)]))
    return f"{pair.ratio:.2f} ({pair.low:.2f} to {pair.high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.7, 0.5])
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    target = target_named(None, None) | {"threads": [1], "batch": [1, 8], "repeats": arguments.repeats}
    print(f"| {' | '.join(COLUMNS)} |")
    print("| --- " * len(COLUMNS) + "|")
    for model in arguments.networks:
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder) / "base.onnx"
            write_precisions(network_of(model), NETWORKS[model], base)
            written = write_models(model, NETWORKS[model], arguments, Path(folder))
            for precision in ("fp32", "int8"):
                suffix = ".onnx" if precision == "fp32" else f".{precision}.onnx"
                files = {key: {k: f.with_suffix(suffix) for k, f in kinds.items()} for key, kinds in written.items()}
                whole = base.with_suffix(suffix)
                found = bench_files([whole, *(f for kinds in files.values() for f in kinds.values())], target)
                for ((_, reached, block), kinds), batch in itertools.product(files.items(), (1, 8)):
                    compared = [
                        ratios(found, batch, *pair)
                        for pair in (
                            (kinds["unrounded"], kinds["rounded"]),
                            (whole, kinds["unrounded"]),
                            (whole, kinds["rounded"]),
                        )
                    ]
                    cells = [model.removeprefix("torchvision:"), reached, block, precision, batch, *compared]
                    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)
    about = found["environment"]
    print(f"\n{about['cpu']}, onnxruntime {about['onnxruntime']}, one thread, {arguments.repeats} turns")


if __name__ == "__main__":
    main()
