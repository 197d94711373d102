"""Sets our means over seeds beside published values, which are shown and never used in a computation."""

import re
from functools import cache
from pathlib import Path

import pandas as pd

from prunescape.analysis.axes import VARIANT_KEY, VARIANT_KEY_COLUMNS
from prunescape.analysis.read_cells import variant_order
from prunescape.errors import InputError, nearest
from prunescape.present.labels import threshold_text

REFERENCES = {"matthiesen2023": "Matthiesen (2023)"}
PRIORS = {"matthiesen2023": {"log10_lr": -1.0, "log10_wd": -4.0}}  # Table 3.4
KEYS = ["reference", "model", "dataset", "variant", "metric"]
# the columns that every table begins with
ROW_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "seeds": ("int64", "seeds that the variant was trained with: what follows is the mean of one estimate per seed"),
}


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


def mean_columns(meanings: dict[str, str]) -> dict[str, tuple[str, str]]:
    """The schema of estimates, given as name to meaning: NAME, NAME_sd and published_NAME of each."""
    columns: dict[str, tuple[str, str]] = {}
    for name, meaning in meanings.items():
        columns[name] = ("float64", f"{meaning}, mean over seeds")
        columns[f"{name}_sd"] = ("float64", f"standard deviation of {name} over seeds (n - 1); null with one")
        columns[f"published_{name}"] = ("float64", f"{name} as the reference published it; null when it did not")
    return columns


def over_seeds(estimates: pd.DataFrame, names: list[str], reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric with `seeds` and the columns that `mean_columns` lists for `names`.

    `estimates` has a row per seed with the columns `names`, null where there is no estimate; such a seed is counted in
    `seeds` and takes no part in the mean. Rows come in the paper's order, those it lacks behind; variants as
    everywhere: the base, then uniform and nonuniform ones, each by falling ratio.
    """
    grouped = estimates.groupby(VARIANT_KEY)
    table = grouped[names].mean().join(grouped[names].std(ddof=1).add_suffix("_sd"))
    table.insert(0, "seeds", grouped["seed"].nunique())
    table = table.reset_index()
    known = [published_values(reference, *key) for key in table[VARIANT_KEY[1:]].itertuples(index=False)]
    for name in names:
        table[f"published_{name}"] = pd.Series([values.get(name) for values in known], dtype="float64")
    places = [_place(reference, *key) for key in table[VARIANT_KEY].itertuples(index=False)]
    return table.iloc[sorted(range(len(table)), key=places.__getitem__)].reset_index(drop=True)


def _place(reference: str | None, experiment: str, model: str, dataset: str, variant: str, metric: str) -> tuple:
    place = place_in_paper(reference, model, dataset)
    return metric != "top1", float("inf") if place is None else place, experiment, variant_order(variant)
