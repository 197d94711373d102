"""Runs the timing agent on this host, in another process."""

import json
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from prunescape.errors import InputError

AGENT = Path(__file__).with_name("agent.py")
TEST_SPLIT = ("test_images", "test_tokens", "test_waves", "test_labels")  # what it reads of a prepared data set
TAIL_LINES = 20


def measure(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` on this host; a local target has no other settings."""
    return run_agent(spec)


def run_agent(spec: dict, limiter: Sequence[str] = ()) -> dict:
    """What the agent (agent.py says more) measures for `spec`; its progress goes to standard error.

    `limiter` is a command that runs the agent's command under limits. The agent ends when this process does. Raises
    InputError with the last line that it printed when it fails.
    """
    command = [*limiter, sys.executable, "-I", str(AGENT), "-"]
    with tempfile.TemporaryFile("w+") as result:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=result, stderr=pipe, text=True) as agent:
            write_input(json.dumps(spec), agent)
            tail = deque(relay(agent.stderr), maxlen=TAIL_LINES)
        result.seek(0)
        output = result.read()
    if agent.returncode != 0:
        raise agent_error(agent.returncode, tail)
    return result_in(output)


def agent_error(status: int, tail: Iterable[str]) -> InputError:
    """Why the agent failed, by its exit status (negative, or above 128, for a signal) and its last lines."""
    where = f"the timing agent ended with status {status}"
    signal = -status if status < 0 else status - 128
    if signal == 9:
        return InputError("it was killed (signal 9)", where=where, hint="most often there was too little memory")
    return InputError(_last_line(tail), where=where)


def result_in(output: str) -> dict:
    """The agent's result among all lines of a standard output, where a login may have printed others."""
    for line in reversed(output.splitlines()):
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict) and "environment" in content:
            return content
    raise InputError("the timing agent gave no result", where=" ".join(output.split())[-200:] or "no output")


def write_input(text: str, agent: subprocess.Popen) -> None:
    """Write `text` to the standard input of `agent`, and close it."""
    try:
        with agent.stdin:
            agent.stdin.write(text)
    except BrokenPipeError:
        pass  # the agent has ended already: its status and last line say why


def relay(stream: IO[str]) -> Iterator[str]:
    """Each line of `stream`, also printed to standard error as it comes."""
    for line in stream:
        print(line, end="", file=sys.stderr, flush=True)
        yield line.strip()


def _last_line(tail) -> str:
    lines = [line for line in tail if line]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
