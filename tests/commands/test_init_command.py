"""What `prunescape init` writes: a config that a run takes, filled in from images, and never over another file."""

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prunescape.commands.cli import main
from prunescape.commands.image_folders import ENDINGS, look_at
from prunescape.commands.new_study import batch_size, crop_size
from prunescape.config.source import read_config
from prunescape.config.study import load_study
from prunescape.tasks.images.torchvision_import import import_torchvision
from support.image_folders import write_tree


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with images of 3 classes: 60 to train on, 30 to test with, sides from 40 to 59 pixels."""
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "my flowers", sides=(40, 60))
    return tmp_path


def test_a_folder_of_images_is_looked_at(folder, capsys):
    assert main(["init", "own", "--dataset", "my flowers", "--model", "torchvision:resnet18"]) == 0
    counts = "my flowers: 3 classes, 60 images in train/, 30 in val/, shorter sides of"
    assert capsys.readouterr().out.startswith(counts)
    assert (folder / "own.yaml").read_text().startswith("# yaml-language-server: $schema=study.schema.json\n")
    study = load_study(read_config("own.yaml"))
    assert study.dataset_options("my-flowers") | {"folder": "my flowers", "size": 32} == study.dataset_options(
        "my-flowers"
    )
    experiment = study.experiments["my-flowers-resnet18"]
    assert [variant.name for variant in experiment.all_variants] == ["base", "uniform-0.5", "uniform-0.25"]
    assert experiment.grid_size == 9
    assert list(study.targets) == ["this-host"]


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", None),
        ("cifar10", "resnet56"),
        ("cifar100", "torchvision:vgg11"),
        ("imdb", None),
        ("imdb", "text_lstm"),
    ],
)
def test_every_config_is_one_that_a_run_takes(dataset, model, folder):
    assert main(["init", "own", "--dataset", dataset, *(["--model", model] if model else [])]) == 0
    study = load_study(read_config("own.yaml"))
    assert study.used_datasets() == [dataset]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["own", "--dataset", "flwers"], '--dataset: there is no folder "flwers"'),
        (["own", "--dataset", "cifar01"], 'did you mean "cifar10"?'),
        (["own", "--dataset", "my flowers/train"], "my flowers/train: there is no folder train/"),
        (["own", "--dataset", "my flowers", "--model", "resnet9"], 'no model is called "resnet9"'),
        (["own", "--dataset", "my flowers", "--model", "torchvision:resnet19"], 'did you mean "resnet18"?'),
        (["own", "--dataset", "digits", "--model", "torchvision:resnet18"], "takes images with 3 channels"),
        (["own", "--dataset", "my flowers", "--model", "text_cnn"], "text_cnn takes texts"),
        (["a/b"], '"a/b" cannot name a study'),
        (["own.yaml"], 'did you mean "own"?'),
        (["own", "--dataset", ""], 'there is no folder ""'),
        (["own", "--model", "ResNet8"], 'did you mean "resnet8"?'),
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_line_and_writes_nothing(arguments, said, folder, capsys):
    assert main(["init", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert [path.name for path in folder.iterdir()] == ["my flowers"]


@pytest.mark.parametrize("name", ["2023", "no", "null", "2024-01-31", "2024-99-99", "0x1", "f" * 150])
def test_names_that_yaml_reads_otherwise_are_texts(name, folder):
    (folder / "my flowers").rename(name)
    study = name[:50]
    assert main(["init", study, "--dataset", name]) == 0
    found = load_study(read_config(f"{study}.yaml"))
    assert found.study == study and found.used_datasets() == [name[:50]]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "touch", refuse)
    assert main(["init", "own"]) == 2
    assert capsys.readouterr().err == "prunescape: error: own.yaml: cannot be written: Permission denied\n"


def refuse(path: Path):
    """What the system says in a folder of another user."""
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_file_is_never_replaced(folder, capsys):
    (folder / "own.yaml").write_text("mine")
    assert main(["init", "own"]) == 2
    assert "own.yaml: the file is there already" in capsys.readouterr().err
    assert (folder / "own.yaml").read_text() == "mine"


def test_other_layouts_are_refused(folder, capsys):
    (folder / "my flowers/train/white").mkdir()
    assert main(["init", "own", "--dataset", "my flowers"]) == 2
    assert "my flowers/train/white: the class has no image" in capsys.readouterr().err
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "my flowers/train/white/0.png")
    assert main(["init", "own", "--dataset", "my flowers"]) == 2
    assert 'class "white" is in one of train/ and val/ only' in capsys.readouterr().err


@pytest.mark.parametrize("link", ["train/red/a.jpg", "val/red/zzz.png", "val/white"])
def test_links_to_nowhere_are_named(link, folder, capsys):
    (folder / "my flowers/val/red/.hidden.png").symlink_to("nowhere")
    (folder / "my flowers/val/red/notes.txt").symlink_to("000.jpg")
    assert look_at(folder / "my flowers").test == 30
    (folder / "my flowers" / link).symlink_to("nowhere")
    assert main(["init", "own", "--dataset", "my flowers"]) == 2
    assert capsys.readouterr().err.startswith(f"prunescape: error: my flowers/{link}: the link leads nowhere; hint: ")


def test_the_median_is_of_the_shorter_sides(tmp_path):
    for split in ("train", "val"):
        for name, sides in (("a", (10, 30)), ("b", (20, 50))):
            (tmp_path / split / name).mkdir(parents=True)
            for number, side in enumerate(sides):
                Image.fromarray(np.zeros((side, 60, 3), np.uint8)).save(tmp_path / split / name / f"{number}.png")
    assert look_at(tmp_path).side == 20  # the lower one of the two in the middle


def test_the_endings_are_those_that_a_run_reads():
    assert set(ENDINGS) == set(import_torchvision().datasets.folder.IMG_EXTENSIONS)


@pytest.mark.parametrize(
    ("model", "side", "size"),
    [
        ("resnet20", 500, 32),
        ("mobilenet_v2", 500, 32),
        ("resnet50", 500, 224),
        ("torchvision:resnet18", 500, 224),
        ("torchvision:resnet18", 256, 224),
        ("torchvision:mobilenet_v2", 128, 96),
        ("torchvision:resnet18", 20, 32),
        ("torchvision:vit_b_16", 64, 224),
    ],
)
def test_the_crops_suit_model_and_images(model, side, size):
    assert crop_size(model, side) == size


@pytest.mark.parametrize(("images", "size"), [(10_000, 64), (60, 12), (65, 12), (257, 48), (4, 2)])
def test_no_batch_of_one_image_is_left(images, size):
    """257 = 4 * 64 + 1, and 65 = 4 * 16 + 1: their last batch of 64 or 16 would be of one image."""
    assert batch_size(images) == size
