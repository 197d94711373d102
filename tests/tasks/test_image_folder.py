"""Image folders: what is listed, decoded, cropped and trained on, against torchvision, numpy and training in memory."""

import base64
import dataclasses
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torch import nn

from benchmark_target import benchmark_target
from declare_experiment import declare_experiment
from prepare_data import prepare_data
from prunescape.config.datasets import decoding_workers, resolve_options, source_digest, source_files
from prunescape.deploy.export_best import export_best
from prunescape.errors import InputError
from prunescape.pruning.variant_plan import write_widths
from prunescape.store.files import read_json
from prunescape.tasks.images import image_folder
from prunescape.tasks.images.decoding import read_crop
from prunescape.tasks.images.exported import calibration_inputs
from prunescape.tasks.images.image_folder import evenly_spaced
from prunescape.tasks.images.prepared import IDENTITY, PreparedData, load_prepared
from prunescape.tasks.images.streaming import Streamed
from prunescape.tasks.images.task import Task
from prunescape.tasks.images.torchvision_import import import_torchvision
from prunescape.training.loop import start_training
from prunescape.training.together import train_together
from support.cells import BASE_PLAN, base_cell, cell_files
from support.image_folders import write_tree
from support.onnx_files import local_target
from support.small_images import prepared_files
from support.trainings import CPU, recipe_with, train
from train_cell import train_cell

RECIPE = recipe_with(0.01, 1e-3, epochs=1, batch_size=16)


def options_of(folder: Path, **changes) -> dict:
    return resolve_options("flowers", {"format": "image-folder", "folder": str(folder), "size": 12, **changes})


def prepare(folder: Path, out: Path, **changes):
    """The prepared data and their identity, as the rule makes them."""
    files = prepared_files(out, "flowers")
    prepare_data(options_of(folder, **changes), **files)
    return load_prepared(**files, folder=folder), read_json(files["identity"], *IDENTITY)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def flowers(tree, tmp_path_factory):
    return prepare(tree, tmp_path_factory.mktemp("prepared"), resize=14)


def torchvisions_view(path: Path, resize: int, size: int) -> np.ndarray:
    """torchvision's own loader, Resize and CenterCrop: uint8 (size, size, 3)."""
    import_torchvision()
    from torchvision import transforms
    from torchvision.datasets.folder import pil_loader

    view = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(size)])
    return np.asarray(view(pil_loader(str(path))))


def torchvisions_listing(root: Path) -> list[tuple[str, int]]:
    import_torchvision()
    from torchvision.datasets import ImageFolder

    return ImageFolder(str(root)).samples


def paths_of(listing: np.ndarray, folder: Path) -> list[str]:
    return [str(folder / os.fsdecode(path)) for path in listing["path"]]


def test_the_listing_is_torchvisions(tree, flowers):
    data, identity = flowers
    for split, listing in (("train", data.train_listing), ("val", data.test_listing)):
        theirs = torchvisions_listing(tree / split)
        assert list(zip(paths_of(listing, tree), listing["label"].tolist(), strict=True)) == theirs
        assert listing["bytes"].tolist() == [Path(path).stat().st_size for path, _ in theirs]
    assert (identity["shape"], identity["classes"], identity["train"], identity["test"]) == ([3, 12, 12], 3, 60, 30)
    assert "validation" not in identity


def test_crops_are_what_torchvision_makes(tree, flowers):
    """The stored sample against torchvision's transforms, pixel by pixel, in all formats."""
    data, _ = flowers
    assert data.test_positions.tolist() == list(range(30))
    for image, label, row in zip(data.test_images, data.test_labels, data.test_listing, strict=True):
        wanted = torchvisions_view(tree / os.fsdecode(row["path"]), 14, 12)
        np.testing.assert_array_equal(image.transpose(1, 2, 0), wanted)
        assert label == row["label"]


