"""The `prunescape` command: the workflow's functions without Snakemake. Each command imports only what it needs."""

import argparse
import os
import re
import sys
from importlib.metadata import PackageNotFoundError, version

from prunescape.commands.analysing import add_analyse, add_export
from prunescape.commands.arms import add_arms
from prunescape.commands.extras import lacking
from prunescape.commands.factors import add_factors
from prunescape.commands.init import add_init
from prunescape.commands.models import add_bench, add_prune
from prunescape.commands.runs import add_resume, add_run
from prunescape.commands.schema import add_schema
from prunescape.commands.studies import add_pdf, add_summary, add_verify
from prunescape.commands.tune import add_tune
from prunescape.errors import InputError, nearest
from prunescape.store.exhaustion import exhausted


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in the one line that every other wrong input gets."""

    def error(self, message: str):
        choice = re.fullmatch(r"(.*invalid choice: '(.*)') \(choose from (.*)\)", message)
        if choice is None:
            raise InputError(message, hint=f"{self.prog} --help")
        allowed = choice[3].replace("'", "")
        raise InputError(
            choice[1], allowed=allowed, hint=nearest(choice[2], allowed.split(", ")) or f"{self.prog} --help"
        )


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
    except (ModuleNotFoundError, OSError, MemoryError, RuntimeError) as error:
        lacked = _lacked(error)
        if lacked is None:
            raise
        print(f"prunescape: error: {lacked}", file=sys.stderr)
        return 2
    return 0


def _lacked(error: Exception) -> InputError | None:
    """What is not here, of packages, disk, memory or files; None when the error has another reason."""
    if isinstance(error, ModuleNotFoundError):
        return lacking(error)
    found = exhausted(error)
    if found is None and getattr(error, "filename", None):
        found = InputError(error.strerror, where=error.filename)
    return found


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    root = Parser(prog="prunescape", description=__doc__.split(":")[0].replace("`", ""))
    root.add_argument("--version", action="version", version=f"prunescape {_version()}")
    commands = root.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    add_analyse(commands.add_parser("analyse", help="regions of interest, ellipses and risk of a table of cells"))
    add_factors(commands.add_parser("factors", help="which hyperparameters decide a response, in any table of runs"))
    add_export(commands.add_parser("export-optuna", help="a table of cells as Optuna studies, one per variant"))
    add_arms(commands.add_parser("arms", help="random searches compared: what fixing a hyperparameter does"))
    add_tune(commands.add_parser("tune", help="search strategies compared on the finished trainings of a study"))
    add_bench(commands.add_parser("bench", help="latency, memory and energy of ONNX models on this host or a target"))
    add_prune(commands.add_parser("prune", help="cut a model to a share of its FLOPs"))
    add_pdf(commands.add_parser("pdf", help="the report of a study as a PDF"))
    untouched = {"prefix_chars": " ", "add_help": False}  # what looks like an option is snakemake's
    add_init(commands.add_parser("init", help="a config to start a study of your own from"))
    add_run(commands.add_parser("run", help="run a study in the current folder", **untouched))
    add_resume(commands.add_parser("resume", help="go on with a study whose run was killed", **untouched))
    add_schema(commands.add_parser("schema", help="the JSON Schema of a study's config, for editors"))
    add_summary(commands.add_parser("summary", help="what a study reached, and where its report is"))
    add_verify(commands.add_parser("verify", help="check every file of a study against its digest"))
    return root


def _version() -> str:
    try:
        return version("prunescape")
    except PackageNotFoundError:
        return "(a checkout that is not installed)"


if __name__ == "__main__":
    sys.exit(main())
