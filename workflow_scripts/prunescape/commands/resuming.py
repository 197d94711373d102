"""`prunescape resume`: what a killed run left is cleared away, and the study goes on. Needs Snakemake."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys


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
