"""The results of a study as plain JSON tables, without what a clock or the host decides. Needs pyarrow."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

STAGES = {"extension": "grid", "adaptive": "grid", "replicates": "replicate"}  # of the cells that a design adds
HOST = "host.json"  # what decides rounding: processor and versions

# Columns that name a row, as far as a table has them.
KEYS = (
    *("path", "experiment", "model", "dataset", "target", "objective", "scenario", "rate", "query_images", "cost"),
    *("property", "first", "second", "variant", "metric", "quantity", "threshold", "stage", "round", "log10_lr"),
    *("log10_wd", "seed", "rank", "precision", "threads", "batch", "flush_to_zero", "way", "float_layers", "layer"),
)
PARTS = ("", "_grid", "_search", "_verdict", "_confirmation")  # of what tuning took
# Columns that a clock, the host or a version decides, in every table.
VOLATILE = {
    *("seconds", "images_per_second", "peak_memory_bytes", "resumes", "device", "host", "cpu", "torch", "numpy"),
    *("onnxruntime", "finished", "data_digest", "code_digest", "widths_digest", "weights_digest"),
    *("latency_median_s", "latency_iqr_s", "latency_p90_s", "latency_relative_iqr", "noisy", "cpu_seconds_per_run"),
    *("runs_per_sample", "samples", "latency_dataset_s", "energy_j", "energy_source", "seconds_per_image"),
    *(
        "epoch_seconds",
        "compile_seconds",
        "epoch_cpu_seconds",
        "others_cpu",
        "epoch_joules",
        "watts",
        "energy_covers",
        "energy_reason",
        "system",
    ),
    *("cpu_seconds", "joules"),
    *("base_median_s", "median_s", "speedup", "share_of_flops_speedup"),
    *(
        "utilisation",
        "mean_s",
        "p99_s",
        "p99_relative_sd",
        "recommended",
        "not_shown_to_differ",
        "faster",
        "not_tested",
    ),
}
CHANGE = ("float_top1", "top1_change", "change_low", "change_high", "change_by")  # of a precision
TUNING_TOOK = ("resource", *(f"{told}{part}" for told in ("hours", "energy_wh") for part in PARTS))
# The same of single tables; of a recommended model and its rivals only the number per objective is no matter of time.
MEASURED = {
    "speedups": ("low", "high", "p", "p_holm", "verdict", "reason"),
    "scenarios": ("reason",),
    "efficiency": (
        *("epoch_wh", "eq", "eq_train", "accuracy_per_second", "train_accuracy_per_second", "cost", "rank", "on_front"),
    ),
    "tuning_cost": TUNING_TOOK,
    "trial_tuning_cost": TUNING_TOOK,
    "payback": (
        *("resource", "price", "saved_per_image", "inferences", "inferences_low", "inferences_high", "status"),
        "reason",
    ),
    "trial_efficiency": (
        *("epoch_wh", "eq", "eq_train", "accuracy_per_second", "train_accuracy_per_second", "cost", "rank", "on_front"),
    ),
    "benchmarks": ("correct_bits",),
    "pareto": CHANGE,
    "recommendations": (
        *CHANGE,
        *("rivals", "shown_slower"),
        *("reason", "variant", "rank", "precision", "threads", "batch", "flush_to_zero", "value", "top1"),
        *("file_bytes", "tied"),
    ),
    "rivals": (
        *("variant", "rank", "precision", "threads", "batch", "flush_to_zero", "value", "ratio", "pairs", "p"),
        *("p_holm", "low", "high", "verdict", "reason"),
    ),
}
# Rows about a cost: table -> columns that name it, and those that are kept when it is measured; else all are.
ABOUT = {
    "pareto": (
        ("cost",),
        ("experiment", "target", "cost", "variant", "rank", "precision", "top1", "top1_low", "top1_high"),
    ),
    "properties": (
        ("property",),
        ("experiment", "target", "property", "precision", "threads", "batch", "flush_to_zero", "models", "pairs"),
    ),
    "property_roi": (
        ("property",),
        (
            *("experiment", "target", "property", "precision", "threads", "batch", "flush_to_zero", "variant", "rank"),
            *("float_top1", "in_float_roi"),
        ),
    ),
    "property_risk": (
        ("property",),
        (
            *("experiment", "target", "property", "precision", "threads", "batch", "flush_to_zero", "variant"),
            *("cells", "float_rank", "n", "whole", "d_float"),
        ),
    ),
    "correlations": (
        ("first", "second"),
        ("experiment", "target", "first", "second", "precision", "threads", "batch", "flush_to_zero", "models"),
    ),
}
FIXED_COSTS = {"size", "flops", "file_bytes", "encoded_bytes", "parameters", "top1"}


def study_tables(results: Path) -> dict[str, dict]:
    """Every table of a study by name, as `pack` gives it."""
    parquet = [path for path in sorted(results.rglob("*.parquet")) if "partial" not in path.parts]
    tables = {path.relative_to(results).with_suffix("").as_posix(): pq.read_table(path) for path in parquet}
    packed = {name: pack(name, table) for name, table in tables.items()}
    files = {"trained": trained(results), "rounds": rounds(results), "exported": exported(results)}
    return packed | {name: pack(name, pa.Table.from_pylist(rows)) for name, rows in files.items()}


def trained(results: Path) -> list[dict]:
    """Every cell by its path, with a digest of its weights: their values in order, without names or metadata."""
    return [
        {"path": path.parent.relative_to(results).as_posix(), "weights": weights_digest(path)}
        for path in sorted(results.rglob("weights.safetensors"))
    ]


def weights_digest(path: Path) -> str:
    """SHA-256 of every tensor's type, shape and bytes, in an order that does not depend on names."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    parts = []
    for tensor in header.values():
        first, last = (start + offset for offset in tensor["data_offsets"])
        values = hashlib.sha256(content[first:last]).hexdigest()
        parts.append(f"{tensor['dtype']} {tensor['shape']} {values}")
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16]


