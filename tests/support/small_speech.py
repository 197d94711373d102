"""Recordings small enough to train on in a moment, in the true format of Speech Commands. Needs numpy."""

import io
import tarfile
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from prunescape.config.speech import ARCHIVE, LISTS, NOISE, TREE

RATE = 16_000
TONES = {"down": 300, "go": 700, "left": 1500, "no": 3000}  # words, and the frequency in Hz of what stands for them


def clip(word: str, number: int, *, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A tone of the word's frequency with noise, int16; phase and loudness are the number's own."""
    random, times = np.random.default_rng([number, TONES[word]]), np.arange(round(seconds * rate)) / rate
    tone = random.uniform(0.2, 0.6) * np.sin(2 * np.pi * TONES[word] * times + random.uniform(0, 6))
    return (32_767 * (tone + random.normal(0, 0.05, len(times))).clip(-1, 1)).astype(np.int16)


def wav(samples: np.ndarray, *, rate: int = RATE, channels: int = 1) -> bytes:
    """Samples as a WAV file of 16-bit PCM."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", None))
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


def files(counts: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """Every file of a small data set with so many clips of each word in each split, by name.

    Every third clip of a word lasts 0.7 seconds.
    """
    listed: dict[str, list[str]] = {split: [] for split in counts}
    for word in TONES:
        for speaker, split in enumerate(split for split, count in counts.items() for _ in range(count)):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            listed[split].append(name)
            yield name, wav(clip(word, speaker, seconds=0.7 if speaker % 3 == 2 else 1.0))
    for split, file in LISTS.items():
        yield file, "".join(f"{name}\n" for name in listed.get(split, [])).encode()
    yield f"{NOISE}/white_noise.wav", wav(np.random.default_rng(0).integers(-999, 999, 3 * RATE))
    yield "README.md", b"about the data set"
    yield "LICENSE", b"CC BY 4.0"


def write_archive(folder: Path, **counts: int) -> Path:
    """The data set as the archive that is downloaded, whose members have no folder above them; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / ARCHIVE, "w:gz") as tar:
        for name, content in files(counts):
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder / ARCHIVE


def write_tree(folder: Path, **counts: int) -> Path:
    """The data set unpacked; gives the folder that holds the words."""
    for name, content in files(counts):
        path = folder / TREE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / TREE
