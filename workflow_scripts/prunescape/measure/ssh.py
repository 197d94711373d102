"""Measures on a host that the user's OpenSSH reaches: the agent is sent, runs, and prints its result.

Needs `ssh` here; there a POSIX shell, tar, and Python with numpy and onnxruntime.
"""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from prunescape.errors import InputError
from prunescape.measure.local import AGENT, TEST_SPLIT, agent_error, result_in
from prunescape.measure.retrying import ConnectionLost, alone_on, with_retries

LOST = 255  # ssh's exit status where the connection failed, not the command
STEP_SECONDS = 300  # for each small step; sending and measuring take `timeout_seconds`
POLL_SECONDS = 0.2
SHORT = "/tmp"
FOLDER = "prunescape-folder="  # marks our line among those that a login prints
# parts of ssh's messages about what another try does not mend
HOPELESS = {
    "Host key verification failed": "its host key is unknown or has changed: connect once by hand with `ssh`",
    "Permission denied": "it refuses the login: a key without a passphrase, or an agent that holds it, is needed",
    "Could not resolve hostname": "the name is not known: is it in ~/.ssh/config?",
    "Bad configuration option": "ssh's configuration is damaged",
    "Can't open user config file": "ssh's configuration cannot be read",
}
INFORMATIVE = ("No space left", "quota", "denied", "Permission", *HOPELESS)


