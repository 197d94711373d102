"""The report's tables of what trainings cost: the best runs in three orders, and what fresh seeds leave of the best."""

import pandas as pd

from prunescape.analysis.efficiency.confirmation import BETTER, WORSE
from prunescape.analysis.efficiency.efficiency import ENERGY
from prunescape.present.figures.runs_data import cost_of, design_runs
from prunescape.present.labels import joined, variant_title
from prunescape.present.numbers import number
from prunescape.present.report.table import Columns, Table, interval, make_table, p_value

BEST = 5  # runs of each order
FEW_SEEDS = 2
RESPONSE_TITLES = {
    "accuracy": "accuracy",
    "train_accuracy": "training accuracy",
    "eq": "efficiency quotient",
    "accuracy_per_second": "accuracy per second",
}


def efficiency_tables(cells: pd.DataFrame, efficiency: pd.DataFrame) -> list[Table]:
    """The best runs of one experiment, where three hyperparameters vary or more."""
    runs = design_runs(cells, efficiency) if len(efficiency) else {}
    return [best_runs(rows) for rows in runs.values()]


def best_runs(runs: pd.DataFrame) -> Table:
    """The best runs of ONE experiment by accuracy, by cost and by their quotient, as burmester2023's PDF."""
    cost, quotient, title = cost_of(runs)
    told = runs["cost"].iloc[0] == ENERGY
    orders = {
        "accuracy": runs.sort_values("accuracy", ascending=False, kind="stable"),
        title.split(",")[0]: runs.sort_values(cost, kind="stable"),
        "EQ" if told else "accuracy per second": runs.sort_values(quotient, ascending=False, kind="stable"),
    }
    rows = pd.concat([order.head(BEST).assign(best_in=name) for name, order in orders.items()])
    columns: Columns = {
        "best in": "best_in",
        "variant": lambda row: variant_title(row.variant),
        f"{runs['accuracy_on'].iloc[0]} accuracy, %": ("accuracy", 2, 100),
        "overfit, points": ("overfit", 2),
        "s per epoch": ("epoch_seconds", 3),
        **({"Wh per epoch": ("epoch_wh", 4), "watts": ("watts", 1), "EQ": ("eq", 2)} if told else {}),
        "accuracy / s": ("accuracy_per_second", 3),
        "setting": "setting",
    }
    notes = [
        "Overfit: training accuracy minus this. The first of many runs was lucky: fresh seeds tell by how much.",
        "EQ: accuracy, a fraction, over watt-hours per epoch (burmester2023, Eq 1)."
        if told
        else f"No energy: {_why_not(runs)}. Seconds stand in for it; they depend on what else the host did.",
    ]
    return make_table("Best runs", rows.itertuples(), columns, notes)


def _why_not(runs: pd.DataFrame) -> str:
    """The most frequent reason why cells have none."""
    reasons = runs["energy_reason"].dropna() if "energy_reason" in runs else []
    return reasons.mode().iloc[0] if len(reasons) else "the cells tell none"


def confirmation_table(rows: pd.DataFrame) -> Table:
    """The winner and the runners-up of each variant on fresh seeds, in the responses that are known."""
    columns: Columns = {
        "in": lambda row: RESPONSE_TITLES[row.response],
        "variant": lambda row: variant_title(row.variant),
        "place": "place",
        "first": ("first", 4),
        "fresh seeds": "seeds",
        "mean": ("mean", 4),
        "95 % interval": lambda row: interval(row.low, row.high, 4),
        "selection effect": ("selection_effect", 4),
        "winner better by": ("difference", 4),
        "95 % interval of that": lambda row: interval(row.difference_low, row.difference_high, 4),
        "p, Holm": lambda row: p_value(row.p_holm),
        "verdict": "verdict",
        "setting": "setting",
    }
    notes = [
        "First: the score that the setting was chosen by or among. Selection effect: first minus the mean of fresh "
        "seeds. Differences are paired by seed; p is of a paired t-test, corrected over the runners-up.",
        *confirmation_sentences(rows),
    ]
    return make_table("The best settings again, on fresh seeds", rows.itertuples(), columns, notes)


def confirmation_sentences(rows: pd.DataFrame) -> list[str]:
    """One sentence per variant and response: whether fresh seeds confirm the winner."""
    groups = rows.groupby(["experiment", "variant", "response"], sort=False)
    return [_sentence(variant, response, part) for (_, variant, response), part in groups]


def _sentence(variant: str, response: str, part: pd.DataFrame) -> str:
    winner, others = part.iloc[0], part.iloc[1:]
    effect, seeds = winner["selection_effect"], int(winner["seeds"])
    place = f"{number(abs(effect), 4)} {'above' if effect >= 0 else 'below'}"
    mean = f"its mean over {seeds} fresh seeds" if seeds >= FEW_SEEDS else "that of a fresh seed"
    begin = f"{variant_title(variant)}, {RESPONSE_TITLES[response]}: the winner's first score was {place} {mean}; "
    if seeds < FEW_SEEDS:
        return begin + "one seed confirms nothing."
    better, worse = (int((others["verdict"] == verdict).sum()) for verdict in (BETTER, WORSE))
    told = [*([f"better than {better}"] if better else []), *([f"worse than {worse}"] if worse else [])]
    shown = f"shown to be {joined(told)}" if told else "not shown to differ from any"
    return begin + f"it is {shown} of {len(others)} runners-up."
