"""`prunescape analyse` and `prunescape export-optuna`: commands about a table of cells from anywhere."""

import argparse
from pathlib import Path
from typing import Any

from prunescape.commands.arguments import number
from prunescape.errors import InputError


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
    others = "further axes: regions, risks and verdicts are over all of them, ellipses in the plane of x and y"
    command.add_argument("--other-axes", nargs="+", default=[], metavar="COLUMN", help=others)
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
    from prunescape.analysis.sources.optuna_export import export_optuna

    print(export_optuna(options.cells, options.out, kind=options.storage, **column_options(options)))


def column_options(options: argparse.Namespace) -> dict[str, Any]:
    """The axes, the metric and the base as the analysis takes them."""
    from prunescape.analysis.axes import Axes, Axis, Metric

    columns = (options.y, options.x, *sorted(options.other_axes))
    axes = Axes(tuple(Axis.parse(column) for column in columns))
    return {"axes": axes, "metric": Metric(options.metric, options.minimise), "base": options.base}


def run_analyse(options: argparse.Namespace) -> None:
    """Write the results, the paper's tables and, if asked, figures; name every table."""
    from prunescape.analysis.analyse import analyse
    from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC
    from prunescape.analysis.verdict.verdicts import ANY
    from prunescape.present.published import check_reference

    columns = column_options(options)
    default = columns == {"axes": DEFAULT_AXES, "metric": DEFAULT_METRIC, "base": BASE} and not options.thresholds
    if not default and (options.reference or options.figures):
        raise InputError("--reference and --figures need the default axes, metric, thresholds and base")
    check_reference(options.reference)
    levels = {name: getattr(options, name) for name in ("margin", "alpha", "alpha_screen", "sigma")}
    terms = {ANY: {name: value for name, value in levels.items() if value is not None}}
    written = analyse(options.cells, options.out, **columns, thresholds=options.thresholds, terms=terms)
    if default:
        written |= write_papers_results(options, written)
    for path in written.values():
        print(path)


def write_papers_results(options: argparse.Namespace, written: dict[str, Path]) -> dict[str, Path]:
    """The paper's tables, and its figures where they are asked for, from what the analysis wrote."""
    from prunescape.present.tables.folder import write_tables

    files = {name: written[f"{name}.parquet"] for name in ("ellipses", "risk")}
    study = {"reference": options.reference}
    tables = write_tables(study, cells=options.cells, **files, out=options.out / "tables")
    if options.figures:
        from prunescape.present.figures.folder import draw_figures

        figures = {"roi": written["roi.parquet"], "ellipses": written["ellipses.parquet"]}
        draw_figures({}, cells=options.cells, **figures, out=options.out / "figures")
    return tables
