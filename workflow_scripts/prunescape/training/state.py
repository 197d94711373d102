"""All that decides how a training goes on, as tensors and plain values, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prunescape.training.loop import Epoch, Training

NETWORK, OPTIMISER = "network.", "optimiser."


def state_of(training: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, on any device, and values for JSON; they agree only between two batches."""
    epoch, outcome = training.epoch, training.outcome
    tensors = {
        **{f"{NETWORK}{name}": tensor for name, tensor in training.network.state_dict().items()},
        **{f"{OPTIMISER}{name}": tensor for name, tensor in training.optimiser.state().items()},
        **{"epoch_start": epoch.start, "loss_sum": epoch.loss_sum, "correct": epoch.correct},
        "torch_random": torch.get_rng_state(),
    }
    if training.device.type == "cuda":
        tensors["cuda_random"] = torch.cuda.get_rng_state(training.device)
    running = {"batches": epoch.batches, "examples": epoch.examples, "seconds": epoch.seconds}
    return tensors, {"epoch": running, "history": outcome.history, "seconds": outcome.seconds}


def restore(training: Training, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Put what `state_of` gave into a fresh `training` of the same cell; from there on it computes the same bits."""
    training.network.load_state_dict(_under(NETWORK, tensors))
    training.optimiser.restore(_under(OPTIMISER, tensors))
    sums = {name: tensors[name].to(training.device) for name in ("loss_sum", "correct")}
    training.epoch = Epoch(start=tensors["epoch_start"], **sums, **values["epoch"])
    training.outcome.history, training.outcome.seconds = values["history"], values["seconds"]
    torch.set_rng_state(tensors["torch_random"])
    if "cuda_random" in tensors:
        torch.cuda.set_rng_state(tensors["cuda_random"], training.device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
