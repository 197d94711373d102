"""Ways to train the same cells, each a function that trains them in a scratch folder and says how long that took.

`ours` is the real workflow; the others run plain_train.py or optuna_grid.py. Needs what those need, and xargs.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENT = "compared"
STUDY = "throughput"
PLAIN, OPTUNA = (str(ROOT / "benchmarks" / name) for name in ("plain_train.py", "optuna_grid.py"))
ONE_THREAD = ["--threads", "1"]
NO_WORKERS = ["--workers", "0"]


@dataclass(frozen=True)
class Workload:
    """One model on one data set with one recipe, at every combination of two axes; seeds are given per round."""

    name: str
    model: str
    dataset: str
    options: dict
    recipe: dict
    log10_lr: list[float]
    log10_wd: list[float]

    def cells(self, seeds: list[int]) -> list[tuple]:
        """(log10_lr, log10_wd, seed) of every cell."""
        return list(itertools.product(self.log10_lr, self.log10_wd, seeds))

    def study(self, seeds: list[int]) -> dict:
        """The config of a study of just these cells: the base alone, no rounds, no targets."""
        prior = {"log10_lr": self.log10_lr[0], "log10_wd": self.log10_wd[0]}
        grid = {"log10_lr": self.log10_lr, "log10_wd": self.log10_wd}
        experiment = {"model": self.model, "dataset": self.dataset, "recipe": self.recipe, "variants": {}}
        experiment |= {"prior": prior, "grid": grid, "seeds": seeds}
        return {"study": STUDY, "datasets": {self.dataset: self.options}, "experiments": {EXPERIMENT: experiment}}


@dataclass(frozen=True)
class Lap:
    """What training some cells took, in seconds, and each cell's outcome: top1, images_per_second and perhaps more."""

    seconds: float
    outcomes: dict[tuple, dict]

    @property
    def cells_per_hour(self) -> float:
        return 3600 * len(self.outcomes) / self.seconds


class Scratch:
    """A folder in which the workflow runs; every contender reads the data that it prepared there."""

    def __init__(self, folder: Path, workload: Workload, *, cores: int, timeout: float) -> None:
        self.folder, self.workload, self.cores, self.timeout = folder, workload, cores, timeout
        self.results = folder / "results" / STUDY
        self.data = self.results / "data" / f"{workload.dataset}.npz"

    def run(self, command: list[str]) -> tuple[float, str]:
        """Seconds and standard output. Raises RuntimeError after a failure or too long a time; leaves no process."""
        started = time.perf_counter()
        log = self.folder / "stderr"
        with log.open("w") as errors:
            process = subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
            try:
                printed, _ = process.communicate(timeout=self.timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: status {process.returncode}\n{log.read_text()[-3000:]}")
        return time.perf_counter() - started, printed

    def snakemake(self, seeds: list[int], *targets: str) -> float:
        """Run the workflow on a study of these seeds; its seconds."""
        config = self.folder / "study.yaml"
        config.write_text(yaml.safe_dump(self.workload.study(seeds)))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", str(self.folder), "--configfile", str(config), "--cores", str(self.cores)]
        return self.run([*command, "--quiet", "all", "--", *targets])[0]

    def prepare(self) -> float:
        """What a study does once, whatever its number of cells: data, widths, the declaration of the recipe."""
        widths = f"results/{STUDY}/experiment={EXPERIMENT}/variant=base/widths.json"
        shared = f"results/{STUDY}/experiment={EXPERIMENT}/shared.json"
        return self.snakemake([0], widths, shared)

    def settings(self) -> list[str]:
        """What every cell of a plain script shares."""
        recipe = json.dumps(self.workload.recipe)
        return ["--data", str(self.data), "--model", self.workload.model, "--recipe", recipe]


def ours(scratch: Scratch, seeds: list[int]) -> Lap:
    """`snakemake cells`, from its start to its end."""
    seconds, outcomes = scratch.snakemake(seeds, "cells"), {}
    for path in scratch.results.glob(f"experiment={EXPERIMENT}/*/*/*/*/record.json"):
        record = json.loads(path.read_text())
        cell = (record["setting"]["log10_lr"], record["setting"]["log10_wd"], record["seed"])
        if cell in scratch.workload.cells(seeds):
            outcomes[cell] = record
    return Lap(seconds, outcomes)


def one_after_the_other(scratch: Scratch, seeds: list[int]) -> Lap:
    """The plain script once per cell, with torch's own number of threads."""
    command, total, printed = [sys.executable, PLAIN, *scratch.settings()], 0.0, ""
    for lr, wd, seed in scratch.workload.cells(seeds):
        seconds, line = scratch.run([*command, "--log10-lr", str(lr), "--log10-wd", str(wd), "--seed", str(seed)])
        total, printed = total + seconds, printed + line
    return Lap(total, parsed(printed))


def xargs(*options: str):
    """The plain script under `xargs -P`, one process per core."""

    def contender(scratch: Scratch, seeds: list[int]) -> Lap:
        listing = scratch.folder / "cells.txt"
        cells = scratch.workload.cells(seeds)
        listing.write_text("".join(f"--log10-lr {lr} --log10-wd {wd} --seed {seed}\n" for lr, wd, seed in cells))
        command = ["xargs", "-a", str(listing), "-P", str(scratch.cores), "-L", "1", sys.executable, PLAIN]
        return Lap(*_read(scratch.run([*command, *scratch.settings(), *options])))

    return contender


def optuna(*options: str):
    """Optuna's grid sampler, one process per core."""

    def contender(scratch: Scratch, seeds: list[int]) -> Lap:
        command = [sys.executable, OPTUNA, *scratch.settings(), "--processes", str(scratch.cores), *options]
        for name in ("log10_lr", "log10_wd"):
            command += [f"--{name.replace('_', '-')}", *map(str, getattr(scratch.workload, name))]
        return Lap(*_read(scratch.run([*command, "--seed", *map(str, seeds)])))

    return contender


def _read(done: tuple[float, str]) -> tuple[float, dict[tuple, dict]]:
    return done[0], parsed(done[1])


def parsed(printed: str) -> dict[tuple, dict]:
    """The outcomes that plain scripts printed, one JSON object each; a cell trained twice counts once.

    Where Python writes unbuffered, two processes' objects may come before both their line ends.
    """
    outcomes, left = {}, printed.strip()
    while left:
        cell, end = json.JSONDecoder().raw_decode(left)
        outcomes[cell["log10_lr"], cell["log10_wd"], cell["seed"]] = cell
        left = left[end:].lstrip()
    return outcomes


CONTENDERS = {
    "ours": ours,
    "plain": one_after_the_other,
    "xargs": xargs(*ONE_THREAD),
    "tuned": xargs(*ONE_THREAD, *NO_WORKERS),
    "optuna": optuna(*ONE_THREAD),
    "xargs-own-threads": xargs(),
    "optuna-own-threads": optuna(),
}
