"""Ways to run a training step of a small network on a GPU, and several trainings on one GPU: steps per second of each.

Every way trains the same network on batches of images that lie on the device, with augmentation, normalisation, loss
and SGD. Prints the machine's copy and matmul rates, one line per way, and what several processes (with and without
MPS), several streams of one process, and grouped convolutions give. Needs torch with a GPU.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import torch
from torch import nn
from torch.nn import functional

from prunescape.config.models import architecture_of
from prunescape.models.build import build_model, initialise

IMAGES, PADDING, WARM = 50_000, 4, 3
PATIENCE = 90.0  # seconds for a process to build its step


class Way(NamedTuple):
    """How a step is run; `trial` lets cuDNN choose convolutions by trial, which is not deterministic."""

    layout: torch.memory_format = torch.channels_last
    precision: str = "fp32"
    trial: bool = False
    tf32: bool = False
    compiled: bool = False
    graph: bool = True


NCHW = torch.contiguous_format
WAYS = {
    "plain": Way(NCHW, tf32=True, graph=False),  # torch.optim.SGD, torch's defaults
    "eager": Way(graph=False),
    "eager bf16": Way(precision="bf16", graph=False),
    "graph": Way(),
    "graph nchw": Way(NCHW),
    "graph by trial": Way(trial=True),
    "graph tf32": Way(tf32=True),
    "graph nchw tf32": Way(NCHW, tf32=True),
    "graph bf16": Way(precision="bf16"),
    "graph nchw bf16": Way(NCHW, precision="bf16"),
    "graph bf16 by trial": Way(precision="bf16", trial=True),
    "compiled graph": Way(compiled=True),
    "compiled graph bf16": Way(precision="bf16", compiled=True),
}
COMPILED = [name for name, way in WAYS.items() if way.compiled]


class Step:
    """One training step in one of WAYS, on a stream of its own."""

    def __init__(self, name: str, model: str, batch: int, size: int) -> None:
        self.plain, self.way = name == "plain", WAYS[name]
        torch.backends.cudnn.deterministic = not self.way.trial and not self.plain
        torch.backends.cudnn.benchmark = self.way.trial
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self.way.tf32
        self.batch, self.size, self.stream = batch, size, torch.cuda.Stream()
        network = initialise(build_model(architecture_of(model), model, in_channels=3, classes=10), 0)
        self.network = network.to("cuda", memory_format=self.way.layout).train()
        self.forward = torch.compile(self.network) if self.way.compiled else self.network
        self.parameters = list(self.network.parameters())
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.optimiser = torch.optim.SGD(self.parameters, lr=0.01, momentum=0.9, weight_decay=1e-4)
        self.generator = torch.Generator().manual_seed(0)
        shape = (IMAGES, size + 2 * PADDING, size + 2 * PADDING, 3)
        self.images = torch.randint(0, 256, shape, device="cuda", dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (IMAGES,), device="cuda")
        self.chosen = torch.zeros(batch, 4, dtype=torch.int64, device="cuda")
        self.rate = torch.full((), 0.01, device="cuda")
        self.captured = None
        self._warm_up()

    def _warm_up(self) -> None:
        for _ in range(WARM):
            self()
        self.stream.synchronize()
        if self.way.graph:
            self.captured = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.captured, stream=self.stream, capture_error_mode="thread_local"):
                self._compute()
        for _ in range(WARM):
            self()
        self.stream.synchronize()

    def __call__(self) -> None:
        with torch.cuda.stream(self.stream):
            self._draw()
            self.captured.replay() if self.captured else self._compute()

    def _draw(self) -> None:
        """What chance decides of a batch, drawn on the processor: one small copy."""
        drawn = torch.randint(0, 2 * PADDING + 1, (self.batch, 4), generator=self.generator)
        drawn[:, 0] = torch.randint(0, IMAGES, (self.batch,), generator=self.generator)
        self.chosen.copy_(drawn.pin_memory(), non_blocking=True)

    def _compute(self) -> None:
        number, row, column, flip = self.chosen.unbind(1)
        along = torch.arange(self.size, device="cuda")
        rows, columns = row[:, None] + along, column[:, None] + along
        columns = torch.where((flip < PADDING)[:, None], columns.flip(1), columns)
        images = self.images[number[:, None, None], rows[:, :, None], columns[:, None, :]]
        images = ((images.float() - 127.0) * (1 / 64)).permute(0, 3, 1, 2).contiguous(memory_format=self.way.layout)
        with torch.autocast("cuda", torch.bfloat16, enabled=self.way.precision == "bf16"):
            logits = self.forward(images).float()
        functional.cross_entropy(logits, self.labels[number]).backward()
        if self.plain:
            self.optimiser.step()
        else:
            self._fused_sgd()
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def _fused_sgd(self) -> None:
        gradients = [parameter.grad for parameter in self.parameters]
        settings = {"weight_decay": 1e-4, "momentum": 0.9, "lr": self.rate, "dampening": 0.0}
        fixed = {"nesterov": False, "maximize": False, "is_first_step": False}
        torch._fused_sgd_(self.parameters, gradients, self.velocities, **settings, **fixed)

    def rate_within(self, seconds: float) -> float:
        """Steps per second, to their real end; never far ahead of the device."""
        started, steps, events = time.perf_counter(), 0, []
        while time.perf_counter() - started < seconds:
            self()
            steps += 1
            events.append(torch.cuda.Event(blocking=True))
            events[-1].record(self.stream)
            if len(events) > 16:
                events.pop(0).synchronize()
        self.stream.synchronize()
        return steps / (time.perf_counter() - started)


def serve(pipe, *shape) -> None:
    """In a process of its own: build the way that is asked for, then time it for the seconds that are asked for."""
    step = None
    for asked in iter(pipe.recv, None):
        try:
            if isinstance(asked, str):
                step = None
                step = Step(asked, *shape)
                pipe.send(f"{torch.cuda.memory_reserved() / 2**20:.0f} MiB")
            else:
                pipe.send(step.rate_within(asked))
        except Exception as error:
            pipe.send(f"failed: {type(error).__name__} {str(error)[:300]}")


class Pool:
    """Processes that each hold one training."""

    def __init__(self, count: int, given: argparse.Namespace) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes = [], []
        for _ in range(count):
            ours, theirs = context.Pipe()
            shape = (given.model, given.batch, given.size)
            self.processes.append(context.Process(target=serve, args=(theirs, *shape), daemon=True))
            self.processes[-1].start()
            self.pipes.append(ours)

    def ask(self, what: str | float, count: int) -> list:
        """The answers of the first `count`, asked at once."""
        for pipe in self.pipes[:count]:
            pipe.send(what)
        return [pipe.recv() if pipe.poll(PATIENCE) else "failed: no answer" for pipe in self.pipes[:count]]

    def time(self, seconds: float, count: int) -> str:
        """What `count` processes reach at once."""
        answers = self.ask(seconds, count)
        failed = [answer for answer in answers if isinstance(answer, str)]
        return failed[0] if failed else in_words(sum(answers))


def in_words(rate: float) -> str:
    return f"{rate:7.1f} steps/s in all, {1000 / rate:6.2f} ms a step"


def timed(function: Callable[[], object], times: int = 10) -> float:
    """Mean seconds, on the device, of a call after the first."""
    function()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(times):
        function()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000 / times


def print_ceilings() -> None:
    """Large copies and matrix products: what no step can beat."""
    source, target = torch.randn(2**28, device="cuda"), torch.empty(2**28, device="cuda")
    print(f"copy: {2 * 4 * 2**28 / timed(lambda: target.copy_(source)) / 1e12:.2f} TB/s")
    for name, kind, tf32 in (("fp32", torch.float32, False), ("tf32", torch.float32, True), ("bf16", None, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        matrix = torch.randn(8192, 8192, device="cuda", dtype=kind or torch.bfloat16)
        print(f"matmul {name}: {2 * 8192**3 / timed(lambda m=matrix: m @ m) / 1e12:.0f} TFLOP/s")


def print_kernels(name: str, given: argparse.Namespace) -> None:
    """How many kernels a step has and how long they run."""
    from torch.profiler import ProfilerActivity, profile

    step = Step(name, given.model, given.batch, given.size)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        step()
        step.stream.synchronize()
    found = [event for event in seen.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    milliseconds = sum(event.time_range.elapsed_us() for event in found) / 1000
    print(f"{name}: {len(found)} kernels in a step, {milliseconds:.2f} ms of them")


def print_streams(name: str, counts: list[int], seconds: float, given: argparse.Namespace) -> None:
    """Several captured graphs in one process, a thread and a stream each."""
    steps = [Step(name, given.model, given.batch, given.size) for _ in range(max(counts))]
    for count in counts:
        rates: list[float] = []

        def run(step: Step, rates=rates) -> None:
            rates.append(step.rate_within(seconds))

        threads = [threading.Thread(target=run, args=(step,)) for step in steps[:count]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{name}, {count} streams of one process: {in_words(sum(rates))}", flush=True)


def convolution_seconds(groups: int, layers: int, batch: int, channels: int, size: int, kind: torch.dtype) -> float:
    """Forward and backward of `layers` convolutions of `groups` x `channels` channels, captured together."""
    wide, placed = groups * channels, {"device": "cuda", "dtype": kind}
    settings = {"padding": 1, "bias": False, "groups": groups}
    convolutions = [
        nn.Conv2d(wide, wide, 3, **settings).to(**placed, memory_format=torch.channels_last) for _ in range(layers)
    ]
    images = torch.randn(batch, wide, size, size, **placed).to(memory_format=torch.channels_last).requires_grad_()

    def run() -> None:
        for layer in convolutions:
            out = layer(images)
            torch.autograd.grad(out, (images, layer.weight), torch.ones_like(out))

    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.default_stream())
    with torch.cuda.stream(stream):
        run()
        stream.synchronize()
        with torch.cuda.graph(graph, stream=stream):
            run()
        return timed(graph.replay, 20)


def print_grouped(count: int, batch: int) -> None:
    """One convolution of `count` networks: as one with groups, or one after the other."""
    for channels, size in ((16, 32), (64, 8)):
        for kind in (torch.float32, torch.bfloat16):
            joint = convolution_seconds(count, 1, batch, channels, size, kind)
            apart = convolution_seconds(1, count, batch, channels, size, kind)
            print(
                f"{count} networks, {channels} channels, {kind}: {1000 * joint:.3f} ms grouped, {1000 * apart:.3f} each"
            )


@contextmanager
def mps() -> Iterator[bool]:
    """What is started within has NVIDIA's multi-process service; False where the driver brings none."""
    program, folder = shutil.which("nvidia-cuda-mps-control"), Path(tempfile.mkdtemp())
    if program is None:
        yield False
        return
    (folder / "pipe").mkdir()
    variables = {"CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    os.environ.update(variables)
    subprocess.run([program, "-d"], check=True, timeout=20)
    try:
        yield True
    finally:
        subprocess.run([program], input="quit\n", text=True, timeout=20, check=False)
        for name in variables:
            del os.environ[name]
        shutil.rmtree(folder, ignore_errors=True)


def print_packed(pool: Pool, kind: str, given: argparse.Namespace) -> None:
    """Several processes on the GPU at once."""
    for name in given.packed:
        pool.ask(name, len(pool.pipes))
        for count in given.counts:
            print(f"{name}, {count} {kind}: {pool.time(given.seconds, count)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet56")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0, help="per measurement")
    parser.add_argument("--packed", nargs="+", default=["graph", "graph bf16"], choices=WAYS)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 4, 8])
    given = parser.parse_args()
    pool, compiling = Pool(max(given.counts), given), Pool(len(COMPILED), given)
    print(torch.__version__, torch.cuda.get_device_name())
    print_ceilings()
    for pipe, name in zip(compiling.pipes, COMPILED, strict=True):
        pipe.send(name)  # compiled while the others are timed
    for name in WAYS:
        if name not in COMPILED:
            built = pool.ask(name, 1)[0]
            print(f"{name}: {pool.time(given.seconds, 1)}; {built}", flush=True)
    for pipe, name in zip(compiling.pipes, COMPILED, strict=True):
        built = pipe.recv() if pipe.poll(PATIENCE) else "failed: not compiled in time"
        pipe.send(given.seconds)
        rate = pipe.recv() if pipe.poll(PATIENCE) else "failed: no answer"
        print(f"{name}: {rate if isinstance(rate, str) else in_words(rate)}; {built}", flush=True)
    for name in given.packed:
        print_kernels(name, given)
        print_streams(name, given.counts, given.seconds, given)
    print_grouped(8, given.batch)
    print_packed(pool, "processes", given)
    with mps() as there:
        if there:
            print_packed(Pool(max(given.counts), given), "processes with MPS", given)


if __name__ == "__main__":
    main()
