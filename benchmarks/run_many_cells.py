"""What a run of very many short cells costs beside their training: wall time per cell, and Snakemake's memory.

Runs 2,000 cells of about a second each, really trained, to their records, in a scratch folder. Needs Linux for the
memory. `--cells 100` is a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from analyse_table import PACKAGES, high_water_mark

ROOT = PACKAGES.parent
SETTINGS = 20  # the grid: all else are seeds


def config(cells: int, epochs: int, images: int) -> dict:
    """A study of so many cells of an unpruned ResNet-8 on digits; `epochs` over `images` make one cell's length."""
    experiment = {
        "model": "resnet8",
        "dataset": "digits",
        "recipe": {"epochs": epochs, "batch_size": 64, "schedule": "cosine"},
        "variants": {},
        "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
        "grid": {"log10_lr": {"step": 0.2, "size": SETTINGS // 4}, "log10_wd": {"step": 0.5, "size": 4}},
        "seeds": list(range(cells // SETTINGS)),
    }
    datasets = {"digits": {"train": images, "test": 100}}
    return {"study": "many", "datasets": datasets, "experiments": {"many": experiment}}


def run(folder: Path, cores: int, target: str = "cells") -> tuple[float, float, int]:
    """Make `target` of the study.yaml in `folder`: wall and Snakemake's own processor seconds, its peak bytes."""
    command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(ROOT / "Snakefile"), "--quiet", "rules"]
    command += ["--cores", str(cores), "--directory", str(folder), "--configfile", str(folder / "study.yaml")]
    started, peak, own = time.perf_counter(), 0, 0.0
    with open(folder / "log.txt", "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None:
            peak, own = max(peak, high_water_mark(process.pid)), max(own, processor_seconds(process.pid))
            time.sleep(0.5)
    if process.returncode:
        raise RuntimeError((folder / "log.txt").read_text()[-3000:])
    return time.perf_counter() - started, own, peak


def processor_seconds(pid: int) -> float:
    """What a process itself has used, without its children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=2000, help=f"a multiple of {SETTINGS}")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-") as scratch:
        folder = Path(scratch)
        (folder / "study.yaml").write_text(yaml.safe_dump(config(given.cells, given.epochs, given.images)))
        wall, own, peak = run(folder, given.cores)
        records = [json.loads(path.read_text()) for path in folder.glob("results/many/experiment=*/**/record.json")]
        files = sum(path.is_file() for path in folder.rglob("*"))
    if len(records) != given.cells:
        raise RuntimeError(f"{len(records)} of {given.cells} cells were trained")
    trained = sum(record["seconds"] for record in records)
    overhead = (wall * given.cores - trained) / given.cells
    print(
        f"{given.cells:,} cells of {trained / given.cells:.2f} s on {given.cores} cores: {wall:.0f} s, of which "
        f"{overhead:.2f} core seconds a cell are no training; Snakemake's own process {own / given.cells:.2f} s a cell "
        f"and {peak / 1e6:.0f} MB at most; {files / given.cells:.1f} files a cell"
    )


if __name__ == "__main__":
    main()