def rounds(results: Path) -> list[dict]:
    """The cells that each round added."""
    plans = [json.loads(path.read_text()) for path in sorted((results / "rounds").glob("*.json"))]
    return [
        {"path": path_of(cell), "stage": STAGES[step["design"]], "round": plan["round"]}
        for plan in plans
        for step in plan["experiments"].values()
        for cell in step["cells"]
    ]


def path_of(cell: dict) -> str:
    """The folder of a cell, whose setting is spelled out."""
    setting = "/".join(f"{name}={text}" for name, text in sorted(cell["setting"].items()))
    return f"experiment={cell['experiment']}/variant={cell['variant']}/{setting}/seed={cell['seed']}"


def exported(results: Path) -> list[dict]:
    """Every exported file: its cell, its rank and precision, and what is known of it."""
    rows = []
    for path in sorted(results.rglob("export.json")):
        for model in json.loads(path.read_text())["models"]:
            known = {name: value for name, value in model.items() if not isinstance(value, dict | list)}
            cell = dict(model["cell"])
            rows.append({**cell.pop("setting"), **cell, **known})
    for row in rows:
        del row["sha256"]
    return rows


def pack(name: str, table: pa.Table) -> dict:
    """`table` as JSON values: types by column, the columns that name a row, and the rows in order of those."""
    dropped = VOLATILE.union(MEASURED.get(name, ()))
    columns = {field.name: str(field.type) for field in table.schema if field.name not in dropped}
    keys = [key for key in KEYS if key in columns]
    rows = [{column: plain(row[column]) for column in columns} for row in table.to_pylist()]
    rows = [without_measured(name, row) for row in rows if not of_energy(row)]
    rows.sort(key=lambda row: (*(order(row[key]) for key in keys), repr(row)))
    return {"columns": columns, "keys": keys, "rows": [list(row.values()) for row in rows]}


def without_measured(name: str, row: dict) -> dict:
    """A row about a cost that was measured keeps only what no clock decides; the rest is None."""
    about, kept = ABOUT.get(name, ((), ()))
    if all(row[column] in FIXED_COSTS for column in about):
        return row
    return {column: value if column in kept else None for column, value in row.items()}


def of_energy(row: dict) -> bool:
    """Whether a row speaks of energy or memory, which only some hosts tell, even if beside other costs."""
    told = [row.get(name) for name in ("cost", "property", "first", "second", "objective")]
    return any(word in str(value) for value in told for word in ("energy", "memory"))


def plain(value):
    """A value as JSON has it; numbers stay as they are, for `repr` of a float is exact."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def order(value) -> tuple:
    """A sort key that takes None beside numbers and text."""
    return (value is None, "" if value is None else value)


def write_table(path: Path, table: dict) -> None:
    """Write a packed table, one row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(row) for row in table["rows"])
    head = json.dumps({"columns": table["columns"], "keys": table["keys"]})[:-1]
    path.write_text(f'{head}, "rows": [\n{rows}\n]}}\n')


def read_record(folder: Path) -> dict[str, dict]:
    """Every packed table of a record by study and name."""
    files = [path for path in sorted(folder.rglob("*.json")) if path.name != HOST]
    return {path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text()) for path in files}
