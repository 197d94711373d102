"""`prunescape bench` and `prunescape prune`: commands about models that a study did not train."""

import argparse
import json
import sys
from pathlib import Path

from prunescape.commands.arguments import dimension, example_shape, folder, named_number, number, whole_number
from prunescape.commands.extras import require_workflow
from prunescape.config.models import ROUND_TO, SCORES
from prunescape.space.variants import METHODS


def add_bench(command: argparse.ArgumentParser) -> None:
    """`prunescape bench FILE.onnx ... --threads 1 2 --batch 1 8`."""
    command.add_argument("files", type=Path, nargs="+", metavar="FILE.onnx", help="models; their inputs are random")
    command.add_argument("--threads", type=whole_number, nargs="+", metavar="N", help="threads inside an operator")
    command.add_argument("--batch", type=whole_number, nargs="+", metavar="N", help="images per run")
    named = "sizes of other free dimensions, by name or as INPUT:AXIS=SIZE"
    command.add_argument("--dim", type=dimension, nargs="+", default=[], metavar="NAME=SIZE", help=named)
    filled = "numbers that fill an input; others get random numbers, or 0 where they are whole"
    command.add_argument("--value", type=named_number, nargs="+", default=[], metavar="INPUT=NUMBER", help=filled)
    command.add_argument("--provider", help="execution provider of onnxruntime; default: CPUExecutionProvider")
    command.add_argument("--repeats", type=whole_number, help="samples of each setting; default: 30")
    command.add_argument("--target", metavar="NAME", help="a target of the study in --configfile; default: this host")
    command.add_argument("--configfile", type=Path, metavar="F", help="the study that has the target")
    command.add_argument("--json", action="store_true", help="print everything measured as JSON, raw samples too")
    command.set_defaults(run=run_bench)


def run_bench(options: argparse.Namespace) -> None:
    """Measure, and say what was found; what does not run goes to standard error."""
    from prunescape.commands.bench_progress import shown_repeats
    from prunescape.measure.files import bench_files, bench_lines, target_named

    target = target_named(options.target, options.configfile)
    given = {name: getattr(options, name) for name in ("threads", "batch", "provider", "repeats")}
    asked = target | {name: value for name, value in given.items() if value is not None}
    with shown_repeats():
        found = bench_files(options.files, asked, dict(options.dim), dict(options.value))
    print(json.dumps(found, indent=1) if options.json else "\n".join(bench_lines(found)))
    for entry in found["not_run"]:
        setting = f" with batch {entry['batch']}" if "batch" in entry else ""
        print(f"{entry['id']}: not run{setting}: {entry['why']}", file=sys.stderr)


def add_prune(command: argparse.ArgumentParser) -> None:
    """`prunescape prune MODEL --input-shape 3,224,224 --ratio 0.5 --method uniform --out DIR`."""
    shape = "one image; of a model for texts VOCABULARY,LENGTH; for speech CHANNELS,SAMPLES"
    named = "one of ours, torchvision:NAME, timm:NAME, or package.module:factory"
    command.add_argument("model", metavar="MODEL", help=named)
    command.add_argument("--input-shape", type=example_shape, required=True, metavar="C,H,W", help=shape)
    command.add_argument("--ratio", type=number, required=True, help="share of FLOPs to keep, above 0 and below 1")
    command.add_argument("--method", choices=METHODS, required=True)
    command.add_argument("--out", type=folder, required=True, metavar="DIR", help="folder for widths and weights")
    command.add_argument("--score", choices=SCORES, default=SCORES[0], help="default: %(default)s")
    command.add_argument("--min-keep", type=number, default=0.1, help="least share of a layer's channels kept")
    rounded = "widths are multiples of it; default: auto, which is 8 where such widths reach the ratio, else 1"
    command.add_argument("--round-to", choices=map(str, ROUND_TO), default="auto", help=rounded)
    command.add_argument(
        "--weights", type=Path, metavar="FILE", help="safetensors or .pth, or published; default: fresh, seed 0"
    )
    command.add_argument("--classes", type=whole_number, help="default: 10 for models of CIFAR size, else 1000")
    command.add_argument("--json", action="store_true", help="print what was reached as JSON")
    command.set_defaults(run=run_prune)


def run_prune(options: argparse.Namespace) -> None:
    """Prune, and say what was reached."""
    require_workflow("torch")
    from prunescape.pruning.prune import prune_model

    names = ("input_shape", "ratio", "method", "out", "score", "min_keep", "weights", "classes")
    block = "auto" if options.round_to == "auto" else int(options.round_to)
    reached = prune_model(options.model, round_to=block, **{name: getattr(options, name) for name in names})
    print(json.dumps(reached, indent=1) if options.json else "\n".join(prune_lines(reached)))


def prune_lines(reached: dict) -> list[str]:
    """What `prune_model` gives, for a person."""
    return [f"{name}: {value}" for name, value in reached.items() if not isinstance(value, dict | list)]
