"""Runs the timing agent on this host, in a process of its own. Needs onnxruntime there, not here."""

import json
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

from prunescape.errors import InputError

AGENT = Path(__file__).with_name("agent.py")
TAIL_LINES = 20


def run_agent(spec: dict) -> dict:
    """What the agent (agent.py says more) measures for `spec`; its progress goes to standard error.

    The agent ends when this process does. Raises InputError with its last words when it fails.
    """
    command = [sys.executable, "-I", str(AGENT), "-"]
    with tempfile.TemporaryFile("w+") as result:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=result, stderr=pipe, text=True) as agent:
            _hand_over(json.dumps(spec), agent)
            tail = deque(_relay(agent.stderr), maxlen=TAIL_LINES)
        result.seek(0)
        output = result.read()
    if agent.returncode != 0:
        raise InputError(_last_words(tail), where=f"the timing agent ended with status {agent.returncode}")
    return json.loads(output)


def _hand_over(text: str, agent: subprocess.Popen) -> None:
    try:
        with agent.stdin:
            agent.stdin.write(text)
    except BrokenPipeError:
        pass  # the agent has ended already: its status and last words tell why


def _relay(stream):
    for line in stream:
        print(line, end="", file=sys.stderr, flush=True)
        yield line.strip()


def _last_words(tail) -> str:
    lines = [line for line in tail if line]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
