"""`prunescape run` and `prunescape resume`: the workflow in the current folder, wherever its files are installed."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from prunescape.commands.extras import require_workflow
from prunescape.config.source import ENDINGS
from prunescape.errors import InputError, nearest
from prunescape.running.workflow_files import DEFAULT, STUDIES, WORKFLOW, is_checkout

HELP = ({"-h"}, {"--help"})
DEFAULT_STUDY = "digits"
CORES = "all, or a number from 1"
RESULTS = "results"  # the folder of all that is made, JSON among it
RULES = re.compile(r"^(?:rule|checkpoint) (\w+):", re.MULTILINE)


def add_run(command: argparse.ArgumentParser) -> None:
    """`prunescape run [STUDY] [ARGUMENT ...]`."""
    command.description = (
        "Run a study in the current folder: results/ and .snakemake/ are made there. STUDY is a config, such as "
        "study.yaml or study.json, or the name of a study that is included: "
        f"{', '.join(study_configs())}; without one it is the first of them. In a checkout its own files are run. All "
        "other arguments are snakemake's, such as --cores 8 (default: all cores), -n, which shows what would run, or "
        "--profile slurm; snakemake --help lists them."
    )
    _add_arguments(command, _run)


def add_resume(command: argparse.ArgumentParser) -> None:
    """`prunescape resume [STUDY] [ARGUMENT ...]`, as the run was started with."""
    command.description = (
        "Unlock a study whose run was killed, and go on with it. Refuses while the old run or a job of it lives, and "
        "cancels what it left in Slurm's queue. All arguments are those that the run was started with: of prunescape "
        "run, as study.yaml --cores 8, or of snakemake, as --cores 8 --configfile study.yaml."
    )
    _add_arguments(command, _resume)


def _add_arguments(command: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None]) -> None:
    """Take any arguments, and `act` on them but for a request for help."""
    command.usage = f"{command.prog} [STUDY] [ARGUMENT ...]"
    command.add_argument("arguments", nargs="*", metavar="STUDY, ARGUMENT", help="a study, and arguments of snakemake")
    command.set_defaults(run=lambda options: command.print_help() if set(options.arguments) in HELP else act(options))


def _run(options: argparse.Namespace) -> NoReturn:
    """Become snakemake."""
    command = snakemake_command(options.arguments)
    os.execv(command[0], command)


def _resume(options: argparse.Namespace) -> NoReturn:
    """Unlock the study, which the workflow refuses while a run lives on it, then become snakemake."""
    command = snakemake_command(options.arguments)
    unlocked = subprocess.run([*command, "--unlock"])
    if unlocked.returncode:
        sys.exit(unlocked.returncode)
    os.execv(command[0], command)


def snakemake_command(arguments: list[str]) -> list[str]:
    """The command that runs snakemake with these arguments, a study among them, and with what they leave out.

    Raises InputError for arguments that snakemake does not take, a study that is not there, or a missing package.
    """
    require_workflow("snakemake", "torch")
    known = _parsed(arguments)
    words, before = list(arguments), []
    if known.cores is not None and known.cores < 1:
        raise InputError(f"{known.cores} cannot be used", where="--cores", allowed=CORES)
    for study, config in _studies(known).items():
        words.remove(study)
        words += ["--configfile", str(config)]  # last: all that follows would be its values
    words = _with_profiles(words, known.profile or ())
    if known.snakefile is None and not is_checkout(Path.cwd()):
        before += ["--snakefile", str(WORKFLOW / "Snakefile")]
    if not (known.cores or known.jobs or known.profile or known.executor):
        before += ["--cores", "all"]
    return [sys.executable, "-m", "snakemake", *before, *words]


def _parsed(arguments: list[str]) -> argparse.Namespace:
    """The arguments as snakemake reads them."""
    from snakemake.cli import get_argument_parser
    from snakemake.exceptions import CliException

    def refuse(message: str) -> NoReturn:
        raise InputError(message, hint="snakemake --help")

    parser = get_argument_parser()
    parser.error = refuse
    try:
        return parser.parse_args(arguments)
    except CliException as error:  # of a number of cores or jobs
        raise InputError(str(error), allowed=CORES, hint="snakemake --help") from None


def _studies(known: argparse.Namespace) -> dict[str, Path]:
    """The config of the study that is named among what snakemake takes for targets: none, or one."""
    found = {target: config for target in known.targets if (config := _config_of(target))}
    given = [target for target in known.targets if target in found]
    if len(given) + bool(known.configfile) > 1:
        named = ", ".join([*sorted(given), *map(str, known.configfile or ())])
        raise InputError(f"more than one study is named: {named}", allowed="one")
    return found


def _config_of(target: str) -> Path | None:
    """The config of a study, by its path or name; None for a rule or a file that is to be made."""
    studies = study_configs()
    if target.endswith(ENDINGS) and Path(target).parts[0] != RESULTS:
        if not Path(target).is_file():
            hint = nearest(Path(target).stem, studies) or "prunescape init NAME writes one"
            raise InputError("there is no such config", where=target, hint=hint)
        return Path(target)
    if target in studies:
        return studies[target]
    if "/" in target or target in _rules():
        return None
    what, allowed = f'there is no study "{target}"', ", ".join(["a config as study.yaml", *studies])
    raise InputError(what, allowed=allowed, hint=nearest(target, [*studies, *_rules()]))


def study_configs() -> dict[str, Path]:
    """The config of each study that is included, by its name; those of a checkout, in one."""
    folder = _workflow()
    files = sorted((folder / STUDIES).glob("*.yaml"))
    return {DEFAULT_STUDY: folder / DEFAULT} | {file.stem: file for file in files}


def _workflow() -> Path:
    """The folder whose workflow runs."""
    return Path.cwd() if is_checkout(Path.cwd()) else WORKFLOW


def _rules() -> set[str]:
    """The names of all rules."""
    files = [_workflow() / "Snakefile", *(_workflow() / "rules").glob("*.smk")]
    return {name for file in files for name in RULES.findall(file.read_text())}


def _with_profiles(words: list[str], profiles: Iterable[str]) -> list[str]:
    """The words with the folder of each profile that is included, unless the current folder has one of that name."""
    for name in profiles:
        folder = _workflow() / "profiles" / name
        if Path(name).exists() or not folder.is_dir():
            continue
        if name == "slurm" and find_spec("snakemake_executor_plugin_slurm") is None:
            raise InputError(
                "--profile slurm needs Snakemake's plugin for Slurm", hint="pip install 'prunescape[slurm]'"
            )
        words = [f"--profile={folder}" if word == f"--profile={name}" else word for word in words]
        for place in range(1, len(words)):
            if words[place - 1 : place + 1] == ["--profile", name]:
                words[place] = str(folder)
    return words
