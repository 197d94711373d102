"""Which columns of a table are factors: those that vary and are no response, identifier, score, time or provenance."""

import re
from collections.abc import Sequence

import pandas as pd

from prunescape.analysis.factors.factor import LOG10, column_of
from prunescape.analysis.sources.names import CONFIG_PREFIXES
from prunescape.analysis.sources.runs import STATE_COLUMNS, STEPS
from prunescape.space.recipe import PARAMETERS

VARIANT = "variant"
# columns that only our own tables have together -> their factors beside the hyperparameters
OURS = {
    ("ratio_achieved", "correct_bits"): (VARIANT,),
    ("latency_median_s", "runs_per_sample"): (VARIANT, "target", "precision", "threads", "batch"),
}
# names of columns that are no hyperparameters, in the exports of sweep services
IDENTIFIERS = {
    *("experiment", "name", "number", "run", "trial", "row", "index", "fold", "user", "group", "path", "start", "end"),
    *("state", "status", "stage", "round", "done", *STEPS, *STATE_COLUMNS),
}
# words in such names
IDENTIFYING = {
    *("id", "uuid", "seed", "host", "hostname", "ip", "pid", "commit", "digest", "sweep", "tags", "notes", "unnamed"),
    *("timestamp", "date", "datetime", "created", "started", "finished", "updated"),
}
# words in names of numbers that are measured, not set
MEASURED = {
    *("accuracy", "acc", "loss", "score", "value", "values", "objective", "metric", "error", "err", "auc", "f1"),
    *("top1", "top5", "rmse", "mse", "mae", "r2", "perplexity", "reward", "best", "summary", "result"),
    *("time", "runtime", "duration", "elapsed", "seconds", "latency", "throughput", "energy", "joules", "watts", "wh"),
    *("memory", "bytes", "flops", "macs", "parameters"),
}
MOST_LEVELS_SHARE = 0.5  # a text with more levels than this share of the rows is an identifier


def found_factors(frame: pd.DataFrame, responses: Sequence[str], by: Sequence[str]) -> list[str]:
    """The columns that are taken as factors where nobody says them.

    Of our own tables: the hyperparameters, the variant and, of measurements, how a model ran. Where parameters are
    marked by a prefix, as `params_lr` and `config/lr`: these, and the variant. Else every column that varies and is no
    identifier, score, time or provenance, by its name and its values. Never a response, a column of `by`, or a column
    without two values.
    """
    taken = {*map(column_of, responses), *by}
    columns = [str(name) for name in frame if name not in taken and varies(frame[name])]
    columns = [name for name in columns if not name.startswith(LOG10)]  # --factors cannot name it
    for marks, factors in OURS.items():
        if set(frame) >= set(marks):
            return [name for name in columns if name in PARAMETERS or name in factors]
    marked = [name for name in columns if name.startswith(CONFIG_PREFIXES) and "seed" not in _words(name)]
    if marked:
        return [*marked, *(name for name in columns if name == VARIANT)]
    return [name for name in columns if name in (*PARAMETERS, VARIANT) or not _is_no_factor(name, frame[name])]


def varies(values: pd.Series) -> bool:
    """Whether a column has two values, a missing one counting as a value, of a kind that can be compared."""
    return not is_compound(values) and values.nunique(dropna=False) > 1 and bool(values.notna().any())


def is_compound(values: pd.Series) -> bool:
    """Whether a column holds lists, arrays, records or bytes."""
    if values.dtype != object:
        return False
    return bool(values.map(lambda value: hasattr(value, "__len__") and not isinstance(value, str)).any())


def _is_no_factor(name: str, values: pd.Series) -> bool:
    words = _words(name)
    if name.lower() in IDENTIFIERS or words & IDENTIFYING or pd.api.types.is_datetime64_any_dtype(values):
        return True
    distinct = values.nunique()
    if not pd.api.types.is_numeric_dtype(values):
        return distinct > MOST_LEVELS_SHARE * len(values)
    counts_rows = distinct == len(values) and (values % 1 == 0).all() and values.is_monotonic_increasing
    return bool(words & MEASURED) or bool(counts_rows)


def _words(name: str) -> set[str]:
    """`val/topOne_acc` as val, top, one, acc."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return {word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word}
