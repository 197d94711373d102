"""One estimate per seed -> its mean and standard deviation over seeds, beside what was published."""

import pandas as pd

from prunescape.analysis.cells_table import variant_order
from prunescape.analysis.keys import VARIANT_KEY, VARIANT_KEY_COLUMNS
from prunescape.present.published import place_in_paper, published_values

# the columns that every table begins with
ROW_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "seeds": ("int64", "seeds that the variant was trained with: what follows is the mean of one estimate per seed"),
}


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
