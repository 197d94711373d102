"""Which precision trains fastest on this machine, by a few throwaway steps of each in turns. Needs torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from prunescape.tasks.images.splits import Normaliser
from prunescape.training.fused import FusedStep, Throwaway, side_stream
from prunescape.training.loop import Batch
from prunescape.training.precision import offered_by

SETTING_UP = 3  # steps: libraries set things up, and a GPU's step is captured
ROUNDS, STEPS = 5, 2
WORTH = 1.1  # what computes less exactly has to be so many times as fast to be taken


def fastest_precision(network: nn.Module, shape: tuple[int, int, int], batch_size: int, device: torch.device) -> str:
    """The precision that trains `network` fastest on batches of (channels, height, width) images on `device`.

    A less exact one is taken where it is WORTH times as fast. The shortest of ROUNDS times counts, since anything else
    on the machine only makes them longer. The network is left as it is.
    """
    network.to(device, memory_format=torch.channels_last)
    offered = offered_by(device)
    with side_stream(device):
        steps = {precision: throwaway_step(network, shape, batch_size, device, precision) for precision in offered}
        for step in steps.values():
            seconds_of(step, device, SETTING_UP)
        taken = [{precision: seconds_of(step, device) for precision, step in steps.items()} for _ in range(ROUNDS)]
    best = {precision: min(seconds[precision] for seconds in taken) for precision in offered}
    print(f"seconds of {STEPS} steps: {best}", flush=True)
    chosen, *less_exact = offered
    for precision in less_exact:
        if best[chosen] >= WORTH * best[precision]:
            chosen = precision
    return chosen


def throwaway_step(
    network: nn.Module, shape: tuple[int, int, int], batch_size: int, device: torch.device, precision: str
) -> Callable[[], None]:
    """A training step of a copy of `network` on random images, as the loop does it on `device`."""
    channels, *pixels = shape
    images = torch.randint(0, 256, (batch_size, *pixels, channels), dtype=torch.uint8).to(device)
    batch = Batch(images, torch.zeros(batch_size, dtype=torch.int64, device=device), rate=0.0)
    moments = SimpleNamespace(mean=np.full(channels, 0.5, np.float32), std=np.full(channels, 0.3, np.float32))
    copy = Throwaway.copy_of(network, device, momentum=0.9, weight_decay=0.0)
    step = FusedStep([copy], Normaliser(moments, device), precision, device)
    return lambda: step([batch])


def seconds_of(step: Callable[[], None], device: torch.device, count: int = STEPS) -> float:
    """Wall seconds of `count` steps, to their real end on a GPU."""
    started = time.perf_counter()
    for _ in range(count):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
