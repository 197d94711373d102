"""What measure_architecture leaves of one variant, with latencies that a test chooses."""

import hashlib
from pathlib import Path

from prunescape.measure.agent import summarise
from prunescape.store.files import write_json


def measured_file(
    path: Path,
    latencies: dict[tuple[int, int], float],
    *,
    variant: str = "base",
    file_bytes: int = 300_000,
    memory: int | dict[int, int] | None = 10_000_000,
) -> Path:
    """Write a measurement of `variant` of experiment e on target here: ms of a run by (threads, batch).

    `memory` is the peak in bytes, or that by number of threads.
    """
    digest = hashlib.sha256(variant.encode()).hexdigest()
    model = {
        "precision": "fp32",
        "graph_digest": digest,
        "file_bytes": file_bytes,
        "encoded_bytes": file_bytes - 20_000,
    }
    environment = {"provider": "CPUExecutionProvider", "host": "h", "cpu": "c", "onnxruntime": "1"}
    about = {"precision": "fp32", "flush_to_zero": False, "runs_per_sample": 1, "environment": environment}
    about |= {"energy_j": None, "energy_source": "absent", "reused": False, "frequency_mhz": None}
    entries = [
        {**about, **summarise([ms / 1e3] * 10, [ms / 1e3] * 10), "threads": threads, "batch": batch}
        | {"peak_memory_bytes": memory[threads] if isinstance(memory, dict) else memory}
        for (threads, batch), ms in latencies.items()
    ]
    content = {
        "target": {"name": "here", "kind": "local"},
        "architecture": {"experiment": "e", "network": "", "variant": variant},
        **{
            "model": "resnet8",
            "flops": 1000,
            "parameters": 100,
            "widths_digest": digest,
            "architecture_digest": digest,
        },
        **{"strategy": "grid", "settings": len(latencies), "frequency_reason": "not asked for", "not_run": []},
        "models": [model],
        "measured": entries,
    }
    write_json(path, content)
    return path
