"""What the tables of `prunescape factors` say, in words: one paragraph per response, and what to look at again."""

from dataclasses import dataclass

import pandas as pd

from prunescape.analysis.factors.interactions import AGAIN, INCONCLUSIVE, LEVEL, STAY
from prunescape.present.labels import joined, level_title
from prunescape.present.numbers import counted, is_missing, number, short, whole
from prunescape.present.report.table import p_value

Tables = dict[str, pd.DataFrame]
NAMED = 3  # factors and pairs that a sentence names
CURVED = 0.1  # by so much a forest must predict better than the linear model for a word on it
LEAST = 0.005  # share of the variance that a sentence names
SILENT = 0.2  # a forest that explains less says little about importance


@dataclass(frozen=True)
class Paragraph:
    """What is found on one response in one group of rows, `by`."""

    by: str
    response: str
    text: str


def paragraphs(tables: Tables) -> list[Paragraph]:
    """A paragraph per response and group, in the order of the table `fit`."""
    return [
        Paragraph(row.by, row.response, response_text(tables, row.by, row.response))
        for row in tables["fit"].itertuples()
    ]


def response_text(tables: Tables, by: str, response: str) -> str:
    """Which factors change a response, how much, and what of it the models explain."""
    fit = rows_of(tables["fit"], by, response).iloc[0]
    place = f"{response}{f', {by}' if by else ''}: "
    if is_missing(fit["coefficients"]):
        what = "It is the same in all of them, or no factor varies: nothing to explain."
        return f"{place}{counted(int(fit['n']), 'row')}. {what}"
    tests = rows_of(tables["factors"], by, response)
    parts = [
        f"{place}{whole(fit['n'])} rows of {whole(fit['settings'])} settings{_dependent(fit)}.",
        _tested(tests),
        _largest_effect(rows_of(tables["effects"], by, response), tests),
        f"The linear model explains {share(fit['r2'])} of the variance, and {_unseen(fit['r2_cv'])}.",
        _by_forest(rows_of(tables["importance"], by, response), fit),
    ]
    return " ".join(part for part in parts if part)


def rows_of(table: pd.DataFrame, by: str, response: str) -> pd.DataFrame:
    """The rows of a table on one response in one group."""
    return table[(table["by"] == by) & (table["response"] == response)]


def _unseen(r2: float) -> str:
    """How well a model predicts settings that it has not seen."""
    return "nothing of unseen settings" if r2 <= 0 else f"{share(r2)} on unseen settings"


def _dependent(fit: pd.Series) -> str:
    """A word on rows of one setting, which are alike."""
    return ", which the F tests take for independent rows" if fit["settings"] < fit["n"] else ""


def _tested(tests: pd.DataFrame) -> str:
    changing = tests[tests["p_holm"] < LEVEL].sort_values("partial_eta2", ascending=False, kind="stable")
    others = tests.loc[~tests.index.isin(changing.index), "factor"].tolist()
    if changing.empty:
        return f"None of {counted(len(tests), 'factor')} is shown to change it (F test, 5 % after Holm)."
    named = [f"{row.factor} (partial η² {share(row.partial_eta2)})" for row in changing.itertuples()]
    verb = "changes" if len(named) == 1 else "change"
    rest = f" Not shown to change it: {joined(others)}." if others else ""
    return f"{joined(named)} {verb} it (F test, 5 % after Holm).{rest}"


def _largest_effect(effects: pd.DataFrame, tests: pd.DataFrame) -> str:
    shown = effects[effects["factor"].isin(tests.loc[tests["p_holm"] < LEVEL, "factor"])]
    if shown.empty:
        return ""
    row = shown.loc[shown["estimate"].abs().idxmax()]
    return (
        f"The largest difference is that of {row['factor']} at {_against(row)}: "
        f"{amount(row['estimate'])} (95 %: {amount(row['low'])} to {amount(row['high'])})."
    )