@pytest.mark.parametrize("shape", [(224, 100), (100, 224), (97, 61), (12, 12), (12, 40)])
def test_resizing_is_torchvisions_for_any_shape(tmp_path, shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    for resize, size in ((12, 12), (40, 33)):
        found = read_crop(tmp_path / "one.png", resize=resize, size=size)
        np.testing.assert_array_equal(found, torchvisions_view(tmp_path / "one.png", resize, size))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "RGBA", "1", "YCbCr", "LAB"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    pixels = np.random.default_rng(1).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    path = tmp_path / ("one.tif" if mode in ("CMYK", "YCbCr", "LAB") else "one.png")
    Image.fromarray(pixels).convert(mode).save(path)
    np.testing.assert_array_equal(read_crop(path, resize=16, size=12), torchvisions_view(path, 16, 12))


@pytest.mark.parametrize(("suffix", "dtype"), [("png", "<u2"), ("tif", "<u2"), ("tif", ">u2")])
def test_sixteen_bit_grey_is_scaled_to_eight(tmp_path, suffix, dtype):
    """As round(255 x / 65535); an image of 8 bits, times 257, comes out as it was."""
    grey = np.random.default_rng(1).integers(0, 256, (12, 12), dtype=np.uint8)
    path = tmp_path / f"one.{suffix}"
    Image.fromarray((grey * np.uint16(257)).astype(dtype)).save(path)
    found = read_crop(path, resize=12, size=12)
    np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(tmp_path, orientation):
    """The eight values of the tag Orientation as EXIF 2.32, section 4.6.4, defines them by row 0 and column 0."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(1).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png", exif=exif)
    upright = {1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1]}
    upright |= {5: pixels.transpose(1, 0, 2), 6: np.rot90(pixels, -1), 7: np.rot90(pixels, 2).transpose(1, 0, 2)}
    upright[8] = np.rot90(pixels)
    Image.fromarray(np.ascontiguousarray(upright[orientation])).save(tmp_path / "upright.png")
    found, wanted = (read_crop(tmp_path / f"{name}.png", resize=12, size=12) for name in ("one", "upright"))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_that_cannot_be_scaled_to_rgb_are_refused_by_file(tmp_path, mode):
    path = tmp_path / "one.tif"
    Image.new(mode, (12, 12)).save(path)
    with pytest.raises(
        InputError, match=f"one.tif: .*mode {mode}, in which white has no fixed value; allowed: 8 or 16"
    ):
        read_crop(path, resize=12, size=12)


def test_hidden_files_and_folders_are_left_out_and_said(tree, flowers, tmp_path, capfd):
    """Checkpoints of notebooks, and the files that macOS leaves beside others."""
    moved = shutil.copytree(tree, tmp_path / "images")
    for split in ("train", "val"):
        shutil.copytree(tree / split / "red", moved / split / ".ipynb_checkpoints")
        shutil.copytree(tree / split / "red", moved / split / "red" / ".thumbnails")
        (moved / split / "red" / "._000.jpg").write_bytes(b"\0\5\x16\7")
    _, identity = prepare(moved, tmp_path, resize=14)
    assert identity["digest"] == flowers[1]["digest"]
    assert "train: left out what is hidden" in capfd.readouterr().out


def test_mean_and_std_are_those_of_the_training_images_as_in_validation(tree, flowers):
    _, identity = flowers
    views = [torchvisions_view(Path(path), 14, 12) for path, _ in torchvisions_listing(tree / "train")]
    pixels = np.stack(views) / 255
    np.testing.assert_allclose(identity["mean"], pixels.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(identity["std"], pixels.std((0, 1, 2)), rtol=1e-12)
    assert identity["statistics_images"] == 60


def test_mean_std_and_sample_of_a_large_folder_are_of_evenly_spaced_images(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "STATISTICS_IMAGES", 7)
    monkeypatch.setattr(image_folder, "SAMPLE_IMAGES", 4)
    data, identity = prepare(tree, tmp_path, resize=14)
    assert data.test_positions.tolist() == [0, 7, 15, 22] and data.test_images.shape == (4, 3, 12, 12)
    paths = paths_of(data.train_listing, tree)
    views = [torchvisions_view(paths[place], 14, 12) for place in (0, 8, 17, 25, 34, 42, 51)]
    np.testing.assert_allclose(identity["mean"], np.stack(views).mean((0, 1, 2)) / 255, rtol=1e-12)
    assert identity["statistics_images"] == 7
    for total, count in ((50_000, 512), (5, 5), (3, 9), (10, 3)):
        places = evenly_spaced(total, count)
        assert len(set(places)) == min(total, count) and places.max() < total
        assert set(np.diff(places)) <= {total // len(places), total // len(places) + 1}


def test_the_digest_is_of_names_and_sizes_wherever_the_folder_lies(tree, flowers, tmp_path):
    _, identity = flowers
    moved = shutil.copytree(tree, tmp_path / "moved")
    assert prepare(moved, tmp_path / "a", resize=14)[1] == identity
    assert prepare(moved, tmp_path / "b", resize=15)[1]["digest"] != identity["digest"]
    assert prepare(moved, tmp_path / "c", resize=14, train=30)[1]["digest"] != identity["digest"]
    with open(moved / "train/red/000.jpg", "ab") as file:
        file.write(b"\0")
    assert prepare(moved, tmp_path / "d", resize=14)[1]["digest"] != identity["digest"]
    (moved / "val/red/000.jpg").rename(moved / "val/red/other.jpg")
    (moved / "train/red/000.jpg").unlink()
    assert prepare(moved, tmp_path / "e", resize=14)[1]["train"] == 59


def test_subsets_and_validation_are_drawn_per_class(tree, tmp_path):
    data, identity = prepare(tree, tmp_path, resize=14, train=30, test=15, validation=9)
    assert (identity["train"], identity["test"], identity["validation"]) == (30, 15, 9)
    for listing, share in ((data.train_listing, 10), (data.test_listing, 5), (data.validation_listing, 3)):
        assert np.bincount(listing["label"]).tolist() == [share] * 3
    assert not set(data.train_listing["path"]) & set(data.validation_listing["path"])
    assert all(path.startswith(b"train/") for path in data.validation_listing["path"])


def test_planning_needs_no_folder(tmp_path):
    options = options_of(tmp_path / "nowhere")
    assert source_files(options) == [] and source_digest(options) == source_digest(options_of(tmp_path))
    assert options_of(tmp_path, size=224)["resize"] == 256
    imagenet = resolve_options("imagenet", {"folder": "somewhere"})
    assert (imagenet["size"], imagenet["resize"], imagenet["format"]) == (224, 256, "image-folder")


def test_workers_are_as_many_as_asked_for_and_else_as_the_device_needs():
    asked, unsaid = options_of(Path("x"), workers=3), options_of(Path("x"))
    assert [decoding_workers(asked, device) for device in ("cpu", "cuda")] == [3, 3]
    assert [decoding_workers(unsaid, device) for device in ("cpu", "cuda")] == [0, 4]
    assert decoding_workers(resolve_options("digits", {}), "cuda") == 0


def test_crops_lie_anywhere_with_equal_chance(tmp_path):
    """Each of 5 x 7 places and both directions of one image, told by its pixels, by a chi-squared test."""
    rows, columns = np.indices((12, 14))
    pixels = np.stack([rows, columns, np.full_like(rows, 9)], axis=-1).astype(np.uint8)
    write_tree(tmp_path, train=1, val=1)
    Image.fromarray(pixels).save(tmp_path / "train/red/000.png")
    (tmp_path / "train/red/000.jpg").unlink()
    data, _ = prepare(tmp_path, tmp_path / "out", size=8, resize=12)
    repeated = np.repeat(data.train_listing[-1:], 7000)
    split = Streamed(repeated, data, CPU, flip=True, generator=torch.Generator().manual_seed(0))
    seen = np.zeros((5, 7, 2), int)
    for images, _ in split.shuffled(500):
        for image in images.numpy():
            flip = int(image[0, 0, 1] > image[0, 1, 1])
            top, left = image[0, 0, 0], image[0, :, 1].min()
            crop = pixels[top : top + 8, left : left + 8]
            np.testing.assert_array_equal(image, crop[:, ::-1] if flip else crop)
            seen[top, left, flip] += 1
    assert stats.chisquare(seen.ravel()).pvalue > 0.001
    assert stats.chisquare(seen.sum((0, 1))).pvalue > 0.001


def epoch_of(data, **settings) -> list:
    split = Streamed(data.train_listing, data, CPU, generator=torch.Generator().manual_seed(1), **settings)
    return [part for batch in (*split.shuffled(7), *split.in_order(7)) for part in batch]


def test_every_image_comes_once_in_another_order_each_epoch(flowers):
    data, _ = flowers
    square = replace(data, resize=data.size)
    split = Streamed(square.train_listing, square, CPU, generator=torch.Generator().manual_seed(1))
    orders = [torch.cat([labels for _, labels in split.shuffled(7)]) for _ in range(2)]
    assert [sorted(order.tolist()) for order in orders] == [sorted(data.train_listing["label"].tolist())] * 2
    assert not torch.equal(*orders)
    assert [len(labels) for _, labels in split.shuffled(7)] == [7] * 8 + [4]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(flowers, workers):
    data, _ = flowers
    alone, helped = (epoch_of(replace(data, workers=count), flip=True) for count in (0, workers))
    assert len(alone) == len(helped)
    assert all(torch.equal(mine, other) for mine, other in zip(alone, helped, strict=True))


def network_for(data) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(3 * 12 * 12, data.classes))


def trained(data, recipe=RECIPE, seed=4):
    network = network_for(data)
    return network[2].weight, train(network, data, recipe, seed=seed)


def test_a_training_is_the_same_with_workers_and_without(flowers):
    data, _ = flowers
    recipe = replace(RECIPE, epochs=2, flip=True)
    (alone, first), (helped, second) = (trained(replace(data, workers=count), recipe) for count in (0, 2))
    assert torch.equal(alone, helped)
    assert first.history == second.history and torch.equal(first.test.correct, second.test.correct)
    assert first.test.correct.float().mean() > 0.8  # it learns which channel is bright


def test_streamed_is_the_same_as_in_memory_where_nothing_is_random(tmp_path):
    """Square images of the size that is asked for leave no choice of a crop: the same order, so the same training."""
    write_tree(tmp_path / "images", suffixes=("png",), sides=(12, 13))
    streamed, _ = prepare(tmp_path / "images", tmp_path, resize=12, validation=9)
    arrays = {}
    for split in ("train", "test", "validation"):
        listing = getattr(streamed, f"{split}_listing")
        pixels = [np.asarray(Image.open(path)) for path in paths_of(listing, tmp_path / "images")]
        arrays[f"{split}_images"] = np.stack(pixels).transpose(0, 3, 1, 2)
        arrays[f"{split}_labels"] = listing["label"].copy()
    in_memory = PreparedData(**arrays, mean=streamed.mean, std=streamed.std, classes=3)
    (mine, first), (other, second) = (trained(data) for data in (streamed, in_memory))
    assert torch.equal(mine, other)
    assert first.history == second.history
    assert torch.equal(first.test.correct, second.test.correct)
    assert torch.equal(first.validation.correct, second.validation.correct)


def test_calibration_sees_images_from_all_over_the_folder(flowers):
    """They lie sorted by class; quantised after training, a cell's float scores are those without quantisation."""
    data, _ = flowers
    split = Streamed(data.train_listing, data, CPU)
    images, labels = split.evenly_spread(6)
    whole = [torch.cat(parts) for parts in zip(*split.in_order(7), strict=True)]
    chosen = np.linspace(0, len(split) - 1, 6).round().astype(int)
    assert torch.equal(images, whole[0][chosen]) and torch.equal(labels, whole[1][chosen])
    assert labels.unique().tolist() == list(range(data.classes))
    (_, plain), (_, quantised) = (trained(data, replace(RECIPE, internal=level)) for level in ("none", "int8_after"))
    assert quantised.float_test.loss == plain.test.loss != quantised.test.loss


def test_a_training_beside_another_draws_for_itself(flowers):
    """From the same images, in the order and with the crops of its own seed: what it draws alone."""
    data, _ = flowers
    first = start_training(network_for(data), Task(data, CPU), RECIPE, seed=4)
    beside, alone = network_for(data), network_for(data)
    train_together([first])
    train(beside, data, RECIPE, seed=5, beside=first)
    train(alone, data, RECIPE, seed=5)
    assert torch.equal(beside[2].weight, alone[2].weight)
    assert not torch.equal(beside[2].weight, first.network[2].weight)


def test_dropout_follows_from_the_seed(flowers):
    data, _ = flowers
    torch.rand(3)
    first, _ = trained(data)
    again, other = network_for(data), network_for(data)
    torch.rand(5)
    train(again, data, RECIPE, seed=4)
    assert torch.equal(first, again[2].weight)
    train(other, data, RECIPE, seed=5)
    assert not torch.equal(first, other[2].weight)


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "changed":
        path.write_bytes(content + b"\0")
    else:
        kept = {"truncated": len(content) // 2, "no image": 0}[how]
        path.write_bytes(content[:kept].ljust(len(content), b"x") if how == "no image" else content[:kept])


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("how", "said"),
    [("missing", "is missing"), ("changed", "has changed"), ("no image", "cannot be decoded .UnidentifiedImageError")],
)
def test_training_names_an_image_that_cannot_be_used(tree, tmp_path, workers, how, said):
    moved = shutil.copytree(tree, tmp_path / "images")
    data, _ = prepare(moved, tmp_path, resize=14)
    damage(moved / "train/green/003.bmp", how)
    with pytest.raises(InputError, match=f"train/green/003.bmp: the image {said}") as caught:
        trained(replace(data, workers=workers), replace(RECIPE, batch_size=8))
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


@pytest.mark.parametrize("how", ["truncated", "no image"])
def test_preparing_names_an_image_that_cannot_be_decoded(tree, tmp_path, how):
    moved = shutil.copytree(tree, tmp_path / "images")
    damage(moved / "val/red/000.jpg", how)
    with pytest.raises(InputError, match=r"val/red/000.jpg: the image cannot be decoded") as caught:
        prepare(moved, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "flowers.npz").exists() and not (tmp_path / "flowers.json").exists()


def empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def blacken(folder: Path) -> None:
    for path in folder.glob("*/*"):
        Image.new("RGB", (16, 16)).save(path)


LAYOUTS = [
    (lambda root: shutil.rmtree(root), "images: the folder of images is missing"),
    (lambda root: shutil.rmtree(root / "train"), "there is no folder train/; allowed: train/CLASS/IMAGE and val/"),
    (lambda root: (root / "val").rename(root / "test"), "there is no folder val/"),
    (lambda root: empty(root / "val"), "val: it holds too few folders of classes .0.; .* hint: sort the images"),
    (
        lambda root: [shutil.rmtree(root / "train" / name) for name in ("red", "green")],
        "train: it holds too few folders .* .1.",
    ),
    (
        lambda root: (root / "train/red/loop").symlink_to("../../train"),
        "red/loop: this is the same folder as .*/train;",
    ),
    (lambda root: (root / "val/rot").symlink_to("red"), "val/rot: this is the same folder as .*/val/red; hint: remove"),
    (lambda root: blacken(root / "train"), "the training images are all of one and the same colour"),
    (lambda root: empty(root / "train/red"), "train/red: the class has no image; allowed: files that end in .jpg"),
    (lambda root: shutil.rmtree(root / "val/green"), '"green" is in train/ but not in val/ .1 classes differ'),
    (lambda root: (root / "train/red").rename(root / "train/rot"), '"red" is in val/ but not in train/ .2 classes'),
    (lambda root: (root / "val/red/zzz.png").symlink_to("nowhere"), "zzz.png: the image cannot be read"),
    (lambda root: (root / "val/white").symlink_to("nowhere"), "val/white: the link leads nowhere; hint: remove it, or"),
    (lambda root: (root / "val/red/more").symlink_to("nowhere"), "val/red/more: the link leads nowhere"),
]


@pytest.mark.parametrize(("change", "said"), LAYOUTS)
def test_a_folder_of_another_layout_ends_in_one_line(tree, tmp_path, change, said):
    change(shutil.copytree(tree, tmp_path / "images"))
    with pytest.raises(InputError, match=said) as caught:
        prepare(tmp_path / "images", tmp_path)
    assert "\n" not in str(caught.value)


GOOD = {"format": "image-folder", "folder": "x", "size": 64}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, 'no data set is called "flowers"; allowed: .* any name with `format: image-folder`'),
        ({"format": "folder"}, 'no data set is called "flowers".*did you mean "image-folder"'),
        ({"format": "image-folder", "size": 64}, "flowers needs the option folder; allowed: the path"),
        ({"format": "image-folder", "folder": "x"}, "flowers needs the option size; allowed: the side"),
        (GOOD | {"resize": 63}, "flowers cannot crop 64 from images resized to 63"),
        (GOOD | {"size": 0}, "cannot take 0 for size"),
        (GOOD | {"workers": -1}, "cannot take -1 for workers; allowed: a whole number from 0"),
        (GOOD | {"worker": 2}, 'has no option "worker".*did you mean "workers"'),
        (GOOD | {"validation": -1}, "cannot take -1 for validation"),
    ],
)
def test_options_that_cannot_be_used(options, said):
    with pytest.raises(InputError, match=said):
        resolve_options("flowers", options)


