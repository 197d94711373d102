"""Commands on a finished study: print what it reached, check its files, print its report."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from prunescape.errors import InputError, nearest


def add_summary(command: argparse.ArgumentParser) -> None:
    """`prunescape summary results/STUDY`."""
    command.add_argument("results", type=Path, metavar="RESULTS", help="the folder of a study: results/STUDY")
    command.set_defaults(run=_summarise)


def _summarise(options: argparse.Namespace) -> None:
    """Print the summary of a finished study."""
    from prunescape.running.run_end import finished_lines

    print("\n".join(finished_lines(_study_folder(options.results))))


def add_verify(command: argparse.ArgumentParser) -> None:
    """`prunescape verify results/STUDY`."""
    command.description = "Check every file of a study against its checksum or digest. Nothing is changed."
    command.add_argument("results", type=Path, metavar="RESULTS", help="the folder of a study: results/STUDY")
    command.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> None:
    """Print how many files are whole; raises InputError that names the first others, after a line for each."""
    from prunescape.store.manifest import MANIFEST, faults

    folder = _study_folder(options.results)
    checked = [*faults(folder), *_data_faults(folder)]
    wrong = {path: fault for path, fault in checked if fault is not None}
    print(*wrong.values(), sep="\n", end="\n" if wrong else "")
    if not (folder / MANIFEST).exists():
        print(f"{folder}: the study is not finished: tables and report have no digests yet")
    if wrong:
        raise InputError(f"{len(wrong)} of {len(checked)} files are damaged or missing", where=folder)
    print(f"{folder}: {len(checked)} files are whole")


def _data_faults(folder: Path) -> Iterator[tuple[Path, InputError | None]]:
    """Every prepared data set of a study, and what is wrong with it."""
    from prunescape.store.files import read_json
    from prunescape.tasks.contract import task_module

    for identity in sorted(folder.glob("data/*.json")):
        data = identity.with_suffix(".npz")
        try:
            task_module(read_json(identity, "task")).load_prepared(data, identity)
            yield data, None
        except InputError as error:
            yield data, error


def add_pdf(command: argparse.ArgumentParser) -> None:
    """`prunescape pdf results/STUDY`."""
    command.description = "Write the report of a study as report.pdf beside it, its figures as vector graphics."
    command.add_argument("results", type=Path, metavar="RESULTS", help="the folder of a study: results/STUDY")
    command.set_defaults(run=_write_pdf)


def _write_pdf(options: argparse.Namespace) -> None:
    """Write the PDF of a study's report, and print its path."""
    from prunescape.present.report.pdf import write_pdf

    report = _study_folder(options.results) / "report.html"
    write_pdf(report, report.with_suffix(".pdf"))
    print(report.with_suffix(".pdf"))


def _study_folder(folder: Path) -> Path:
    """`folder`; raises InputError that names the studies beside it when there is no such folder."""
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        hint = nearest(folder.name, known)
        raise InputError("there is no such folder", where=folder, allowed=", ".join(known), hint=hint)
    return folder
