"""Jobs that failed: which, why, and where their log is."""

from dataclasses import dataclass
from pathlib import Path

from prunescape.running.job_log import ERROR

KILLED = "ended from outside (killed), most often for want of memory or time"


@dataclass(frozen=True)
class Failure:
    """A job that failed, with its wildcards and its log."""

    rule: str
    wildcards: dict[str, str]
    log: str

    @property
    def text(self) -> str:
        """Two lines for a reader: the rule with the reason, and the path of the log."""
        return f"{self.rule}: {reason_in(self.log)}\n    log: {Path(self.log).resolve()}"


def reason_in(log: str) -> str:
    """Why a job failed: the last line of its log; a job whose log does not end in its error was killed."""
    path = Path(log)
    lines = path.read_text(errors="replace").split("\n") if log and path.is_file() else []
    written = [line.strip() for line in lines if line.strip()]
    if not written:
        return f"{KILLED}; its log is empty"
    return written[-1] if written[-1].startswith(ERROR) else f"{KILLED}; its last line: {written[-1]}"