def test_int8_is_calibrated_on_training_images_as_torchvision_sees_them(tree, flowers):
    """All 60 training images, fewer than the 256 asked for, their centres cropped, less the mean over the deviation."""
    data, identity = flowers
    images = calibration_inputs(data, "standard")
    assert images.shape == (60, 3, 12, 12) and images.dtype == np.float32
    paths = [tree / os.fsdecode(row["path"]) for row in data.train_listing]
    seen = np.stack([torchvisions_view(path, 14, 12) for path in paths]).astype(np.float64) / 255
    wanted = (seen - identity["mean"]) / identity["std"]
    np.testing.assert_allclose(images, wanted.transpose(0, 3, 1, 2), atol=1e-4)


@pytest.mark.parametrize("name", ["mixup", "randaugment"])
def test_augmented_batches_do_not_depend_on_workers_and_can_be_left_out(flowers, name):
    """Of a part of the images; with two processes that decode ahead, and from the second batch on."""
    recipe = recipe_with(0.1, 0, epochs=1, batch_size=16, augmentation=name, partition="60-20-20", flip=True)

    def batches(workers: int, skip: int) -> list:
        task = Task(dataclasses.replace(flowers[0], workers=workers), CPU)
        splits = task.open_splits(recipe, torch.Generator().manual_seed(3))
        assert splits.counts["train"] == 36 and splits.counts["validation"] == 12
        return list(splits.train.shuffled(16, skip=skip))

    whole = batches(0, 0)
    for others in (batches(2, 1), batches(0, 1)):
        assert all(map(torch.equal, whole[1], others[0])) and all(map(torch.equal, whole[2], others[1]))


