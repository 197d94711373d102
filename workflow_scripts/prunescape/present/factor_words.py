"""The factor tables of a study in the words of its report: titles instead of the names of columns."""

from collections.abc import Callable, Mapping

import pandas as pd

from prunescape.analysis.factors.columns import TABLES
from prunescape.present.labels import hyperparameter_title, variant_title
from prunescape.space.recipe import PARAMETERS

OF_VARIANT = "variant="
RESPONSES = {
    "top1": "top-1",
    "log10:epoch_seconds": "log10 of seconds per epoch",
}


def in_words(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Those of `tables` that `prunescape factors` has, with titles of factors, responses and variants."""
    return {name: _worded(tables[name]) for name in TABLES if name in tables}


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    words = {name: table[name].map(title, na_action="ignore") for name, title in TITLES.items() if name in table}
    return table.assign(**words)


def _title(name: str) -> str:
    """Of a hyperparameter, or of a variant that is compared with the base."""
    return hyperparameter_title(name) if name in PARAMETERS else variant_title(name)


TITLES: dict[str, Callable[[str], str]] = {
    "factor": _title,
    "other": _title,
    "response": lambda name: RESPONSES.get(name, name),
    "by": lambda name: variant_title(name.removeprefix(OF_VARIANT)),
}
