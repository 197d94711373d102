"""The tables of what int8 costs exported models, from what explain_int8 wrote: int8_ways and int8_layers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.errors import InputError
from prunescape.space.settings import NETWORK_COLUMN, Setting
from prunescape.store.files import AGAIN, read_json
from prunescape.store.tables import Columns

AS_EXPORTED = "as exported"
_MODEL: Columns = {
    "experiment": ("string", "name in the config"),
    **NETWORK_COLUMN,
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "rank": ("int64", "1 for the best cell of this variant of this network"),
}
INT8_WAY_COLUMNS: Columns = {
    **_MODEL,
    "way": ("string", "how the network is quantised; as exported: the file that targets measure"),
    "float_layers": ("int64", "layers left in float: the most sensitive ones, and those before them"),
    "float_layer_names": ("string", "their names in the network; empty where there is none"),
    "float_top1": ("float64", "accuracy of the network in fp32 on the stored test examples, on this host, percent"),
    "top1": ("float64", "accuracy in int8 on the same, percent"),
    "lost": ("float64", "float_top1 - top1, percentage points"),
    "too_much": ("bool", "loses more than a point, so other ways are tried, unless it is quantised dynamically"),
    "tested": ("int64", "stored test examples"),
    "compared_lost": ("float64", "points lost on the examples on which ways are compared; null where none was tried"),
    "compared": ("int64", "these examples; null where none was tried"),
    "split": ("string", "where they are from: validation, or train, without those that calibrate; or none"),
    "logit_error": ("float64", "root mean square change of the logits on them ÷ that of the logits in fp32"),
    "best": ("bool", "loses least in comparison; of equal ones changes logits least; of one model one way"),
    "float_encoded_bytes": ("int64", "size of the fp32 file after deflate"),
    "encoded_bytes": ("int64", "size of the int8 file after deflate"),
}
_ENDS = {
    "weight": "weights, batch norm folded in",
    "input": "values before it",
    "output": "values behind it, or its ReLU",
}
INT8_LAYER_COLUMNS: Columns = {
    **_MODEL,
    "layer": ("string", "name in the network, or of the graph's node"),
    "place": ("int64", "in the order of the graph, from 0"),
    "sensitivity": ("int64", "1 for the layer that changes the logits most when it is alone in int8"),
    "lost_alone": ("float64", "points lost in comparison with this layer alone in int8"),
    "logit_error": ("float64", "root mean square change of the logits then ÷ that of the logits in fp32"),
    **{
        f"{name}_{end}": ("float64", f"{found} of the {what}, the values over the calibration examples")
        for name, what in _ENDS.items()
        for end, found in (("low", "smallest"), ("high", "largest"))
    },
    **{
        f"{name}_spread": (
            "float64",
            f"range of all channels ÷ the median of those that are not zero, of the {what}",
        )
        for name, what in _ENDS.items()
    },
}


def read_explained(paths: Iterable[Path | str]) -> list[dict[str, Any]]:
    """What explain_int8 says of every model in files that it wrote; may be none.

    Raises InputError that names a file which is missing, damaged or of another version.
    """
    found = []
    for path in paths:
        models = read_json(path, "models")["models"]
        for model in models:
            missing = {"cell", "rank", "tested", "limit", "ways", "layers"} - set(model)
            if missing:
                what, hint = f"a model has no field {min(missing)}", f"it is of another version: {AGAIN}"
                raise InputError(what, where=path, hint=hint)
        found += models
    return found


def int8_ways(models: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per model and way that was tried, as INT8_WAY_COLUMNS: of most models one, the file that was exported."""
    return _table(models, _ways, INT8_WAY_COLUMNS)


def int8_layers(models: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per layer of the models that lose more than a point in int8, as INT8_LAYER_COLUMNS."""
    return _table(models, _layers, INT8_LAYER_COLUMNS)


def _table(
    models: Sequence[Mapping[str, Any]], rows_of: Callable[[Mapping], list[dict]], columns: Columns
) -> pd.DataFrame:
    rows = []
    for model in models:
        cell = model["cell"]
        named = {"experiment": cell["experiment"], "network": Setting.of(cell["setting"]).network_text}
        named |= {"variant": cell["variant"], "rank": model["rank"]}
        rows += [named | row for row in rows_of(model)]
    kinds = {name: {"int64": "Int64", "float64": "float64"}.get(kind) for name, (kind, _) in columns.items()}
    return pd.DataFrame(rows, columns=list(columns)).astype({name: kind for name, kind in kinds.items() if kind})


def _ways(model: Mapping[str, Any]) -> list[dict]:
    exported = {"way": AS_EXPORTED, "float_layers": [], "correct": model["correct"]}
    ways = model["ways"] or [exported | {"encoded_bytes": model["encoded_bytes"]}]
    best = min(ways, key=lambda way: (-way.get("correct_compared", 0), way.get("logit_error", 0)))
    float_top1 = 100 * model["float_correct"] / model["tested"]
    shared = {"float_top1": float_top1, "tested": model["tested"], "float_encoded_bytes": model["float_bytes"]}
    shared |= {"compared": model.get("compared"), "split": model.get("split", "")}
    top1 = [100 * way["correct"] / model["tested"] for way in ways]
    return [
        shared
        | {
            "way": way["way"],
            "float_layers": len(way["float_layers"]),
            "float_layer_names": " ".join(way["float_layers"]),
            "top1": accuracy,
            "lost": float_top1 - accuracy,
            "too_much": float_top1 - accuracy > model["limit"],
            "compared_lost": _compared_loss(model, way),
            "logit_error": way.get("logit_error"),
            "best": way is best,
            "encoded_bytes": way["encoded_bytes"],
        }
        for way, accuracy in zip(ways, top1, strict=True)
    ]


def _compared_loss(model: Mapping[str, Any], row: Mapping[str, Any]) -> float | None:
    if "compared" not in model:
        return None
    return 100 * (model["float_compared"] - row["correct_compared"]) / model["compared"]


def _layers(model: Mapping[str, Any]) -> list[dict]:
    """The rows of one model; explain_int8 gives the most sensitive layer first."""
    rows = enumerate(model["layers"], start=1)
    return [row | {"sensitivity": place, "lost_alone": _compared_loss(model, row)} for place, row in rows]
