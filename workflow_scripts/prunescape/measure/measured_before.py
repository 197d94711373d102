"""Measurements that are kept by all that decides them, and so are not made again (edgetune2022, 3.4)."""

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescape.errors import InputError
from prunescape.measure.inference_search import InferenceSetting
from prunescape.store.files import read_json, write_json

# of a target's settings: what names it, what is one of several values, and what only a trained model has
NOT_DECISIVE = ("name", "threads", "batch", "precisions", "frequency_mhz", "emulates", "dataset_passes")
THIS_HOST = ("local", "emulated")  # kinds that measure the host of the job


@dataclass(frozen=True)
class MeasuredBefore:
    """Measurements in a `folder` that studies share. What decides all of a target's is in `decided_by`."""

    folder: Path
    decided_by: dict[str, Any]

    def find(self, model: dict[str, Any], setting: InferenceSetting) -> dict[str, Any] | None:
        """What was measured of a model with this graph, or None; a damaged file is measured again."""
        try:
            return read_json(self._path(model, setting), "latency", "environment")
        except InputError:
            return None

    def keep(self, model: dict[str, Any], setting: InferenceSetting, found: dict[str, Any]) -> None:
        """Keep what was measured."""
        write_json(self._path(model, setting), found)

    def _path(self, model: dict[str, Any], setting: InferenceSetting) -> Path:
        about = {name: model[name] for name in ("graph_digest", "precision")} | setting._asdict()
        text = json.dumps(self.decided_by | about, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def decisive(target: dict[str, Any], code: str) -> dict[str, Any]:
    """What decides all measurements of a target: its settings, the measuring code, and which host this is.

    A host that is only reached from here is named by the settings. A node of Slurm is known by its processor.
    """
    settings = {name: value for name, value in target.items() if name not in NOT_DECISIVE}
    return {"settings": settings, "code": code, "host": _host(target["kind"])}


def _host(kind: str) -> dict[str, str]:
    if kind not in (*THIS_HOST, "slurm"):
        return {}
    from prunescape.measure.agent import cpu_model, onnxruntime

    known = {"cpu": cpu_model(), "onnxruntime": onnxruntime.__version__}
    return known | ({"host": platform.node()} if kind in THIS_HOST else {})
