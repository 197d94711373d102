"""Saves a training regularly, when it is asked to end, and where it stops early: the next job goes on from there."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prunescape.errors import InputError, Stopped
from prunescape.models.sealed_tensors import read_tensors, write_tensors
from prunescape.training.loop import Epoch, Training

EVERY_SECONDS = 30.0  # a killed training loses no more; shorter ones are never saved
NETWORK, OPTIMISER = "network.", "optimiser."
ASKING = (signal.SIGTERM, signal.SIGINT)  # a scheduler or its time limit; a user


class Checkpointer:
    """The resume checkpoint of one training in `file`, valid for what `key` names: its settings, code, data and widths.

    Cells that `stop` after other epochs of one training share it: each saves where it stops, for those that go on.
    `continued_from` counts the epochs that others had trained. `resumes` counts how often this cell was interrupted,
    `seconds` is the wall time of all its parts so far.
    """

    def __init__(self, file: Path, key: str, *, every: float = EVERY_SECONDS, stop: int | None = None) -> None:
        self.file, self.key, self.every, self.stop = Path(file), key, every, stop
        self.asked: signal.Signals | None = None
        self.stopped = False
        self.resumes, self.earlier, self.continued_from = 0, 0.0, 0
        self.begin()

    def begin(self) -> None:
        """Start the clock of this part of the training, and the one of saving."""
        self.started = self.saved = time.monotonic()  # not changed when the system's clock is set

    @property
    def seconds(self) -> float:
        return self.earlier + time.monotonic() - self.started

    def resume(self, training: Training) -> None:
        """Restore `training` from the checkpoint; without a usable one it stays as it is, a damaged one is reported.

        One that has gone further than this training goes is of no use to it.
        """
        if not self.file.exists():
            return
        try:
            tensors, metadata = read_tensors(self.file)
        except InputError as error:
            print(f"{error.what}: the training starts from scratch ({self.file})", file=sys.stderr, flush=True)
            return
        if metadata["key"] != self.key:
            return
        values = json.loads(metadata["values"])
        if len(values["training"]["history"]) >= len(training.rate_factors):
            return
        restore(training, tensors, values["training"])
        if values["stop"] == self.stop:
            self.resumes, self.earlier = values["resumes"] + 1, values["total_seconds"]
            self.continued_from = values["continued_from"]
        else:
            self.continued_from = training.steps // training.steps_of_epoch
        print(f"going on {position(training)}", file=sys.stderr, flush=True)

    def between_batches(self, training: Training) -> None:
        """Save when it is time, and where the training stops early; raises Stopped after that when asked to end."""
        stops = not self.stopped and self._is_at_stop(training)
        if self.asked is None and not stops and time.monotonic() - self.saved < self.every:
            return
        self.stopped |= stops
        tensors, values = state_of(training)
        values = {"training": values, "resumes": self.resumes, "total_seconds": self.seconds, "stop": self.stop}
        values |= {"continued_from": self.continued_from}
        write_tensors(self.file, tensors, {"key": self.key, "values": json.dumps(values)})
        self.saved = time.monotonic()
        if self.asked:
            raise Stopped(self.asked, position(training))

    def _is_at_stop(self, training: Training) -> bool:
        """Whether the last batch before the stop is trained: the test after it is yet to come."""
        return self.stop is not None and training.steps == self.stop * training.steps_of_epoch


@contextmanager
def stop_on_signals(*checkpointers: Checkpointer) -> Iterator[None]:
    """Within it, SIGTERM and SIGINT stop the trainings between two batches; only for the main thread."""

    def ask(number: int, frame: object) -> None:
        for checkpointer in checkpointers:
            checkpointer.asked = signal.Signals(number)

    for checkpointer in checkpointers:
        checkpointer.begin()
    before = {number: signal.signal(number, ask) for number in ASKING}
    try:
        yield
    except (InputError, RuntimeError):
        if checkpointers[0].asked is None:
            raise
        # the same signal ended processes that decode examples, or a compiler: what was last saved counts
        raise Stopped(checkpointers[0].asked, "after what was last saved") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def position(training: Training) -> str:
    """Where a training is, as text."""
    return f"in epoch {len(training.outcome.history) + 1} after {training.epoch.batches} batches"


def state_of(training: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, on any device, and values for JSON; they agree only between two batches."""
    epoch, outcome = training.epoch, training.outcome
    training.meter.note(epoch.used)
    tensors = {
        **{f"{NETWORK}{name}": tensor for name, tensor in training.network.state_dict().items()},
        **{f"{OPTIMISER}{name}": tensor for name, tensor in training.optimiser.state().items()},
        **{"epoch_start": epoch.start, "loss_sum": epoch.loss_sum, "correct": epoch.correct},
        "torch_random": torch.get_rng_state(),
    }
    if training.device.type == "cuda":
        tensors["cuda_random"] = torch.cuda.get_rng_state(training.device)
    running = {"batches": epoch.batches, "examples": epoch.examples, "seconds": epoch.seconds, "used": epoch.used}
    finished = {"history": outcome.history, "seconds": outcome.seconds, "used": outcome.used}
    return tensors, {"epoch": running, "compile_seconds": training.internal.compile_seconds, **finished}


def restore(training: Training, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Put what `state_of` gave into a fresh `training` of the same cell; from there on it computes the same bits."""
    training.network.load_state_dict(_under(NETWORK, tensors))
    training.optimiser.restore(_under(OPTIMISER, tensors))
    sums = {name: tensors[name].to(training.device) for name in ("loss_sum", "correct")}
    training.epoch = Epoch(start=tensors["epoch_start"], **sums, **values["epoch"])
    training.outcome.history, training.outcome.seconds = values["history"], values["seconds"]
    training.outcome.used = values["used"]
    training.internal.compile_seconds = values["compile_seconds"]
    torch.set_rng_state(tensors["torch_random"])
    if "cuda_random" in tensors:
        torch.cuda.set_rng_state(tensors["cuda_random"], training.device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
