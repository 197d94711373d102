"""`prunescape analyse` and `prunescape export-optuna`: commands about a table of cells from anywhere."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescape.commands.arguments import folder, named_number, number
from prunescape.config.noises import MOST_SEEDS, NOISES
from prunescape.errors import InputError

if TYPE_CHECKING:
    from prunescape.analysis.results import Analysis


def add_analyse(command: argparse.ArgumentParser) -> None:
    """`prunescape analyse CELLS --out DIR`, and which columns it takes."""
    add_cells(command)
    command.add_argument("--out", type=folder, required=True, metavar="DIR", help="folder for the tables")
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
    command.add_argument("--figures", action="store_true", help="draw the landscapes, risks and looks, too")
    terms = command.add_argument_group("verdicts", "from fresh seeds, see docs/verdict.md")
    terms.add_argument("--margin", type=number, help="points that tuning must gain to be worth it (default: 0.5)")
    terms.add_argument("--alpha", type=number, help="chance of a wrong verdict, at most (default: 0.05)")
    terms.add_argument("--alpha-screen", type=number, help="its part for the choice of points (default: 0.01)")
    terms.add_argument("--sigma", type=number, help="noise between seeds in points (default: as the seeds show)")
    noise = "where standard errors come from (default: %(default)s)"
    terms.add_argument("--noise", choices=NOISES, default=NOISES[0], help=noise)
    looks = (
        "the seeds that a sequential verdict looked at, as in `replicates: {first: 3, most: 12}` (default: one look)"
    )
    terms.add_argument("--looks", type=int, nargs=2, metavar=("FIRST", "MOST"), help=looks)
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
    zero = "what 0 of a column stands at on its logarithmic axis, as weight_decay=1e-6"
    command.add_argument("--zero-at", type=named_number, nargs="+", default=[], metavar="COLUMN=VALUE", help=zero)
    studies = "studies of an Optuna storage to read (default: all)"
    command.add_argument("--studies", nargs="+", default=[], metavar="NAME", help=studies)
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
    axes = Axes(tuple(Axis.parse(column) for column in columns)).with_zeros(dict(options.zero_at))
    metric = Metric(options.metric, options.minimise)
    return {"axes": axes, "metric": metric, "base": options.base, "studies": tuple(options.studies)}


def run_analyse(options: argparse.Namespace) -> None:
    """Write the results and, for top-1, the paper's tables, the report and, if asked, figures; say what was found."""
    from prunescape.analysis.analyse import table_analysis, write_landscapes
    from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC
    from prunescape.analysis.verdict.verdicts import ANY
    from prunescape.present.published import check_reference
    from prunescape.present.summary import table_lines

    columns = column_options(options)
    default = (columns["axes"], columns["metric"], columns["base"]) == (DEFAULT_AXES, DEFAULT_METRIC, BASE)
    if options.reference and (not default or options.thresholds):
        raise InputError("--reference needs the default axes, metric, thresholds and base")
    if options.figures and not columns["metric"].is_top1:
        raise InputError("--figures needs the metric top1, in percent")
    check_reference(options.reference)
    levels = {name: getattr(options, name) for name in ("margin", "alpha", "alpha_screen", "sigma", "noise")}
    terms = {ANY: {name: value for name, value in levels.items() if value is not None} | _looks(options)}
    analysis = table_analysis(options.cells, **columns, thresholds=options.thresholds, terms=terms)
    lines = table_lines(analysis)
    tables = dict.fromkeys(path.stem for path in write_landscapes(analysis, options.out).values())
    written = write_presentation(analysis, options) if analysis["metric"].is_top1 else []
    named = ", ".join([*written, f"{'and ' if written else ''}as .parquet and .csv {', '.join(tables)}"])
    print("\n".join([*lines, f"written to {options.out}: {named}"]))


def _looks(options: argparse.Namespace) -> dict[str, Any]:
    """The looks that were asked for, as a term of the verdicts; raises InputError for looks that cannot be."""
    from prunescape.config.verdict import Looks, Verdict, check_looks

    if options.looks is None:
        return {}
    first, most = options.looks
    for name, value in (("first", first), ("most", most)):
        if not 1 <= value <= MOST_SEEDS:
            raise InputError(f"{name}, {value}, is no number of seeds", where="--looks", allowed=f"1 to {MOST_SEEDS}")
    design = Verdict(replicates=Looks(first=first, most=most))
    check_looks(design, "--looks")
    return {"looks": tuple(design.looks)}


def write_presentation(analysis: "Analysis", options: argparse.Namespace) -> list[str]:
    """Write the paper's tables, figures where they are asked for, and the report; gives their names."""
    from prunescape.present.report.page import write_table_report
    from prunescape.present.study_terms import StudyTerms
    from prunescape.present.tables.folder import write_paper_tables

    terms, out = StudyTerms.of_table(analysis), options.out
    scores = dict(iter(analysis["scores"].groupby("experiment", sort=True)))
    write_paper_tables(analysis, scores, terms, options.reference, out / "tables")
    figures = out / "figures" if options.figures else None
    if figures:
        from prunescape.present.figures.folder import OPEN, study_figures, write_figures
        from prunescape.present.figures.pipelines import pipeline_figures

        judged = analysis["verdicts"], analysis["looks"]
        drawn = study_figures(scores, analysis["roi"], analysis["ellipses"], terms, judged=judged)
        drawn += [(figure, OPEN) for figure in pipeline_figures(analysis.result("pipelines"))]
        write_figures(drawn, figures)
    write_table_report(analysis, options.cells.name, terms, figures=figures, out=out / "report.html")
    return ["report.html", "tables/", *(["figures/"] if figures else [])]
