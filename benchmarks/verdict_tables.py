"""The Markdown tables of a simulation of verdicts, from one data frame per design. Needs pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from verdict_cases import AT_MARGIN, STRESSES

from prunescape.analysis.verdict.screening import MARGIN
from prunescape.config.noises import NOISES


def summary(tables: dict[str, pd.DataFrame]) -> str:
    """All tables, each under a line that says what it shows; numbers are shares of simulated studies unless named."""
    error, looked = tables["error"], tables["second_look"]
    over = f"{len(looked)} of {len(error)} cases were over a mark at first, {len(tables['missed'])} at the second look."
    parts = {
        f"Errors, {int(error['repetitions'].iloc[0])} studies per case. {over}": errors(error, looked),
        "Errors as the step halves, R_v 0.001 from the margin": steps(error),
        "Departures from the assumptions, R_v 0.001 from the margin: worst keep / retune": stress(tables["stress"]),
        "Designs beside each other, means over three landscapes": designs(tables["designs"]),
        "Power: keep / retune in percent of studies, band and cliff, K = 5, σ from the pilot": power(tables["power"]),
        "Power by landscape: the same at σ = 0.2, K = 5": by_landscape(tables["power"]),
        "Fresh trainings of one variant in these studies": trainings(tables["power"]),
        "Θ_b chosen by the base's own noise, base and variant alike": own_region(tables["own_region"]),
    }
    return "\n\n".join(f"{title}\n\n{markdown(table)}" for title, table in parts.items()) + "\n"


def markdown(table: pd.DataFrame) -> str:
    """The index and columns of a frame as a Markdown table; texts as they are, numbers to three places."""
    frame = table.reset_index()
    shown = [[_text(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    lines = [[str(name) for name in frame.columns], ["---"] * frame.shape[1], *shown]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def errors(error: pd.DataFrame, looked: pd.DataFrame) -> pd.DataFrame:
    """The mean and the worst of each kind of case; a case that was looked at twice counts by its second look."""
    names = list(error.columns[: error.columns.get_loc("repetitions")])
    both = _designs(pd.concat([error, looked]).drop_duplicates(names, keep="last"))
    keys = ["landscape", "noise", "design"]
    close = both[both["gain"].isin(AT_MARGIN)]
    table = close.groupby(keys)["wrong"].agg(**{"wrong at the margin, mean": "mean", "worst": "max"})
    table["worst, first look"] = _designs(error).groupby(keys)["wrong"].max()
    table["bound holds, worst"] = both.groupby(keys)["covered"].min()
    return table


def steps(error: pd.DataFrame) -> pd.DataFrame:
    """Mean and worst error at either step over the cases that both have."""
    close = _designs(error[error["gain"].isin(AT_MARGIN) & (error["noise"] == "normal")])
    names = ["landscape", "gain", "k", "sigma", "design"]
    paired = close.set_index([*names, "step"])["wrong"].unstack().dropna()
    grouped = paired.groupby(["landscape", "design"])
    return grouped.mean().add_prefix("mean, step ").join(grouped.max().add_prefix("worst, step "))


def designs(table: pd.DataFrame) -> pd.DataFrame:
    """Share decided and fresh trainings of one variant, by σ and R_v in margins and by where errors come from."""
    table = _designs(table.assign(decided=table["keep"] + table["retune"]))
    table = table.assign(**{"σ / m": table["sigma"] / MARGIN, "R_v / m": table["gain"] / MARGIN})
    grouped = table.groupby(["σ / m", "R_v / m", "error", "design"])
    means = grouped[["decided", "trainings", "looks"]].mean()
    means["trainings"] = means["trainings"].round(0)
    return means.join(grouped["wrong"].max().rename("wrong, worst"))


def power(table: pd.DataFrame) -> pd.DataFrame:
    """keep / retune in percent over σ and design (rows) and R_v (columns)."""
    return _decided(table[table["landscape"] == "band and cliff"], ["sigma", "design"])


def by_landscape(table: pd.DataFrame) -> pd.DataFrame:
    """The same for every landscape at one σ."""
    return _decided(table[table["sigma"] == 0.2], ["landscape", "design"])


def trainings(table: pd.DataFrame) -> pd.DataFrame:
    """Mean number of fresh trainings over σ, landscape and design (rows) and R_v (columns)."""
    wide = _designs(table).pivot(index=["sigma", "landscape", "design"], columns="gain", values="trainings")
    return wide.round(0).rename_axis(index={"sigma": "σ"})


def own_region(table: pd.DataFrame) -> pd.DataFrame:
    """By σ and step: mean K, R_v and d_mean, and the share of keep by design; wrong verdicts at most."""
    table = _designs(table)
    keys = ["sigma", "step"]
    grouped = table.groupby(keys)
    means = grouped[["k_mean", "true_gain", "d_mean"]].mean().set_axis(["K", "R_v", "d_mean"], axis=1)
    keep = table.pivot(index=keys, columns="design", values="keep").add_prefix("keep, R = ")
    return means.join(keep).assign(wrong=grouped["wrong"].max()).rename_axis(index={"sigma": "σ"})


def stress(table: pd.DataFrame) -> pd.DataFrame:
    """The worst error over landscapes, keep / retune, by departure and design (rows) and source of errors (columns)."""
    table = _designs(table)
    keys = ["stress", "design", "error"]
    worst = {
        name: table[table["gain"] == gain].groupby(keys)["wrong"].max()
        for name, gain in zip(("retune", "keep"), AT_MARGIN, strict=True)
    }
    text = pd.Series(
        [f"{keep:.3f} / {retune:.3f}" for keep, retune in zip(worst["keep"], worst["retune"], strict=True)],
        index=worst["keep"].index,
    )
    wide = text.unstack("error")[list(NOISES)]
    return wide.reindex(["", *STRESSES], level="stress").rename(index={"": "none"})


def _designs(table: pd.DataFrame) -> pd.DataFrame:
    """With the numbers of seeds at which each case looks as a text."""
    return table.assign(design=[", ".join(map(str, looks)) for looks in table["looks_planned"]])


def _decided(table: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    text = [
        f"{100 * keep:.0f} / {100 * retune:.0f}" for keep, retune in zip(table["keep"], table["retune"], strict=True)
    ]
    wide = _designs(table).assign(text=text).pivot(index=rows, columns="gain", values="text")
    return wide.rename_axis(index={"sigma": "σ"})


def _text(value) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float | np.floating) else str(value)
