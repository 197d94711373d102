"""What the figures about all runs of an experiment share: which runs there are, and when such figures are drawn."""

import pandas as pd

from prunescape.analysis.axes import Axis
from prunescape.analysis.efficiency.efficiency import ENERGY, setting_texts, varying
from prunescape.present.labels import axis_title
from prunescape.store.records import FRESH

FEWEST_FACTORS = 3  # over two hyperparameters the landscapes show all runs
KEYS = ["experiment", "variant", "setting", "seed"]
# what a table of efficiency tells of a run
TOLD = (
    *("accuracy", "accuracy_on", "overfit", "epoch_seconds", "epoch_wh", "watts", "eq", "accuracy_per_second"),
    *("cost", "on_front"),
)


def design_runs(cells: pd.DataFrame, efficiency: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs of each experiment in which three hyperparameters vary or more, with what `efficiency` tells of each.

    Fresh seeds of chosen settings are left out: they would count what was chosen twice.
    """
    found = {}
    for experiment, rows in cells.groupby("experiment", sort=True):
        told = efficiency.loc[efficiency["experiment"] == experiment, [*KEYS, *TOLD]]
        named = rows.drop(columns=list(TOLD), errors="ignore").assign(setting=setting_texts(rows))
        runs = named[~named["stage"].isin(FRESH)].merge(told, on=KEYS, validate="1:1")
        if len(varying(runs)) >= FEWEST_FACTORS and len(runs) > 1:
            found[str(experiment)] = runs
    return found


def cost_of(runs: pd.DataFrame) -> tuple[str, str, str]:
    """The column of what an epoch costs, that of the quotient, and how the cost is called on an axis."""
    if runs["cost"].iloc[0] == ENERGY:
        return "epoch_wh", "eq", "energy, Wh per epoch"
    return "epoch_seconds", "accuracy_per_second", "time, s per epoch"


def factor_title(name: str) -> str:
    """How a hyperparameter is called: `log10 learning rate`, `batch size`."""
    return axis_title(Axis.of(name)) if name != "variant" else name
