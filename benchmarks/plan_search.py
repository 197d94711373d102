"""What a round of a search costs at thousands of finished trials: its planning alone, and the whole of Snakemake.

The first round is planned by Snakemake; the records of its trials are written, not trained. Printed are processor
seconds, since the machine may be shared: of the function that plans the next round, of a dry run to it, and of a run
that plans it. What the run takes more than the dry run is the job and the evaluation of the graph after it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from analyse_table import PACKAGES

sys.path.insert(0, str(PACKAGES))

from plan_rung import plan_rung
from prunescape.config.study import load_study
from prunescape.designs.plan import experiment_plan
from prunescape.designs.search_rounds import read_search_round
from prunescape.store.files import write_json
from prunescape.store.records import pack_bits

ROOT = PACKAGES.parent
ROUNDS = "results/planned/rounds/experiment=e/bracket=0/round={}.json"


def config(trials: int, sampler: str) -> dict:
    """A study with one search of so many trials, all in its first rung."""
    space = {"log10_lr": {"low": -3, "high": 0}, "log10_wd": {"low": -6, "high": -1}, "batch_size": [32, 64, 128]}
    experiment = {
        "model": "resnet8",
        "dataset": "digits",
        "recipe": {"epochs": 10, "batch_size": 64, "schedule": "cosine"},
        "variants": {},
        "tune": {"space": space, "sampler": sampler, "trials": trials, "target": "here", "objective": "accuracy"},
    }
    if sampler == "tpe":  # 8 trials more, which a model of the others proposes
        experiment["tune"] |= {"trials": trials + 8, "ask": trials}
    return {
        "study": "planned",
        "datasets": {"digits": {"validation": 100}},
        "experiments": {"e": experiment},
        "targets": {"here": {}},
    }


def snakemake(folder: Path, *options: str) -> tuple[float, float]:
    """Processor and wall seconds of Snakemake in `folder`; raises CalledProcessError when it fails."""
    command = [sys.executable, "-m", "snakemake", *options, "--snakefile", str(ROOT / "Snakefile"), "--cores", "1"]
    command += ["--directory", str(folder), "--configfile", str(folder / "study.yaml")]
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, text=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, time.perf_counter() - started


def write_records(folder: Path, cells: list) -> list[Path]:
    """A record of each cell, with scores that differ, and the size of a real one."""
    paths = []
    for number, cell in enumerate(cells):
        path = folder / "results/planned" / cell.path / "record.json"
        path.parent.mkdir(parents=True)
        scores = {
            "status": "ok",
            "val_correct": number % 97,
            "val_tested": 100,
            "correct_bits": pack_bits([True] * 600),
        }
        write_json(path, cell.content | {"setting": cell.setting.values} | scores | {"history": [{"epoch": 1}] * 10})
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--sampler", default="random", choices=("random", "tpe"))
    given = parser.parse_args()
    for trials in given.trials:
        with tempfile.TemporaryDirectory(prefix="search-") as name:
            folder, study = Path(name), config(trials, given.sampler)
            (folder / "study.yaml").write_text(yaml.safe_dump(study))
            snakemake(folder, ROUNDS.format(1))
            first, plan = read_search_round(folder / ROUNDS.format(1)), experiment_plan(load_study(study), "e")
            snakemake(
                folder,
                "results/planned/experiment=e/shared.json",
                "results/planned/experiment=e/variant=base/widths.json",
            )
            records = write_records(folder, first.cells)
            started = time.process_time()
            earlier = [folder / ROUNDS.format(1)]
            plan_rung(plan, bracket=0, number=2, records=records, earlier=earlier, out=folder / "next.json")
            function = time.process_time() - started
            dry = snakemake(folder, ROUNDS.format(2), "-n", "--quiet", "all")
            whole = snakemake(folder, ROUNDS.format(2))
            print(
                f"{trials:,} finished trials, {given.sampler}: planning {function:.2f} s; dry run {dry[0]:.2f} s "
                f"({dry[1]:.1f} wall); run {whole[0]:.2f} s ({whole[1]:.1f} wall)",
                flush=True,
            )


if __name__ == "__main__":
    main()
