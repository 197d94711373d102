"""Compiled while it runs: torch's inductor makes kernels of the whole network, for training and for tests.

One kernel per shape of a batch, so that a training that goes on from a checkpoint computes the same bits. Every
training compiles anew, in a folder of its own: its `compile_seconds` do not depend on which cell came first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch._inductor import config

from prunescape.errors import InputError
from prunescape.store.files import private_folder
from prunescape.training.internal import Internal

config.compile_threads = 1  # before the compiler is imported: a pool of processes would not survive a fork

import torch._inductor.compile_fx  # noqa: E402  (here it is done once, for all cells of a warm process)
from torch._dynamo import config as tracing  # noqa: E402
from torch._dynamo.callback import callback_handler  # noqa: E402
from torch._dynamo.exc import TorchDynamoException  # noqa: E402
from torch._dynamo.external_utils import wrap_inline  # noqa: E402
from torch._inductor import codecache  # noqa: E402
from torch._inductor.utils import clear_caches  # noqa: E402

if TYPE_CHECKING:
    from prunescape.training.loop import Training

PLACES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
MOST_SHAPES = 64  # torch would compute further ones without compiling, and say nothing


class Compiled(Internal):
    """An Internal whose network is compiled at its first batch of each shape."""

    capturable = False  # what a call compiles is not known before

    def __init__(self) -> None:
        self.compile_seconds = 0.0

    def prepare(self, network: nn.Module) -> None:
        """As torch's `network.compile` does it, which passes over networks that are one of torch's own layers."""
        network._compiled_call_impl = torch.compile(wrap_inline(network._call_impl), dynamic=False)

    @contextmanager
    def running(self, training: Training) -> Iterator[None]:
        """Within it, compilation is timed and counts neither as time nor as energy of an epoch.

        Raises InputError where the network cannot be compiled.
        """
        torch.compiler.reset()
        tracing.recompile_limit = MOST_SHAPES
        try:
            with _compiling_in_own_folder(), self._timed(training):
                yield
        except TorchDynamoException as error:
            print(error, flush=True)  # whole, for the job's log: a compiler's own words come last
            told = " ".join(str(error).split())[:200]
            what, hint = f"the network cannot be compiled: {told}", "take internal: none"
            raise InputError(what, where="recipe.internal", hint=hint) from None

    @contextmanager
    def _timed(self, training: Training) -> Iterator[None]:
        meter, began = training.meter, [(0.0, False)]

        def start(_: object) -> None:
            began[0] = time.perf_counter(), meter.running
            meter.stop(training.epoch.used)

        def end(_: object) -> None:
            started, metered = began[0]
            self.compile_seconds += time.perf_counter() - started
            if metered:
                meter.start()

        callback_handler.register_start_callback(start)
        callback_handler.register_end_callback(end)
        try:
            yield
        finally:
            callback_handler.remove_start_callback(start)
            callback_handler.remove_end_callback(end)


@contextmanager
def _compiling_in_own_folder() -> Iterator[None]:
    """Within it, what is compiled lies in a new folder; torch's headers, which all trainings share, beside it."""
    headers = str(private_folder() / "headers")
    codecache._HEADER_DIR, codecache._HEADER_LOCK_DIR = headers, os.path.join(headers, "locks")
    before = {name: os.environ.pop(name) for name in PLACES if name in os.environ}
    with TemporaryDirectory(prefix="compiled-", dir=private_folder()) as folder:
        clear_caches()
        os.environ |= {name: os.path.join(folder, part) for name, part in PLACES.items()}
        try:
            yield
        finally:
            for name in PLACES:
                del os.environ[name]
            os.environ |= before
            clear_caches()


def build() -> Compiled:
    """The internal optimisation."""
    return Compiled()
