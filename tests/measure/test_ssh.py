"""Benchmarks over a real OpenSSH server on this host, started and stopped here. Needs sshd, ssh and onnxruntime."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from prunescape.errors import InputError
from prunescape.measure import local, ssh
from prunescape.measure.retrying import alone_on
from support.onnx_files import spec_of, write_product

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(
    not SSHD or not shutil.which("ssh"), reason="OpenSSH's server is not installed here: nothing over ssh is tested"
)
PRIVILEGE_SEPARATION = Path("/run/sshd")  # where a server that root starts locks its children up
# What a careless login file prints, without an end of line.
NOISY = 'command="echo Welcome to pi; printf noise; eval \\"$SSH_ORIGINAL_COMMAND\\""'


class Server:
    """An OpenSSH server on a free port of 127.0.0.1 that lets this user in by a key; its files are in `folder`."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "sshd.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        for name in ("host_key", "user_key", "other_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        (folder / "authorized").write_text(f"{NOISY} {(folder / 'user_key.pub').read_text()}")
        self.trust("host_key")
        (folder / "ssh_config").write_text(
            f"Host pi\n HostName 127.0.0.1\n Port {self.port}\n User {getpass.getuser()}\n IdentitiesOnly yes\n"
            f" IdentityFile {folder}/user_key\n UserKnownHostsFile {folder}/known\n GlobalKnownHostsFile none\n"
        )
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPasswordAuthentication no\nLogLevel INFO\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        )
        self.process = subprocess.Popen([SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(self.log)])

    def trust(self, key):
        """Let the client know this host by one key."""
        kind, text = (self.folder / f"{key}.pub").read_text().split()[:2]
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    def logins(self):
        return self.log.read_text().count("Accepted publickey")

    def wait(self):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail(f"sshd did not start: {self.log.read_text() if self.log.exists() else ''}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    server = Server(tmp_path_factory.mktemp("sshd"))
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=10)


@pytest.fixture
def target(server, tmp_path):
    """A target whose folder there has a name that a shell must not read."""
    server.trust("host_key")
    folder = tmp_path / "a 'b' $(touch pwned) ; touch pwned #"
    folder.mkdir()
    target = {"name": "pi", "kind": "ssh", "host": "pi", "python": sys.executable, "folder": str(folder)}
    target |= {"ssh_config": str(server.folder / "ssh_config"), "timeout_seconds": 60}
    return target | {"retries": 1, "retry_wait_seconds": 0.1}


@pytest.fixture
def spec(tmp_path):
    """One model on a test split of 20 images, normalised by 0 and 1."""
    random = np.random.default_rng(0)
    weights, scaling = random.normal(size=(4, 3)).astype(np.float32), {"mean": [0.0], "std": [1.0]}
    path = write_product(tmp_path / "model.onnx", weights, shape=(1, 2, 2), metadata=scaling)
    arrays = {"test_images": random.integers(0, 256, (20, 1, 2, 2), dtype=np.uint8), "test_labels": np.arange(20) % 3}
    np.savez(tmp_path / "data.npz", **arrays, train_images=random.integers(0, 256, (500, 1, 20, 20), dtype=np.uint8))
    return spec_of(models=[{"id": "one", "path": path}], data=str(tmp_path / "data.npz"))


