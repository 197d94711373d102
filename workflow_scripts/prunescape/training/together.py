"""Training to the end: one, or several on one GPU in step. Each draws its batches, one step trains all networks."""

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

import torch

from prunescape.errors import Stopped
from prunescape.training.loop import Batch, Training
from prunescape.training.step import build_step, side_stream, throwaway

STEP_COPIES = 2.0  # a step's memory counts twice: once for the first steps, once for the captured ones
FREE_SHARE = 0.9  # of the free memory is used


def train_together(trainings: Sequence[Training]) -> None:
    """Train all to their ends: recipes that differ only in what is stackable, one data set, equally far.

    What one reaches does not depend on the others, but for the rounding of sums: kernels for more networks add in
    another order. One that diverges does not change the others. Raises Stopped after all were saved.
    """
    first = trainings[0]
    with first.internal.running(first), side_stream(first.device):
        step = build_step(trainings, first.task, first.recipe, first.recipe.precision)
        sources: list[Iterator[Batch] | None] = [training.batches() for training in trainings]
        while any(batches := _next_batches(trainings, sources)):
            step(batches)


def _next_batches(trainings: Sequence[Training], sources: list[Iterator[Batch] | None]) -> list[Batch | None]:
    """The next batch of each; None for one that has ended, whose network is copied out of reach of later steps."""
    batches: list[Batch | None] = [None] * len(trainings)
    stopped: dict[int, Stopped] = {}
    for place, source in enumerate(sources):
        if source is None:
            continue
        try:
            batches[place] = next(source, None)
        except Stopped as error:
            stopped[place] = error
        if batches[place] is None and place not in stopped:
            sources[place] = None
            if len(trainings) > 1:
                trainings[place].network = copy.deepcopy(trainings[place].network)
    if stopped:
        _pause([training for place, training in enumerate(trainings) if sources[place] and place not in stopped])
        raise next(iter(stopped.values()))
    return batches


def _pause(trainings: Sequence[Training]) -> None:
    """Let each be saved, where it was to be."""
    for training in trainings:
        with suppress(Stopped):
            training.pause()


def why_alone(training: Training) -> str | None:
    """Why a training cannot share a step with others on a GPU, as far as that is known without trying; None if it may.

    Trainings that decode examples from disk go alone: decoding is what they wait for.
    """
    if training.splits.train.first(1) is None:
        return "its examples are decoded from disk"
    if not training.optimiser.capturable:
        kind = "fp16" if training.recipe.precision == "fp16" else training.recipe.optimiser
        return f"a step of {kind} cannot be captured"
    if not training.internal.capturable:
        return f"a step of {training.recipe.internal} cannot be captured"
    return None


def most_together(training: Training) -> tuple[int, str | None]:
    """How many trainings like this one, on its GPU, have the memory for it; 1, and why, where they cannot be stacked.

    By a few throwaway steps of one and of two. Networks that draw random numbers, as dropout does, go alone: one would
    draw what the others leave it.
    """
    reason = why_alone(training)
    if reason is not None:
        return 1, reason
    batch = training.splits.train.first(training.recipe.batch_size)
    try:
        one, two = (_step_memory(training, Batch(*batch, rate=0.0), count) for count in (1, 2))
    except (RuntimeError, NotImplementedError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        print(f"trained alone: {reason}", file=sys.stderr, flush=True)
        return 1, reason
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(training.device)
    return max(1, int((FREE_SHARE * free / STEP_COPIES - one) / max(two - one, 1)) + 1), None


def _step_memory(training: Training, batch: Batch, count: int) -> int:
    """The most bytes of the GPU that a step of `count` networks like this one's takes, weights included."""
    torch.cuda.reset_peak_memory_stats(training.device)
    before = torch.cuda.memory_allocated(training.device)
    trained = [throwaway(training.network, training.recipe, training.device) for _ in range(count)]
    build_step(trained, training.task, training.recipe, training.recipe.precision)([batch] * count)
    return torch.cuda.max_memory_allocated(training.device) - before
