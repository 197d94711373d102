"""How a study was run, as pairs of a name and a text: settings, software, hosts, time, digests."""

from typing import Any

import pandas as pd

from prunescape.analysis.axes import BASE, Axes
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import axis_title, round_title, setting, value_text, variant_title
from prunescape.present.numbers import counted, duration, number, short, whole
from prunescape.present.study_terms import is_adaptive
from prunescape.space.pipelines import PER_SEED
from prunescape.space.recipe import PARAMETERS
from prunescape.store.records import GRID, PILOT, TRIAL

Pairs = list[tuple[str, str]]
# column of the cells -> its name for a reader
RUN = {
    "device": "device",
    "precision": "precision of training",
    "host": "host",
    "torch": "torch",
    "data_digest": "data (SHA-256)",
    "code_digest": "training code",
}


def plan_pairs(experiment: dict[str, Any], axes: Axes) -> Pairs:
    """What the config asked of one experiment, as the study's summary spells it out."""
    return [
        ("model", str(experiment["model"])),
        ("data set", str(experiment["dataset"])),
        ("variants", ", ".join(variant_title(name) for name in experiment["variants"])),
        ("prior", setting(axes, experiment["prior"])),
        *((f"grid, {axis_title(axis)}", ", ".join(map(short, experiment["grid"][axis.name]))) for axis in axes),
        *((("design", plain(experiment["design"])),) if is_adaptive(experiment) else ()),
        ("seeds", ", ".join(str(seed) for seed in experiment["seeds"])),
        ("recipe", plain(acting(experiment["recipe"]))),
        *((name, plain(experiment[name])) for name in ("pruning", "export") if name in experiment),
        *((("pipelines", pipelines_text(experiment["retraining"])),) if "retraining" in experiment else ()),
    ]


def pipelines_text(retraining: dict[str, Any]) -> str:
    """How pruned networks start and are trained, with the epochs of those that inherit weights."""
    epochs = retraining["epochs"]
    names = ", ".join(name.replace("_", "-") for name in retraining["pipelines"])
    steps = retraining.get("steps", 1)
    after = f" after each of {steps} cuts" if steps > 1 else ""
    own = "; each seed inherits from the base with that seed" if retraining.get("base") == PER_SEED else ""
    return names + (f"; {counted(epochs, 'epoch')} on inherited weights{after}" if epochs else "") + own


def acting(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe without what has no effect beside its other values; what a condition names may vary instead."""
    known = {name: parameter for name, parameter in PARAMETERS.items() if name in recipe}
    idle = {
        name
        for name, parameter in known.items()
        for other, levels in parameter.meaning.when
        if other in recipe and recipe[other] not in levels
    }
    return {name: value for name, value in recipe.items() if name not in idle}


def table_pairs(cells: pd.DataFrame, axes: Axes, base: str) -> Pairs:
    """What the cells of one experiment in a table from elsewhere are."""
    names = sorted(cells["variant"].unique(), key=variant_order)
    named = ["base" if base == BASE else f"base (called {base})", *map(variant_title, names)]
    grid = [(axis_title(axis), cells[axis.name]) for axis in axes]
    return [
        ("variants", ", ".join(named[:1] * (BASE in names) + named[1 + (BASE in names) :])),
        *((title, f"{counted(v.nunique(), 'value')} from {short(v.min())} to {short(v.max())}") for title, v in grid),
        ("seeds", ", ".join(str(seed) for seed in sorted(cells["seed"].unique()))),
    ]


def plain(value: Any) -> str:
    """A config value on one line, without what was left open."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {plain(part)}" for name, part in value.items() if part is not None and part != {})
    if isinstance(value, bool):
        return value_text(value)
    return ", ".join(plain(part) for part in value) or "none" if isinstance(value, list) else str(value)


def run_pairs(cells: pd.DataFrame, axes: Axes | None) -> Pairs:
    """Where and with what the cells of one experiment were trained, and how long that took; trials have no axes."""
    pairs = [("cells", f"{whole(len(cells))} trained, {whole((cells['status'] != 'ok').sum())} of them diverged")]
    pairs += round_pairs(cells, axes)
    if "seconds" in cells and cells["seconds"].notna().any():
        spent = cells["seconds"]
        text = f"{duration(spent.sum())} in all, median {number(spent.median(), 1)} s per cell"
        pairs.append(("training time", text))
    if "finished" in cells and cells["finished"].notna().any():
        pairs.append(("trained between", f"{cells['finished'].min()} and {cells['finished'].max()}"))
    for column, name in RUN.items():
        values = sorted(str(value) for value in cells[column].dropna().unique()) if column in cells else []
        if values:
            pairs.append((name, ", ".join(value[:16] if column.endswith("digest") else value for value in values)))
    return pairs


def round_pairs(cells: pd.DataFrame, axes: Axes | None) -> Pairs:
    """How many cells each round added, and how far the grid reaches where it grew; nothing for a single round."""
    sizes = cells.groupby(["round", "stage"]).size()
    if len(sizes) < 2:
        return []
    grid, reached, pairs = cells[cells["stage"] == GRID], "", []
    for (step, stage), count in sizes.items():
        reach = _reach(grid[grid["round"] <= step], axes) if stage == GRID else reached
        grown = f"; grid: {reach}" if reach != reached else ""
        pairs.append((_round_title(step, stage), f"{counted(count, 'cell')}{grown}"))
        reached = reach
    return pairs


def _round_title(step: int, stage: str) -> str:
    if stage == PILOT:
        return "fresh seeds at the prior"
    if stage == TRIAL:
        return "trials"
    added = "" if step == 0 else ", grid" if stage == GRID else ", fresh seeds"
    return round_title(step) + added


def _reach(grid: pd.DataFrame, axes: Axes) -> str:
    ends = [(axis_title(axis), grid[axis.name].min(), grid[axis.name].max()) for axis in axes]
    return ", ".join(f"{title} {short(low)} to {short(high)}" for title, low, high in ends)


def target_pairs(targets: dict[str, Any], benchmarks: pd.DataFrame | None) -> Pairs:
    """The targets of the study and the hosts that answered."""
    pairs = [(name, plain(target)) for name, target in sorted(targets.items())]
    if benchmarks is None or benchmarks.empty:
        return pairs
    for columns, name in ((["host", "cpu"], "measured on"), (["onnxruntime", "provider"], "onnxruntime")):
        known = [column for column in columns if column in benchmarks]
        values = benchmarks[known].drop_duplicates().astype(str)
        pairs.append((name, "; ".join(", ".join(row) for row in values.itertuples(index=False))))
    return pairs
