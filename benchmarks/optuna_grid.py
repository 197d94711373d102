"""The same plain training under Optuna: GridSampler over the same grid, several processes on one journal.

Prints one line of JSON per trial. A grid point that two processes happened to draw is trained twice, as Optuna does.
Needs optuna and what plain_train.py needs.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from plain_train import train_plainly

from prunescape.space.recipe import Recipe

NAME = "grid"


def work(given: argparse.Namespace, grid: dict[str, list]) -> None:
    """One process: asks for the next grid point until it has trained its share of them."""
    if given.threads:
        torch.set_num_threads(given.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(given.journal))
    study = optuna.load_study(study_name=NAME, storage=storage, sampler=optuna.samplers.GridSampler(grid))

    def objective(trial: optuna.Trial) -> float:
        cell = {name: trial.suggest_categorical(name, values) for name, values in grid.items()}
        outcome = train_plainly(given.data, given.model, Recipe(**given.recipe), cell, workers=given.workers)
        print(json.dumps(outcome), flush=True)
        return outcome["top1"]

    points = math.prod(len(values) for values in grid.values())
    study.optimize(objective, n_trials=math.ceil(points / given.processes))


def start_processes(count: int) -> int:
    """This script so many times on one new journal, as Optuna's documentation does it; the first failure's status."""
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder, "journal.log"))
        optuna.create_study(study_name=NAME, storage=JournalStorage(JournalFileBackend(journal)), direction="maximize")
        command = [sys.executable, *sys.argv, "--journal", journal]
        processes = [subprocess.Popen(command) for _ in range(count)]
        return next(filter(None, [process.wait() for process in processes]), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="prepared data set, .npz")
    parser.add_argument("--model", required=True)
    parser.add_argument("--recipe", type=json.loads, required=True, help="JSON, keys as in a study's recipe")
    parser.add_argument("--log10-lr", type=float, nargs="+", required=True)
    parser.add_argument("--log10-wd", type=float, nargs="+", required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="processes that load images (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="of torch in each process (default: torch's own choice)")
    parser.add_argument("--journal", help="take part in the study there")
    given = parser.parse_args()
    if not given.journal:
        return start_processes(given.processes)
    work(given, {name: getattr(given, name) for name in ("log10_lr", "log10_wd", "seed")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
