"""Runs tiny studies and keeps every value that they give; tells whether two such records are equal to the last bit.

    python tests/golden/record.py OUT [--root CHECKOUT]
    python tests/golden/record.py --compare A B [--renamed OLD=NEW ...]

The package under test may be moved and renamed: nothing here imports it, results are read as files. Values that a clock
or the host decides are left out, and so are digests.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from studies import STUDIES, write_images

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "envs", "profiles")
HOST = "host.json"  # what decides rounding: processor and versions

# Columns that name a row, as far as a table has them.
KEYS = (
    *("path", "experiment", "model", "dataset", "target", "objective", "scenario", "rate", "query_images", "cost"),
    *("property", "first", "second", "variant", "metric", "quantity", "threshold", "stage", "round", "log10_lr"),
    *("log10_wd", "seed", "rank", "precision", "threads", "batch", "flush_to_zero"),
)
# Columns that a clock, the host or a version decides, in every table.
VOLATILE = {
    *("seconds", "images_per_second", "peak_memory_bytes", "resumes", "device", "host", "cpu", "torch", "numpy"),
    *("onnxruntime", "finished", "data_digest", "code_digest", "widths_digest", "weights_digest"),
    *("latency_median_s", "latency_iqr_s", "latency_p90_s", "latency_relative_iqr", "noisy", "cpu_seconds_per_run"),
    *("runs_per_sample", "samples", "latency_dataset_s", "energy_j", "energy_source", "seconds_per_image"),
    *("base_median_s", "median_s", "speedup", "contains_one", "share_of_flops_speedup"),
    *("utilisation", "mean_s", "p99_s", "recommended", "indistinguishable", "faster", "undecided"),
}
# The same of single tables; of a recommended model and its rivals only the number per objective is no matter of time.
MEASURED = {
    "speedups": ("low", "high"),
    "scenarios": ("reason",),
    "correlations": ("p_holm",),
    "recommendations": (
        *("reason", "variant", "rank", "precision", "threads", "batch", "flush_to_zero", "value", "top1"),
        *("file_bytes", "tied"),
    ),
    "rivals": (
        *("variant", "rank", "precision", "threads", "batch", "flush_to_zero", "value", "ratio", "pairs", "p"),
        *("p_holm", "verdict", "reason"),
    ),
}
# Rows about a cost: table -> columns that name it, and those that are kept when it is measured; else all are.
ABOUT = {
    "pareto": (("cost",), ("experiment", "target", "cost", "variant", "rank", "precision", "top1", "top1_error")),
    "properties": (
        ("property",),
        ("experiment", "target", "property", "precision", "threads", "batch", "flush_to_zero", "models", "pairs"),
    ),
    "correlations": (
        ("first", "second"),
        ("experiment", "target", "first", "second", "precision", "threads", "batch", "flush_to_zero", "models"),
    ),
}
FIXED_COSTS = {"size", "flops", "file_bytes", "encoded_bytes", "parameters", "top1"}


# ---- running the studies


def record(out: Path, root: Path = ROOT) -> None:
    """Run every study with the workflow of the checkout `root` and write its tables as JSON below `out`."""
    shutil.rmtree(out, ignore_errors=True)
    for study in STUDIES:
        with tempfile.TemporaryDirectory(prefix="golden-") as folder:
            results = run_study(study, root, Path(folder))
            for name, table in study_tables(results).items():
                write_table(out / study["study"] / f"{name}.json", table)
    (out / HOST).write_text(json.dumps(this_host(), indent=1) + "\n")


def run_study(study: dict, root: Path, folder: Path) -> Path:
    """Run one study to its report in `folder`; gives the folder of its results. Ends the program when it fails."""
    code, work, config = folder / "code", folder / "work", folder / "study.yaml"
    for part in PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, code / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            code.mkdir(exist_ok=True)
            shutil.copy(source, code / part)
    write_images(work / "images")
    config.write_text(yaml.safe_dump(study, sort_keys=False))
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", str(code / "Snakefile")]
    words += ["--directory", str(work), "--configfile", str(config)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(code / "workflow_scripts")}
    done = subprocess.run(words, cwd=work, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"the study {study['study']} failed:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return work / "results" / study["study"]


def this_host() -> dict[str, str]:
    """What decides how this host rounds: its processor, and the versions of what computes."""
    packages = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "onnxruntime", "pandas", "pillow")
    return {"processor": processor(), **{name: version(name) for name in packages}}


def processor() -> str:
    """Name, family, model, stepping and vector instructions of the processor where Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        return platform.processor()
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    named = [told[name] for name in ("model name", "cpu family", "model", "stepping") if name in told]
    vectors = [flag for flag in told.get("flags", "").split() if flag.startswith(("avx", "amx", "fma"))]
    return " / ".join([*named, *sorted(vectors)]) or platform.processor()