def python_that(tmp_path, code):
    """A stand-in for the target's Python: runs `code` first, then the real one."""
    path = tmp_path / "python that"
    path.write_text(f"#!{sys.executable} -S\nimport os, signal, sys, time\n{code}\n")
    with open(path, "a") as file:
        file.write(f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n")
    path.chmod(0o755)
    return str(path)


def left_in(target):
    return list(Path(target["folder"]).iterdir())


def test_the_agent_measures_there_what_it_measures_here(server, target, spec, tmp_path, monkeypatch, capsys):
    """Over one login, past a noisy one, through names that a shell must not read, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    logins = server.logins()
    there = ssh.measure(target, spec)
    assert "repeat 2 of 2" in capsys.readouterr().err
    here = local.run_agent(spec)
    assert there["accuracy"] == here["accuracy"] and there["accuracy"][0]["tested"] == 20
    assert len(there["latency"][0]["samples_s"]) == 2 and there["latency"][0]["peak_memory_bytes"] > 0
    assert server.logins() == logins + 1
    assert left_in(target) == [] and not list(tmp_path.rglob("pwned")) and not (Path.home() / "pwned").exists()


def test_only_the_test_split_is_sent(spec):
    """500 training images of 400 bytes stay here."""
    assert 1000 < len(ssh.bundle(spec)) < 100_000
    assert ssh.sent_spec(spec)["models"][0]["path"] == "0.onnx"


def test_another_host_key_is_refused_at_once(server, target, spec):
    server.trust("other_key")
    logins = server.logins()
    with pytest.raises(InputError, match=r"targets\.pi: its host key is unknown or has changed"):
        ssh.measure(target, spec)
    (server.folder / "known").write_text("")
    with pytest.raises(InputError, match="host key is unknown"):
        ssh.measure(target, spec)
    assert server.logins() == logins


def test_a_python_without_onnxruntime_is_named(target, spec, tmp_path):
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(InputError, match=r"targets\.pi: .* lacks what the agent needs: No module named"):
        ssh.measure(target | {"python": str(bare)}, spec)
    with pytest.raises(InputError, match=r"targets\.pi: .*status 127.*not found"):
        ssh.measure(target | {"python": "no-such-python"}, spec)
    assert left_in(target) == []


def test_a_killed_agent_is_told_from_a_lost_connection(server, target, spec, tmp_path):
    logins = server.logins()
    python = python_that(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(InputError, match=r"status 137: it was killed \(signal 9\)"):
        ssh.measure(target | {"python": python}, spec)
    assert server.logins() == logins + 1 and left_in(target) == []


DROP = """
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
def name(pid):
    return open(f"/proc/{pid}/comm").read()
if not os.path.exists(MARK):
    open(MARK, "w").close()
    pid = os.getpid()
    while not name(pid).startswith("sshd"):
        pid = parent(pid)
    os.kill(pid, signal.SIGKILL)
    time.sleep(5)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the server's process in /proc")
def test_a_dropped_connection_is_tried_again(server, target, spec, tmp_path):
    """A login to measure, one to clean up after it was lost, and one to measure again."""
    logins = server.logins()
    python = python_that(tmp_path, f"MARK = {str(tmp_path / 'dropped')!r}\n{DROP}")
    assert ssh.measure(target | {"python": python}, spec)["accuracy"][0]["tested"] == 20
    assert (tmp_path / "dropped").exists() and server.logins() == logins + 3
    assert left_in(target) == []


def test_a_target_that_never_ends_is_given_up(target, spec, tmp_path):
    slow = target | {"python": python_that(tmp_path, "time.sleep(30)"), "timeout_seconds": 1.5}
    started = time.monotonic()
    with pytest.raises(InputError, match=r"targets\.pi: the target cannot be reached: no end after 1\.5 s"):
        ssh.measure(slow, spec)
    assert time.monotonic() - started < 20 and left_in(target) == []


def test_a_host_that_does_not_answer_is_tried_again_then_given_up(server, target, spec, tmp_path, capfd):
    config = tmp_path / "config"
    config.write_text((server.folder / "ssh_config").read_text().replace(f"Port {server.port}", "Port 1"))
    with pytest.raises(InputError, match=r"targets\.pi: the target cannot be reached: .*refused"):
        ssh.measure(target | {"ssh_config": str(config)}, spec)
    assert "attempt 2 of 2" in capfd.readouterr().err


def test_a_full_disk_is_told(target, spec, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(full)], capture_output=True)
    if mount.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        with pytest.raises(InputError, match=r"the models cannot be sent; hint: it said: .*No space left on device"):
            ssh.measure(target | {"folder": str(full)}, spec)
        assert list(full.iterdir()) == []
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_one_benchmark_at_a_time_on_a_target():
    order, entered = [], threading.Event()

    def measure():
        with alone_on("ssh", "test only"):
            entered.set()
            time.sleep(0.3)
            order.append("first")

    first = threading.Thread(target=measure)
    first.start()
    entered.wait(5)
    with alone_on("ssh", "another"):
        order.append("elsewhere")
    with alone_on("ssh", "test only"):
        order.append("second")
    first.join()
    assert order == ["elsewhere", "first", "second"]
