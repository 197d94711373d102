"""Jobs that failed: which, why, and where their log is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ERROR = "error: "  # begins the last line of a job that failed; a job without one was ended from outside
KILLED = "ended from outside (killed), most often for want of memory or time"
HINT = " (check log file(s) for error details)"  # what Snakemake adds to the path of a log
QUEUE_SAYS = re.compile(r"slurmstepd: error: \W*(.*?)\W*$", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """A job that failed, with its wildcards and its log; of a submitted one also what the queue wrote down of it."""

    rule: str
    wildcards: dict[str, str]
    log: str
    queue_log: str = ""

    @classmethod
    def of(cls, rule: str, wildcards: dict[str, str], logs: Sequence[str]) -> "Failure":
        """From the logs that Snakemake names: the job's own, then the queue's."""
        own, queue = [*(str(log).removesuffix(HINT) for log in logs), "", ""][:2]
        return cls(rule, wildcards, own, queue)

    @property
    def reason(self) -> str:
        """Why it failed."""
        return reason_in(self.log, self.queue_log)

    @property
    def text(self) -> str:
        """Two lines for a reader: the rule with the reason, and the path of the log."""
        log = self.log if _lines_of(self.log) or not _lines_of(self.queue_log) else self.queue_log
        return f"{self.rule}: {self.reason}\n    log: {Path(log).resolve()}"


def failures_text(failures: Sequence[Failure], attempt: int, attempts: int) -> str:
    """Jobs that failed at once, as one submission, in two lines; the reason is that of one whose log tells it."""
    told = [failure for failure in failures if ERROR in failure.reason] or failures
    tried = f", attempt {attempt} of {attempts}" if attempts > 1 else ""
    several = f"{len(failures)} jobs of one submission, " if len(failures) > 1 else ""
    return f"failed{tried}: {several}{told[0].text}"


def reason_in(log: str, queue_log: str = "") -> str:
    """Why a job failed: the last line of its log; where that is no error, the job was killed, as the queue may say."""
    written = _lines_of(log)
    if written and written[-1].startswith(ERROR):
        return written[-1]
    said = QUEUE_SAYS.findall("\n".join(_lines_of(queue_log)))
    killed = f"ended by Slurm ({said[-1]})" if said else KILLED
    return f"{killed}; its last line: {written[-1]}" if written else f"{killed}; its log is empty"


def _lines_of(log: str) -> list[str]:
    path = Path(log)
    lines = path.read_text(errors="replace").split("\n") if log and path.is_file() else []
    return [line.strip() for line in lines if line.strip()]
