"""The warm process: jobs done in its children come out as those done alone, and no child or job can harm another."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from prunescape.running import run_lock
from prunescape.running.jobs import current_run
from prunescape.running.run_lock import VARIABLE, Run, hold, holder, in_use, read_run
from prunescape.running.warm import ONE_THREAD, socket_address
from support.project import ROOT

# A script of its own, whose function does what a test needs; in a child of the warm process only where it says so.
ODD_JOB = """
import os, sys, time
from pathlib import Path

def preload(arguments):
    global LOADED
    LOADED = os.getpid()

def odd_job(kind, out):
    warm = b"warm_server" in Path("/proc/self/cmdline").read_bytes()
    if kind == "crash":
        os.abort()
    if kind == "refuse":
        from prunescape.errors import InputError
        raise InputError("no such thing", where="odd_job")
    if kind == "hang" and warm:
        time.sleep(600)
    if kind == "wait":
        Path(out).write_text(str(os.getpid()))
        time.sleep(600)
    Path(out).write_text(f"{warm} {globals().get('LOADED') == os.getppid()}")

def odd_jobs(requests):
    kinds = [arguments["kind"] for _, arguments in requests]
    if "fail-together" in kinds:
        raise ValueError("together it does not work")
    for log, arguments in requests:
        Path(arguments["out"]).write_text(f"{os.getpid()} {len(requests)}")
    if "stay" in kinds:
        time.sleep(600)
"""
# A job as Snakemake starts it; what it had imported itself goes to standard output.
JOB = """
import json, sys
from prunescape.running import warm
from odd_job import odd_job
together = warm.Together("odd_jobs", key=sys.argv[3]) if len(sys.argv) > 3 else None
try:
    warm.run_job(odd_job, log=sys.argv[1], together=together, **json.loads(sys.argv[2]))
finally:
    print(sorted({"torch", "numpy", "pydantic", "pyarrow"} & set(sys.modules)), file=sys.__stdout__)
"""
# Scripts whose `preload` needs no arguments, with torch and without.
LOADING = ("plan_variant", "cut_seed", "export_onnx")
ANALYSIS = (
    *("plan_round", "choose_exports", "collect_study", "collect_curves", "collect_benchmarks", "analyse_cells"),
    *("compare_targets", "analyse_trials", "draw_figures", "write_tables", "write_report"),
)
# The warm process with less patience.
HASTY = "import sys; from prunescape.running import warm_server as s; s.HUNG_SECONDS = 2.0; s.main(sys.argv[1])"


@pytest.fixture
def sockets(monkeypatch):
    """A temporary folder whose path leaves room for a socket's name, whatever pytest's own is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def study(tmp_path, monkeypatch, sockets):
    """A study that this process holds as a run does; gives a function that starts a job of it."""
    (tmp_path / "odd_job.py").write_text(ODD_JOB)
    path = f"{ROOT / 'workflow_scripts'}{os.pathsep}{tmp_path}"
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv(VARIABLE, "")  # so that what `hold` sets is undone after the test
    held = hold(tmp_path / "state")

    def start(kind: str, name: str = "out", *key: str) -> subprocess.Popen:
        arguments = json.dumps({"kind": kind, "out": str(tmp_path / name)})
        command = [sys.executable, "-c", JOB, str(tmp_path / f"{name}.log"), arguments, *key]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    start.folder, start.run = tmp_path, held.run
    yield start
    held.file.close()  # the run is over, as if killed: so is its warm process
    assert ends(lambda: not any(held.run.id in " ".join(words) for words in commands()))


def commands() -> list[list[str]]:
    """The command of every process."""
    return [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]


