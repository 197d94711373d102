"""docs/walkthrough.md: its commands are run as they stand, with the wheel, and print what it shows, numbers aside."""

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from support.installed import build_wheel, install, succeed
from support.project import ROOT

pytestmark = pytest.mark.long
DOC = ROOT / "docs/walkthrough.md"
LEFT_OUT = "..."
CHANGING = (
    (r"report: .*/results/", "report: /results/"),  # where it was run
    (r"^.*, onnxruntime", "host, onnxruntime"),
    (r"( \(noisy\))", ""),
    (r"-?\d+(\.\d+)?(e-?\d+)?", "#"),
    (r" +", " "),  # columns are as wide as their numbers
)


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the page, with the lines that it shows."""
    blocks = re.findall(r"^```console\n(.*?)^```$", DOC.read_text(), re.DOTALL | re.MULTILINE)
    starts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    found = []
    for part in starts:
        lines = part.splitlines()
        end = 1 + lines.index("END") if "<<'END'" in lines[0] else 1
        found.append(("\n".join(lines[:end]), lines[end:]))
    return found


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, instead in CHANGING:
        line = re.sub(pattern, instead, line)
    return line.strip()


def require_shown(shown: list[str], printed: list[str]) -> None:
    """Every line that the page shows was printed, in its order; without `...` between them nothing else was."""
    place = 0
    for before, line in pairwise([None, *shown]):
        if line == LEFT_OUT:
            continue
        rest = [plain(each) for each in printed[place:]]
        assert plain(line) in rest, f"not printed: {line}\n" + "\n".join(printed)
        found = rest.index(plain(line))
        assert found == 0 or before == LEFT_OUT, f"not shown: {printed[place]}"
        place += found + 1


def test_the_commands_of_the_page_print_what_it_shows(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    programs = install(build_wheel(tmp_path_factory.mktemp("built")), tmp_path_factory.mktemp("environment"))
    commands = steps()
    assert [command.split()[1] for command, _ in commands if command.startswith("prunescape")] == [
        *("init", "run", "run", "summary", "verify", "bench")
    ]
    for command, shown in commands:
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        printed = [line for line in succeed("bash", "-c", command, cwd=Path(work), PATH=path).splitlines() if line]
        require_shown([line for line in shown if line], printed)
