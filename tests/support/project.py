"""A copy of the workflow that a test may edit and really run, and the tiny study it runs. Needs Snakemake."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow_scripts"
WORKFLOW_PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "envs", "profiles")

TINY_RECIPE = {"epochs": 1, "batch_size": 50, "schedule": "cosine"}


def experiment(**changes) -> dict:
    """An experiment of one cell of ResNet-8 on digits, with other values for some keys."""
    known = {"model": "resnet8", "dataset": "digits", "recipe": dict(TINY_RECIPE), "variants": {}}
    known["pruning"] = {"round_to": 1}
    prior = {"log10_lr": -1.0, "log10_wd": -4.0}
    return known | {"prior": prior, "grid": {"log10_lr": [-1.0], "log10_wd": [-4.0]}} | changes


TINY_STUDY = {
    "study": "tiny",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {
        "small": experiment(variants={"nonuniform": [0.5]}, grid={"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0]}),
        "other": experiment(model="image_cnn"),
    },
    "targets": {"here": {"repeats": 3, "chunk_seconds": 0.01}},
}


def small_study(small: dict | None = None, **changes) -> dict:
    """The tiny study without its other experiment; `small` are changes of the one that stays."""
    study = copy.deepcopy(TINY_STUDY)
    study["experiments"] = {"small": study["experiments"]["small"] | (small or {})}
    return study | changes


class Project:
    """The workflow's files in a folder of their own, run on a study elsewhere with --directory.

    `runner` are the arguments that say where jobs run: by default two at a time on this host; `timeout` bounds a run,
    in seconds.
    """

    def __init__(self, folder: Path, study: dict, runner: tuple = ("--cores", "2"), timeout: float = 600) -> None:
        self.code, self.work, self.runner, self.timeout = folder / "code", folder / "work", runner, timeout
        self.config = folder / "study.yaml"
        self.seconds: float | None = None  # how long its first run took
        self.work.mkdir(parents=True)
        for part in WORKFLOW_PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, (self.code / part) if source.is_dir() else _parent(self.code / part))
        self.configure(study)

    def configure(self, study: dict) -> None:
        """Write the study's config."""
        self.config.write_text(yaml.safe_dump(study, sort_keys=False))

    def snakemake(self, *arguments: str, configfile: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the study; gives its exit status with standard output and error as one text."""
        return self.finish(self.start(*arguments, configfile=configfile))

    def resume(self) -> subprocess.CompletedProcess[str]:
        """Go on with the study as a user would after its run was killed."""
        return self.finish(self.start(command=("prunescape.commands.cli", "resume")))

    def start(self, *arguments: str, configfile: bool = True, command: Sequence[str] = ("snakemake",)):
        """Start a command that takes Snakemake's arguments on the study, and leave it running."""
        printed = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(**self.process(*arguments, configfile=configfile, command=command), **printed)

    def process(self, *arguments: str, configfile: bool = True, command: Sequence[str] = ("snakemake",)) -> dict:
        """Such a command, with its folder and environment, as subprocess takes them."""
        words = [sys.executable, "-m", *command, *arguments, *self.runner]
        words += ["--snakefile", str(self.code / "Snakefile")]
        words += ["--directory", str(self.work), *(["--configfile", str(self.config)] if configfile else [])]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self.code / "workflow_scripts")}
        return {"args": words, "cwd": self.work, "env": environment}

    def finish(self, running: subprocess.Popen) -> subprocess.CompletedProcess[str]:
        """Wait for what `start` started; gives its exit status and what it printed."""
        try:
            printed, _ = running.communicate(timeout=self.timeout)
        finally:
            running.kill()
        return subprocess.CompletedProcess(running.args, running.returncode, printed)

    def run(self, *arguments: str) -> str:
        """Run to the end; fails the test, with what was printed, when the run fails."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def made(self, *arguments: str) -> set[str]:
        """Run to the end; the jobs that it did, and those of runs that it started itself."""
        before = self.logs()
        self.run(*arguments)
        return self.jobs_since(before)

    def logs(self) -> set[Path]:
        """Snakemake's logs of all runs so far but dry ones."""
        return set(self.work.glob(".snakemake/log/*.log"))

    def jobs_since(self, before: set[Path]) -> set[str]:
        """The jobs in all logs but those of `before`."""
        return jobs_in("\n".join(log.read_text() for log in sorted(self.logs() - before)))

    def planned(self, *arguments: str) -> set[str]:
        """The jobs that a run would do now, as `rule` or `rule wildcards`."""
        return jobs_in(self.run("--dry-run", *arguments))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace one piece of the workflow's code; fails when it is not there."""
        path = self.code / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))


def jobs_in(output: str) -> set[str]:
    """The jobs that Snakemake announces in a log or dry run: `rule` with its wildcards, without an empty network."""
    jobs = set()
    for block in re.split(r"\n(?=\s*(?:local)?(?:rule|checkpoint) )", output):
        rule = re.match(r"\s*(?:local)?(?:rule|checkpoint) (\w+):", block)
        wildcards = re.search(r"^\s*wildcards: (.*)$", block, re.MULTILINE)
        if rule and rule[1] != "all":
            jobs.add(f"{rule[1]} {wildcards[1].replace('network=, ', '')}" if wildcards else rule[1])
    return jobs


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
