"""The Markdown tables of a simulation of verdicts, from one data frame per design. Needs pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd

AT_MARGIN = (0.499, 0.501)


def summary(tables: dict[str, pd.DataFrame]) -> str:
    """All tables, each under a line that says what it shows; numbers are shares of simulated studies unless named."""
    error, looked = tables["error"], tables["second_look"]
    over = f"{len(looked)} of {len(error)} cases were over a mark at first, {len(tables['missed'])} at the second look."
    parts = {
        f"Errors, {int(error['repetitions'].iloc[0])} studies per case. {over}": errors(error, looked),
        "Errors as the step halves, R_v 0.001 from the margin": steps(error),
        "Power: keep / retune in percent of studies, band and cliff, K = 5, σ from the pilot": power(tables["power"]),
        "Power by landscape: the same at σ = 0.2, K = 5": by_landscape(tables["power"]),
        "Θ_b chosen by the base's own noise, base and variant alike": own_region(tables["own_region"]),
        "Points kept by the screen, of all": cost(error),
        "Departures from the assumptions, R_v 0.001 from the margin": stress(tables["stress"]),
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
    both = pd.concat([error, looked]).drop_duplicates(names, keep="last")
    close = both[both["gain"].between(*AT_MARGIN)]
    keys = ["landscape", "noise", "known"]
    table = close.groupby(keys)["wrong"].agg(**{"wrong at the margin, mean": "mean", "worst": "max"})
    table["worst, first look"] = error.groupby(keys)["wrong"].max()
    table["bound holds, worst"] = both.groupby(keys)["covered"].min()
    table["bound of kept points alone holds, worst"] = both.groupby(keys)["covered_by_kept"].min()
    return table.rename_axis(index={"known": "σ known"})


def steps(error: pd.DataFrame) -> pd.DataFrame:
    """Mean and worst error at either step, and the mean change over cases paired on all else, with its SE."""
    close = error[error["gain"].between(*AT_MARGIN)]
    paired = close.set_index(["landscape", "gain", "k", "sigma", "seeds", "noise", "known", "step"])["wrong"].unstack()
    grouped = paired.groupby("landscape")
    table = grouped.mean().add_prefix("mean, step ").join(grouped.max().add_prefix("worst, step "))
    change = (paired[0.1] - paired[0.2]).groupby("landscape")
    table["change"], table["SE of change"] = change.mean(), change.std() / np.sqrt(change.size())
    return table


def power(table: pd.DataFrame) -> pd.DataFrame:
    """keep / retune in percent over σ and R (rows) and R_v (columns)."""
    return _decided(table[table["landscape"] == "band and cliff"], ["sigma", "seeds"])


def by_landscape(table: pd.DataFrame) -> pd.DataFrame:
    """The same for every landscape at one σ."""
    return _decided(table[table["sigma"] == 0.2], ["landscape", "seeds"])


def own_region(table: pd.DataFrame) -> pd.DataFrame:
    """By σ and step: mean K, R_v and d_mean, and the share of keep by R; wrong verdicts at most."""
    keys = ["sigma", "step", "known"]
    grouped = table.groupby(keys)
    means = grouped[["k_mean", "true_gain", "d_mean"]].mean().set_axis(["K", "R_v", "d_mean"], axis=1)
    keep = table.pivot(index=keys, columns="seeds", values="keep").add_prefix("keep, R = ")
    found = means.join(keep).assign(wrong=grouped["wrong"].max())
    return found.rename_axis(index={"sigma": "σ", "known": "σ known"})


def cost(error: pd.DataFrame) -> pd.DataFrame:
    """Mean number of kept points at the screen's level and at that of individual claims of 5 variants."""
    chosen = error[
        (error["noise"] == "normal") & ~error["known"] & (error["seeds"] == 5) & error["gain"].isin([0, 0.25])
    ]
    columns = {"points": "points", "kept": "kept at 0.01", "kept_for_claims": "kept at 0.01 / 5"}
    return chosen.groupby(["landscape", "step", "sigma"])[list(columns)].mean().round(1).rename(columns=columns)


def stress(table: pd.DataFrame) -> pd.DataFrame:
    """The mean and the worst error over the cases of each kind, and how often Welch's form was taken."""
    grouped = table.groupby(["stress", "seeds"])
    named = {"wrong, mean": ("wrong", "mean"), "worst": ("wrong", "max"), "Welch": ("welch", "mean")}
    return grouped.agg(**named).rename_axis(index={"seeds": "R"})


def _decided(table: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    text = [
        f"{100 * keep:.0f} / {100 * retune:.0f}" for keep, retune in zip(table["keep"], table["retune"], strict=True)
    ]
    wide = table.assign(text=text).pivot(index=rows, columns="gain", values="text")
    return wide.rename_axis(index={"seeds": "R", "sigma": "σ"})


def _text(value) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float | np.floating) else str(value)
