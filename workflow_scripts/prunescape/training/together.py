"""Several trainings on one GPU at once, in step: each draws its batches, one captured step serves all. Needs torch."""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from contextlib import suppress

import torch

from prunescape.errors import Stopped
from prunescape.tasks.images.splits import InMemory
from prunescape.training.fused import FusedStep, Throwaway, side_stream
from prunescape.training.loop import Batch, Training

ROOM = 2.0  # a step's memory counts twice: once for the first steps, once for the captured ones
SHARE = 0.9  # of what is free


def train_together(trainings: Sequence[Training]) -> None:
    """Train all to their ends. They have one recipe and data set, networks of one shape, and are equally far.

    What one reaches does not depend on the others, but for the rounding of sums: kernels for more networks add in
    another order. One that diverges leaves the others alone. Raises Stopped after all were saved.
    """
    first = trainings[0]
    with side_stream(first.device):
        step = FusedStep(trainings, first.normalise, first.recipe.precision, first.device)
        courses = [training.batches() for training in trainings]
        while True:
            batches = _next_batches(trainings, courses)
            if not any(batches):
                break
            step(batches)


def _next_batches(trainings: Sequence[Training], courses: list) -> list[Batch | None]:
    """The next batch of each; None for one that has ended, whose network is out of reach of later steps."""
    batches: list[Batch | None] = [None] * len(trainings)
    stopped: dict[int, Stopped] = {}
    for place, course in enumerate(courses):
        if course is None:
            continue
        try:
            batches[place] = next(course, None)
        except Stopped as error:
            stopped[place] = error
        if batches[place] is None and place not in stopped:
            trainings[place].network, courses[place] = copy.deepcopy(trainings[place].network), None
    if stopped:
        for place, course in enumerate(courses):
            if course is not None and place not in stopped:
                with suppress(Stopped):
                    trainings[place].pause()
        raise next(iter(stopped.values()))
    return batches


def most_together(training: Training) -> int:
    """How many trainings like this one, on its GPU, have the memory for it; 1 where they cannot be fused.

    By a few throwaway steps of one and of two. Trainings that decode images from disk go alone: decoding is what they
    wait for. So do networks that draw random numbers, as dropout does: one would draw what the others leave it.
    """
    if not isinstance(training.splits.train, InMemory):
        return 1
    try:
        one, two = (_step_memory(training, count) for count in (1, 2))
    except (RuntimeError, NotImplementedError, ValueError) as error:
        print(f"trained alone: {' '.join(str(error).split())[:200]}", file=sys.stderr, flush=True)
        return 1
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(training.device)
    return max(1, int((SHARE * free / ROOM - one) / max(two - one, 1)) + 1)


def _step_memory(training: Training, count: int) -> int:
    """The most bytes of the GPU that a step of `count` networks like this one's takes, weights included."""
    torch.cuda.reset_peak_memory_stats(training.device)
    before = torch.cuda.memory_allocated(training.device)
    settings = training.optimiser.settings
    trained = [Throwaway.copy_of(training.network, training.device, **settings) for _ in range(count)]
    batch = Batch(*training.splits.train.first(training.recipe.batch_size), 0.0)
    FusedStep(trained, training.normalise, training.recipe.precision, training.device)([batch] * count)
    return torch.cuda.max_memory_allocated(training.device) - before
