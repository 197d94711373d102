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

from prunescape.data.decoding import read_crop
from prunescape.data.image_folder import write_image_folder
from prunescape.data.names import resolve_options
from prunescape.data.prepared import PreparedFolder, load_prepared
from prunescape.nets.build import build_model
from prunescape.nets.names import architecture_of
from prunescape.recipe import Recipe
from prunescape.training.loop import train
from prunescape.training.provenance import reproducible_device
from prunescape.training.streaming import Streamed

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
    """Images per second that the loader brings to the device, its start included."""
    split = Streamed(data.train_listing, data, device, generator=torch.Generator().manual_seed(0), flip=True)
    started = time.perf_counter()
    seen = sum(len(labels) for _, labels in split.shuffled(batch_size))
    return seen / (time.perf_counter() - started)


def training_rate(data: PreparedFolder, model: str, batch_size: int, device: torch.device) -> float:
    """Images per second of one epoch's training, loading included."""
    network = build_model(architecture_of(model), model, in_channels=3, classes=CLASSES)
    settings = {"learning_rate": 1e-3, "weight_decay": 0.0, "seed": 0, "device": device}
    outcome = train(network, data, Recipe(epochs=1, batch_size=batch_size, flip=True), **settings)
    return len(data.train_listing) / outcome.seconds[0]


def main() -> None:
    """Print one line per rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=512, help="generated training images")
    parser.add_argument("--trained", type=int, default=64, help="how many of them are trained on")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--resize", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--model", default="torchvision:resnet18")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    device = reproducible_device(given.device)
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), given.images)
        data = prepare(Path(folder), given.size, given.resize)
        print(f"decoding alone, in one process: {decoding_rate(data):.0f} images/s")
        for workers in given.workers:
            rate = loading_rate(replace(data, workers=workers), given.batch_size, device)
            print(f"loader, workers={workers}: {rate:.0f} images/s")
        fewer = replace(data, train_listing=data.train_listing[: given.trained], workers=max(given.workers))
        rate = training_rate(fewer, given.model, given.batch_size, device)
        print(f"training {given.model} on {given.device}, workers={fewer.workers}: {rate:.1f} images/s")


if __name__ == "__main__":
    main()
