"""What was published of a model on a data set, to stand beside our numbers; nothing is computed from it."""

import re
from functools import cache
from pathlib import Path

import pandas as pd

from prunescape.errors import InputError, nearest
from prunescape.present.labels import threshold_text

REFERENCES = {"matthiesen2023": "Matthiesen (2023)"}
PRIORS = {"matthiesen2023": {"log10_lr": -1.0, "log10_wd": -4.0}}  # Table 3.4
KEYS = ["reference", "model", "dataset", "variant", "metric"]


def check_reference(reference: str | None) -> None:
    """Raise InputError when `reference` is neither None nor a work whose values stand here."""
    if reference is not None and reference not in REFERENCES:
        allowed, hint = ", ".join(REFERENCES), nearest(reference, REFERENCES)
        raise InputError(f'no values are known from "{reference}"', where="reference", allowed=allowed, hint=hint)


@cache
def published() -> dict[tuple[str, ...], dict[str, float]]:
    """What published.csv holds, in its order: (reference, model, data set, variant, metric) -> numbers by column."""
    table = pd.read_csv(Path(__file__).with_name("published.csv"), comment="#")
    rows = table.set_index(KEYS).T.items()
    return {(key[0], _plain(key[1]), _plain(key[2]), *key[3:]): values.dropna().to_dict() for key, values in rows}


def published_values(reference: str | None, model: str, dataset: str, variant: str, metric: str) -> dict[str, float]:
    """Every published number of one variant and metric by the name of our column; what was not published is absent."""
    return published().get((reference, _plain(model), _plain(dataset), _canonical(variant), metric), {})


def place_in_paper(reference: str | None, model: str, dataset: str) -> int | None:
    """Where a model on a data set comes in the tables of a work; None where it is not in them, or without a work."""
    pairs = list(dict.fromkeys(key[1:3] for key in published() if key[0] == reference))
    pair = (_plain(model), _plain(dataset))
    return pairs.index(pair) if pair in pairs else None


def suffix(threshold: float) -> str:
    """A threshold as it stands in the names of columns: 1.0 as `1_0`."""
    return threshold_text(threshold).replace(".", "_")


def _plain(name: str) -> str:
    """A name of a model or data set without case and signs: `MobileNetV2` and `mobilenet_v2` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _canonical(variant: str) -> str:
    """A variant's name with its ratio as we write it: `uniform-0.60` is `uniform-0.6`."""
    method, _, ratio = variant.partition("-")
    return f"{method}-{float(ratio):g}" if re.fullmatch(r"0?\.[0-9]+", ratio) else variant
