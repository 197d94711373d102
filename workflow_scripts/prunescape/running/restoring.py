"""What spares trainings: a run of Snakemake that makes lost files alone; cells that an interrupted run had finished."""

import os
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.manifest import faulty_files

# of Snakemake 9.27: a file per output, by its path in base64, cut in parts where it is long
MARKS, MADE = Path(".snakemake/incomplete"), Path(".snakemake/metadata")
VARIABLE = "PRUNESCAPE_RESTORING"  # set in a run that only makes lost files again
RECORD, WEIGHTS = "record.json", "weights.safetensors"


def make_alone(arguments: list[str], *, folder: str) -> None:
    """Run snakemake with these arguments in `folder`; exits with its status when it fails, which it has explained."""
    status = status_alone(arguments, folder=folder)
    if status:
        sys.exit(status)


def status_alone(arguments: list[str], *, folder: str) -> int:
    """The exit status of snakemake with these arguments in `folder`, in a run that says nothing at its end."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, VARIABLE: "1"}).returncode


def is_restoring() -> bool:
    """Whether this run was started by `make_alone`."""
    return VARIABLE in os.environ


def is_known(path: str) -> bool:
    """Whether Snakemake has a record of how it made the file `path`."""
    name, most = urlsafe_b64encode(path.encode()).decode(), os.pathconf(".", "PC_NAME_MAX") - 1
    parts = [name[start : start + most] for start in range(0, len(name), most)]
    return MADE.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1]).exists()


def unmark_finished(results: str) -> None:
    """Delete Snakemake's marks of the outputs below `results` whose cell has a whole record, and the weights it names.

    A cell's record is written last. Snakemake marks a job's outputs when it starts, and would run it again.
    """
    marks = {_marked_path(mark): mark for mark in MARKS.rglob("*") if mark.is_file()}
    for path in [path for path in marks if path.startswith(f"{results}/") and path.endswith(f"/{RECORD}")]:
        if _is_whole(Path(path)):
            for output in (path, path.removesuffix(RECORD) + WEIGHTS):
                if output in marks:
                    marks[output].unlink()


def _marked_path(mark: Path) -> str:
    """The output that a mark is of; empty for a file that is none."""
    name = "".join(part.removeprefix("@") for part in mark.relative_to(MARKS).parts)
    try:
        return urlsafe_b64decode(name).decode()
    except ValueError:
        return ""


def _is_whole(record: Path) -> bool:
    try:
        return not faulty_files(record)
    except InputError:
        return False
