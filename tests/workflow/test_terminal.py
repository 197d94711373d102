"""What a run shows on a terminal, in a pipe, and with Snakemake's own options, on really run studies."""

import re

import pytest

from support.project import Project, small_study
from support.terminal import lines_that_stay, run_in_terminal

MORE = "verdicts may ask for more seeds"
STUDY = small_study({"verdict": {"replicates": {"first": 2, "most": 2}}})
STAGES = ["preparing", "training", "round 1", "exporting", "benchmarking", "analysing", "report"]
BLOCK = re.compile(r"^(local)?(rule|checkpoint) \w+:|steps \(\d+%\) done|Select jobs", re.MULTILINE)


@pytest.fixture(scope="module")
def piped(tmp_path_factory):
    """A study with a round, run to its report, and what the run printed to a pipe."""
    project = Project(tmp_path_factory.mktemp("piped"), STUDY)
    return project, project.run()


def test_in_a_pipe_stages_come_in_order_and_lines_are_few(piped):
    _, printed = piped
    found = [line.partition(":")[0] for line in printed.splitlines() if re.match(r"[a-z 1]+: \d+ of \d+ ", line)]
    assert list(dict.fromkeys(found)) == STAGES
    assert not BLOCK.search(printed) and "\r" not in printed
    spare = sum(re.search(r"a minute|so far$|: \d+ of \d+ \w+$", line) is not None for line in printed.splitlines())
    assert len(printed.splitlines()) - spare <= 20, "beside those that come every 30 seconds"


def test_a_round_that_may_follow_is_announced_before_it_does(piped):
    lines = piped[1].splitlines()
    (trained,) = (place for place, line in enumerate(lines) if re.fullmatch(rf"training: (\d+) of \1 .*; {MORE}", line))
    (follows,) = (place for place, line in enumerate(lines) if re.match(r"round 1: 0 of \d+ cells, \d+ in all", line))
    assert trained < follows


def test_everything_is_in_the_log_that_is_named_first_and_last(piped):
    project, printed = piped
    (log,) = project.logs()
    assert f"log: {log}" in printed.splitlines()[:4]
    assert f"Complete log(s): {log}" == printed.splitlines()[-1]
    assert len(BLOCK.findall(log.read_text())) > 20


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "blocks", "stages"),
    [(["--dry-run"], True, False), (["--verbose"], True, True), (["--quiet", "all"], False, False)],
)
def test_snakemakes_own_options_keep_their_meaning(piped, options, blocks, stages):
    printed = piped[0].run("--forcerun", "write_tables", "--until", "write_tables", *options)
    assert bool(BLOCK.search(printed)) is blocks
    assert ("report: 0 of 1 steps" in printed) is stages


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The trainings of a study one of whose variants fails, and what they wrote to a terminal."""
    project = Project(tmp_path_factory.mktemp("shown"), small_study({"variants": {"uniform": [0.5, 0.0101]}}))
    return project, *run_in_terminal(**project.process("cells"))


def test_a_terminal_has_one_line_that_is_drawn_again_and_again(shown):
    _, status, written = shown
    drawn = [part for part in re.split(r"[\r\n]", written) if "|" in part]
    assert status != 0 and len(drawn) > 5
    assert any(part.startswith("preparing |") for part in drawn)
    assert any(re.match(r"training \|.*\| [1-4] of 6 cells, [\d.]+ a minute", part) for part in drawn)
    assert any(part.endswith(", 1 failed") for part in drawn)
    assert max(map(len, drawn)) <= 100
    assert not BLOCK.search(written)


def test_a_failure_is_shown_at_once_in_full_words(shown):
    project, _, written = shown
    lines = lines_that_stay(written)
    log = project.work / "results/tiny/experiment=small/variant=uniform-0.0101/plan.log"
    (told,) = (place for place, line in enumerate(lines) if line.startswith("failed: plan_variant: error: "))
    assert lines[told + 1] == f"    log: {log}" and "0.0101" in lines[told]
    assert told < lines.index("failed jobs: 1; missing cells: 2 of 6")
    assert "Traceback" not in written and "CalledProcessError" not in written
    assert not [line for line in lines if "|" in line], "the bar leaves nothing behind"
