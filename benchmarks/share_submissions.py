"""Cells per hour on a Slurm with one GPU, which one submission has at a time: alone, in turns, as one network.

Starts the Slurm of tests/support/slurm_cluster.py, so it needs root, and ends it. There is no GPU here: the cells train
on the CPU, where one network of several gains little, so what is measured is what the submissions cost. Contenders run
in turns, on data, widths and a declared recipe that are made before. Prints ratios: the machine may be shared.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow_scripts")]

from support.project import TINY_RECIPE, Project, experiment, small_study  # noqa: E402
from support.slurm_cluster import SlurmCluster  # noqa: E402
from support.submissions import grouped, on_slurm, stacked_on_cpu  # noqa: E402

ONE_GPU = ("--jobs", "1", "--until", "cells")


def study_of(cells: int, epochs: int) -> dict:
    """So many cells of the base on the tiny data."""
    decays = [round(-4.0 + 0.1 * number, 1) for number in range(cells)]
    small = experiment(recipe=TINY_RECIPE | {"epochs": epochs}, grid={"log10_lr": [-1.0], "log10_wd": decays})
    return small_study(small, targets={}, cluster={"minutes": 30, "memory_mb": 3000})


def prepared(folder: Path, study: dict, *, stacked: bool) -> Project:
    """A project with all that trainings need."""
    project = on_slurm(folder, study)
    if stacked:
        stacked_on_cpu(project)
    project.runner = ("--cores", "2")
    project.run("--until", "plan_variant", "declare_experiment", "prepare_data")
    return project


def seconds_of(project: Project, *arguments: str) -> float:
    """How long the trainings take from the start of Snakemake to its end; what they made is deleted."""
    project.runner = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "1")
    started = time.monotonic()
    project.run(*ONE_GPU, *arguments)
    seconds = time.monotonic() - started
    for cell in (project.work / "results/tiny").glob("experiment=*/variant=*/log10_lr=*"):
        shutil.rmtree(cell)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, SlurmCluster():
        study, together = study_of(options.cells, options.epochs), grouped(options.cells)
        plain = prepared(Path(folder) / "plain", study, stacked=False)
        stacked = prepared(Path(folder) / "stacked", study, stacked=True)
        contenders = {"alone": (plain, ()), "in turns": (plain, together), "one network": (stacked, together)}
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(options.rounds):
            for name in sorted(contenders, reverse=number % 2 == 1):
                project, arguments = contenders[name]
                seconds[name].append(seconds_of(project, *arguments))
                print(f"round {number + 1}, {name}: {seconds[name][-1]:.0f} s", flush=True)
    print(
        f"\ncells per hour, of {options.cells} cells in one submission to one each (geometric mean, smallest, largest)"
    )
    for name in ("in turns", "one network"):
        ratios = [alone / other for alone, other in zip(seconds["alone"], seconds[name], strict=True)]
        print(f"{name}: {statistics.geometric_mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
