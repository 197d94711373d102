"""Cells of one submission to a cluster: the first job trains all that can be stacked, each later one takes its results.

On the node Snakemake (9.27) runs the jobs of a group one after the other. So the first job of those that may be done
together does the work of all, and keeps what each leaves beside its checkpoint. A job whose results are kept links them
to where they belong. They outlive a failure: Snakemake deletes the outputs of all jobs of a group of which one failed.
"""

import atexit
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext, redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prunescape.errors import Stopped
from prunescape.running.job_log import last_words
from prunescape.store.files import file_digest, private_folder

VARIABLE = "PRUNESCAPE_SUBMISSION"  # the file that lists the members of a submission, for their jobs
Requests = list[tuple[str, dict[str, Any]]]  # each a log and arguments
Several = Callable[[Requests], None] | None  # None: all have keys of their own


@dataclass(frozen=True)
class Member:
    """One job of a submission, known by its `log`; those with the same `key` may be done together, `most` at once.

    `arguments` are those of its script's function that are its own, or decide its results. `kept` says where each
    output and the log are kept, `decisive` names the small input files that decide them.
    """

    log: str
    key: str
    most: int | None
    arguments: dict[str, Any]
    kept: dict[str, str]
    decisive: list[str]

    @property
    def note(self) -> Path:
        """The file that says what the kept results belong to."""
        return Path(next(iter(self.kept.values()))).with_suffix(".kept")

    @property
    def fingerprint(self) -> str:
        """Names all that decides the results."""
        said = {name: value for name, value in self.arguments.items() if name != "files"}
        digests = [file_digest(path) for path in self.decisive]
        return hashlib.sha256(json.dumps([said, digests], sort_keys=True).encode()).hexdigest()

    @property
    def is_kept(self) -> bool:
        """Whether its results are there."""
        try:
            known = self.note.read_text()
        except OSError:
            return False
        return all(os.path.exists(path) for path in self.kept.values()) and known == self.fingerprint

    def keeping(self, shared: dict[str, Any]) -> dict[str, Any]:
        """All arguments, with its outputs where they are kept; what is not its own is as in `shared`."""
        own = {name: self.kept.get(path, path) for name, path in self.arguments["files"].items()}
        return shared | self.arguments | {"files": shared["files"] | own}

    def begin(self) -> None:
        """Forget what is kept of other content, and note to what the next results will belong."""
        self.forget()
        for path in (self.note, *self.kept, *self.kept.values()):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(self.fingerprint)

    def keep_log(self) -> None:
        """Keep the log with the results, if there are any: Snakemake empties it when it comes to this job."""
        if all(os.path.exists(kept) for path, kept in self.kept.items() if path != self.log):
            shutil.copyfile(self.log, self.kept[self.log])

    def take(self) -> None:
        """Put what is kept where it belongs."""
        for path, kept in self.kept.items():
            Path(path).unlink(missing_ok=True)
            try:
                os.link(kept, path)
            except OSError:  # a file system without links
                shutil.copyfile(kept, path)

    def forget(self) -> None:
        """Keep nothing of it any more."""
        for path in (self.note, *map(Path, self.kept.values())):
            path.unlink(missing_ok=True)


def announce(members: Iterable[Member]) -> None:
    """Tell the jobs that this process starts which others belong to its submission."""
    path = private_folder() / f"submission-{os.getpid()}.json"
    path.write_text(json.dumps([asdict(member) for member in members]))
    os.environ[VARIABLE] = str(path)
    atexit.register(path.unlink, missing_ok=True)


def members_with(log: str) -> list[Member]:
    """The job with this log, then those of its submission that may be done with it; empty outside of a submission."""
    try:
        members = [Member(**known) for known in json.loads(Path(os.environ[VARIABLE]).read_text())]
    except (KeyError, OSError, ValueError):
        return []
    mine = [member for member in members if member.log == log]
    others = sorted((member for member in members if member.log != log), key=lambda member: member.log)
    return [*mine, *(member for member in others if member.key == mine[0].key)] if mine else []


def do_together(alone: Callable[..., None], several: Several, members: list[Member], arguments: dict[str, Any]) -> None:
    """Do the work of the first of `members`, and of all others whose results are not kept, and keep the results.

    `arguments` are those that the first one's script gives; the others share what is not theirs. When that fails for
    several they are done in halves: in the end only that job fails which cannot be done alone, and memory that was too
    small for all may be enough for half of them. Raises what the first member's work raises.
    """
    mine = members[0]
    begun = [mine, *(member for member in members[1:] if not member.is_kept)][: mine.most]
    for member in begun:
        member.begin()
    waiting, failure = [begun], None
    while waiting:
        group = waiting.pop(0)
        requests = [(member.log, member.keeping(arguments)) for member in group]
        try:
            error = _error_of(alone, several, requests, log=None if group[0] is mine else group[0].log)
        finally:  # some may have ended before the work was stopped
            for member in group:
                member.keep_log()
        if error is not None and len(group) > 1:
            half = -(-len(group) // 2)
            waiting = [group[:half], group[half:], *waiting]
        elif group[0] is mine:
            failure = error
    if failure is not None:
        raise failure
    mine.take()


def _error_of(alone: Callable[..., None], several: Several, requests: Requests, *, log: str | None) -> Exception | None:
    """Do what is asked for, of which the first writes to `log` or standard error; the error when that fails.

    Without its traceback, which would hold the memory of all that the work had made.
    """
    with redirect_stderr(open(log, "w", buffering=1)) if log else nullcontext():
        try:
            if len(requests) > 1:
                several(requests)
            else:
                alone(**requests[0][1])
        except Stopped:
            raise
        except Exception as error:
            if len(requests) == 1 and log is None:  # the job's own: whoever gets it says it
                return error
            print(last_words(error), file=sys.stderr, flush=True)
            if len(requests) > 1:
                print(f"{len(requests)} cells failed together: trying in halves", file=sys.stderr, flush=True)
            return error.with_traceback(None)
    return None
