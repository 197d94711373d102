"""Where the time of the default study goes: wall time by rule, Snakemake's own, and the whole beside its training.

Runs config/config.yaml from nothing to its report in a scratch folder. The goal: at most 1.3 x (processor seconds of
pure training / cores) + 40 s.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

from run_many_cells import ROOT, run

TRAINING = "train_cell"
GOAL_FACTOR, GOAL_SECONDS = 1.3, 40.0


def job_seconds(folder: Path) -> dict[str, list[float]]:
    """The wall seconds of every job by rule, as Snakemake noted them with the outputs."""
    jobs: dict[tuple[str, str], float] = {}
    for path in (folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            noted = json.loads(path.read_text())
            job = (noted["rule"], str(noted["log"]))
            jobs[job] = max(jobs.get(job, 0.0), noted["endtime"] - noted["starttime"])
    found: dict[str, list[float]] = defaultdict(list)
    for (rule, _), seconds in jobs.items():
        found[rule].append(seconds)
    return found


def training_seconds(folder: Path) -> float:
    """Of all cells, their tests included; each on one thread, so these are processor seconds."""
    return sum(json.loads(path.read_text())["seconds"] for path in folder.rglob("record.json"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="profile-") as scratch:
        folder = Path(scratch)
        (folder / "study.yaml").write_text((ROOT / "config/config.yaml").read_text())
        wall, own, peak = run(folder, given.cores, target="all")
        rules, training = job_seconds(folder), training_seconds(folder)
    rules = dict(sorted(rules.items(), key=lambda item: -sum(item[1])))
    print("| rule | jobs | seconds in all | longest |", "| --- | --- | --- | --- |", sep="\n")
    for rule, seconds in rules.items():
        print(f"| {rule} | {len(seconds)} | {sum(seconds):.1f} | {max(seconds):.1f} |")
    each = f"{training / given.cores:.0f} s on each core"
    print(f"\npure training of {len(rules[TRAINING])} cells: {training:.0f} s, {each}")
    print(f"Snakemake's own process: {own:.0f} s of a processor, {peak / 1e6:.0f} MB")
    goal = GOAL_FACTOR * training / given.cores + GOAL_SECONDS
    print(f"the study: {wall:.0f} s; goal: {goal:.0f} s ({wall / goal:.2f} of it)")


if __name__ == "__main__":
    main()
