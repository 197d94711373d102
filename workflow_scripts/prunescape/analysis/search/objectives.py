"""What a search looks for: how trials on one rung are ranked, from what their cells reached."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.store.files import read_json
from prunescape.store.records import DIVERGED

CHEAPEST = "cheapest"
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
class Cost:
    """What a variant costs whatever it learns: FLOPs of one image, and seconds per image on the target, if asked for.

    The seconds are those of its untrained model, as the measured threads and batches run it fastest.
    """

    flops: int | None = None
    seconds: float | None = None


Costs = Mapping[str, Cost]  # by variant
UNKNOWN = Cost()


def read_costs(widths: Iterable[Path | str], measured: Iterable[Path | str], precision: str) -> dict[str, Cost]:
    """The costs of variants, from their plans (widths.json) and from what measure_architecture wrote of them.

    Raises InputError for a damaged file, and a variant that its target did not run in this `precision`.
    """
    flops = {variant_of(path): read_json(path, "flops")["flops"] for path in widths}
    seconds = {}
    for path in measured:
        content = read_json(path, "architecture", "measured")
        runs = [run for run in content["measured"] if run["precision"] == precision]
        if not runs:
            what, hint = f"the target does not run it in {precision}", "list another precision of the target first"
            raise InputError(what, where=path, hint=hint)
        seconds[content["architecture"]["variant"]] = min(run["median_s"] / run["batch"] for run in runs)
    return {name: Cost(flops.get(name), seconds.get(name)) for name in {*flops, *seconds}}


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


def rank_key(observed: Observed, cost: Cost = UNKNOWN, floor: float | None = None) -> tuple[float, ...]:
    """What trials are sorted by, the best first: a training that diverged comes last.

    With a `floor` those that reach it come first, the fastest before others; then the rest, the most accurate before
    others (Deb's rule for a constraint: An efficient constraint handling method for genetic algorithms, 2000).
    """
    if floor is None:
        return float(observed.diverged), -observed.accuracy
    if reaches(observed, floor):
        return 0.0, 0.0, cost.seconds, -observed.accuracy
    return float(observed.diverged), 1.0, -observed.accuracy, cost.seconds
