"""Recordings become waves: reading the originals, the published split, the prepared file, shifts, what is refused."""

import hashlib

import numpy as np
import pytest
import torch

from prunescape.config import datasets, speech
from prunescape.config.datasets import missing_files, resolve_options, source_digest, task_of
from prunescape.config.originals import addresses_of
from prunescape.config.speech import AGAIN, ARCHIVE, TREE, check_sources
from prunescape.errors import InputError
from prunescape.space.recipe import Recipe
from prunescape.store.files import read_json
from prunescape.tasks.speech.prepared import load_prepared
from prunescape.tasks.speech.preparing import write_waves
from prunescape.tasks.speech.task import Task, example_data, shifted
from support.small_images import prepared_files
from support.small_speech import RATE, TONES, clip, wav, write_archive, write_tree
from support.trainings import CPU

COUNTS = {"train": 5, "validation": 2, "test": 3}  # clips of each word
WORDS = len(TONES)


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "speech", **COUNTS)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The same as the archive that is downloaded, with its md5 as the published one."""
    path = write_archive(tmp_path / "packed", **COUNTS)
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(speech.ARCHIVE_MD5, ARCHIVE, md5)
    return path


def options_of(folder, **more) -> dict:
    return resolve_options("speech-commands", {"folder": str(folder), **more})


def prepared_from(options: dict, folder):
    """The prepared data of a data set with these options, and its identity."""
    files = prepared_files(folder)
    write_waves(options, **files)
    return load_prepared(**files), read_json(files["identity"])


def test_clips_are_prepared_by_the_published_lists(tree, tmp_path):
    data, identity = prepared_from(options_of(tree.parent, validation=4), tmp_path)
    assert (identity["task"], identity["shape"], identity["rate"]) == ("speech", [1, 8000], 8000)
    assert [identity[name] for name in ("classes", "train", "validation", "test")] == [WORDS, 20, 4, 12]
    assert data.words.tobytes().decode().split("\n") == sorted(TONES), "long recordings without words are no class"
    assert data.test_waves.dtype == np.int16 and data.test_waves.shape == (12, 1, 8000)
    assert np.bincount(data.validation_labels).tolist() == [1] * WORDS
    assert np.bincount(data.train_labels).tolist() == [5] * WORDS
    waves = np.concatenate([data.train_waves, data.validation_waves, data.test_waves])
    assert len({wave.tobytes() for wave in waves}) == 36, "no clip is in two splits"


def test_without_validation_the_clips_of_its_list_are_in_no_split(tree, tmp_path):
    data, identity = prepared_from(options_of(tree.parent), tmp_path)
    assert data.validation_waves is None and "validation" not in identity
    assert (identity["train"], identity["test"]) == (20, 12)


def test_the_archive_holds_what_its_folder_does(tree, archive, tmp_path):
    options = {"validation": 8, "train": 12, "split_seed": 3}
    _, unpacked = prepared_from(options_of(tree.parent, **options), tmp_path)
    _, packed = prepared_from(options_of(archive.parent, **options), tmp_path)
    assert packed == unpacked and packed["train"] == 12


def test_a_clip_at_half_the_rate_is_what_would_have_been_recorded_so(tree, tmp_path):
    """A sine below the new limit is the sine sampled at 8 kHz; one above it is gone; short clips end in zeros."""
    times = np.arange(RATE) / RATE
    kept, lost = (np.rint(20_000 * np.sin(2 * np.pi * hertz * times)) for hertz in (440, 6000))
    for number, samples in enumerate((kept, lost, kept[:4000])):
        (tree / f"go/0000000{number}_nohash_0.wav").write_bytes(wav(samples))
    data, _ = prepared_from(options_of(tree.parent), tmp_path)
    first, second, third = data.train_waves[data.train_labels == 1][:3, 0].astype(float)
    inner = slice(200, -200)  # the filter rings at the ends
    expected = 20_000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    np.testing.assert_allclose(first[inner], expected[inner], atol=0.002 * 20_000)
    assert np.abs(second[inner]).max() < 0.002 * 20_000
    np.testing.assert_allclose(third[200:1800], expected[200:1800], atol=0.002 * 20_000)
    assert not third[2200:].any()


def test_options_decide_the_prepared_data(tree, tmp_path):
    _, first = prepared_from(options_of(tree.parent), tmp_path)
    for change in ({"train": 8}, {"test": 8}, {"validation": 4}):
        assert prepared_from(options_of(tree.parent, **change), tmp_path)[1]["digest"] != first["digest"]


def test_shifts_move_waves_and_leave_zeros():
    """Against moving each by hand."""
    waves = torch.arange(1, 7, dtype=torch.int16).reshape(1, 1, 6).repeat(3, 1, 1)
    moved = shifted(waves, torch.tensor([2, 0, -1]))
    assert moved[:, 0].tolist() == [[0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 0]]
    assert moved.dtype == torch.int16


@pytest.mark.parametrize("augmentation", ["none", "time_shift"])
def test_batches_follow_from_the_generator_and_skipped_ones_are_drawn(augmentation):
    task = Task(example_data({"shape": [1, 500], "classes": 3}, 30), CPU)
    recipe = Recipe(epochs=1, batch_size=8, augmentation=augmentation)

    def batches(skip: int = 0) -> list[torch.Tensor]:
        splits = task.open_splits(recipe, torch.Generator().manual_seed(4))
        return [examples for examples, _ in splits.train.shuffled(8, skip)]

    whole, rest = batches(), batches(skip=2)
    assert [len(batch) for batch in whole] == [8, 8, 8, 6]
    assert all(torch.equal(one, other) for one, other in zip(whole[2:], rest, strict=True))
    edges = torch.cat(whole)[:, 0, [0, -1]] == 0
    assert edges.any(1).float().mean() > 0.9 if augmentation == "time_shift" else not edges.any()


def test_networks_get_waves_over_full_scale_and_tests_are_not_shifted():
    data = example_data({"shape": [1, 500], "classes": 3}, 30)
    task = Task(data, CPU)
    splits = task.open_splits(Recipe(epochs=1, batch_size=8, augmentation="time_shift"), torch.Generator())
    ((examples, _),) = splits.test.in_order(30)
    np.testing.assert_array_equal(task.inputs(examples).numpy(), data.test_waves / np.float32(32_768))
    assert task.inputs(examples).dtype == torch.float32 and task.inputs(examples).abs().max() <= 1


def test_a_missing_archive_is_downloaded_or_named(tmp_path):
    options = options_of(tmp_path, download=True)
    assert task_of(options) == "speech"
    ((path, md5),) = missing_files(options).items()
    assert (path.name, md5) == ("speech_commands_v0.02.tar.gz", "6b74f3901214cb2c2934e98196829835")
    assert addresses_of(options, path.name)[0] == f"http://download.tensorflow.org/data/{path.name}"
    with pytest.raises(InputError, match=r"original files are missing: speech_commands_v0\.02\.tar\.gz"):
        missing_files(options_of(tmp_path))
    write_tree(tmp_path, train=1, test=1)
    assert missing_files(options) == {}, "the unpacked archive stands for it"


def test_a_plan_does_not_read_a_very_large_archive(archive, monkeypatch):
    """Preparing verifies it: a plan would take many seconds each time."""
    options = options_of(archive.parent)
    published = source_digest(options)
    archive.write_bytes(b"another")
    assert source_digest(options) != published
    monkeypatch.setattr(datasets, "LARGEST_READ", 1)
    assert source_digest(options) == published


def test_a_changed_archive_is_refused_by_its_checksum(archive):
    check_sources(options_of(archive.parent))
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"{archive}: this is not the published file: its md5 is .*; hint: {AGAIN}"):
        check_sources(options_of(archive.parent))


def test_an_archive_that_cannot_be_read_is_named(archive, tmp_path, monkeypatch):
    archive.write_bytes(b"x" * 1000)
    md5 = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(speech.ARCHIVE_MD5, ARCHIVE, md5)
    with pytest.raises(InputError, match=r"speech_commands_v0\.02\.tar\.gz: the archive cannot be read"):
        prepared_from(options_of(archive.parent), tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"RIFF", r"go/00000001_nohash_0\.wav: the clip cannot be read \(it ends too early\)"),
        (wav(clip("go", 1)[:99]).replace(b"fmt \x10", b"fmt \x9d"), r"the clip cannot be read \(it ends too early\)"),
        (
            wav(clip("go", 1)[:8000], rate=8000),
            "1 channels of 2 bytes at 8000 samples per second; allowed",
        ),
        (wav(clip("go", 1), channels=2), "2 channels of 2 bytes at 16000 samples per second"),
    ],
)
def test_a_clip_of_another_format_is_named(tree, tmp_path, content, said):
    (tree / "go/00000001_nohash_0.wav").write_bytes(content)
    with pytest.raises(InputError, match=said) as told:
        prepared_from(options_of(tree.parent), tmp_path)
    assert "\n" not in str(told.value)


def test_a_list_that_is_no_text_is_named(tree, tmp_path):
    (tree / "testing_list.txt").write_text("go/00000001_nohash_0.wav", encoding="utf-16")
    with pytest.raises(InputError, match=r"testing_list\.txt: the list is no text .*; allowed: UTF-8; hint: get"):
        prepared_from(options_of(tree.parent), tmp_path)


def test_a_folder_that_is_not_whole_is_named(tree, tmp_path):
    for path in (tree / "no").glob("*.wav"):
        path.unlink()
    (tree / "no/00000000_nohash_0.wav").write_bytes(wav(clip("no", 0)))
    with pytest.raises(InputError, match=r"there is no clip of no for the test split; hint: get the original"):
        prepared_from(options_of(tree.parent), tmp_path)
    (tree / "testing_list.txt").unlink()
    with pytest.raises(InputError, match=rf"{TREE}/testing_list\.txt: the file is missing; allowed: .*WORD/\*\.wav"):
        check_sources(options_of(tree.parent))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"length": 8000}, 'has no option "length"'),
        ({"validation": -1}, "cannot take -1 for validation"),
        ({"url": "ftp://a/"}, "for url"),
        ({"train": 84_844}, "84844 clips cannot be drawn for the train split of .* allowed: 1 to 84843"),
        ({"validation": 9_982}, "9982 clips cannot be drawn for the validation split of .* allowed: 1 to 9981"),
        ({"test": 11_006}, "11006 clips cannot be drawn for the test split of .* allowed: 1 to 11005"),
    ],
)
def test_options_that_cannot_be_used(options, said):
    with pytest.raises(InputError, match=said):
        resolve_options("speech-commands", options)


def test_the_published_splits_have_as_many_clips_as_the_archive():
    """Warden 2018, section 5.9: 105,829 utterances."""
    assert sum(speech.SPLITS.values()) == 105_829
    assert options_of("nowhere", **speech.SPLITS).items() >= speech.SPLITS.items()


def test_more_clips_than_there_are_cannot_be_drawn(tree, tmp_path):
    with pytest.raises(InputError, match="9 examples cannot be drawn for the validation split; allowed: 4 to 8"):
        prepared_from(options_of(tree.parent, validation=9), tmp_path)


def test_a_damaged_prepared_file_is_refused(tree, tmp_path):
    files = prepared_files(tmp_path)
    write_waves(options_of(tree.parent), **files)
    with np.load(files["data"]) as held:
        arrays = dict(held)
    arrays["test_waves"][0, 0, 0] += 1
    np.savez(files["data"], **arrays)
    with pytest.raises(InputError, match="not the one its identity names"):
        load_prepared(**files)