@pytest.fixture(scope="module")
def cell(tree, tmp_path_factory):
    """One cell of ResNet-8 on the images, really trained, exported and measured; a sample of 20 test images."""
    out, patch = tmp_path_factory.mktemp("cell"), pytest.MonkeyPatch()
    patch.setattr(image_folder, "SAMPLE_IMAGES", 20)
    files, widths = prepared_files(out, "flowers"), out / "widths.json"
    prepare_data(options_of(tree, resize=14), **files)
    write_widths(BASE_PLAN, identity=files["identity"], weights=None, out=widths)
    recipe = {"epochs": 2, "batch_size": 16, "flip": True, "precision": "fp32"}
    declare_experiment(recipe, "code", identity=files["identity"], out=out / "shared.json")
    places = cell_files(out, shared=out / "shared.json", widths=widths, folder=tree, **files)
    train_cell(base_cell(log10_lr=-3, log10_wd=-4).content, places, device="cpu", workers=1)
    trained = {"records": [out / "record.json"], "weights": [out / "weights.safetensors"]}
    export_best({"best": 1}, widths=widths, **trained, **files, out=out / "onnx")
    benchmark_target(local_target(chunk_seconds=0.001), exports=[out / "onnx"], **files, out=out / "here.json")
    patch.undo()
    return out


def test_the_record_counts_the_whole_test_split(cell, flowers):
    record, (data, _) = read_json(cell / "record.json"), flowers
    assert record["tested"] == len(data.test_listing) == 30
    assert record["provenance"]["data_digest"] == read_json(cell / "flowers.json")["digest"]


def test_a_target_compares_counts_on_the_sample(cell):
    """The record's bits at the sample's positions: 20 of 30 images, every third left out."""
    record = read_json(cell / "record.json")
    (measured,) = read_json(cell / "here.json")["models"]
    bits = np.unpackbits(np.frombuffer(base64.b64decode(record["correct_bits"]), np.uint8))[:30]
    positions = [number * 30 // 20 for number in range(20)]
    found = np.unpackbits(np.frombuffer(base64.b64decode(measured["correct_bits"]), np.uint8))[:20]
    np.testing.assert_array_equal(found, bits[positions])
    assert (measured["correct_torch"], measured["tested"]) == (bits[positions].sum(), 20)
    assert measured["accuracy_agrees"]
    assert bits[positions].sum() != bits[:20].sum()  # so that other positions would not do
    (exported,) = read_json(cell / "onnx/export.json")["models"]
    assert exported["top1"] == record["top1"] and exported["parity"]["images"] == 20
