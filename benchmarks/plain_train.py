"""The script that one would write without prunescape: PIL images, torchvision transforms, a DataLoader, torch's SGD.

Trains one cell on a prepared data set and prints one line of JSON. Only the network and its initialisation are ours, so
that accuracies can be compared. Needs torch, torchvision and Pillow.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR
from torch.utils.data import DataLoader, Dataset

from prunescape.config.models import architecture_of
from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.torchvision_import import import_torchvision

TEST_BATCH = 1024
CPU = torch.device("cpu")


class PilImages(Dataset):
    """Images as PIL gives them, each transformed when it is asked for, as torchvision's own data sets do."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform) -> None:
        self.images, self.labels, self.transform = images.transpose(0, 2, 3, 1), labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        pixels = self.images[index]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        return self.transform(image), int(self.labels[index])


def loaders(data: Path, recipe: Recipe, workers: int, pinned: bool) -> tuple[DataLoader, DataLoader]:
    """The training and the test images of a prepared data set, `pinned` for a GPU."""
    import_torchvision()
    from torchvision import transforms

    with np.load(data) as file:
        arrays = dict(file)
    pixels = arrays["train_images"] / 255
    as_tensor = [transforms.ToTensor(), transforms.Normalize(pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)))]
    augment = [transforms.RandomCrop(pixels.shape[2:], padding=recipe.crop_padding)] if recipe.crop_padding else []
    augment += [transforms.RandomHorizontalFlip()] if recipe.flip else []
    train = PilImages(arrays["train_images"], arrays["train_labels"], transforms.Compose(augment + as_tensor))
    test = PilImages(arrays["test_images"], arrays["test_labels"], transforms.Compose(as_tensor))
    loading = {"num_workers": workers, "pin_memory": pinned}
    shuffled = DataLoader(train, batch_size=recipe.batch_size, shuffle=True, **loading)
    return shuffled, DataLoader(test, batch_size=TEST_BATCH, **loading)


def scheduler_of(optimiser: torch.optim.SGD, recipe: Recipe):
    """The recipe's schedule, by torch's own classes."""
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimiser, T_max=recipe.epochs)
    return MultiStepLR(optimiser, milestones=list(recipe.milestones), gamma=recipe.decay)


def train_epoch(network: nn.Module, loader: DataLoader, optimiser: torch.optim.SGD, device: torch.device) -> None:
    """One pass over the training images."""
    network.train()
    for images, labels in loader:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images.to(device)), labels.to(device))
        loss.backward()
        optimiser.step()
    loss.item()  # a GPU has really ended only now


@torch.no_grad()
def top1(network: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """Percent of the test images whose class is right."""
    network.eval()
    correct = 0
    for images, labels in loader:
        correct += (network(images.to(device)).argmax(1) == labels.to(device)).sum().item()
    return 100 * correct / len(loader.dataset)


def train_plainly(
    data: Path, model: str, recipe: Recipe, cell: dict, *, workers: int = 2, device: torch.device = CPU
) -> dict:
    """Train one cell, testing after every epoch; `cell` holds log10_lr, log10_wd and seed. Its top-1 and seconds."""
    started, training = time.perf_counter(), 0.0
    torch.manual_seed(cell["seed"])
    train, test = loaders(data, recipe, workers, pinned=device.type == "cuda")
    channels, classes = train.dataset.images.shape[3], len(np.unique(train.dataset.labels))
    network = build_model(architecture_of(model), model, in_channels=channels, classes=classes)
    initialise(network, cell["seed"]).to(device)
    rates = {"lr": 10.0 ** cell["log10_lr"], "weight_decay": 10.0 ** cell["log10_wd"]}
    optimiser = torch.optim.SGD(network.parameters(), momentum=recipe.momentum, **rates)
    scheduler = scheduler_of(optimiser, recipe)
    for _ in range(recipe.epochs):
        epoch_started = time.perf_counter()
        train_epoch(network, train, optimiser, device)
        training += time.perf_counter() - epoch_started
        scheduler.step()
        reached = top1(network, test, device)
    images_per_second = recipe.epochs * len(train.dataset) / training
    return {**cell, "top1": reached, "seconds": time.perf_counter() - started, "images_per_second": images_per_second}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="prepared data set, .npz")
    parser.add_argument("--model", required=True)
    parser.add_argument("--recipe", type=json.loads, required=True, help="JSON, keys as in a study's recipe")
    parser.add_argument("--log10-lr", type=float, required=True)
    parser.add_argument("--log10-wd", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that load images (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="of torch (default: torch's own choice)")
    parser.add_argument("--device", type=torch.device, default=CPU, help="cpu or cuda (default: %(default)s)")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    cell = {"log10_lr": given.log10_lr, "log10_wd": given.log10_wd, "seed": given.seed}
    placed = {"workers": given.workers, "device": given.device}
    outcome = train_plainly(given.data, given.model, Recipe(**given.recipe), cell, **placed)
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