def ends(condition, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_a_job_is_done_in_a_child_and_imports_nothing_itself(study, sockets):
    jobs = [study("work", f"out{number}") for number in range(3)]
    printed = [job.communicate(timeout=60)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0] and printed == ["[]\n"] * 3
    assert [(study.folder / f"out{number}").read_text() for number in range(3)] == ["True True"] * 3
    assert len(list(sockets.rglob("*.sock"))) == 1, "one warm process for all"


def test_a_script_that_asks_the_warm_process_imports_little():
    scripts = ("train_cell", *LOADING, *ANALYSIS)
    heavy = {"torch", "numpy", "pandas", "pydantic", "pyarrow", "onnx"}
    code = (
        f"import sys; from importlib import import_module\nfor name in {scripts}:\n    script = import_module(name)\n"
        f"    print(name, sorted({heavy} & set(sys.modules)), callable(script.preload))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow_scripts", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{name} [] True" for name in scripts]


@pytest.mark.parametrize("scripts", [LOADING[:2], LOADING[2:], ANALYSIS], ids=["planning", "exporting", "analysis"])
def test_what_is_loaded_for_others_starts_no_thread(scripts):
    """A fork copies one thread only; those of numpy and pyarrow are forbidden to the warm process."""
    code = (
        f"import os; from importlib import import_module\nfor name in {scripts}:\n"
        "    import_module(name).preload({})\n    print(name, len(os.listdir('/proc/self/task')))"
    )
    place = {"cwd": ROOT / "workflow_scripts", "env": {**os.environ, **ONE_THREAD}, "text": True}
    done = subprocess.run([sys.executable, "-c", code], **place, stdout=subprocess.PIPE, check=True)
    assert done.stdout.splitlines() == [f"{name} 1" for name in scripts]


def test_without_a_run_a_job_does_the_work_itself(study, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    assert study("work").wait(60) == 0
    assert (study.folder / "out").read_text() == "False False"


def test_where_the_warm_process_cannot_be_had_a_job_does_the_work_itself(study, sockets):
    """Somebody else's folder, or one that others can read, is no place for a socket."""
    folder = sockets / f"prunescape-{os.getuid()}"
    folder.mkdir(mode=0o755)
    assert study("work").wait(60) == 0
    assert (study.folder / "out").read_text() == "False False"


def test_a_temporary_folder_whose_path_is_too_long_for_a_socket_is_no_hindrance(study, monkeypatch):
    (study.folder / ("long" * 30)).mkdir()
    monkeypatch.setenv("TMPDIR", str(study.folder / ("long" * 30)))
    assert study("work").wait(60) == 0
    assert (study.folder / "out").read_text() == "True True"
    assert list(Path(f"/tmp/prunescape-{os.getuid()}").glob(f"{study.run.id}-*.sock"))


def test_a_child_that_fails_or_crashes_fails_only_its_job(study):
    refused, crashed, other = study("refuse", "refused"), study("crash", "crashed"), study("work")
    assert refused.wait(60) == 2
    assert (study.folder / "refused.log").read_text() == "error: odd_job: no such thing\n"
    assert crashed.wait(60) == 128 + signal.SIGABRT
    assert other.wait(60) == 0 and study("work", "later").wait(60) == 0


def test_a_child_that_hangs_is_killed_and_its_job_does_the_work(study, sockets):
    address = sockets / f"prunescape-{os.getuid()}" / socket_address(study.run).name
    address.parent.mkdir(mode=0o700)
    with subprocess.Popen([sys.executable, "-c", HASTY, str(address)]) as server:
        try:
            assert ends(address.exists)
            assert study("hang").wait(60) == 0
            assert (study.folder / "out").read_text() == "False False"
        finally:
            server.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_job_that_is_stopped_or_killed_takes_its_child_along(study, number):
    job = study("wait")
    assert ends(lambda: (study.folder / "out").exists() and (study.folder / "out").read_text())
    child = int((study.folder / "out").read_text())
    job.send_signal(number)
    assert job.wait(30) in (128 + signal.SIGTERM, -number)
    assert ends(lambda: not is_running(child))


def test_without_its_warm_process_a_job_starts_again_by_itself(study):
    job = study("wait")
    assert ends(lambda: (study.folder / "out").exists() and (study.folder / "out").read_text())
    child = int((study.folder / "out").read_text())
    server = psutil.Process(child).parent()
    assert server.pid != os.getpid()
    server.kill()
    assert ends(lambda: (study.folder / "out").read_text() not in ("", str(child)))
    assert not is_running(child) and int((study.folder / "out").read_text()) == job.pid
    job.kill()
    job.wait()


def is_running(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):  # it may end at any moment, between two questions too
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_a_held_study_names_its_holder_and_is_free_again_after_it(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    state = tmp_path / "results/study/.state"
    held = hold(state)
    assert holder(state) == held.run and read_run(state / run_lock.FILE) == held.run
    with open(state / run_lock.FILE) as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.file.close()
    assert holder(state) is None


def test_a_run_of_another_host_counts_until_it_says_its_end(tmp_path, monkeypatch):
    """No lock of another host can be trusted: only what the run wrote down."""
    monkeypatch.setenv(VARIABLE, "")
    held = hold(tmp_path / ".state")
    there = replace(held.run, host="elsewhere", pid=1)
    held.note(host="elsewhere", pid=1)
    held.file.close()
    assert holder(tmp_path / ".state") == there
    assert "if that host is gone, delete" in str(in_use(tmp_path, there)) and "host elsewhere" in str(there)
    (tmp_path / ".state" / run_lock.FILE).write_text(json.dumps({**vars(there), "ended": True}))
    assert holder(tmp_path / ".state") is None


@pytest.mark.parametrize("changed", [{"host": "elsewhere"}, {"slurm": "4711"}], ids=lambda changed: next(iter(changed)))
def test_a_job_elsewhere_follows_no_lock(monkeypatch, tmp_path, changed):
    """On a node of a cluster it goes on when Snakemake ends, and is cancelled by the queue instead."""
    known = Run("id", 1, os.uname().nodename, "user", "now")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv(VARIABLE, json.dumps({"file": str(tmp_path / "run.json"), **vars(known)}))
    assert current_run() == (tmp_path / "run.json", known)
    monkeypatch.setenv(VARIABLE, json.dumps({"file": str(tmp_path / "run.json"), **vars(replace(known, **changed))}))
    assert current_run() is None


def test_jobs_with_one_key_are_done_by_one_child(study):
    jobs = [study("work", f"a{number}", "a") for number in range(3)] + [study("work", "b0", "b"), study("work", "c")]
    assert [job.wait(60) for job in jobs] == [0] * 5
    done = [(study.folder / f"a{number}").read_text().split() for number in range(3)]
    assert [count for _, count in done] == ["3"] * 3 and len({pid for pid, _ in done}) == 1
    assert (study.folder / "b0").read_text() == "True True", "one with nobody beside it is done as ever"


def test_when_it_fails_together_each_is_done_alone(study):
    """And fails, if it does, alone."""
    jobs = [study("fail-together", "a", "key"), study("refuse", "b", "key")]
    assert [job.wait(60) for job in jobs] == [0, 2]
    assert (study.folder / "a").read_text() == "True True"
    assert (study.folder / "b.log").read_text() == "error: odd_job: no such thing\n"


def test_one_that_is_stopped_lets_the_others_begin_again(study):
    first, other = study("stay", "a", "key"), study("work", "b", "key")
    assert ends(lambda: (study.folder / "b").exists() and (study.folder / "b").read_text())
    first.terminate()
    assert first.wait(30) == 128 + signal.SIGTERM and other.wait(60) == 0
    assert (study.folder / "b").read_text() == "True True"
