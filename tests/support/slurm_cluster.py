"""A real Slurm of two nodes on this machine's loopback. Needs root, and Debian's slurm-wlm and munge or apt-get.

`python tests/support/slurm_cluster.py` starts one, says how to use it, and ends it on Ctrl-C. Everything lies in a
folder of its own but for one link: Slurm's programs look for slurm.conf in CONF_LINK where none is in /etc/slurm. The
variable SLURM_CONF would not do, since the executor hides it from what a job starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

INSTALLED_CONF = Path("/etc/slurm/slurm.conf")
CONF_LINK = Path("/run/slurm/conf/slurm.conf")
LOCK = Path("/run/prunescape-slurm.lock")
FOLDER_PREFIX = "prunescape-slurm-"
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
NODES = {"n1": "old", "n2": "new"}  # each with the model of its two GPUs
GPUS = 2
CONF = Path(__file__).with_name("slurm.conf").read_text()
NODE = (
    "NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=16000 "
    "Feature={model} Gres=gpu:{model}:{gpus} State=UNKNOWN\n"
)
GRES = "NodeName={node} Name=gpu Type={model} File={file}\n"


class NoSlurm(Exception):
    """Why no Slurm can be started here, in one line."""


class SlurmCluster:
    """A running Slurm; as a context manager it ends when left. Raises NoSlurm where none can be started."""

    def __enter__(self) -> SlurmCluster:
        self.lock = _claim_this_machine()
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self.folder.chmod(0o755)
        self.name = f"prunescape{os.getpid()}"
        self.daemons: dict[str, subprocess.Popen] = {}
        try:
            self._write_files()
            self._start_munge()
            self._start("slurmctld", "slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
            self.wait_until(lambda: subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0, "answer")
            for node in NODES:
                self.start_node(node)
            self.wait_until(self._all_idle, "idle nodes")
        except (OSError, subprocess.SubprocessError) as error:  # device files, say, which not every container may make
            self.__exit__()
            raise NoSlurm(f"this machine does not allow it: {error}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            _kill_jobs(self.name, [job["JobId"] for job in self.jobs()])
        _kill_jobs(self.name)  # of jobs that Slurm has forgotten, after MinJobAge
        for name in reversed(self.daemons):
            self.daemons[name].terminate()
            try:
                self.daemons[name].wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.daemons[name].kill()
        CONF_LINK.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)

    def run(self, *command: str) -> str:
        """What a command of Slurm prints; fails when it does."""
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start that Slurm remembers, with the keys of `scontrol show job`, oldest first."""
        lines = self.run("scontrol", "--oneliner", "show", "job").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobId=" in line]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def node_states(self) -> dict[str, str]:
        """The state of each node, as sinfo abbreviates it; a `*` says that the node does not answer."""
        lines = self.run("sinfo", "--Node", "--noheader", "--format=%N %t", "--partition=main").split("\n")
        return dict(line.split() for line in lines if line)

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self._start(node, "slurmd", "-D", "-N", node, "-f", str(self.folder / "slurm.conf"))

    def lose_node(self, node: str) -> None:
        """Kill a node's daemon and all that its jobs run, as a loss of power would."""
        here = [job["JobId"] for job in self.jobs() if job["JobState"] == "RUNNING" and job["NodeList"] == node]
        self.daemons.pop(node).kill()
        _kill_jobs(self.name, here)

    def mend_nodes(self) -> None:
        """Bring lost, downed and drained nodes back, with nothing running on them."""
        for node in NODES:
            if node not in self.daemons:
                self.start_node(node)
        self.wait_until(lambda: "*" not in "".join(self.node_states().values()), "nodes that answer")
        for node in NODES:
            if self.node_states()[node] in ("down", "drain"):
                self.run("scontrol", "update", f"nodename={node}", "state=resume")
        self.wait_until(self._all_idle, "idle nodes")

    def _all_idle(self) -> bool:
        return self.node_states() == dict.fromkeys(NODES, "idle")

    def wait_until(self, met, what: str, seconds: float = 60) -> None:
        """Wait for a condition; raises NoSlurm, with the controller's last words, when it does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if met():
                return
            time.sleep(0.5)
        log = self.folder / "slurmctld.log"
        said = log.read_text()[-500:] if log.exists() else ""
        raise NoSlurm(f"no {what} within {seconds:.0f} s; slurmctld says: {said}")

    def _write_files(self) -> None:
        ports = iter(_free_ports(1 + len(NODES)))
        conf, gres = CONF.format(name=self.name, folder=self.folder, controller_port=next(ports)), ""
        for number, (node, model) in enumerate(NODES.items()):
            conf += NODE.format(node=node, port=next(ports), model=model, gpus=GPUS)
            for gpu in range(GPUS):
                file = self.folder / f"gpu{GPUS * number + gpu}"
                os.mknod(file, 0o666 | stat.S_IFCHR, os.makedev(1, 3))  # Slurm wants a device: another /dev/null
                gres += GRES.format(node=node, model=model, file=file)
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "gres.conf").write_text(gres)
        (self.folder / "state").mkdir()
        CONF_LINK.parent.mkdir(parents=True, exist_ok=True)
        CONF_LINK.unlink(missing_ok=True)
        CONF_LINK.symlink_to(self.folder / "slurm.conf")

    def _start_munge(self) -> None:
        place = self.folder / "munge"
        place.mkdir(mode=0o755)
        (place / "key").touch(mode=0o400)
        (place / "key").write_bytes(secrets.token_bytes(128))
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
        self._start("munged", "munged", "--foreground", *(f"--{name}={place / file}" for name, file in files.items()))
        self.wait_until((place / "socket").exists, "socket of munged")

    def _start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.out").open("w")
        self.daemons[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _claim_this_machine() -> int:
    """An open lock that no other cluster of ours holds, with the programs installed; raises NoSlurm."""
    if os.geteuid() != 0:
        raise NoSlurm("starting Slurm's daemons needs root")
    if "SLURM_CONF" in os.environ or INSTALLED_CONF.exists():
        raise NoSlurm("this machine belongs to a Slurm cluster already")
    lock = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _install_programs()
        if CONF_LINK.exists() and not CONF_LINK.resolve().parent.name.startswith(FOLDER_PREFIX):
            raise NoSlurm(f"{CONF_LINK} belongs to another Slurm")
    except OSError:
        os.close(lock)
        raise NoSlurm("another of these clusters runs on this machine") from None
    except NoSlurm:
        os.close(lock)
        raise
    return lock


def _install_programs() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NoSlurm(f"{', '.join(missing)} not found, and no apt-get to install them")
    install = ["apt-get", "install", "-y", "--no-install-recommends", "slurm-wlm", "munge"]
    for command in (["apt-get", "update"], install):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            raise NoSlurm(f"{' '.join(command)} takes more than five minutes") from None
        if done.returncode:
            raise NoSlurm(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _kill_jobs(cluster: str, ids: list[str] | None = None) -> None:
    """Kill what runs these jobs of a cluster: first Slurm's own processes, known by their titles, then the jobs'.

    Without `ids` only the processes of jobs, whatever their number.
    """
    checkpointers, others = [], []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            title = (process / "cmdline").read_bytes().decode(errors="replace")
            known = dict(line.partition(b"=")[::2] for line in (process / "environ").read_bytes().split(b"\0"))
            checkpointer = re.match(r"slurmstepd: \[(\d+)\.", title)
            job = known.get(b"SLURM_JOB_ID", b"").decode()
            if checkpointer and ids and checkpointer[1] in ids:
                checkpointers.append(int(process.name))
            elif known.get(b"SLURM_CLUSTER_NAME") == cluster.encode() and job and (ids is None or job in ids):
                others.append(int(process.name))
    for pid in checkpointers + others:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    end = {signal.SIGINT, signal.SIGTERM}
    try:
        with SlurmCluster() as cluster:
            print(f"Slurm runs, its files are in {cluster.folder}. In another terminal, from the checkout:")
            print(
                "  snakemake --profile slurm",
                "  sinfo; squeue; scontrol show job",
                "Ctrl-C ends it.",
                sep="\n",
                flush=True,
            )
            signal.pthread_sigmask(signal.SIG_BLOCK, end)  # after the daemons, which would inherit that
            signal.sigwait(end)
    except NoSlurm as reason:
        raise SystemExit(f"error: {reason}") from None
