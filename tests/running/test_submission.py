"""Jobs of one submission: the first does the work of all, the others take theirs, and one that fails does so alone."""

import json
from pathlib import Path

import pytest

from prunescape.errors import InputError, Stopped
from prunescape.running import submission
from prunescape.running.submission import Member, announce, do_together, members_with


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with an input that decides the jobs' results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(submission.VARIABLE, "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    Path("plan.json").write_text("{}")
    return tmp_path


def member(name: str, *, key: str = "key", most: int | None = None, kind: str = "work") -> Member:
    files = {"record": f"out/{name}/record"}
    kept = {files["record"]: f"state/{name}.record", f"out/{name}/log": f"state/{name}.log"}
    return Member(f"out/{name}/log", key, most, {"cell": name, "kind": kind, "files": files}, kept, ["plan.json"])


# what the script of the first gives: all but what is a member's own holds for the others, too
OF_FIRST = {"shared": 1, "kind": "of another", "files": {"plan": "plan.json", "record": "of another"}}


class Work:
    """Writes the record of a job; `groups` are the cells that it did at once, in order."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []

    def alone(self, **arguments) -> None:
        self.several([("", arguments)])

    def several(self, requests) -> None:
        self.groups.append([arguments["cell"] for _, arguments in requests])
        assert {(arguments["shared"], arguments["files"]["plan"]) for _, arguments in requests} == {(1, "plan.json")}
        for number, (log, arguments) in enumerate(requests):
            if arguments["kind"] != "work":
                raise {"refuse": InputError("no such thing"), "stop": Stopped(15, "here")}[arguments["kind"]]
            if number:
                Path(log).write_text(f"{arguments['cell']} trains\n")
            Path(arguments["files"]["record"]).write_text(arguments["cell"])


def run(work: Work, *members: Member) -> list[str]:
    """Run the jobs one after the other, as on a node; the cells whose jobs fail."""
    failed = []
    announce(members)
    for job in members:
        group = members_with(job.log)
        assert group[0] == job
        Path(job.log).parent.mkdir(parents=True, exist_ok=True)
        Path(job.log).write_text("")
        try:
            if group[0].is_kept:
                group[0].take()
            else:
                do_together(work.alone, work.several, group, OF_FIRST)
        except InputError:
            failed.append(job.arguments["cell"])
    return failed


def test_the_first_does_the_work_of_all_and_each_gets_its_own(place):
    work = Work()
    assert run(work, member("b"), member("a"), member("c"), member("x", key="other")) == []
    assert work.groups == [["b", "a", "c"], ["x"]], "the others in the order of their names"
    assert [Path(f"out/{name}/record").read_text() for name in "abcx"] == list("abcx")
    assert Path("out/a/log").read_text() == "a trains\n"


def test_not_more_than_may_be_done_at_once(place):
    work = Work()
    run(work, *(member(name, most=2) for name in "abcde"))
    assert work.groups == [["a", "b"], ["c", "d"], ["e"]]


def test_one_that_fails_does_so_alone_and_only_that_one_is_done_again(place):
    work, names = Work(), "abcdefgh"
    members = [member(name, kind="refuse" if name == "c" else "work") for name in names]
    assert run(work, *members) == ["c"]
    halves = [list(names), list("abcd"), list("ab"), list("cd"), ["c"], ["d"], list("efgh")]
    assert work.groups == [*halves, ["c"]], "alone once more when its turn comes"
    for name in names:
        Path(f"out/{name}/record").unlink(missing_ok=True)  # as Snakemake does, in which the whole group failed
    again = Work()
    assert run(again, *members) == ["c"] and again.groups == [["c"]]
    assert [Path(f"out/{name}/record").read_text() for name in "abdefgh"] == list("abdefgh")


def test_one_that_is_asked_to_end_tries_nothing_else(place):
    work = Work()
    with pytest.raises(Stopped):
        run(work, member("a"), member("b"), member("c", kind="stop"))
    assert work.groups == [["a", "b", "c"]]
    again = Work()
    assert run(again, member("a"), member("b"), member("c")) == []
    assert again.groups == [["c"]], "the others had ended before"


def test_what_is_kept_of_other_content_is_not_taken(place):
    run(Work(), member("a"), member("b"))
    Path("plan.json").write_text('{"other": 1}')
    work = Work()
    run(work, member("a"), member("b"))
    assert work.groups == [["a", "b"]]


def test_what_is_forgotten_leaves_nothing(place):
    run(Work(), member("a"), member("b"))
    assert len(list(Path("state").iterdir())) == 6
    for name in "ab":
        member(name).forget()
    assert list(Path("state").iterdir()) == [] and Path("out/a/record").exists()


def test_outside_of_a_submission_a_job_has_no_others(place):
    assert members_with("out/a/log") == []
    announce([member("a")])
    assert members_with("out/b/log") == [] and members_with("out/a/log") == [member("a")]
    assert json.loads(Path(submission.os.environ[submission.VARIABLE]).read_text())[0]["log"] == "out/a/log"
