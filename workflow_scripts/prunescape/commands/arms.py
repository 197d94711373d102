"""`prunescape arms`: random searches of any table compared, arm by arm."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prunescape.commands.arguments import folder, whole_number
from prunescape.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from prunescape.analysis.results import Analysis


def add_arms(command: argparse.ArgumentParser) -> None:
    """`prunescape arms TABLE --arm COLUMN --rank-by COLUMN --of COLUMN... --out DIR`."""
    table = "Parquet or CSV, one row per trial, target and precision"
    command.add_argument("table", type=Path, metavar="TABLE", help=table)
    command.add_argument("--arm", required=True, metavar="COLUMN", help="column that names a trial's arm")
    rank = "column that the best models of an arm are chosen by, as the training accuracy; the highest first"
    command.add_argument("--rank-by", required=True, metavar="COLUMN", help=rank)
    command.add_argument("--of", required=True, nargs="+", metavar="COLUMN", help="properties to compare")
    command.add_argument("--out", type=folder, required=True, metavar="DIR", help="folder for tables and figures")
    command.add_argument("--minimise", action="store_true", help="the lowest of --rank-by is the best, as of a loss")
    higher = "those of --of of which more is better (default: top1 and accuracy)"
    command.add_argument("--higher", nargs="+", default=[], metavar="COLUMN", help=higher)
    split = "columns that split the table into searches of their own, as model and data set"
    command.add_argument("--by", nargs="+", default=[], metavar="COLUMN", help=split)
    trial = "column that numbers an arm's trials (default: trial, or each row is one)"
    command.add_argument("--trial", metavar="COLUMN", help=trial)
    command.add_argument("--target", metavar="COLUMN", help="column of the host that a row was measured on")
    command.add_argument("--precision", metavar="COLUMN", help="column of the model's form: fp32, int8, ...")
    standard = "what models are before optimisation (default: fp32, or the first row's)"
    command.add_argument("--standard", nargs=2, metavar=("TARGET", "PRECISION"), help=standard)
    command.add_argument("--best", type=whole_number, default=10, help="models of each arm (default: %(default)s)")
    baseline = "the arm that all others are compared with (default: %(default)s)"
    command.add_argument("--baseline", default="all", metavar="ARM", help=baseline)
    again = "a second search of the baseline, which shows what is chance (default: %(default)s)"
    command.add_argument("--again", default="all-again", metavar="ARM", help=again)
    command.set_defaults(run=run_arms)


def run_arms(options: argparse.Namespace) -> None:
    """Write the result tables, the paper's tables and the figures; say what was compared."""
    from prunescape.analysis.analyse import write_results
    from prunescape.analysis.arms.trials import ArmTerms
    from prunescape.analysis.results import ARMS, Analysis, result_names
    from prunescape.analysis.sources.files import read_source
    from prunescape.present.figures.arm_data import arm_figures
    from prunescape.present.figures.folder import LINKED, write_figures
    from prunescape.present.tables.arm_tables import arm_tables
    from prunescape.present.tables.folder import write_printed

    named = {name: getattr(options, name) for name in ("best", "baseline", "again", "minimise")}
    if options.standard:
        named["standard"] = tuple(options.standard)
    if options.higher:
        named["higher"] = tuple(options.higher)
    terms = ArmTerms(properties=tuple(dict.fromkeys(options.of)), rank_by=options.rank_by, **named)
    trials = named_columns(read_source(options.table, ()), options)
    analysis = Analysis.of_arms(trials, None, terms, options.table)
    names, figures = result_names(ARMS), arm_figures(analysis)
    tables = [table for table in arm_tables(analysis) if len(table[0])]
    write_results([analysis], names, options.out)
    write_printed(tables, options.out / "tables")
    write_figures([(figure, LINKED) for figure in figures], options.out / "figures")
    written = f"tables/, figures/ and as .parquet and .csv {', '.join(names)}"
    print("\n".join([*arm_lines(analysis), f"written to {options.out}: {written}"]))


def named_columns(table: "pd.DataFrame", options: argparse.Namespace) -> "pd.DataFrame":
    """The table with the columns that the analysis reads under its own names; raises InputError for missing ones."""
    from prunescape.analysis.column_checks import check_groups

    chosen = {"arm": options.arm, "trial": options.trial, "target": options.target, "precision": options.precision}
    for name in [*options.by, *filter(None, chosen.values()), options.rank_by, *options.of]:
        if name not in table:
            what, allowed = f'there is no column "{name}"', ", ".join(map(str, table.columns))
            raise InputError(what, where=options.table, allowed=allowed, hint=nearest(name, table.columns))
    _check_roles(chosen, options)
    check_groups(table, options.by, options.table)
    known = table.reset_index(drop=True)
    ours = {name: known[column] for name, column in chosen.items() if column}
    ours["variant"] = "base"
    ours["experiment"] = (
        known[options.by].astype("str").fillna("").agg(", ".join, axis=1) if options.by else options.table.stem
    )
    if "trial" not in ours:
        ours["trial"] = known.get("trial", known.index)
    kept = known[list(dict.fromkeys([options.rank_by, *options.of]))]
    return kept.drop(columns=[name for name in ours if name in kept]).assign(**ours)


def _check_roles(chosen: Mapping[str, str | None], options: argparse.Namespace) -> None:
    """Raise InputError for a column that says two things of a row, and for --higher of what is not compared."""
    roles = [(column, f"--{role}") for role, column in chosen.items() if column]
    roles += [(column, "--by") for column in options.by] + [(options.rank_by, "--rank-by")]
    seen: dict[str, str] = {}
    for column, role in roles:
        if column in seen:
            what = f'the column "{column}" is in {seen[column]} and in {role}'
            raise InputError(what, where=options.table, hint="each needs a column of its own")
        seen[column] = role
    for name in options.higher:
        if name not in options.of:
            what, allowed = f'"{name}" is in --higher and not in --of', ", ".join(options.of)
            raise InputError(what, where=options.table, allowed=allowed, hint=nearest(name, options.of))


def arm_lines(analysis: "Analysis") -> list[str]:
    """How many comparisons show a difference by each rule, and in the A/A arm, where every one is chance."""
    compared, searched = analysis["arm_comparisons"], analysis["arm_searches"]
    lines = []
    for control in (False, True):
        of = compared["control"].astype(bool) == control
        there = searched["control"].astype(bool) == control
        if not of.any():
            continue
        p = "p" if control else "p_holm"
        shown = {
            "by the paper's rule": (compared.loc[of, "p_liao"] < 0.05).sum(),
            f"by {'the two-sided p' if control else 'p after Holm'}": (compared.loc[of, p] < 0.05).sum(),
            "by exchange of whole searches": (searched.loc[there, "p_searches" if control else "p_holm"] <= 0.05).sum(),
        }
        who = "of the A/A arm, each by chance" if control else "of arms"
        lines.append(f"{of.sum()} comparisons {who}: {', '.join(f'{n} differ {rule}' for rule, n in shown.items())}")
    return lines or ["nothing to compare: no property is told of two arms at the same place"]
