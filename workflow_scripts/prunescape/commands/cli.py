"""The `prunescape` command: the workflow's functions without Snakemake. Each command imports only what it needs."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from prunescape.commands.analysing import add_analyse, add_export
from prunescape.commands.models import add_bench, add_prune
from prunescape.errors import InputError, nearest
from prunescape.store.exhaustion import exhausted


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
    except (OSError, MemoryError, RuntimeError) as error:
        lacking = exhausted(error)
        if lacking is None:
            raise
        print(f"prunescape: error: {lacking}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    root = Parser(prog="prunescape", description=__doc__.split(":")[0].replace("`", ""))
    commands = root.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    add_analyse(commands.add_parser("analyse", help="regions of interest, ellipses and risk of a table of cells"))
    add_export(commands.add_parser("export-optuna", help="a table of cells as Optuna studies, one per variant"))
    add_bench(commands.add_parser("bench", help="latency, memory and energy of ONNX models on this host or a target"))
    add_prune(commands.add_parser("prune", help="cut a model to a share of its FLOPs"))
    untouched = {"prefix_chars": " ", "add_help": False}  # what looks like an option is snakemake's
    add_resume(commands.add_parser("resume", help="go on with a study whose run was killed", **untouched))
    add_summary(commands.add_parser("summary", help="what a study reached, and where its report is"))
    return root


def add_resume(command: argparse.ArgumentParser) -> None:
    """`prunescape resume [ARGUMENT ...]`, which are those of snakemake."""
    command.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="as the run was started with")
    command.set_defaults(run=run_resume)


def run_resume(options: argparse.Namespace) -> None:
    """Unlock the study, which the workflow refuses while a run lives on it, then become snakemake."""
    snakemake = [sys.executable, "-m", "snakemake", *options.arguments]
    unlocked = subprocess.run([*snakemake, "--unlock"])
    if unlocked.returncode:
        sys.exit(unlocked.returncode)
    os.execv(snakemake[0], snakemake)


def add_summary(command: argparse.ArgumentParser) -> None:
    """`prunescape summary results/STUDY`."""
    command.add_argument("results", type=Path, metavar="RESULTS", help="the folder of a study: results/STUDY")
    command.set_defaults(run=run_summary)


def run_summary(options: argparse.Namespace) -> None:
    """Print the summary of a finished study."""
    from prunescape.running.run_end import finished_lines

    folder = options.results
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        hint = nearest(folder.name, known)
        raise InputError("there is no such folder", where=folder, allowed=", ".join(known), hint=hint)
    print("\n".join(finished_lines(folder)))


if __name__ == "__main__":
    sys.exit(main())
