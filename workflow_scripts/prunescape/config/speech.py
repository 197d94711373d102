"""The data set of spoken words: its options, the original files, and whether these are there and whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.config.originals import DRAWN, OFFERED, check_md5
from prunescape.errors import InputError

TASK, EXAMPLES = "speech", "clips"
# as in datasets.py, schema_values.py says what each option means; `validation` clips are of the published list
DATASETS: dict[str, dict[str, object]] = {
    "speech-commands": {"folder": "data/speech-commands", **OFFERED, **DRAWN},
}
SIZES: dict[str, tuple] = {}  # of data sets whose splits are drawn from two sets; preparing counts the clips of these
SPLITS = {"train": 84_843, "validation": 9_981, "test": 11_005}  # clips of the archive; an unpacked one may hold fewer
ARCHIVE = "speech_commands_v0.02.tar.gz"
TREE = "speech_commands_v0.02"  # the folder that it is unpacked into, as torchaudio does: the archive has none itself
# as torchaudio listed it up to version 0.8; later versions list a SHA-256
ARCHIVE_MD5 = {ARCHIVE: "6b74f3901214cb2c2934e98196829835"}
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}  # the clips of these splits, one a line
NOISE = "_background_noise_"  # a folder of long recordings without words, which no split has
LAYOUT = f"{TREE}/WORD/*.wav, {', '.join(f'{TREE}/{name}' for name in LISTS.values())}"
AGAIN = "get the original archive again, or delete it for a new download"


def original_files(options: Mapping[str, Any]) -> dict[Path, str]:
    """The archive with its published md5.

    An unpacked one stands for it: its 105,829 clips are not looked at to plan.
    """
    return {Path(options["folder"]) / name: md5 for name, md5 in ARCHIVE_MD5.items()}


def has_tree(options: Mapping[str, Any]) -> bool:
    """Whether the archive lies there unpacked, and is read as it is."""
    return (Path(options["folder"]) / TREE).exists()


def check_sources(options: Mapping[str, Any]) -> None:
    """Raise InputError for an archive that is not the published one, or an unpacked one that lacks a list of a split.

    The archive that is there comes first. Neither there is no error here.
    """
    if not (Path(options["folder"]) / ARCHIVE).exists():
        for name in LISTS.values() if has_tree(options) else ():
            path = Path(options["folder"]) / TREE / name
            if not path.is_file():
                raise InputError("the file is missing", where=path, allowed=LAYOUT, hint=AGAIN)
        return
    for path, md5 in original_files(options).items():
        check_md5(path, md5, AGAIN)
