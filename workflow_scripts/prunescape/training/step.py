"""One training step of one network, or of several of one shape as one: alone they are too small to fill a GPU.

On a GPU the whole step is captured once per batch size as a CUDA graph and replayed, since starting its kernels one by
one takes longer than they run (docs/performance.md).
"""

import copy
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from prunescape.space.recipe import Recipe
from prunescape.tasks.contract import Task
from prunescape.training.device import computed_in, forward
from prunescape.training.internal import Internal
from prunescape.training.loop import Batch, Epoch, Training, optimiser_for
from prunescape.training.loss_scaling import ScaledOptimiser
from prunescape.training.losses import build_losses
from prunescape.training.optimisers import Optimiser
from prunescape.training.stack import Stack, stack_networks


@dataclass
class Throwaway:
    """What a step changes of a training, of a copy of its network: for measuring steps."""

    network: nn.Module
    optimiser: Optimiser
    epoch: Epoch
    internal: Internal = field(default_factory=Internal)


def throwaway(network: nn.Module, recipe: Recipe, device: torch.device) -> Throwaway:
    """A copy of `network`, which lies on `device` already, to train by `recipe` and drop."""
    copied = copy.deepcopy(network).train()
    return Throwaway(copied, optimiser_for(copied, recipe), Epoch.first(torch.Generator(), device))


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """On a GPU all within runs on another stream, as a capture has to; all of it has ended when the block ends."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Within, no garbage is collected: an older graph that is collected would spoil the one that is captured."""
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@dataclass
class Inputs:
    """Where batches of one size lie for a step of k networks: examples side by side (see Task), labels (k, b, ...)."""

    examples: Tensor
    labels: Tensor
    tried: bool = False
    graph: torch.cuda.CUDAGraph | None = None


@dataclass
class Step:
    """Trains every network on one batch each: `step(batches)`, within `side_stream` from the second on.

    `rates` are the learning rates of the last step, on a GPU also in `rate_tensor`, where a captured step finds them.
    """

    networks: list[nn.Module]
    optimisers: list[Optimiser]
    epochs: list[Epoch]
    task: Task
    losses: Callable[[Tensor, Tensor], Tensor]
    precision: str
    stack: Stack | None
    pool: Any
    rate_tensor: Tensor
    rates: list[float] = field(default_factory=list)
    inputs: dict[int, Inputs] = field(default_factory=dict)

    def __call__(self, batches: Sequence[Batch | None]) -> None:
        """One step of each; batches have one size, and where there is None nothing of use happens."""
        inputs = self._inputs(next(batch for batch in batches if batch))
        for place, batch in enumerate(batches):
            if batch:
                inputs.examples.select(self.task.stack_dim, place).copy_(batch.examples)
                inputs.labels[place].copy_(batch.labels)
        self._set_rates([batch.rate if batch else 0.0 for batch in batches])
        if inputs.graph is None and inputs.tried and self.pool:
            inputs.graph = torch.cuda.CUDAGraph()
            here = {"stream": torch.cuda.current_stream(self.task.device), "capture_error_mode": "thread_local"}
            with _no_collection(), torch.cuda.graph(inputs.graph, pool=self.pool, **here):
                self._compute(inputs)
        if inputs.graph:
            inputs.graph.replay()
        else:  # the first time libraries set things up, which cannot be captured
            self._compute(inputs)
            inputs.tried = True

    def _inputs(self, batch: Batch) -> Inputs:
        count, size = len(self.networks), len(batch.labels)
        if size not in self.inputs:
            shape = list(batch.examples.shape)
            shape.insert(self.task.stack_dim, count)
            labels = batch.labels.new_zeros(count, *batch.labels.shape)
            self.inputs[size] = Inputs(batch.examples.new_zeros(shape), labels)
        return self.inputs[size]

    def _set_rates(self, rates: list[float]) -> None:
        if self.pool and rates != self.rates:
            self.rate_tensor.copy_(torch.tensor(rates))
        self.rates = rates

    def _scaled(self, loss: Tensor) -> Tensor:
        """The loss as it goes backwards: of fp16, whose trainings go alone, times its scale."""
        (optimiser, *_) = self.optimisers
        return loss * optimiser.scale if isinstance(optimiser, ScaledOptimiser) else loss

    def _compute(self, inputs: Inputs) -> None:
        """V ← μV + ∇L + λW; W ← W − γV (matthiesen2023, Eq 2.1), or what another optimiser does."""
        entering, labels = self.task.inputs(inputs.examples), inputs.labels
        with computed_in(self.precision):
            if self.stack:
                outputs = forward(self.stack, entering, self.precision)
            else:
                outputs = forward(self.networks[0], entering[:, 0], self.precision)[None]
            losses = self.losses(outputs, labels)
            self._scaled(losses.sum()).backward()
        if self.stack:
            self.stack.hand_out_gradients(self.networks)
        rates = self.rate_tensor if self.pool else self.rates
        for place, optimiser in enumerate(self.optimisers):
            optimiser.step(rates[place])
            self.epochs[place].add(outputs[place], labels[place], losses[place])


def build_step(trained: Sequence[Training | Throwaway], task: Task, recipe: Recipe, precision: str) -> Step:
    """A step of these trainings; networks of several become views of one stack.

    Their recipes differ from this one in what is stackable only; `precision` may be another than its.
    """
    for one in trained:
        one.optimiser.allocate()
    networks = [one.network for one in trained]
    captured = all(one.optimiser.capturable and one.internal.capturable for one in trained)
    return Step(
        networks,
        [one.optimiser for one in trained],
        [one.epoch for one in trained],
        task,
        build_losses(recipe),
        precision,
        stack_networks(networks) if len(networks) > 1 else None,
        torch.cuda.graph_pool_handle() if task.device.type == "cuda" and captured else None,
        torch.zeros(len(networks), device=task.device),
    )
