"""All that decides how a training goes on, as tensors and plain values, and back. Needs torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prunescape.training.loop import Epoch, Training

NETWORK, VELOCITY = "network.", "velocity."


def state_of(training: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, on whatever device they are, and values for JSON; only between two batches do they agree."""
    epoch, outcome = training.epoch, training.outcome
    velocities = {f"{VELOCITY}{place}": held for place, held in enumerate(training.optimiser.velocities)}
    tensors = {
        **{f"{NETWORK}{name}": tensor for name, tensor in training.network.state_dict().items()},
        **{name: velocity for name, velocity in velocities.items() if velocity is not None},
        **{"epoch_start": epoch.start, "loss_sum": epoch.loss_sum, "correct": epoch.correct},
        "torch_random": torch.get_rng_state(),
    }
    if training.device.type == "cuda":
        tensors["cuda_random"] = torch.cuda.get_rng_state(training.device)
    running = {"batches": epoch.batches, "images": epoch.images, "seconds": epoch.seconds}
    return tensors, {"epoch": running, "history": outcome.history, "seconds": outcome.seconds}


def restore(training: Training, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Put what `state_of` gave into a fresh `training` of the same cell; from there on it computes the same bits."""
    network = {name.removeprefix(NETWORK): held for name, held in tensors.items() if name.startswith(NETWORK)}
    training.network.load_state_dict(network)
    parameters = training.optimiser.parameters
    velocities = (tensors.get(f"{VELOCITY}{place}") for place in range(len(parameters)))
    training.optimiser.velocities = [
        None if held is None else torch.empty_like(parameter).copy_(held)
        for parameter, held in zip(parameters, velocities, strict=True)
    ]
    sums = {name: tensors[name].to(training.device) for name in ("loss_sum", "correct")}
    training.epoch = Epoch(start=tensors["epoch_start"], **sums, **values["epoch"])
    training.outcome.history, training.outcome.seconds = values["history"], values["seconds"]
    torch.set_rng_state(tensors["torch_random"])
    if "cuda_random" in tensors:
        torch.cuda.set_rng_state(tensors["cuda_random"], training.device)
