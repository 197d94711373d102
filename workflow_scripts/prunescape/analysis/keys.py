"""The columns that say which landscape, or which variant, a row of a table is of."""

BASE = "base"
GROUP = ["experiment", "model", "dataset"]
LANDSCAPE = [*GROUP, "variant", "seed", "metric"]
KEY_COLUMNS = {
    "experiment": ("string", "name in the config"),
    "model": ("string", "unpruned architecture"),
    "dataset": ("string", "name of the data set"),
    "variant": ("string", "base or the name of a pruned form"),
    "seed": ("int64", "seed of the landscape's cells; in a risk, of the base's too"),
    "metric": ("string", "column of the cells that the row is about"),
}
# the same for a row that speaks of all seeds of a variant together
VARIANT_KEY_COLUMNS = {name: column for name, column in KEY_COLUMNS.items() if name != "seed"}
VARIANT_KEY = list(VARIANT_KEY_COLUMNS)
