"""What trains fastest on this machine, by a few throwaway steps of each in turns: precision, threads, memory format."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.tasks.contract import Task
from prunescape.training.device import offered_by
from prunescape.training.loop import Batch
from prunescape.training.numerics import apply_numerics
from prunescape.training.step import build_step, side_stream, throwaway

SETTING_UP = 3  # steps: libraries set things up, and a GPU's step is captured
ROUNDS, STEPS = 5, 2
SPEEDUP = 1.1  # what computes less exactly has to be so many times as fast to be taken


def fastest_precision(network: nn.Module, task: Task, recipe: Recipe) -> str:
    """The precision that trains `network` fastest by `recipe` on the task's first examples and device.

    A less exact one is taken where it is SPEEDUP times as fast. The shortest of ROUNDS times counts, since anything
    else on the machine only makes them longer. The network is left as it is.
    """
    device = task.device
    batch = Batch(*task.open_splits(recipe, torch.Generator()).train.first(recipe.batch_size), rate=0.0)
    network.to(device, memory_format=torch.channels_last)
    offered = offered_by(device)
    with side_stream(device):
        steps = {precision: throwaway_step(network, task, batch, recipe, precision) for precision in offered}
        for step in steps.values():
            seconds_of(step, device, SETTING_UP)
        rounds = [{precision: seconds_of(step, device) for precision, step in steps.items()} for _ in range(ROUNDS)]
    best = {precision: min(seconds[precision] for seconds in rounds) for precision in offered}
    print(f"seconds of {STEPS} steps: {best}", flush=True)
    chosen, *less_exact = offered
    for precision in less_exact:
        if best[chosen] >= SPEEDUP * best[precision]:
            chosen = precision
    return chosen


def fastest_numerics(
    network: nn.Module, task: Task, recipe: Recipe, values: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The value of each system parameter with which `network` trains fastest, one parameter after the other.

    Of the `values` of a parameter the first one is taken, unless another is SPEEDUP times as fast. The network, and the
    number of threads, are left as they are.
    """
    threads, chosen = torch.get_num_threads(), {name: given[0] for name, given in values.items()}
    batch = Batch(*task.open_splits(recipe, torch.Generator()).train.first(recipe.batch_size), rate=0.0)
    network.to(task.device, memory_format=torch.channels_last)
    try:
        for name, given in values.items():
            seconds = _seconds_by_value([chosen | {name: value} for value in given], network, task, batch, recipe)
            best = dict(zip(given, seconds, strict=True))
            print(f"seconds of {STEPS} steps by {name}: {best}", flush=True)
            for value in given[1:]:
                if best[chosen[name]] >= SPEEDUP * best[value]:
                    chosen[name] = value
    finally:
        torch.set_num_threads(threads)
    return chosen


def _seconds_by_value(
    tried: Sequence[Mapping[str, Any]], network: nn.Module, task: Task, batch: Batch, recipe: Recipe
) -> list[float]:
    """The shortest of ROUNDS times of each configuration, in turns."""
    steps = []
    for numerics in tried:
        own = copy.deepcopy(network)
        apply_numerics(own, numerics)
        steps.append(throwaway_step(own, task, batch, recipe, numerics.get("precision", recipe.precision)))
    with side_stream(task.device):
        rounds = [[_timed(*pair, task.device) for pair in zip(steps, tried, strict=True)] for _ in range(1 + ROUNDS)]
    return [min(times) for times in zip(*rounds[1:], strict=True)]  # libraries set things up in the first one


def _timed(step: Callable[[], None], numerics: Mapping[str, Any], device: torch.device) -> float:
    torch.set_num_threads(numerics.get("threads", 1))
    return seconds_of(step, device)


def throwaway_step(network: nn.Module, task: Task, batch: Batch, recipe: Recipe, precision: str) -> Callable[[], None]:
    """A training step of a copy of `network` on `batch`."""
    step = build_step([throwaway(network, recipe, task.device)], task, recipe, precision)
    return lambda: step([batch])


def seconds_of(step: Callable[[], None], device: torch.device, count: int = STEPS) -> float:
    """Wall seconds of `count` steps, to their real end on a GPU."""
    started = time.perf_counter()
    for _ in range(count):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
