"""What a search looks for: how trials on one rung are ranked, from what their cells reached."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prunescape.analysis.search.budgets import passes_of
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.system_parameters import Configuration
from prunescape.store.files import read_json
from prunescape.store.records import DIVERGED

CHEAPEST = "cheapest"
TUNE_V2 = "tune_v2"  # the strategy that looks at training alone
UNITS = {"ratio_time": "seconds", "ratio_energy": "joules"}  # by objective: what is divided by the accuracy
ROUNDING = 1e-9  # that a share may lose
NEEDED = ("experiment", "variant", "setting", "seed", "status", "val_correct", "val_tested")


@dataclass(frozen=True)
class Observed:
    """What the training of a cell reached: no wall time, so that a repeated training decides the same."""

    diverged: bool
    correct: int
    tested: int

    @property
    def accuracy(self) -> float:
        """Share of the validation examples that are right; 0 where the training diverged."""
        return 0.0 if self.diverged else self.correct / self.tested


def observe(record: Path | str) -> tuple[Cell, Observed]:
    """The cell of a record and what it reached; raises InputError for a record that is damaged or lacks a field."""
    content = read_json(record, *NEEDED)
    diverged = content["status"] == DIVERGED
    return Cell.from_content(content), Observed(diverged, content["val_correct"] or 0, content["val_tested"] or 1)


@dataclass(frozen=True)
class PerImage:
    """What a training takes per image; joules are None where no counter tells them."""

    seconds: float
    joules: float | None


Configured = tuple[tuple[str, Any], ...]  # values of system parameters with their names, sorted


def configured(values: Configuration) -> Configured:
    """A configuration of system parameters as a key."""
    return tuple(sorted(values.items()))


def configuration_text(configuration: Configured) -> str:
    """A configuration in words; empty for none."""
    return ", ".join(f"{name} {value}" for name, value in configuration)


@dataclass(frozen=True)
class Cost:
    """What a variant costs whatever it learns, so far as a search asks for it.

    `flops` of one image; `seconds` and `joules` per image are those of its untrained model on the target, as the
    measured threads and batches take least of each. `training` by batch size and system parameters; it goes through
    `trained` images in one pass, and `tested` are those of the test split.
    """

    flops: int | None = None
    seconds: float | None = None
    joules: float | None = None
    training: Mapping[tuple[int, Configured], PerImage] = field(default_factory=dict)
    trained: int = 0
    tested: int = 0


Costs = Mapping[str, Cost]  # by variant
UNKNOWN = Cost()


def price_of(
    terms: Mapping[str, Any], variant: str, cost: Cost, values: Mapping[str, Any], configuration: Configured = ()
) -> float | None:
    """Seconds or joules of a trial's training, and of inference with the test images; None where no objective asks.

    Those of training are measured per image, once for each variant, batch size and configuration of system parameters:
    the wall time of a trial's own training has no part in it. Every image of its budget counts, also where an earlier
    rung had trained on it: what a cache spares decides nothing. `values` are those of its setting. A search by tune_v2
    leaves inference out. The base whose weights it inherits is no part of it.
    """
    unit = UNITS.get(terms["objective"])
    if unit is None:
        return None
    images = cost.trained * passes_of(terms["budget"], variant, values)
    batch_size = int(values.get("batch_size", terms["batch_size"]))
    training = images * getattr(cost.training[batch_size, configuration], unit)
    return training if terms["strategy"] == TUNE_V2 else training + cost.tested * getattr(cost, unit)


def read_costs(
    widths: Iterable[Path | str], measured: Iterable[Path | str], precision: str, trained: Iterable[Path | str] = ()
) -> dict[str, Cost]:
    """The costs of variants: from their plans, what measure_architecture and what measure_training wrote of them.

    Raises InputError for a damaged file, and a variant that its target did not run in this `precision`.
    """
    flops = {variant_of(path): read_json(path, "flops")["flops"] for path in widths}
    inference = dict(_inference(path, precision) for path in measured)
    training: dict[str, dict[tuple[int, Configured], PerImage]] = {}
    images = {"train": 0, "test": 0}
    for path in trained:
        content = read_json(path, "variant", "batch_size", "images", "runs")
        images = content["images"]  # the same of all variants
        for run in content["runs"]:
            use = PerImage(run["seconds_per_image"], run["joules_per_image"])
            training.setdefault(content["variant"], {})[content["batch_size"], configured(run["configuration"])] = use
    return {
        name: Cost(
            flops.get(name), *inference.get(name, (None, None)), training.get(name, {}), images["train"], images["test"]
        )
        for name in {*flops, *inference, *training}
    }


def _inference(path: Path | str, precision: str) -> tuple[str, tuple[float, float | None]]:
    """A variant, and the least seconds and joules that its target takes per image; joules where all runs tell them."""
    content = read_json(path, "architecture", "measured")
    runs = [run for run in content["measured"] if run["precision"] == precision]
    if not runs:
        what, hint = f"the target does not run it in {precision}", "list another precision of the target first"
        raise InputError(what, where=path, hint=hint)
    joules = [run.get("energy_j") and run["energy_j"] / run["batch"] for run in runs]
    seconds = min(run["median_s"] / run["batch"] for run in runs)
    return content["architecture"]["variant"], (seconds, None if None in joules else min(joules))


def check_energy(costs: Costs, objective: str, strategy: str) -> None:
    """Raise InputError where a search by energy lacks that of a training, or of inference on its target."""
    if UNITS.get(objective) != "joules":
        return
    for name, cost in sorted(costs.items()):
        lacking = ["training"] * any(each.joules is None for each in cost.training.values())
        lacking += ["inference on the target"] * (strategy != TUNE_V2 and cost.joules is None)
        if lacking:
            what = f"no counter tells the energy of {' and '.join(lacking)} with {name}"
            raise InputError(what, where="tune.objective", allowed="ratio_time here", hint="objective: ratio_time")


def variant_of(path: Path | str) -> str:
    """The variant in whose folder a file lies."""
    return Path(path).parent.name.removeprefix("variant=")


def kept_variants(terms: Mapping[str, Any], costs: Costs) -> list[str]:
    """The variants that keep the bound of a search, in their order; raises InputError where none does."""
    bound = terms["bound"] or {}
    limits = {"flops": bound.get("flops"), "seconds": bound.get("latency_ms") and bound["latency_ms"] / 1000}
    asked = {name: limit for name, limit in limits.items() if limit is not None}
    kept = [
        name for name in terms["variants"] if all(getattr(costs[name], key) <= limit for key, limit in asked.items())
    ]
    if not kept:
        least = {key: min(getattr(costs[name], key) for name in terms["variants"]) for key in asked}
        nearest = ", ".join(f"{1000 * v:.4g} ms" if key == "seconds" else f"{v:.4g} FLOPs" for key, v in least.items())
        hint = "widen it, or add variants with smaller ratios"
        raise InputError("no variant keeps the bound", where="tune.bound", allowed=f"{nearest} or more", hint=hint)
    return kept


def floor_of(terms: Mapping[str, Any], observed: Iterable[Observed], *, whole: bool) -> float | None:
    """The share of validation examples that trials of one rung must have right; None where no floor is asked for.

    On a cut budget nobody is as accurate as at the end: there it is that share of what the best of the rung has right.
    """
    if terms["objective"] != CHEAPEST:
        return None
    floor = terms["accuracy_floor"] / 100
    return floor if whole else floor * max((each.accuracy for each in observed), default=1.0)


def reaches(observed: Observed, floor: float | None) -> bool:
    """Whether a training converged, and is accurate enough."""
    return not observed.diverged and (floor is None or observed.accuracy >= floor - ROUNDING)


def ratio_of(observed: Observed, price: float) -> float:
    """A price ÷ the share of validation examples that are right; infinite where none is."""
    return price / observed.accuracy if observed.accuracy else math.inf


def rank_key(
    observed: Observed, cost: Cost = UNKNOWN, floor: float | None = None, price: float | None = None
) -> tuple[float, ...]:
    """What trials are sorted by, the best first: a training that diverged comes last.

    With a `price` the least price / accuracy comes first (edgetune2022, Eq 1 and 2; the authors' code multiplies).
    With a `floor` those that reach it come first, the fastest before others; then the rest, the most accurate before
    others (Deb's rule for a constraint: An efficient constraint handling method for genetic algorithms, 2000).
    """
    if price is not None:
        return float(observed.diverged), ratio_of(observed, price)
    if floor is None:
        return float(observed.diverged), -observed.accuracy
    if reaches(observed, floor):
        return 0.0, 0.0, cost.seconds, -observed.accuracy
    return float(observed.diverged), 1.0, -observed.accuracy, cost.seconds
