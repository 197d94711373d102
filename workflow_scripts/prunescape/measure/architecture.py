"""What inference with one untrained variant costs on one target, over its inference parameters (edgetune2022, 3.4)."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from prunescape.errors import InputError
from prunescape.measure import frequency
from prunescape.measure.benchmark import (
    PROTOCOL,
    agent_spec,
    asked_model,
    check_digest,
    distinct,
    measure_on,
    with_source,
)
from prunescape.measure.inference_search import (
    GRID,
    InferenceSetting,
    axes_of,
    require_optuna,
    search,
    settings_of,
    strategy_of,
)
from prunescape.measure.local import TEST_SPLIT
from prunescape.measure.measured_before import MeasuredBefore, decisive
from prunescape.store.files import read_json, write_json
from prunescape.tasks.contract import task_module

EXAMPLES = 64  # of the test split: inputs for the runs; what an untrained model makes of them says nothing
NEEDED = ("models", "model", "flops", "parameters", "widths_digest", "architecture_digest")


def measure_architecture(
    target: dict[str, Any],
    architecture: dict[str, str],
    *,
    export: Path,
    identity: Path,
    data: Path,
    kept: Path,
    code: str,
    out: Path,
) -> None:
    """Write to `out` (JSON) what the models that `export` describes cost on a target, with every raw sample.

    `architecture` names the experiment, network and variant. Up to MOST_OF_GRID settings are all measured; of more,
    TPE looks for the least seconds per image of each precision. What the folder `kept` has, by its graph, settings and
    measuring `code`, is not measured again. A precision or setting that the target does not run stands in `not_run`
    with the reason. Raises InputError when a file is missing or damaged, the target cannot be reached, or the agent
    fails.
    """
    known = read_json(identity, "task", "digest")
    task_module(known, "prepared").load_prepared(data, identity)
    described = read_json(export, *NEEDED)
    reason = frequency_reason(target)
    axes = axes_of(target, settable=not reason)
    require_optuna(target["name"], len(settings_of(axes)))
    with tempfile.TemporaryDirectory() as folder:
        examples = write_examples(data, Path(folder) / "examples.npz")
        bench = Bench(target, examples, MeasuredBefore(kept, decisive(target, code)))
        models = models_of(described, export.parent, target["precisions"])
        strategy = measure_models(bench, models, axes)
    content = {
        "target": target,
        "architecture": architecture,
        **{name: described[name] for name in NEEDED},
        "models": [{name: value for name, value in model.items() if name != "path"} for model in models],
        "strategy": strategy,
        "settings": len(settings_of(axes)),
        "frequency_reason": reason,
        "measured": list(bench.found.values()),
        "not_run": distinct(bench.not_run),
    }
    write_json(out, content)


def frequency_reason(target: dict[str, Any]) -> str:
    """Why no CPU frequency is set for a target, in words for its table; empty where it is."""
    if target["kind"] != "local":
        return frequency.NOT_HERE
    return frequency.unsettable() if target.get("frequency_mhz") else frequency.NOT_ASKED


def write_examples(data: Path, out: Path) -> Path:
    """Write the first test examples of a prepared data set, and their labels, as the agent reads them."""
    with np.load(data, allow_pickle=False) as file:
        names = [name for name in TEST_SPLIT if name in file.files]
        np.savez(out, **{name: file[name][:EXAMPLES] for name in names})
    return out


def models_of(described: dict[str, Any], folder: Path, precisions: Sequence[str]) -> list[dict[str, Any]]:
    """The models of these precisions that an export describes, each with its `id` and the `path` of its file."""
    chosen = [model for model in described["models"] if model["precision"] in precisions]
    missing = set(precisions) - {model["precision"] for model in chosen}
    if missing:
        raise InputError(f"there is no {min(missing)} model", where=folder, hint="delete the folder and run again")
    for model in chosen:
        check_digest(folder / model["file"], model["sha256"])
    return [{**model, "id": model["precision"], "path": str(folder / model["file"])} for model in chosen]


def measure_models(bench: "Bench", models: list[dict[str, Any]], axes: dict[str, list]) -> str:
    """Measure all settings, or for each model those that a search proposes; returns which of the two."""
    strategy = strategy_of(axes)
    if strategy == GRID:
        bench.measure(models, settings_of(axes))
        return strategy
    for model in models:
        seed = int(model["graph_digest"][:8], 16) % 2**31
        search(axes, lambda setting, model=model: bench.seconds_per_image(model, setting), seed)
    return strategy


@dataclass
class Bench:
    """A target that measures models, and what it found so far by model and setting."""

    target: dict[str, Any]
    examples: Path
    before: MeasuredBefore
    found: dict[tuple[str, InferenceSetting], dict[str, Any]] = field(default_factory=dict)
    not_run: list[dict[str, Any]] = field(default_factory=list)

    def measure(self, models: Sequence[dict[str, Any]], settings: Sequence[InferenceSetting]) -> None:
        """Measure what is not known yet; models with the same threads and frequency are measured in turns."""
        missing: dict[tuple, list[int]] = {}
        for setting in settings:
            new = tuple(model["id"] for model in models if not self._known(model, setting))
            if new:
                missing.setdefault((setting.frequency_mhz, setting.threads, new), []).append(setting.batch)
        for (mhz, threads, names), batches in missing.items():
            self._run([model for model in models if model["id"] in names], threads, batches, mhz)

    def seconds_per_image(self, model: dict[str, Any], setting: InferenceSetting) -> float | None:
        """Median seconds of a run ÷ its images; None where the model does not run so."""
        self.measure([model], [setting])
        entry = self.found.get((model["id"], setting))
        return entry and entry["median_s"] / setting.batch

    def _known(self, model: dict[str, Any], setting: InferenceSetting) -> bool:
        if (model["id"], setting) not in self.found and (kept := self.before.find(model, setting)):
            self._note(model["id"], setting, kept, reused=True)
        return (model["id"], setting) in self.found

    def _note(self, name: str, setting: InferenceSetting, kept: dict[str, Any], *, reused: bool) -> None:
        about = {"precision": name, "environment": kept["environment"], "reused": reused}
        self.found[name, setting] = kept["latency"] | setting._asdict() | about

    def _run(self, models: list[dict[str, Any]], threads: int, batches: list[int], mhz: int | None) -> None:
        protocol = {name: self.target[name] for name in PROTOCOL}
        protocol["flush_to_zero"] = self.target["flush_to_zero"][0]
        here = self.target | {"threads": [threads], "batch": batches}
        spec = agent_spec(here, [asked_model(model) for model in models], str(self.examples), protocol)
        with frequency.held_at(mhz):
            measured = measure_on(self.target, spec)
        self.not_run += measured["not_run"]
        by_id = {model["id"]: model for model in models}
        for entry in measured["latency"]:
            setting = InferenceSetting(entry["threads"], entry["batch"], mhz)
            kept = {"latency": with_source(entry, self.target), "environment": measured["environment"]}
            self.before.keep(by_id[entry["id"]], setting, kept)
            self._note(entry["id"], setting, kept, reused=False)
