"""A finished study of many cells without their training: a few real cells, copied with what Snakemake knows of them.

Needs the files of one finished cell per folder to copy, and Snakemake's file persistence.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path


def memory_of(folder: Path, output: str) -> Path:
    """Where Snakemake, run in `folder`, keeps what it knows of one output; its name holds the output's path."""
    return folder / ".snakemake/metadata" / base64.urlsafe_b64encode(output.encode()).decode()


def copy_cells(folder: Path, first: str, others: Iterable[str], names: tuple[str, ...], log: str) -> None:
    """Copy the finished cell in the folder `first`, relative to `folder`, to the folders `others`.

    `names` are its outputs and `log` its log. What Snakemake knows of it names the cell by its path only.
    """
    content = {name: (folder / first / name).read_bytes() for name in (*names, log)}
    known = {name: memory_of(folder, f"{first}/{name}").read_text() for name in names}
    for other in others:
        (folder / other).mkdir(parents=True, exist_ok=True)
        for name in (*names, log):
            (folder / other / name).write_bytes(content[name])
        for name in names:
            memory_of(folder, f"{other}/{name}").write_text(known[name].replace(first, other))
