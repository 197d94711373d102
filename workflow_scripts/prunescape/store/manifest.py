"""Which files the sealed JSON files of a study answer for, by digest: what is lost or damaged can be told."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.files import AGAIN, file_digest, read_json, write_json

MANIFEST = "manifest.json"


def write_manifest(files: list[str], decided_by: Mapping[str, str], *, out: Path | str) -> None:
    """Write the digests of `files`, by their paths below the folder of `out`, and what each of others was made of.

    `decided_by` holds a digest of all that decides a file, by its path: a file whose digest is another now is stale.
    """
    folder = Path(out).parent
    digests = {os.path.relpath(file, folder): file_digest(file) for file in files}
    decisive = {os.path.relpath(file, folder): digest for file, digest in decided_by.items()}
    write_json(out, {"files": digests, "decided_by": decisive})


def listed_files(index: Path) -> dict[Path, str]:
    """The files for which a sealed JSON file answers, with the SHA-256 of each; of most kinds none.

    Raises InputError when the file is missing or damaged.
    """
    content = read_json(index)
    if index.name == "export.json":
        found = {model["file"]: model["sha256"] for model in content["models"]}
    elif index.name == "record.json":
        found = {"weights.safetensors": content["provenance"]["weights_digest"]}
    elif index.name in ("figures.json", MANIFEST):
        found = content["files"]
    else:
        found = {}
    return {index.parent / name: digest for name, digest in found.items()}


def lost_files(index: Path) -> list[Path]:
    """The files for which an index answers and that are gone."""
    return [path for path in listed_files(index) if not path.exists()]


def faulty_files(index: Path) -> dict[Path, InputError]:
    """What is wrong with the files for which an index answers; whole ones are left out."""
    found = {path: _fault(path, digest, index) for path, digest in listed_files(index).items()}
    return {path: fault for path, fault in found.items() if fault is not None}


def faults(results: Path) -> Iterator[tuple[Path, InputError | None]]:
    """Every file of a study for which a digest or checksum answers, and what is wrong with it, None for a whole one.

    The prepared data sets, whose digests are of their arrays, are left to their task.
    """
    for index in sorted(results.rglob("*.json")):
        if any(part.startswith(".") or part == "partial" for part in index.relative_to(results).parts):
            continue
        try:
            wrong = {index: None} | dict.fromkeys(listed_files(index)) | faulty_files(index)
        except InputError as error:
            wrong = {index: error}
        yield from wrong.items()


def _fault(path: Path, digest: str, index: Path) -> InputError | None:
    remedy = AGAIN if index.name == MANIFEST else f"delete {index.name} beside it and run again"
    if not path.exists():
        return InputError("the file is missing", where=path, hint="run again")
    if file_digest(path) != digest:
        return InputError(f"the file is damaged: not the one of {index.name}", where=path, hint=remedy)
    return None
