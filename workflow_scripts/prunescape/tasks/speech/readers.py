"""Reads Speech Commands v0.02 (Warden 2018, arXiv:1804.03209) from its archive, or from the folder it unpacks to."""

import io
import tarfile
import wave
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prunescape.config.speech import AGAIN, ARCHIVE, LISTS, NOISE, TREE, check_sources
from prunescape.errors import InputError

ORIGINAL_RATE, RATE = 16_000, 8_000  # samples per second, of the files and of what is prepared
SAMPLES = RATE  # of a prepared clip: one second
SAMPLE = np.iinfo(np.int16)
FORMAT = f"WAV, 16-bit PCM, one channel, {ORIGINAL_RATE} samples per second"


@dataclass(frozen=True)
class Clips:
    """The clips of one split by name, WORD/SPEAKER_nohash_NUMBER.wav, sorted, and their classes, int64 (n,)."""

    names: list[str]
    labels: np.ndarray

    def take(self, chosen: np.ndarray) -> "Clips":
        """Those number `chosen` (m,)."""
        return Clips([self.names[index] for index in chosen], self.labels[chosen])


def list_clips(options: dict[str, Any]) -> tuple[list[str], dict[str, Clips]]:
    """The words in the order of the alphabet, which number the classes, and all clips of each published split.

    A clip in neither of the archive's two lists is one to train on, as its README says. Raises InputError as
    `check_sources` does, for a list that is missing, and for a word without a clip in one of the splits.
    """
    check_sources(options)
    source = Path(options["folder"])
    names, listed = [], {}
    for name, content in _files(source, LISTS.values()):
        names += [name] if _is_clip(name) else []
        listed |= {} if content is None else {name: _listed(content, source / name)}
    words = sorted({_word_of(name) for name in names})
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in sorted(names):
        parts[_split_of(name, listed, source)].append(name)
    number = {word: place for place, word in enumerate(words)}
    splits = {
        split: Clips(part, np.array([number[_word_of(name)] for name in part], np.int64))
        for split, part in parts.items()
    }
    for split in ("train", "test"):
        missing = np.setdiff1d(np.arange(len(words)), splits[split].labels)
        if not words or len(missing):
            word = words[missing[0]] if words else "any word"
            raise InputError(f"there is no clip of {word} for the {split} split", where=source, hint=AGAIN)
    return words, splits


def _listed(content: bytes, path: Path) -> frozenset[str]:
    try:
        return frozenset(content.decode().split())
    except UnicodeDecodeError as error:
        raise InputError(f"the list is no text ({error.reason})", where=path, allowed="UTF-8", hint=AGAIN) from None


def _is_clip(name: str) -> bool:
    folder, _, file = name.partition("/")
    return folder != NOISE and file.endswith(".wav") and "/" not in file


def _word_of(name: str) -> str:
    return name.partition("/")[0]


def _split_of(name: str, listed: dict[str, frozenset[str]], source: Path) -> str:
    for split, file in LISTS.items():
        if file not in listed:
            raise InputError(f"{file} is missing, which says what belongs to a split", where=source, hint=AGAIN)
        if name in listed[file]:
            return split
    return "train"


def read_waves(options: dict[str, Any], names: list[str]) -> np.ndarray:
    """The clips of these names in their order, int16 (n, 1, SAMPLES); raises InputError for one that is no such WAV."""
    waves, rows = np.zeros((len(names), 1, SAMPLES), np.int16), {name: row for row, name in enumerate(names)}
    for name, content in _files(Path(options["folder"]), rows):
        if content is not None:
            waves[rows[name], 0] = _prepared(_decoded(content, Path(options["folder"]) / name))
    return waves


def _decoded(content: bytes, path: Path) -> np.ndarray:
    try:
        with wave.open(io.BytesIO(content)) as file:
            kind = file.getnchannels(), file.getsampwidth(), file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # RuntimeError: past the end of a chunk
        reason = str(error) or "it ends too early"
        raise InputError(f"the clip cannot be read ({reason})", where=path, allowed=FORMAT, hint=AGAIN) from None
    if kind != (1, 2, ORIGINAL_RATE):
        what = "the clip has {} channels of {} bytes at {} samples per second".format(*kind)
        raise InputError(what, where=path, allowed=FORMAT, hint=AGAIN)
    return samples


def _prepared(samples: np.ndarray) -> np.ndarray:
    """One second, a shorter clip with zeros at its end, at half the rate: int16 (SAMPLES,)."""
    from scipy.signal import resample_poly  # takes 0.7 s, in which other data sets are prepared

    second = np.zeros(ORIGINAL_RATE)
    second[: len(samples)] = samples[:ORIGINAL_RATE]
    return resample_poly(second, RATE, ORIGINAL_RATE).round().clip(SAMPLE.min, SAMPLE.max).astype(np.int16)


def _files(source: Path, contents: Collection[str]) -> Iterator[tuple[str, bytes | None]]:
    """Every file of the data set by name, with its content where that is asked for; the archive comes first."""
    archive, tree = source / ARCHIVE, source / TREE
    if not archive.exists():
        for path in (path for path in tree.rglob("*") if path.is_file()):
            name = path.relative_to(tree).as_posix()
            yield name, path.read_bytes() if name in contents else None
        return
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if member.isfile():
                    yield name, tar.extractfile(member).read() if name in contents else None
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"the archive cannot be read ({error})", where=archive, hint=AGAIN) from None
