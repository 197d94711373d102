"""The table of performance risk, with the rows and columns of matthiesen2023, Table 4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.axes import VARIANT_KEY
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table

if TYPE_CHECKING:
    import pandas as pd

RISKS = {
    "d_mean": "mean risk over the base's region of good settings, percentage points",
    "d_std": "its standard deviation over settings in the 1/n form, percentage points",
    "d_rel_mean": "mean of risk / best, a share",
    "d_rel_std": "its standard deviation over settings in the 1/n form, a share",
    "d_rel_within_2": "share of the settings whose risk / best is at most twice the base's largest one",
}
RISK_TABLE_COLUMNS: dict[str, tuple[str, str]] = {
    **ROW_COLUMNS,
    "estimated": ("int64", "seeds with a risk: their base has a region that the variant was trained in"),
    "settings": ("int64", "settings of the base's regions that the variant was trained at, summed over seeds"),
    "diverged": ("int64", "how many of these diverged"),
    **mean_columns(RISKS),
}


def risk_table(risk: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `RISK_TABLE_COLUMNS`; `risk` as `risk.risk`."""
    table = over_seeds(risk, list(RISKS), reference)
    counts = risk.assign(estimated=risk["n"] > 0).groupby(VARIANT_KEY)[["estimated", "n", "n_diverged"]].sum()
    table = table.join(counts.rename(columns={"n": "settings", "n_diverged": "diverged"}), on=VARIANT_KEY)
    return table.astype({"estimated": "int64"})[list(RISK_TABLE_COLUMNS)]


def print_risk(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`risk_table` as it is printed: three decimals as in the paper, behind them the share within twice the base's."""
    columns = [
        Column("d_mean", ("d_mean",), 3, lambda row: "×" * (row["diverged"] > 0)),
        Column("d_std", ("d_std",), 3),
        Column("d_mean^R", ("d_rel_mean",), 3),
        Column("d_std^R", ("d_rel_std",), 3),
        Column("within 2×", ("d_rel_within_2",), 2),
    ]
    notes = [
        "Mean and standard deviation of the performance risk (percentage points) and of the relative performance risk "
        "(R, a share) when the base's settings are kept after pruning (as Table 4.2 of Matthiesen, 2023).",
        "Within 2×: share of the base's good settings at which the relative risk is at most twice the base's largest "
        "one (section 4.2; not in the published table). –: no such setting was trained.",
    ]
    marks = {"×": "some of the settings diverged and count at chance level"}
    return printed_table(table, columns, reference, name="performance_risk", notes=notes, marks=marks)
