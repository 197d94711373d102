"""Benchmarks of any ONNX files, trained here or not, on this host or a target of a study."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import onnx

from prunescape.config.source import read_config
from prunescape.config.study import load_study
from prunescape.config.targets import Local
from prunescape.errors import InputError, nearest
from prunescape.measure.benchmark import agent_spec, measure_on

PROTOCOL = ("warmups", "repeats", "chunk_seconds")


def bench_files(
    files: list[Path],
    target: dict[str, Any],
    dims: dict[str, int] | None = None,
    values: dict[str, float] | None = None,
) -> dict[str, Any]:
    """What the agent measures of ONNX `files`, on random inputs of the shapes they ask for.

    `target` holds the settings of one kind of target with its name, `dims` sizes of the models' free dimensions, by
    name or as INPUT:AXIS, `values` numbers that fill an input, by its name. A file that does not run, or not with some
    batch, stands in `not_run` with the reason. Raises InputError when a file is missing, an input's shape or a name in
    `dims` or `values` is unknown, nothing runs, or the target cannot do so.
    """
    dims, values = dims or {}, values or {}
    described = [input for file in files for input in model_inputs(file)]
    require_known("a free dimension", dims, {name for _, free in described for name in free})
    require_known("an input", values, {name for name, _ in described})
    if target["kind"] == "adb" and (values or any(":" in name for name in dims)):
        what = "perf_test takes sizes by the names that a model gives them, and no values"
        raise InputError(what, where=f"target {target['name']}", hint="export the model with named axes")
    models = [{"id": str(file), "path": str(file.resolve()), "optional": True} for file in files]
    spec = agent_spec(target, models, None, {name: target[name] for name in PROTOCOL})
    found = measure_on(target, spec | {"dims": dims, "values": values})
    if not found["latency"]:
        first = found["not_run"][0]
        raise InputError(first["why"], where=first["id"])
    return found


def require_known(kind: str, names: Iterable[str], known: set[str]) -> None:
    """Raises InputError for the first of `names` that no model has."""
    for name in (name for name in names if name not in known):
        allowed = ", ".join(sorted(known)) or "none"
        raise InputError(f'no model has {kind} "{name}"', allowed=allowed, hint=nearest(name, sorted(known)))


def model_inputs(file: Path) -> list[tuple[str, list[str]]]:
    """The inputs of an ONNX file by name, each with its free dimensions: as they are named, and as INPUT:AXIS.

    Raises InputError for a missing file, and for an input whose number of axes the file does not tell: onnxruntime
    takes any, and may compute something else. What onnx cannot read is left to onnxruntime.
    """
    if not file.is_file():
        raise InputError(
            "this is a folder" if file.is_dir() else "the file is missing", where=file, allowed="an ONNX file"
        )
    try:
        graph = onnx.load(file, load_external_data=False).graph
    except Exception:  # protobuf's own
        return []
    weights = {tensor.name for tensor in graph.initializer}
    found = []
    for entry in (entry for entry in graph.input if entry.name not in weights):
        kind = entry.type.tensor_type
        if entry.type.HasField("tensor_type") and not kind.HasField("shape"):
            what, hint = f"its input {entry.name} has no shape", "export it with the input's shape"
            raise InputError(what, where=file, hint=hint)
        free = [(axis, size.dim_param) for axis, size in enumerate(kind.shape.dim) if not size.HasField("dim_value")]
        found.append((entry.name, [name for axis, named in free for name in (f"{entry.name}:{axis}", named) if name]))
    return found


def target_named(name: str | None, configfile: Path | None) -> dict[str, Any]:
    """The settings of target `name` of the study in `configfile`; without both, this host's defaults."""
    if name is None and configfile is None:
        return {"name": "this-host", **Local().model_dump(mode="json")}
    if name is None or configfile is None:
        raise InputError("--target and --configfile go together", hint="prunescape bench --help")
    targets = _study(configfile).targets
    if name not in targets:
        allowed = ", ".join(sorted(targets))
        what, hint = f'there is no target "{name}"', nearest(name, sorted(targets))
        raise InputError(what, where=configfile, allowed=allowed, hint=hint)
    return {"name": name, **targets[name].model_dump(mode="json")}


def _study(configfile: Path):
    return load_study(read_config(configfile), str(configfile))


def bench_lines(found: dict[str, Any]) -> list[str]:
    """What `bench_files` measured as text: one line per file and setting."""
    about = found["environment"]
    lines = [f"{about['host']}, {about['cpu']}, onnxruntime {about['onnxruntime']}, {about['provider']}"]
    for entry in found["latency"]:
        setting = f"{entry['id']}: threads {entry['threads']}, batch {entry['batch']}"
        noisy = " (noisy)" if entry["noisy"] else ""
        spread = f"{1e3 * entry['median_s']:.3f} ms, IQR {100 * entry['relative_iqr']:.1f} %{noisy}"
        lines.append(", ".join([f"{setting}: {spread}", *_costs(entry)]))
    return lines


def _costs(entry: dict[str, Any]) -> list[str]:
    memory, energy = entry["peak_memory_bytes"], entry["energy_j"]
    costs = [] if memory is None else [f"{memory / 1e6:.1f} MB"]
    return costs + ([] if energy is None else [f"{energy:.3g} J ({entry['energy_source']})"])
