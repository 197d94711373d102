"""How long `snakemake -n` takes on studies of many cells, as a ratio to a bare Snakefile with as many jobs, in turns.

The bare one has the same numbers of inputs, outputs and logs per job, and nothing else. Ratios are of processor time,
since the machine may be shared. With --finished everything is there already. `--try="--scheduler greedy"` adds a
contender: ours with other options of Snakemake. Needs Linux for the memory.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from analyse_table import PACKAGES, POLL_SECONDS, high_water_mark
from finished_study import copy_cells

sys.path.insert(0, str(PACKAGES))

from prunescape.config.study import load_study
from prunescape.designs.plan import experiment_plan
from prunescape.designs.rounds import first_cells
from prunescape.space.cells import Cell

ROOT = PACKAGES.parent
PER_SEED = 500  # five variants on a 10 x 10 grid
BARE = """
CELLS = range({cells})

rule cells:
    input: expand("cell={{cell}}/record.json", cell=CELLS)

rule all:
    default_target: True
    input:
        rules.cells.input,
        expand("cell={{cell}}/weights.safetensors", cell=CELLS),
        expand("export={{part}}", part=range(5)),
        "table"

rule export:
    input: lambda wildcards: expand("cell={{cell}}/{{name}}", cell=CELLS[int(wildcards.part)::5], name={outputs})
    output: "export={{part}}"
    log: "export={{part}}.log"
    shell: "touch {{output}} {{log}}"

rule collect:
    input: rules.cells.input
    output: "table"
    log: "collect.log"
    shell: "touch {{output}} {{log}}"

rule train:
    input: shared="shared.json", identity="identity.json", widths="widths.json", data=ancient("data.npz")
    output: record="cell={{cell}}/record.json", weights="cell={{cell}}/weights.safetensors"
    log: "cell={{cell}}/train.log"
    shell: "touch {{output}} {{log}}"
"""
BARE_INPUTS = ("shared.json", "identity.json", "widths.json", "data.npz")
OUTPUTS, LOG = ("record.json", "weights.safetensors"), "train.log"


def config(cells: int) -> dict:
    """A study of so many cells, one seed or more on a grid; for less than a grid, its prior alone."""
    axis, seeds = ({"step": 0.2, "size": 10}, cells // PER_SEED) if cells >= PER_SEED else ({"step": 1, "size": 1}, 1)
    experiment = {"model": "resnet8", "dataset": "digits", "recipe": {"epochs": 1, "batch_size": 256}}
    experiment |= {"variants": {"uniform": [0.5, 0.25], "nonuniform": [0.5, 0.25]}}
    experiment |= {"prior": {"log10_lr": -1.0, "log10_wd": -4.0}, "grid": {"log10_lr": axis, "log10_wd": axis}}
    experiment |= {"seeds": list(range(seeds))}
    return {"study": "planned", "experiments": {"planned": experiment}}


def planned_cells(cells: int) -> list[Cell]:
    """The cells of a study of so many."""
    return first_cells({"planned": experiment_plan(load_study(config(cells)), "planned")})


class Planned:
    """Two folders, one for ours and one for the bare workflow, each with a study of so many cells."""

    def __init__(self, folder: Path, cells: int) -> None:
        self.cells, self.ours, self.bare = cells, folder / "ours", folder / "bare"
        for place in (self.ours, self.bare):
            place.mkdir()
        for name in BARE_INPUTS:
            (self.bare / name).write_text(name)
        self.resize(cells)

    def resize(self, cells: int) -> None:
        """Write both workflows for another number of cells."""
        (self.ours / "study.yaml").write_text(yaml.safe_dump(config(cells)))
        (self.bare / "Snakefile").write_text(BARE.format(cells=cells, outputs=OUTPUTS))

    def command(self, which: str, *options: str) -> list[str]:
        """Snakemake on one of the two."""
        snakefile = ROOT / "Snakefile" if which == "ours" else self.bare / "Snakefile"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--cores", "2"]
        command += ["--configfile", str(self.ours / "study.yaml")] if which == "ours" else []
        return [*command, "--directory", str(getattr(self, which)), *options]

    def finish(self) -> None:
        """Run both to their end on few cells, copy these to all others, and tell Snakemake that the rest is true."""
        self.resize(1)
        for which in ("ours", "bare"):
            run(self.command(which, "--quiet", "all"))
        self.resize(self.cells)
        copy_cells(self.bare, "cell=0", [f"cell={number}" for number in range(1, self.cells)], OUTPUTS, LOG)
        cells, first = planned_cells(self.cells), {cell.variant: cell for cell in planned_cells(1)}
        for variant, origin in first.items():
            others = [f"results/planned/{cell.path}" for cell in cells if cell.variant == variant and cell != origin]
            copy_cells(self.ours, f"results/planned/{origin.path}", others, OUTPUTS, LOG)
        for which in ("ours", "bare"):
            run(self.command(which, "--touch", "--quiet", "all"))


def run(command: list[str]) -> tuple[float, float, int, str]:
    """Processor and wall seconds, peak bytes and everything printed. Raises RuntimeError when the command fails."""
    with tempfile.TemporaryFile("w+") as printed:
        started, peak, ended = time.perf_counter(), 0, 0
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        while not ended:
            peak = max(peak, high_water_mark(process.pid))
            time.sleep(POLL_SECONDS)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        printed.seek(0)
        text = printed.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {process.returncode}\n{text[-3000:]}")
    return usage.ru_utime + usage.ru_stime, seconds, peak, text


def contenders(planned: Planned, target: str, tried: list[str]) -> dict[str, list[str]]:
    """Every command that plans `target`, by name."""
    named = {which: planned.command(which, "-n", "--", target) for which in ("bare", "ours")}
    return named | {f"ours {more}": planned.command("ours", "-n", *shlex.split(more), "--", target) for more in tried}


def compare(planned: Planned, target: str, given: argparse.Namespace) -> None:
    """Plan in turns, each round in another order; print a line for each contender."""
    commands = contenders(planned, target, given.tried)
    taken = {name: [] for name in commands}
    for number in range(given.rounds):
        for name in list(commands)[:: -1 if number % 2 else 1]:
            *numbers, text = run(commands[name])
            if given.finished and "Nothing to be done" not in text:
                raise RuntimeError(f"{name} has something to do:\n{text[-3000:]}")
            taken[name].append(numbers)
    for name, measured in taken.items():
        busy, seconds, peaks = np.array(measured).T
        ratios = busy / np.array(taken["bare"])[:, 0]
        print(
            f"{planned.cells:,} cells, {target}{', finished' if given.finished else ''}, {name}: ratio to bare "
            f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}), {np.median(seconds):.1f} s, "
            f"peak memory {peaks.max() / 1e6:.0f} MB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 10000, 50000], help="multiples of 500")
    parser.add_argument("--targets", nargs="+", choices=("cells", "all"), default=["cells", "all"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--finished", action="store_true", help="everything is there: nothing is to be done")
    parser.add_argument("--try", dest="tried", action="append", default=[], help="other options of Snakemake for ours")
    given = parser.parse_args()
    for cells in given.cells:
        with tempfile.TemporaryDirectory(prefix="planned-") as folder:
            planned = Planned(Path(folder), cells)
            if given.finished:
                planned.finish()
            for target in given.targets:
                compare(planned, target, given)


if __name__ == "__main__":
    main()
