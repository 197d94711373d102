"""Is training starved by decoding? Images per second of decoding, of the loader and of training, on generated JPEGs.

Needs torch and Pillow. Writes to a temporary folder only.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch
from PIL import Image

from prunescape.config.datasets import resolve_options
from prunescape.config.models import architecture_of
from prunescape.models.build import build_model
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.decoding import read_crop
from prunescape.tasks.images.image_folder import write_image_folder
from prunescape.tasks.images.prepared import PreparedFolder, load_prepared
from prunescape.tasks.images.streaming import Streamed
from prunescape.tasks.images.task import Task
from prunescape.training.device import reproducible_device
from prunescape.training.loop import start_training
from prunescape.training.together import train_together

HEIGHT, WIDTH, QUALITY = 375, 500, 90  # as most of ImageNet's: about 110 kB each
CLASSES, TESTED = 4, 8


def write_images(folder: Path, count: int) -> None:
    """`count` images for training and 8 for validation: coloured clouds with fine noise."""
    random = np.random.default_rng(0)
    for split, number in (("train", count), ("val", TESTED)):
        for index in range(number):
            coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
            cloud = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
            pixels = np.clip(cloud + random.normal(0, 8, cloud.shape), 0, 255).astype(np.uint8)
            path = folder / split / f"class-{index % CLASSES}" / f"{index:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=QUALITY)


def prepare(folder: Path, size: int, resize: int) -> PreparedFolder:
    """The prepared form of the images in `folder`."""
    options = {"format": "image-folder", "folder": str(folder), "size": size, "resize": resize}
    files = {"data": folder / "prepared.npz", "identity": folder / "prepared.json"}
    write_image_folder(resolve_options("generated", options), **files)
    return load_prepared(**files, folder=folder)


def decoding_rate(data: PreparedFolder) -> float:
    """Images per second of decoding, resizing and cropping in this process, one after the other."""
    paths = [data.folder / row["path"].decode() for row in data.train_listing]
    started = time.perf_counter()
    for path in paths:
        read_crop(path, resize=data.resize, size=data.size)
    return len(paths) / (time.perf_counter() - started)


def loading_rate(data: PreparedFolder, batch_size: int, device: torch.device) -> float:
    """Images per second that the loader brings to the device, after what its workers fetch ahead."""
    split = Streamed(data.train_listing, data, device, generator=torch.Generator().manual_seed(0), flip=True)
    batches = split.shuffled(batch_size)
    for _ in range(2 * data.workers):
        next(batches)
    started = time.perf_counter()
    seen = sum(len(labels) for _, labels in batches)
    return seen / (time.perf_counter() - started)


def training_rate(data: PreparedFolder, given: argparse.Namespace, device: torch.device) -> float:
    """Images per second of one epoch's training, loading and its start included."""
    network = build_model(architecture_of(given.model), given.model, in_channels=3, classes=CLASSES)
    setting = {"batch_size": given.batch_size, "log10_lr": -3.0, "log10_wd": -4.0, "precision": given.precision}
    training = start_training(network, Task(data, device), Recipe(epochs=1, flip=True, **setting), seed=0)
    train_together([training])
    return len(data.train_listing) / training.outcome.seconds[0]


def main() -> None:
    """Print one line per rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=512, help="different ones, generated")
    parser.add_argument("--loaded", type=int, default=512, help="of them in turns; many batches for every worker")
    parser.add_argument("--trained", type=int, default=64, help="likewise, in the epoch that is trained")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--resize", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--model", default="torchvision:resnet18")
    parser.add_argument("--precision", choices=("fp32", "tf32", "bf16"), default="fp32")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    device = reproducible_device(given.device)
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), given.images)
        data = prepare(Path(folder), given.size, given.resize)
        print(f"decoding alone, in one process: {decoding_rate(data):.0f} images/s")
        loaded, trained = (np.resize(data.train_listing, count) for count in (given.loaded, given.trained))
        for workers in given.workers:
            rate = loading_rate(replace(data, train_listing=loaded, workers=workers), given.batch_size, device)
            print(f"loader, workers={workers}: {rate:.0f} images/s")
        data = replace(data, train_listing=trained, workers=max(given.workers))
        rate = training_rate(data, given, device)
        print(f"training {given.model} on {given.device}, workers={data.workers}: {rate:.1f} images/s")


if __name__ == "__main__":
    main()
