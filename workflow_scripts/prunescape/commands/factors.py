"""`prunescape factors`: which hyperparameters decide a response, in a table of runs from anywhere."""

import argparse
import sys
from pathlib import Path

from prunescape.commands.arguments import folder, named_text, number


def add_factors(command: argparse.ArgumentParser) -> None:
    """`prunescape factors TABLE --of top1 latency_median_s --out DIR`, and what is said of its columns."""
    command.add_argument("table", type=Path, metavar="TABLE", help="a row per run: Parquet, CSV or a file of Optuna's")
    response = "columns to explain, or log10:COLUMN for the logarithm of one"
    command.add_argument("--of", nargs="+", required=True, metavar="RESPONSE", help=response)
    command.add_argument("--out", type=folder, required=True, metavar="DIR", help="folder for tables, figures and page")
    by = "analyse the rows of each value of these columns apart, as variant"
    command.add_argument("--by", nargs="+", default=[], metavar="COLUMN", help=by)
    factors = "columns that explain, log10:COLUMN for a logarithm (default: found, and named when done)"
    command.add_argument("--factors", nargs="+", default=[], metavar="COLUMN", help=factors)
    kinds = "what a factor is: continuous, log10, levels (numbers, each for itself), categorical, switch"
    command.add_argument("--types", type=named_text, nargs="+", default=[], metavar="NAME=KIND", help=kinds)
    reference = "level that others are compared with (default: the recipe's or the most frequent)"
    command.add_argument("--reference", type=named_text, nargs="+", default=[], metavar="NAME=LEVEL", help=reference)
    missing = "leave rows without a value of a response out of its analysis"
    command.add_argument("--leave-out-missing", action="store_true", help=missing)
    studies = "studies of an Optuna storage to read (default: all)"
    command.add_argument("--studies", nargs="+", default=[], metavar="NAME", help=studies)
    terms = command.add_argument_group("interactions", "which factors act otherwise elsewhere, see docs/factors.md")
    with_ = "column whose levels are compared (default: variant, if the table has it)"
    terms.add_argument("--with", dest="with_", metavar="COLUMN", help=with_)
    terms.add_argument("--base", default="base", metavar="LEVEL", help="its level that others are held against")
    margin = "change of an effect that does not matter, in the response's units (default: 0.5 points of top-1, else a "
    terms.add_argument("--margin", type=number, help=f"{margin}fifth of the base's standard deviation)")
    command.set_defaults(run=run_factors)


def run_factors(options: argparse.Namespace) -> None:
    """Write the tables, the figures and the page, and say in words what was found."""
    from prunescape.analysis.factors.factor_tables import analyse_factors, write_factors
    from prunescape.analysis.factors.question import Question
    from prunescape.present.figures.factors_data import factors_figures
    from prunescape.present.figures.folder import OPEN, write_figures
    from prunescape.present.report.factor_sentences import interaction_texts, paragraphs
    from prunescape.present.report.factors_page import write_factors_page

    question = Question(
        responses=tuple(dict.fromkeys(options.of)),
        by=tuple(dict.fromkeys(options.by)),
        factors=tuple(options.factors),
        kinds=dict(options.types),
        references=dict(options.reference),
        with_=options.with_,
        base=options.base,
        margin=options.margin,
        leave_out_missing=options.leave_out_missing,
        studies=tuple(options.studies),
    )
    analysis = analyse_factors(options.table, question)
    for note in analysis.notes:
        print(f"note: {options.table}: {note}", file=sys.stderr)
    names = write_factors(analysis, options.out)
    figures = options.out / "figures"
    write_figures([(figure, OPEN) for figure in factors_figures(analysis.tables)], figures)
    write_factors_page(analysis, figures=figures, out=options.out / "factors.html")
    texts = [paragraph.text for paragraph in paragraphs(analysis.tables)]
    print("\n".join([*texts, *interaction_texts(analysis.tables)]))
    print(f"written to {options.out}: factors.html, figures/, and as .parquet and .csv {', '.join(names)}")