def measure(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` on `target`, which holds host, python and what `Retried` needs.

    A lost connection is tried again from the start. Raises InputError with the target's name when it stays lost, or
    when the target cannot do the work: another host key, no onnxruntime, a full disk, an agent that was killed.
    """
    with alone_on("ssh", target["host"]):
        return with_retries(target, lambda: _attempt(target, spec))


def _attempt(target: dict, spec: dict) -> dict:
    # A control socket's path may have about 100 characters: the usual place for temporary files may be too deep.
    with tempfile.TemporaryDirectory(prefix="ps-", dir=SHORT if os.path.isdir(SHORT) else None) as sockets:
        remote = Remote(target, sockets)
        try:
            with remote.folder() as folder:
                remote.send(spec, folder)
                return remote.measure(spec, folder)
        finally:
            remote.close()


@dataclass(frozen=True)
class Remote:
    """One connection to a target, shared by all that runs on it; `sockets` is a folder for its control socket."""

    target: dict
    sockets: str

    def command(self, *options: str) -> list[str]:
        """The `ssh` command up to what it runs; host keys are always checked, and nothing asks for a password."""
        values = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": "30",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "4",
            "RemoteCommand": "none",
            "ControlMaster": "auto",
            "ControlPath": os.path.join(self.sockets, "%C"),
            "ControlPersist": "120",
        }
        config = ["-F", self.target["ssh_config"]] if self.target["ssh_config"] else []
        settings = [part for name, value in values.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", "-T", *config, *settings, *options, "--", self.target["host"]]

    def run(
        self, script: str, *, stdin: bytes = b"", seconds: float = STEP_SECONDS, echo: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a POSIX shell script there, whatever the login shell; raises as `check` does.

        With `echo` its standard error is printed as it comes. Files take its output: a shared connection that ssh
        leaves in the background would hold a pipe open.
        """
        command = [*self.command(), f"exec sh -c {shlex.quote(script)}"]
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            source.write(stdin)
            source.seek(0)
            try:
                process = subprocess.Popen(command, stdin=source, stdout=output, stderr=errors)
            except FileNotFoundError:
                raise InputError("there is no ssh here", hint="install OpenSSH's client") from None
            _await(process, seconds, errors if echo else None)
            done = subprocess.CompletedProcess(command, process.returncode, _content(output), _content(errors))
        self.check(done)
        return done

    def check(self, done: subprocess.CompletedProcess) -> None:
        """Raise ConnectionLost, or InputError where another try would not help, for a failure of ssh itself."""
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        if done.returncode != LOST:
            return
        for message, meaning in HOPELESS.items():
            if any(message in line for line in lines):
                raise self.failure(meaning, lines)
        raise ConnectionLost(lines[-1].strip() if lines else "the connection was lost")

    def failure(self, what: str, lines: list[str]) -> InputError:
        """An error of this target, with the most informative of the `lines` that it printed."""
        last = lines[-1] if lines else "nothing"
        line = next((line for line in lines if any(part in line for part in INFORMATIVE)), last)
        return InputError(what, where=f"targets.{self.target['name']}", hint=f"it said: {line}")

    @contextmanager
    def folder(self) -> Iterator[str]:
        """A new folder there that only the user may enter, deleted afterwards as far as the connection allows."""
        base = _remote_path(self.target["folder"]) if self.target["folder"] else '"${TMPDIR:-/tmp}"'
        done = self.run(f'umask 077; made=$(mktemp -d {base}/prunescape.XXXXXXXX) && echo "{FOLDER}$made"')
        found = re.search(rf"{FOLDER}(.+)", done.stdout.decode(errors="replace"))
        if done.returncode != 0 or not found:
            raise self.failure("no folder can be made there", _lines(done.stderr))
        folder = found[1].strip()
        try:
            yield folder
        finally:
            try:
                self.run(f"rm -rf -- {shlex.quote(folder)}")
            except (ConnectionLost, InputError) as error:
                print(f"{folder} stays on {self.target['host']}: {error}", file=sys.stderr)

    def send(self, spec: dict, folder: str) -> None:
        """Copy the agent, the models and the test split into `folder`."""
        done = self.run(
            f"cd {shlex.quote(folder)} && tar -xf -", stdin=bundle(spec), seconds=self.target["timeout_seconds"]
        )
        if done.returncode != 0:
            raise self.failure("the models cannot be sent", _lines(done.stderr))

    def measure(self, spec: dict, folder: str) -> dict:
        """Run the agent in `folder`."""
        python = _remote_path(self.target["python"])
        # `exit` keeps the shell: it reports a signal that killed the agent as 128 + its number, ssh itself would not.
        # The empty line ends what a login may have printed.
        script = f"echo; cd {shlex.quote(folder)} && {python} -I agent.py -; exit $?"
        stdin = json.dumps(sent_spec(spec)).encode()
        done = self.run(script, stdin=stdin, seconds=self.target["timeout_seconds"], echo=True)
        if done.returncode != 0:
            error = agent_error(done.returncode, _lines(done.stderr))
            raise InputError(error.what, where=f"targets.{self.target['name']}: {error.where}", hint=error.hint)
        return result_in(done.stdout.decode(errors="replace"))

    def close(self) -> None:
        """End the shared connection; one that has ended already is no error."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(self.command("-O", "exit"), capture_output=True, timeout=STEP_SECONDS)


def _await(process: subprocess.Popen, seconds: float, errors: IO[bytes] | None) -> None:
    """Wait for the end of ssh, and print meanwhile what is new in `errors`; ConnectionLost after `seconds`."""
    deadline, place, ended = time.monotonic() + seconds, 0, False
    try:
        while not ended:
            if time.monotonic() > deadline:
                raise ConnectionLost(f"no end after {seconds:g} s")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=POLL_SECONDS)
            ended = process.poll() is not None
            if errors:
                new = os.pread(errors.fileno(), os.fstat(errors.fileno()).st_size - place, place)
                place += len(new)
                sys.stderr.write(new.decode(errors="replace"))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def sent_spec(spec: dict) -> dict:
    """`spec` with the names that its files have in a bundle."""
    models = [{**model, "path": f"{number}.onnx"} for number, model in enumerate(spec["models"])]
    return {**spec, "models": models, "data": "test.npz" if spec["data"] else None}


def bundle(spec: dict) -> bytes:
    """The agent, the models and the test split, which is all of the data that a target needs, as a tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(AGENT, "agent.py")
        for number, model in enumerate(spec["models"]):
            archive.add(model["path"], f"{number}.onnx")
        if spec["data"]:
            split = _test_split(Path(spec["data"]))
            entry = tarfile.TarInfo("test.npz")
            entry.size = len(split)
            archive.addfile(entry, io.BytesIO(split))
    return content.getvalue()


def _test_split(data: Path) -> bytes:
    content = io.BytesIO()
    with np.load(data, allow_pickle=False) as file:
        np.savez_compressed(content, **{name: file[name] for name in TEST_SPLIT if name in file.files})
    return content.getvalue()


def _remote_path(path: str) -> str:
    """A path quoted for a shell there, a leading ~/ being the user's home there."""
    return '"$HOME"/' + shlex.quote(path[2:]) if path.startswith("~/") else shlex.quote(path)


def _lines(output: bytes) -> list[str]:
    return [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