# ---- reading results


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
        {"path": path, "stage": stage, "round": plan["round"]}
        for plan in plans
        for stage, paths in plan["cells"].items()
        for path in paths
    ]


def exported(results: Path) -> list[dict]:
    """Every exported file: its cell, its rank and precision, and what is known of it."""
    rows = []
    for path in sorted(results.rglob("export.json")):
        for model in json.loads(path.read_text())["models"]:
            known = {name: value for name, value in model.items() if not isinstance(value, dict | list)}
            rows.append({**model["cell"], **known})
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


# ---- comparing two records


def compare(first: Path, second: Path, renamed: dict[str, str]) -> bool:
    """Print table by table how two records differ; whether the second has all of the first, equal to the last bit."""
    before, after, equal = read_record(first), read_record(second), True
    named = {renamed_table(name, renamed): rename(table, renamed) for name, table in before.items()}
    for name, table in named.items():
        lines = differences(table, after[name]) if name in after else ["missing"]
        new = [column for column in after.get(name, table)["columns"] if column not in table["columns"]]
        note = f" (new columns: {', '.join(new)})" if new else ""
        print(f"{name}: {'DIFFERENT' if lines else 'equal'}, {len(table['rows'])} rows{note}")
        print("".join(f"    {line}\n" for line in lines), end="")
        equal &= not lines
    for name in sorted(set(after) - set(named)):
        print(f"{name}: new table")
    equal &= bool(before)
    print("EQUAL to the last bit" if equal else "NOT EQUAL")
    return equal


def renamed_table(name: str, renamed: dict[str, str]) -> str:
    """The name of a table after the renaming, which may be given with or without its study."""
    study, _, table = name.partition("/")
    return renamed.get(name, f"{study}/{renamed.get(table, table)}")


def rename(table: dict, renamed: dict[str, str]) -> dict:
    """A packed table with its columns renamed."""
    columns = {renamed.get(name, name): kind for name, kind in table["columns"].items()}
    return {"columns": columns, "keys": [renamed.get(key, key) for key in table["keys"]], "rows": table["rows"]}


def differences(before: dict, after: dict) -> list[str]:
    """How the columns and rows of `before` differ in `after`, one line each; new columns are no difference."""
    missing = [name for name in before["columns"] if name not in after["columns"]]
    common = [name for name in before["columns"] if name not in missing]
    kinds = [name for name in common if before["columns"][name] != after["columns"][name]]
    lines = [f"column {name} is missing" for name in missing]
    lines += [f"column {name} was {before['columns'][name]} and is {after['columns'][name]}" for name in kinds]
    keys = [key for key in before["keys"] if key in common]
    left, right = by_key(before, keys, common), by_key(after, keys, common)
    for note, others in (("missing", left.keys() - right.keys()), ("added", right.keys() - left.keys())):
        lines += [f"{len(others)} rows {note}, such as {min(others)}"] if others else []
    changed = Counter(name for key in left.keys() & right.keys() for name in unequal(left[key], right[key]))
    for name, count in changed.items():
        key = min(key for key in left.keys() & right.keys() if name in unequal(left[key], right[key]))
        lines.append(f"column {name} in {count} rows, such as {left[key][name]} -> {right[key][name]} at {key}")
    return lines


def by_key(table: dict, keys: list[str], columns: list[str]) -> dict[str, dict[str, str]]:
    """Exact text of each value, by the text of the row's keys and how often these came before."""
    seen, rows = Counter(), {}
    for values in table["rows"]:
        row = dict(zip(table["columns"], values, strict=True))
        key = ", ".join(f"{name} {row[name]}" for name in keys)
        seen[key] += 1
        rows[f"{key} #{seen[key]}"] = {name: repr(row[name]) for name in columns}
    return rows


def unequal(left: dict[str, str], right: dict[str, str]) -> list[str]:
    """The columns in which two rows differ."""
    return [name for name in left if left[name] != right[name]]


def main() -> None:
    """Record or compare, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, help="folder to write the record to; what was there is deleted")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose workflow runs")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two records")
    parser.add_argument("--renamed", nargs="+", default=[], metavar="OLD=NEW", help="columns or tables renamed in B")
    options = parser.parse_args()
    if options.compare:
        renamed = dict(pair.split("=", 1) for pair in options.renamed)
        sys.exit(not compare(*options.compare, renamed))
    if not options.out:
        parser.error("give OUT, or --compare A B")
    record(options.out, options.root.resolve())


if __name__ == "__main__":
    main()
