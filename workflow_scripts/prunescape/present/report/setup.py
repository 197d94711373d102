"""How a study was run, as pairs of a name and a text: settings, software, hosts, time, digests. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prunescape.present.figures.style import round_title, variant_title
from prunescape.present.numbers import duration, number, setting, short, whole
from prunescape.store.records import GRID, PILOT

if TYPE_CHECKING:
    import pandas as pd

Pairs = list[tuple[str, str]]
AXES = (("log10_lr", "learning rate"), ("log10_wd", "weight decay"))


def plan_pairs(experiment: dict[str, Any]) -> Pairs:
    """What the config asked of one experiment, as the study's summary spells it out."""
    prior, grid = experiment["prior"], experiment["grid"]
    return [
        ("model", str(experiment["model"])),
        ("data set", str(experiment["dataset"])),
        ("variants", ", ".join(variant_title(name) for name in experiment["variants"])),
        ("prior", setting(float(prior["log10_lr"]), float(prior["log10_wd"]))),
        ("grid, log10 learning rate", ", ".join(short(value) for value in grid["log10_lr"])),
        ("grid, log10 weight decay", ", ".join(short(value) for value in grid["log10_wd"])),
        ("seeds", ", ".join(str(seed) for seed in experiment["seeds"])),
        ("recipe", plain(experiment["recipe"])),
        *((name, plain(experiment[name])) for name in ("pruning", "export") if name in experiment),
    ]


def plain(value: Any) -> str:
    """A config value on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {plain(part)}" for name, part in value.items())
    return ", ".join(plain(part) for part in value) or "none" if isinstance(value, list) else str(value)


def run_pairs(cells: pd.DataFrame) -> Pairs:
    """Where and with what the cells of one experiment were trained, and how long that took."""
    pairs = [("cells", f"{whole(len(cells))} trained, {whole((cells['status'] != 'ok').sum())} of them diverged")]
    pairs += round_pairs(cells)
    if "seconds" in cells and cells["seconds"].notna().any():
        spent = cells["seconds"]
        pairs.append(
            ("training time", f"{duration(spent.sum())} in all, median {number(spent.median(), 1)} s per cell")
        )
    if "finished" in cells and cells["finished"].notna().any():
        pairs.append(("trained between", f"{cells['finished'].min()} and {cells['finished'].max()}"))
    names = {
        "device": "device",
        "precision": "precision of training",
        "host": "host",
        "torch": "torch",
        "data_digest": "data",
        "code_digest": "training code",
    }
    for column, name in names.items():
        values = sorted(str(value) for value in cells[column].dropna().unique()) if column in cells else []
        if values:
            short_ones = [value[:16] if column.endswith("digest") else value for value in values]
            pairs.append((f"{name} (SHA-256)" if column == "data_digest" else name, ", ".join(short_ones)))
    return pairs


def round_pairs(cells: pd.DataFrame) -> Pairs:
    """How many cells each round added, and how far the grid reached then; nothing for a grid trained in one go."""
    sizes = cells.groupby(["round", "stage"]).size()
    if len(sizes) < 2:
        return []
    grid = cells[cells["stage"] == GRID]
    return [
        (_round_title(step, stage), f"{whole(count)} cells" + (_reach(grid[grid["round"] <= step], stage)))
        for (step, stage), count in sizes.items()
    ]


def _round_title(step: int, stage: str) -> str:
    if stage == PILOT:
        return "fresh seeds at the prior"
    added = "" if step == 0 else ", grid" if stage == GRID else ", fresh seeds"
    return round_title(step) + added


def _reach(grid: pd.DataFrame, stage: str) -> str:
    if stage != GRID:
        return ""
    spans = [f"{title} {short(grid[axis].min())} to {short(grid[axis].max())}" for axis, title in AXES]
    return f"; now log10 {', '.join(spans)}"


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
