"""The `prunescape` command: the workflow's functions without Snakemake. Each command imports only what it needs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from prunescape.cells import METHODS
from prunescape.errors import InputError, nearest


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in the one line that every other wrong input gets."""

    def error(self, message: str):
        raise InputError(message, hint=f"{self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit status: 0, or 2 after one line on standard error."""
    try:
        options = parser().parse_args(arguments)
        options.run(options)
    except InputError as error:
        print(f"prunescape: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output left; what follows has nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    root = Parser(prog="prunescape", description=__doc__.split(":")[0].replace("`", ""))
    commands = root.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    add_analyse(commands.add_parser("analyse", help="regions of interest, ellipses and risk of a table of cells"))
    add_export(commands.add_parser("export-optuna", help="a table of cells as Optuna studies, one per variant"))
    add_bench(commands.add_parser("bench", help="latency, memory and energy of ONNX models on this host or a target"))
    add_prune(commands.add_parser("prune", help="cut a model to a share of its FLOPs"))
    add_summary(commands.add_parser("summary", help="what a study reached, and where its report is"))
    return root


def add_analyse(command: argparse.ArgumentParser) -> None:
    """`prunescape analyse CELLS --out DIR`, and which columns it takes."""
    add_cells(command)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the tables")
    command.add_argument(
        "--thresholds",
        type=number,
        nargs="+",
        default=[],
        metavar="X",
        help="how far under the best still counts as good, in the metric's unit, for one region of interest each "
        "(default: 0.5 and 1 percentage points); risks are taken over the base's region of the smallest",
    )
    reference = "put what this work published of the same models and data sets beside the paper's tables"
    command.add_argument("--reference", metavar="NAME", help=f"{reference}: matthiesen2023")
    command.add_argument("--figures", action="store_true", help="draw the landscapes and risks, too")
    terms = command.add_argument_group("verdicts", "from fresh seeds, see docs/verdict.md")
    terms.add_argument("--margin", type=number, help="points that tuning must gain to be worth it (default: 0.5)")
    terms.add_argument("--alpha", type=number, help="chance of a wrong verdict, at most (default: 0.05)")
    terms.add_argument("--alpha-screen", type=number, help="its part for the choice of points (default: 0.01)")
    terms.add_argument("--sigma", type=number, help="noise between seeds in points (default: as the seeds show)")
    command.set_defaults(run=run_analyse)


def add_cells(command: argparse.ArgumentParser) -> None:
    """The table of cells, and the columns that are its axes and its metric."""
    command.add_argument(
        "cells",
        type=Path,
        metavar="CELLS",
        help="Parquet, CSV or a file of Optuna's, with model, dataset, variant, log10_lr, log10_wd, seed, top1 (and "
        "top5, status); the unpruned model's variant is called base",
    )
    axis = "column of the {} axis, or log10:COLUMN for its logarithm (default: {})"
    command.add_argument("--x", default="log10_wd", metavar="COLUMN", help=axis.format("x", "log10_wd"))
    command.add_argument("--y", default="log10_lr", metavar="COLUMN", help=axis.format("y", "log10_lr"))
    command.add_argument("--metric", metavar="COLUMN", help="column of the metric (default: top1, and top5 if there)")
    command.add_argument("--minimise", action="store_true", help="lower values of the metric are better")
    command.add_argument("--base", default="base", metavar="VARIANT", help="variant that others are held against")


def add_export(command: argparse.ArgumentParser) -> None:
    """`prunescape export-optuna CELLS --out FILE.db`, and which columns it takes."""
    add_cells(command)
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file for the storage")
    command.add_argument(
        "--storage",
        choices=("sqlite", "journal"),
        default="sqlite",
        help="Optuna's RDBStorage in SQLite, or its JournalStorage (default: %(default)s)",
    )
    command.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> None:
    """Write the storage and name it."""
    from prunescape.landscape.optuna_export import export_optuna

    print(export_optuna(options.cells, options.out, kind=options.storage, choice=column_choice(options, [])))


def column_choice(options: argparse.Namespace, thresholds: list[float]):
    """The chosen columns as the analysis takes them."""
    from prunescape.landscape.axes import Axis, Choice

    return Choice(
        x=Axis.parse(options.x),
        y=Axis.parse(options.y),
        metric=options.metric,
        minimise=options.minimise,
        thresholds=tuple(thresholds),
        base=options.base,
    )


def run_analyse(options: argparse.Namespace) -> None:
    """Write the results, the paper's tables and, if asked, figures; name every table."""
    from prunescape.landscape.analyse import analyse
    from prunescape.landscape.axes import DEFAULT
    from prunescape.landscape.judging import ANY

    choice = column_choice(options, options.thresholds)
    given = {name: getattr(options, name) for name in ("margin", "alpha", "alpha_screen", "sigma")}
    terms = {ANY: {name: value for name, value in given.items() if value is not None}}
    written = analyse(options.cells, options.out, choice=choice, terms=terms)
    if choice == DEFAULT:
        written |= write_papers_results(options, written)
    elif options.reference or options.figures:
        raise InputError("--reference and --figures need the default axes, metric, thresholds and base")
    for path in written.values():
        print(path)


def write_papers_results(options: argparse.Namespace, written: dict[str, Path]) -> dict[str, Path]:
    """The paper's tables, and its figures where they are asked for, from what the analysis wrote."""
    from prunescape.tables.folder import write_tables

    files = {name: written[f"{name}.parquet"] for name in ("ellipses", "risk")}
    tables = write_tables(cells=options.cells, **files, out=options.out / "tables", reference=options.reference)
    if options.figures:
        from prunescape.figures.folder import draw_figures

        figures = {"roi": written["roi.parquet"], "ellipses": written["ellipses.parquet"]}
        draw_figures({}, cells=options.cells, **figures, out=options.out / "figures")
    return tables


def add_bench(command: argparse.ArgumentParser) -> None:
    """`prunescape bench FILE.onnx ... --threads 1 2 --batch 1 8`."""
    command.add_argument("files", type=Path, nargs="+", metavar="FILE.onnx", help="models; their inputs are random")
    command.add_argument("--threads", type=whole_number, nargs="+", metavar="N", help="threads inside an operator")
    command.add_argument("--batch", type=whole_number, nargs="+", metavar="N", help="images per run")
    command.add_argument("--provider", help="execution provider of onnxruntime; default: CPUExecutionProvider")
    command.add_argument("--repeats", type=whole_number, help="samples of each setting; default: 30")
    command.add_argument("--target", metavar="NAME", help="a target of the study in --configfile; default: this host")
    command.add_argument("--configfile", type=Path, metavar="F", help="the study that has the target")
    command.add_argument("--json", action="store_true", help="print everything measured as JSON, raw samples too")
    command.set_defaults(run=run_bench)


def run_bench(options: argparse.Namespace) -> None:
    """Measure, and say what was found; what does not run goes to standard error."""
    from prunescape.bench.files import bench_files, bench_lines, target_named

    target = target_named(options.target, options.configfile)
    given = {name: getattr(options, name) for name in ("threads", "batch", "provider", "repeats")}
    found = bench_files(options.files, target | {name: value for name, value in given.items() if value is not None})
    print(json.dumps(found, indent=1) if options.json else "\n".join(bench_lines(found)))
    for entry in found["not_run"]:
        setting = f" with batch {entry['batch']}" if "batch" in entry else ""
        print(f"{entry['id']}: not run{setting}: {entry['why']}", file=sys.stderr)


def add_prune(command: argparse.ArgumentParser) -> None:
    """`prunescape prune MODEL --input-shape 3,224,224 --ratio 0.5 --method uniform --out DIR`."""
    command.add_argument("model", metavar="MODEL", help="one of ours, torchvision:NAME, or package.module:factory")
    command.add_argument("--input-shape", type=image_shape, required=True, metavar="C,H,W", help="one image")
    command.add_argument("--ratio", type=number, required=True, help="share of FLOPs to keep, above 0 and below 1")
    command.add_argument("--method", choices=METHODS, required=True)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for widths and weights")
    command.add_argument("--score", choices=("l1_layer", "l1"), default="l1_layer", help="default: %(default)s")
    command.add_argument("--min-keep", type=number, default=0.1, help="least share of a layer's channels kept")
    command.add_argument("--weights", type=Path, metavar="FILE", help="safetensors; default: fresh, seed 0")
    command.add_argument("--classes", type=whole_number, help="default: 10 for models of CIFAR size, else 1000")
    command.add_argument("--json", action="store_true", help="print what was reached as JSON")
    command.set_defaults(run=run_prune)


def image_shape(text: str) -> tuple[int, int, int]:
    """`3,224,224` as channels, height, width."""
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is no shape like 3,224,224') from None
    if min(channels, height, width) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is no shape like 3,224,224')
    return channels, height, width


def number(text: str) -> float:
    """A number; what it may be is for the function behind the command to say."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number') from None


def whole_number(text: str) -> int:
    """A count from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number above 0')
    return int(text)


def run_prune(options: argparse.Namespace) -> None:
    """Prune, and say what was reached."""
    from prunescape.nets.prune import prune_model

    names = ("input_shape", "ratio", "method", "out", "score", "min_keep", "weights", "classes")
    reached = prune_model(options.model, **{name: getattr(options, name) for name in names})
    print(json.dumps(reached, indent=1) if options.json else "\n".join(prune_lines(reached)))


def prune_lines(reached: dict) -> list[str]:
    """What `prune_model` gives, for a person."""
    return [f"{name}: {value}" for name, value in reached.items() if not isinstance(value, dict | list)]


def add_summary(command: argparse.ArgumentParser) -> None:
    """`prunescape summary results/STUDY`."""
    command.add_argument("results", type=Path, metavar="RESULTS", help="the folder of a study: results/STUDY")
    command.set_defaults(run=run_summary)


def run_summary(options: argparse.Namespace) -> None:
    """Print the summary of a finished study."""
    from prunescape.run_end import finished_lines

    folder = options.results
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        hint = nearest(folder.name, known)
        raise InputError("there is no such folder", where=folder, allowed=", ".join(known), hint=hint)
    print("\n".join(finished_lines(folder)))


if __name__ == "__main__":
    sys.exit(main())