def _by_forest(importance: pd.DataFrame, fit: pd.Series) -> str:
    explains = f"A random forest explains {_unseen(fit['r2_forest'])}"
    if not fit["r2_forest"] > SILENT:
        return f"{explains}: too little to speak of importance."
    main = importance[importance["other"].isna()].nlargest(NAMED, "share")
    named = [f"{row.factor} {_interval(row)}" for row in main.itertuples() if _counts(row)]
    pairs = importance[importance["other"].notna()].nlargest(1, "share")
    pair = [f"{row.factor} with {row.other} {_interval(row)}" for row in pairs.itertuples() if _counts(row)]
    curved = fit["r2_forest"] > fit["r2_cv"] + CURVED
    why = ", more than the linear model: effects bend, or factors act together" if curved else ""
    alone = f" Alone, {joined(named)} of its variance." if named else ""
    return f"{explains}{why}.{alone}{f' The strongest pair is {pair[0]}.' if pair else ''}"


def _counts(row) -> bool:
    """Whether a share of the variance is more than chance, and than nothing in whole percent."""
    return row.low > 0 and row.share >= LEAST


def _interval(row) -> str:
    return f"{number(100 * row.share, 0, ' %')} ({number(100 * row.low, 0)} to {number(100 * row.high, 0)})"


def interaction_texts(tables: Tables) -> list[str]:
    """For each group, response and other level: what to look at again, what may stay, and what is inconclusive."""
    rows = tables["interactions"]
    keys = ["by", "response", "with", "other", "base"]
    return [
        _interaction_text(dict(zip(keys, key, strict=True)), part, tables["interaction_effects"])
        for key, part in rows.groupby(keys, sort=False)
    ]


def _interaction_text(key: dict[str, str], rows: pd.DataFrame, effects: pd.DataFrame) -> str:
    group = f", {key['by']}" if key["by"] else ""
    place = f"{key['response']}, {key['with']} {key['other']} instead of {key['base']}{group}"
    first = rows.iloc[0]
    count = int(first["n"])
    basis = f"{counted(count, 'pair')} of equal settings" if first["paired"] else f"{count} unpaired settings"
    own = effects
    for name, value in key.items():
        own = own[own[name] == value]
    again = [_changed(row, own) for row in rows[rows["verdict"] == AGAIN].itertuples()]
    stay, unknown = (rows[rows["verdict"] == verdict] for verdict in (STAY, INCONCLUSIVE))
    parts = [f"{place} ({basis}):"]
    parts.append(f"look again at {joined(again)}." if again else "nothing to look at again.")
    if len(stay):
        names, most, margin = joined(stay["factor"].tolist()), amount(stay["bound"].max()), amount(first["margin"])
        parts.append(f"{names} may stay: at 95 % no difference of two levels changes by over {most} (margin {margin}).")
    if len(unknown):
        named = [f"{row.factor} (by up to {amount(row.bound)})" for row in unknown.itertuples()]
        parts.append(f"Inconclusive: {joined(named)}; more settings or seeds would tell.")
    return " ".join(parts)


def _changed(row, effects: pd.DataFrame) -> str:
    """A factor with the level whose effect changes most."""
    levels = effects[effects["factor"] == row.factor]
    most = levels.loc[levels["difference"].abs().idxmax()]
    p = p_value(row.p_holm)
    return (
        f"{row.factor} (the effect of {_against(most)} changes by "
        f"{amount(most['difference'])}, 95 %: {amount(most['low'])} to {amount(most['high'])}; "
        f"p {p if p.startswith('<') else f'= {p}'} after Holm)"
    )


def _against(effect: pd.Series) -> str:
    return f"{level_title(effect['level'])} instead of {level_title(effect['reference'])}"


def amount(value: float) -> str:
    """A number with three digits that count, `−2.09`."""
    return short(f"{value:.3g}")


def share(value: float) -> str:
    """A share of variance, `0.68`."""
    return number(value, 2)
