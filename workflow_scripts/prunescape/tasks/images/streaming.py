"""A split of an image folder, decoded from disk by worker processes batch by batch."""

import copy
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from prunescape.errors import InputError
from prunescape.tasks.images.augmentations import draw_seed
from prunescape.tasks.images.decoding import CENTRE, read_crop
from prunescape.tasks.images.prepared import PreparedFolder
from prunescape.tasks.subsets import evenly_spread
from prunescape.tasks.system import Decoding, set_up

LARGEST_BATCH = 256  # of a test: larger ones would only take memory, as the crops may be large


class Crops(Dataset):
    """What a worker does: it decodes, resizes, crops and mirrors the images of one batch, drawing nothing itself."""

    def __init__(self, listing: np.ndarray, folder: Path, *, resize: int, size: int) -> None:
        self.listing, self.folder, self.crop = listing, folder, {"resize": resize, "size": size}

    def __getitem__(self, batch: tuple) -> tuple[Tensor, Tensor] | InputError:
        """The images of a batch, uint8 (b, size, size, 3), and their labels (b,).

        `batch` holds their numbers (b,), the places of their crops (b, 2) or None for centre crops, and whether each is
        mirrored (b,). An image that cannot be used is returned as its error: raised, it would grow a traceback.
        """
        chosen, places, flips = batch
        rows = self.listing[chosen]
        places = [CENTRE] * len(chosen) if places is None else places
        try:
            images = [self._read(*image) for image in zip(rows, places, flips, strict=True)]
        except InputError as error:
            return error
        return torch.from_numpy(np.stack(images)), torch.from_numpy(rows["label"].copy())

    def _read(self, row: np.void, place: tuple[float, float] | None, flip: bool) -> np.ndarray:
        path = self.folder / os.fsdecode(row["path"])
        return read_crop(path, **self.crop, place=place, flip=flip, file_bytes=int(row["bytes"]))


class Streamed:
    """A Split (tasks/contract.py) of an image folder as batches on `device`; images in order are centre crops.

    Every random number is drawn here, in the order of the batches, from `generator`, so that the number of workers
    changes nothing; `system` says from the next pass on how many there are. `augment` changes the batches of a split
    that is trained on (see augmentations).
    """

    system: Decoding | None = None

    def __init__(
        self,
        listing: np.ndarray,
        data: PreparedFolder,
        device: torch.device,
        *,
        flip: bool = False,
        generator: torch.Generator | None = None,
        augment: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        self.crops = Crops(listing, data.folder, resize=data.resize, size=data.size)
        self.workers, self.device = data.workers, device
        self.flip, self.generator, self.augment = flip, generator, augment

    def __len__(self) -> int:
        return len(self.crops.listing)

    def drawn_from(self, generator: torch.Generator) -> Self:
        other = copy.copy(self)
        other.generator = generator
        return other

    def first(self, count: int) -> None:
        """No batch is in memory."""

    def evenly_spread(self, count: int) -> tuple[Tensor, Tensor]:
        chosen = evenly_spread(len(self), count)
        return next(iter(self._loaded(iter([(chosen, None, np.zeros(len(chosen), bool))]))))

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        seeds: list[int] = []  # of all batches drawn so far: decoding may be some batches behind
        batches = self._loaded(islice(self._drawn(batch_size, seeds), skip, None))
        for number, (images, labels) in enumerate(batches, start=skip):
            yield self.augment(images, labels, seeds[number]) if self.augment else (images, labels)

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        batches = torch.arange(len(self.crops.listing)).split(min(batch_size, LARGEST_BATCH))
        return self._loaded((chosen.numpy(), None, np.zeros(len(chosen), bool)) for chosen in batches)

    def _drawn(self, batch_size: int, seeds: list[int]) -> Iterator[tuple]:
        order = torch.randperm(len(self.crops.listing), generator=self.generator)
        for chosen in order.split(batch_size):
            places = torch.rand(len(chosen), 2, generator=self.generator, dtype=torch.float64)
            flips = torch.zeros(len(chosen), dtype=torch.bool)
            if self.flip:
                flips = torch.rand(len(chosen), generator=self.generator) < 0.5
            if self.augment:
                seeds.append(draw_seed(self.generator))
            yield chosen.numpy(), places.numpy(), flips.numpy()

    def _loaded(self, batches: Iterator[tuple]) -> Iterator[tuple[Tensor, Tensor]]:
        """The images and labels of each batch, uint8 (b, size, size, 3) and (b,), on the device."""
        pinned = self.device.type == "cuda"
        # The loader draws a seed for its workers: from torch's global state it would change what dropout draws.
        seeds = torch.Generator()
        loader = DataLoader(
            self.crops, batch_size=None, sampler=batches, num_workers=self.workers, pin_memory=pinned, generator=seeds
        )
        set_up(loader, self.system)
        for batch in loader:
            if isinstance(batch, InputError):
                raise batch
            images, labels = (part.to(self.device, non_blocking=True) for part in batch)
            yield images, labels
