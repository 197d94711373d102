"""Which precision trains faster on this machine, by a few steps of each in turns. Needs torch."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional

from prunescape.training.loop import forward
from prunescape.training.sgd import SGD

PRECISIONS = ("fp32", "bf16")
ROUNDS, STEPS = 5, 2
WORTH = 1.1  # bf16 computes something else: it has to be so many times as fast to be taken


def faster_precision(network: nn.Module, shape: tuple[int, int, int], batch_size: int, device: torch.device) -> str:
    """fp32, or bf16 where that trains `network` on batches of (channels, height, width) images WORTH times as fast.

    The shortest of ROUNDS times counts, since anything else on the machine only makes them longer.
    """
    network.to(device, memory_format=torch.channels_last).train()
    images = torch.rand(batch_size, *shape).to(device, memory_format=torch.channels_last)
    for precision in PRECISIONS:
        seconds_of(network, images, precision)  # a first time has to set things up
    taken = [{precision: seconds_of(network, images, precision) for precision in PRECISIONS} for _ in range(ROUNDS)]
    best = {precision: min(seconds[precision] for seconds in taken) for precision in PRECISIONS}
    print(f"seconds of {STEPS} steps: {best}", flush=True)
    return "bf16" if best["fp32"] >= WORTH * best["bf16"] else "fp32"


def seconds_of(network: nn.Module, images: torch.Tensor, precision: str) -> float:
    """Wall seconds of STEPS training steps that leave the weights as they are."""
    optimiser = SGD(network.parameters(), momentum=0.9, weight_decay=0.0)
    labels = torch.zeros(len(images), dtype=torch.int64, device=images.device)
    started = time.perf_counter()
    for _ in range(STEPS):
        functional.cross_entropy(forward(network, images, precision), labels).backward()
        optimiser.step(0.0)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - started
