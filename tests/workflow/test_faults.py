"""Kills, interrupts and a second run, really done to runs of the tiny study: what comes out is as if nothing had been.

The reference is an undisturbed run of the same study.
"""

import copy
import os
import random
import re
import shutil
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from prunescape.running.run_lock import VARIABLE
from prunescape.store.files import read_json
from support.project import TINY_STUDY, Project
from support.trainings import TIMES

# What differs between two runs of the same study: times, and what depends on them.
OF_THE_RUN = (*TIMES, "resumes", "sha256")
TABLES = ("roi", "ellipses", "risk", "verdicts", "spread", "shift", "similarity", "band")
MEASURED = ["experiment", "variant", "rank", "log10_lr", "log10_wd", "target", "precision", "correct", "tested", "top1"]
MEASURED += ["file_bytes", "encoded_bytes"]


def processes_of(project: Project, *words: str) -> list[psutil.Process]:
    """Every process that a run of this project's study started, however indirectly, and whose command has a word."""
    found = []
    for process in psutil.process_iter(["ppid", "cmdline", "environ", "status"]):
        known = process.info
        ours = str(project.work) in (known["environ"] or {}).get(VARIABLE, "")
        command = " ".join(known["cmdline"] or [])
        if ours and known["status"] != psutil.STATUS_ZOMBIE and any(word in command for word in words or ("",)):
            found.append(process)
    return found


def warm_processes(project: Project, *, children: bool) -> list[psutil.Process]:
    """The warm process, or those that it forked: they have its command."""
    found = processes_of(project, "warm_server")
    servers = {process.pid for process in found}
    return [process for process in found if (process.info["ppid"] in servers) is children]


def trainings(project: Project) -> list[psutil.Process]:
    """Those children of the warm process whose output goes to a cell's log; others plan or export."""
    return [child for child in warm_processes(project, children=True) if output_of(child).endswith("/train.log")]


def output_of(process: psutil.Process) -> str:
    with suppress(OSError):
        return os.readlink(f"/proc/{process.pid}/fd/1")
    return ""


def suspended_training(project: Project) -> psutil.Process | None:
    """A training that was just suspended, so that its run does not end; None when there was none to be had."""
    for process in trainings(project):
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            return process
    return None


VICTIMS = {
    "training": trainings,
    "job": lambda project: processes_of(project, ".train_cell.py"),
    "warm process": lambda project: warm_processes(project, children=False),
    "benchmark": lambda project: processes_of(project, "agent.py"),
    "benchmark's job": lambda project: processes_of(project, ".benchmark_target.py"),
}


def wait_for(found, seconds: float = 240.0):
    """What `found` gives once that is something; None when it takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        something = found()
        if something:
            return something
        time.sleep(0.01)
    return None


def assert_same_results(project: Project, reference: Project) -> None:
    """Records, weights, tables of the analysis and measured accuracies of two runs are the same."""
    mine, other = (folder.work / "results/tiny" for folder in (project, reference))
    for path in sorted(other.glob("experiment=*/**/record.json")):
        records = [read_json(path), read_json(mine / path.relative_to(other))]
        digests = [record["provenance"]["weights_digest"] for record in records]
        first, second = ({key: record[key] for key in record if key not in OF_THE_RUN} for record in records)
        assert first == second and digests[0] == digests[1], path
    assert len(list(mine.glob("experiment=*/**/record.json"))) == 5
    for name in TABLES:
        pd.testing.assert_frame_equal(*(pd.read_parquet(folder / f"{name}.parquet") for folder in (mine, other)))
    measured = (pd.read_parquet(folder / "benchmarks.parquet")[MEASURED] for folder in (mine, other))
    pd.testing.assert_frame_equal(*measured)
    assert (mine / "report.html").stat().st_size > 10_000
    assert not list(mine.rglob("*.part")), "no half file is left"
    assert not list(mine.glob(".state/*.safetensors")), "no checkpoint is left"


def kill_once(project: Project, chance: random.Random, seconds: float) -> str:
    """Start a run and kill one of its processes at a random moment; ends when the run has. Gives what was killed.

    `seconds` is about how long such a run takes.
    """
    running = project.start("--quiet", "rules")
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, seconds))
        running.send_signal(signal.SIGKILL)
        victim = "snakemake"
    else:
        victim = chance.choice(sorted(VICTIMS))
        wait_for(lambda: VICTIMS[victim](project) or running.poll() is not None)
        time.sleep(chance.uniform(0, 1))
        for process in VICTIMS[victim](project)[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    project.finish(running)
    return victim


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_killed_at_a_random_moment_it_comes_to_the_same(finished, tmp_path, seed):
    project = Project(tmp_path, TINY_STUDY)
    victim = kill_once(project, random.Random(seed), finished.seconds)
    done = project.resume()
    assert done.returncode == 0, f"after {victim} was killed:\n{done.stdout}"
    assert_same_results(project, finished)
    assert project.planned() == set()


def long_study(epochs: int, log10_wd: list[float]) -> dict:
    """The tiny study's network with these cells only, each of so many epochs; some 15 take a second."""
    study = copy.deepcopy(TINY_STUDY)
    del study["experiments"]["other"]
    study["experiments"]["small"] |= {"variants": {}, "grid": {"log10_lr": [-1.0], "log10_wd": log10_wd}}
    study["experiments"]["small"]["recipe"]["epochs"] = epochs
    return study


