"""What is looked at before anything runs: configs, providers, original files, a compiler, a GPU. Imports no torch."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prunescape.config.datasets import check_sources, missing_files
from prunescape.config.source import read_config
from prunescape.config.system import System
from prunescape.config.targets import Target
from prunescape.config.tuning import RATIO_ENERGY, RATIO_TIME
from prunescape.errors import InputError
from prunescape.measure.emulated import require_linux
from prunescape.measure.inference_search import require_optuna
from prunescape.training.energy_counters import NoCounterError, rapl_counter

HERE = ("local", "emulated")  # kinds of targets that are measured on the host of the job
ASK_TORCH = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 3)"
NO_GPU = 3
GPU_FILES = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/nvhost-gpu", "/dev/dxg")  # of NVIDIA, AMD, Jetson, WSL


def refuse_unreadable_configs(files: Iterable[Path | str]) -> None:
    """End the program with one line where one of the config `files` cannot be read. profiles/default calls this."""
    try:
        for file in files:
            read_config(file)
    except InputError as error:
        sys.exit(f"error: {error}")


def check_targets(targets: Mapping[str, Target]) -> None:
    """Raise InputError for a target on this host that cannot be limited, or whose provider its onnxruntime lacks."""
    for name, target in targets.items():
        if target.kind == "emulated":
            require_linux(f"targets.{name}")
    check_providers(targets)


def check_providers(targets: Mapping[str, Target]) -> None:
    """Raise InputError for a target on this host whose execution provider its onnxruntime lacks."""
    asked = {name: target.provider for name, target in targets.items() if target.kind in HERE}
    if set(asked.values()) <= {"CPUExecutionProvider"}:
        return
    try:
        from onnxruntime import get_available_providers
    except ImportError:  # jobs have an environment of their own
        return
    known = get_available_providers()
    for name, provider in asked.items():
        if provider not in known:
            hint = "install the onnxruntime that has it, or measure on another target"
            where = f"targets.{name}.provider"
            raise InputError(f"onnxruntime here has no {provider}", where=where, allowed=", ".join(known), hint=hint)


def check_searches(targets: Mapping[str, Target]) -> None:
    """Raise InputError for a target whose inference parameters are so many that Optuna has to search them, without it.

    Whether a CPU frequency can be set is known on the target's host only.
    """
    for name, target in targets.items():
        count = len(target.threads) * len(target.batch) * len(getattr(target, "frequency_mhz", None) or [0])
        require_optuna(name, count)


def check_originals(datasets: Iterable[dict[str, Any]]) -> None:
    """Raise InputError where data sets of these options lack original files, or have damaged ones.

    Missing files that are to be downloaded are no error.
    """
    for options in datasets:
        missing_files(options)
        check_sources(options)


def check_system(systems: Mapping[str, System], device: str) -> list[str]:
    """What a run should say of the stores of system parameters that it leaves aside, a line each.

    `systems` by experiment. Raises InputError where energy is the goal and this host tells none, and for a store that
    was named and cannot be written.
    """
    from prunescape.store.system_store import check_writable, read_observations

    lines = []
    for name, system in systems.items():
        where = f"experiments.{name}.system"
        if system.goal == "joules" and device == "cpu":
            _check_counter(f"{where}.goal")
        if system.store_path is None:
            continue
        if system.store is not None:
            try:
                check_writable(system.store_path)
            except InputError as error:
                place = f"{where}.store: {error.where}"
                raise InputError(error.what, where=place, allowed=error.allowed, hint=error.hint) from None
        try:
            read_observations(system.store_path)
        except InputError as error:
            lines.append(str(error))
    return [*dict.fromkeys(lines)]


def check_objectives(objectives: Mapping[str, str], device: str) -> None:
    """Raise InputError where a search's objective, by experiment, is energy and this host tells none of a training."""
    for name, objective in objectives.items():
        if objective == RATIO_ENERGY and device == "cpu":
            _check_counter(f"experiments.{name}.tune.objective", RATIO_TIME, "objective")


def _check_counter(where: str, other: str = "epoch_seconds", key: str = "goal") -> None:
    try:
        rapl_counter()
    except NoCounterError as error:
        what = f"no energy counter here ({error})"
        raise InputError(what, where=where, allowed=f"{other} here", hint=f"{key}: {other}") from None


def check_compiler(device: str) -> None:
    """Raise InputError where torch lacks what it compiles networks with for this `device`, cpu or cuda."""
    where, hint = "internal: compiled", "install it, or take another level of internal"
    if device == "cuda":
        if find_spec("triton") is None:
            raise InputError(
                "torch compiles for a GPU with the package triton, which is not here", where=where, hint=hint
            )
        return
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        what = f"torch compiles with {compiler}, a C++ compiler that is not here"
        raise InputError(what, where=where, hint=f"{hint}; the variable CXX names another")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        raise InputError("torch compiles with Python's header files, which are not here", where=where, hint=hint)


def shows_gpu() -> bool:
    """Whether the system lists a GPU: at once, but torch has the last word."""
    return any(glob(pattern) for pattern in GPU_FILES)


def check_gpu() -> None:
    """Raise InputError when torch sees no GPU; another process asks it, since it takes seconds to import."""
    asked = subprocess.run([sys.executable, "-c", ASK_TORCH], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if asked.returncode == NO_GPU:
        raise InputError("no GPU is visible to torch", where="device", allowed="cpu here", hint="set device: cpu")
