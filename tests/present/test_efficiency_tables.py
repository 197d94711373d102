"""The report's tables of runs and of fresh seeds, and their words, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.efficiency.confirmation import confirmation
from prunescape.analysis.efficiency.efficiency import efficiency
from prunescape.present.figures.runs_data import design_runs
from prunescape.present.report.efficiency_tables import best_runs, confirmation_sentences, confirmation_table

KNOWN = {
    "experiment": "e",
    "model": "m",
    "dataset": "d",
    "variant": "base",
    "seed": 0,
    "status": "ok",
    "stage": "trial",
}


def runs(joules) -> pd.DataFrame:
    """Eight runs over three hyperparameters, the more accurate the slower."""
    levels = [(size, momentum, flip) for size in (16, 32) for momentum in (0.0, 0.9) for flip in (False, True)]
    cells = pd.DataFrame(levels, columns=["batch_size", "momentum", "flip"])
    cells["top1"] = cells["train_top1"] = np.arange(20.0, 100.0, 10.0)
    cells["epoch_seconds"] = np.arange(1.0, 9.0)
    cells = cells.assign(**KNOWN, epoch_joules=joules, energy_reason=None if joules else "no counter here")
    return design_runs(cells, efficiency(cells))["e"]


def test_the_best_of_each_order_by_hand():
    """EQ of the run of 90 % at 3.6 kJ, 1 Wh: 0.9; at 3,600 J each the order of EQ is that of accuracy."""
    table = best_runs(runs(3600.0))
    assert [row[0] for row in table.rows] == ["accuracy"] * 5 + ["energy"] * 5 + ["EQ"] * 5
    shown = dict(zip(table.heads, table.rows[10], strict=True))
    assert shown["setting"] == "batch_size 32, flip true, momentum 0.9"
    assert (shown["EQ"], shown["Wh per epoch"], shown["test accuracy, %"]) == ("0.90", "1.0000", "90.00")


def test_without_energy_the_reason_is_told():
    table = best_runs(runs(None))
    assert "EQ" not in table.heads and table.rows[5][0] == "time" and table.rows[10][0] == "accuracy per second"
    assert "No energy: no counter here." in table.notes[-1]


def confirmed(fresh: dict) -> pd.DataFrame:
    """Batch sizes with first scores of 80, 79, … and these fresh ones, percent."""
    first = [{"batch_size": size, "top1": 80.0 - place, "stage": "trial"} for place, size in enumerate(fresh)]
    again = [
        {"batch_size": size, "top1": top1, "stage": "confirmation", "seed": 101 + place}
        for size, scores in fresh.items()
        for place, top1 in enumerate(scores)
    ]
    cells = pd.DataFrame(first + again)
    known = {**KNOWN, "seed": cells["seed"].fillna(0).astype(int), "stage": cells["stage"]}
    return confirmation(cells.assign(**known, train_top1=cells["top1"], epoch_seconds=np.nan))


@pytest.mark.parametrize(
    ("fresh", "said"),
    [
        (
            {16: [70, 71, 72], 32: [50, 51.5, 52], 64: [70, 71.5, 71]},
            "it is shown to be better than 1 of 2 runners-up.",
        ),
        ({16: [50, 51.5, 52], 32: [70, 71, 72]}, "it is shown to be worse than 1 of 1 runners-up."),
        ({16: [70, 71, 72], 32: [71, 70, 72.5]}, "it is not shown to differ from any of 1 runners-up."),
        ({16: [70], 32: [60]}, "above that of a fresh seed; one seed confirms nothing."),
    ],
)
def test_whether_fresh_seeds_confirm_the_winner(fresh, said):
    rows = confirmed(fresh)
    sentences = confirmation_sentences(rows[rows["response"] == "accuracy"])
    assert len(sentences) == 1 and sentences[0].endswith(said)


def test_the_table_of_confirmation_names_the_selection_effect():
    table = confirmation_table(confirmed({16: [70, 71, 72], 32: [50, 51.5, 52]}))
    shown = dict(zip(table.heads, table.rows[0], strict=True))
    assert (shown["selection effect"], shown["mean"], shown["verdict"]) == ("0.0900", "0.7100", "")
    assert {row[0] for row in table.rows} == {"accuracy", "training accuracy"}