@pytest.fixture
def running(tmp_path):
    """A run of two cells, while it trains, that take longer than Snakemake to notice a signal; killed at the end."""
    project = Project(tmp_path, long_study(150, [-4.0, -3.0]))
    process = project.start("cells", "--quiet", "rules")
    assert wait_for(lambda: trainings(project)), "no training started"
    yield project, process
    process.kill()
    process.communicate()
    assert wait_for(lambda: not processes_of(project), 30)


def test_an_interrupt_leaves_no_process_behind_and_loses_nothing(running):
    """SIGINT to Snakemake's process alone, as a script would send it; a terminal sends it to the others as well."""
    project, process = running
    results = project.work / "results/tiny"
    assert wait_for(lambda: any(epochs_of(log) for log in results.rglob("train.log"))), "no epoch was trained"
    process.send_signal(signal.SIGINT)
    assert process.wait(120) != 0
    assert wait_for(lambda: not processes_of(project), 30), processes_of(project)
    assert list(results.glob(".state/*.safetensors")), "a training left where it was"
    project.run("cells")
    records = [read_json(path) for path in results.rglob("record.json")]
    assert len(records) == 2 and sum(record["resumes"] for record in records) >= 1


def test_orphans_of_a_killed_run_end_by_themselves(running):
    project, process = running
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_for(lambda: not processes_of(project), 30), processes_of(project)


def test_they_end_too_where_the_results_were_deleted_at_once(running):
    """There is no lock left that could tell them."""
    project, process = running
    process.send_signal(signal.SIGKILL)
    shutil.rmtree(project.work / "results")
    process.wait()
    assert wait_for(lambda: not processes_of(project), 30), processes_of(project)


def test_a_second_run_is_refused_and_resume_names_the_holder(running):
    project, process = running
    training = wait_for(lambda: suspended_training(project))
    holder = f"snakemake (pid {process.pid}, host {socket.gethostname()}, user {getuser()}, since "
    second = project.snakemake("cells", "--quiet", "rules")
    assert second.returncode != 0 and holder in second.stdout
    assert "Directory cannot be locked" in second.stdout, "Snakemake's own words"
    resumed = project.resume()
    assert resumed.returncode != 0 and "Traceback" not in resumed.stdout
    assert f"error: results/tiny: another run works on this study: {holder}" in resumed.stdout
    assert "note: results/tiny: another run works on this study" in project.snakemake("--dry-run").stdout
    training.resume()
    done = project.finish(process)
    assert done.returncode == 0, "the first run went on"


def getuser() -> str:
    return psutil.Process().username()


@pytest.mark.long
def test_a_killed_training_loses_half_a_minute_at_most(tmp_path):
    """A cell of some two minutes, killed outright: nobody could ask it to save."""
    project = Project(tmp_path, long_study(2000, [-4.0]))
    process = project.start("cells", "--quiet", "rules")
    log = wait_for(lambda: list(project.work.glob("results/tiny/**/train.log")))[0]
    started = time.monotonic()
    assert wait_for(lambda: list(project.work.glob("results/tiny/.state/*.safetensors"))), "nothing was saved"
    time.sleep(10)
    before = epochs_of(log)
    seconds_per_epoch = (time.monotonic() - started) / before[-1]
    wait_for(lambda: trainings(project))[0].kill()
    assert project.finish(process).returncode != 0
    project.run("cells")
    first = epochs_of(log)[0]
    assert "going on in epoch" in log.read_text()
    assert 1 < first <= before[-1] + 1
    assert (before[-1] - first) * seconds_per_epoch <= 31, "30 seconds, and the second within which it was killed"


def epochs_of(log: Path) -> list[int]:
    """The epochs that a cell's log has finished."""
    return [int(number) for number in re.findall(r"^epoch=(\d+) ", log.read_text(), re.MULTILINE)]
