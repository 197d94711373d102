"""Figures of all runs: matrices, curves, efficiency. Orders and levels are checked against tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.efficiency.curves import CURVE_COLUMNS, curve_rows, write_curves
from prunescape.analysis.efficiency.efficiency import efficiency
from prunescape.errors import InputError
from prunescape.present.figures import curves as curves_module
from prunescape.present.figures.curves import curves_figure
from prunescape.present.figures.efficiency import efficiency_figure
from prunescape.present.figures.folder import run_figures, write_figures
from prunescape.present.figures.matrix import Column, heading, matrix_figure
from prunescape.present.figures.runs_data import design_runs
from prunescape.store.files import write_json
from prunescape.store.tables import read_table

KNOWN = {
    "experiment": "e",
    "model": "m",
    "dataset": "d",
    "variant": "base",
    "seed": 0,
    "status": "ok",
    "stage": "trial",
}


def cells(**columns) -> pd.DataFrame:
    """Four runs over four hyperparameters, of which decay acts in two."""
    frame = pd.DataFrame(
        {
            "batch_size": [16, 64, 16, 64],
            "momentum": [0.0, 0.0, 0.9, 0.9],
            "schedule": ["step", "cosine", "step", "cosine"],
            "decay": [0.1, np.nan, 0.5, np.nan],
            "top1": [50.0, 90.0, 70.0, 80.0],
            "train_top1": [60.0, 88.0, 75.0, 95.0],
            "epoch_seconds": [4.0, 1.0, 5.0, 2.0],
            "seconds": [9.0, 9.0, 9.0, 9.0],
        }
    )
    return frame.assign(**KNOWN | {"epoch_joules": np.nan} | columns)


def runs(**columns) -> pd.DataFrame:
    known = cells(**columns)
    return design_runs(known, efficiency(known))["e"]


def test_matrices_hold_the_same_runs_in_three_orders():
    figure = matrix_figure(runs(), "e")
    assert [order.places.tolist() for order in figure.orders] == [[1, 3, 2, 0], [1, 3, 0, 2], [1, 3, 2, 0]]
    assert figure.orders[1].values.tolist() == [1.0, 2.0, 4.0, 5.0]
    assert [order.title for order in figure.orders] == [
        "test accuracy, %",
        "time, s per epoch",
        "accuracy / s per epoch",
    ]
    names = [f"{column.factor} {column.level}" for column in figure.columns]
    assert names == [
        *("batch size 16", "batch size 64", "decay at a milestone 0.1", "decay at a milestone 0.5"),
        *("momentum 0", "momentum 0.9", "schedule cosine", "schedule step"),
    ]
    nan = np.nan
    wanted = [[1, 0, 1, 0, 1, 0, 0, 1], [0, 1, nan, nan, 1, 0, 1, 0]]
    np.testing.assert_array_equal(figure.on[:2], wanted)
    assert figure.factors[1] == ("decay at a milestone", 2, 4)


def test_with_energy_the_orders_are_the_papers():
    """Joules make the fourth run the cheapest: 360 J are 0.1 Wh, EQ 8."""
    figure = matrix_figure(runs(epoch_joules=[3600.0, 720.0, 1800.0, 360.0]), "e")
    assert [order.title for order in figure.orders][1:] == ["energy, Wh per epoch", "EQ, accuracy / Wh per epoch"]
    assert figure.orders[1].places.tolist() == [3, 1, 2, 0] and figure.orders[2].values[0] == pytest.approx(8.0)


def test_many_values_are_one_column_of_ranks():
    many = pd.concat([cells(), cells(), cells()], ignore_index=True)
    many["momentum"] = np.linspace(0, 0.99, 12)
    many["seed"] = np.repeat([0, 1, 2], 4)
    figure = matrix_figure(design_runs(many, efficiency(many))["e"], "e")
    place = figure.columns.index(Column("momentum", ""))
    assert figure.on[:, place].tolist() == pytest.approx(list(np.arange(12) / 11))
    assert "seed 2" in figure.runs[-1]


def test_two_hyperparameters_have_landscapes_and_fresh_seeds_are_no_runs():
    few = cells(schedule="step", decay=0.1)
    assert design_runs(few, efficiency(few)) == {}
    more = pd.concat([cells(), cells(stage="confirmation", seed=101)], ignore_index=True)
    assert len(design_runs(more, efficiency(more))["e"]) == 4


def test_the_frontier_and_overfit_of_every_run():
    figure = efficiency_figure(runs(), "e")
    assert figure.cost.tolist() == [1, 2, 4, 5] and figure.accuracy.tolist() == pytest.approx([90, 80, 50, 70])
    assert figure.front.tolist() == [True, False, False, False]
    assert figure.overfit.tolist() == pytest.approx([-2, 15, 10, 5])


RECORD = {
    **{name: KNOWN[name] for name in ("experiment", "model", "dataset", "variant", "seed")},
    "setting": {"log10_lr": -1, "batch_size": 16},
    "tested": 200,
    "epoch_seconds": [1.5, 2.5],
    "epoch_cpu_seconds": [1.0, 2.0],
    "epoch_joules": None,
    "history": [
        {"epoch": 1, "learning_rate": 0.1, "train_loss": 2.0, "train_top1": 30.0, "test_loss": 1.9, "correct": 60},
        {"epoch": 2, "learning_rate": 0.1, "train_loss": None, "train_top1": 9.0, "test_loss": None, "correct": None},
    ],
}


def test_curves_are_the_records_epochs(tmp_path):
    write_json(tmp_path / "record.json", RECORD)
    write_curves([tmp_path / "record.json"], tmp_path / "curves.parquet")
    table = read_table(tmp_path / "curves.parquet").to_pandas()
    assert list(table) == list(CURVE_COLUMNS) and table["test_top1"][0] == 30.0 and np.isnan(table["test_top1"][1])
    assert table["setting"].tolist() == ["batch_size 16, log10_lr -1.0"] * 2 and table["joules"].isna().all()
    assert table["seconds"].tolist() == [1.5, 2.5] and np.isnan(table["train_loss"][1])


def test_a_record_without_its_epochs_is_named(tmp_path):
    write_json(tmp_path / "record.json", {name: value for name, value in RECORD.items() if name != "history"})
    with pytest.raises(InputError, match="history"):
        write_curves([tmp_path / "record.json"], tmp_path / "curves.parquet")


def epochs(accuracies) -> pd.DataFrame:
    """Runs of two epochs with these final test accuracies; None: diverged in the second."""
    parts = []
    for seed, accuracy in enumerate(accuracies):
        rows = pd.DataFrame(curve_rows(RECORD | {"seed": seed}))
        rows["test_top1"] = [10.0, np.nan if accuracy is None else accuracy]
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def test_runs_are_banded_by_final_accuracy_the_diverged_lowest():
    figure = curves_figure(epochs([90.0, None, 50.0, 70.0, 80.0, 60.0]), "e")
    assert [len(band.runs) for band in figure.bands] == [2, 1, 1, 1, 1]
    assert (figure.bands[0].low, figure.bands[0].high, figure.bands[-1].high) == (0.0, 50.0, 90.0)
    line = figure.bands[0].line(1)
    assert np.isnan(line[0][2]) and len(line[0]) == len(line[2]) == 6
    assert "drawn" not in figure.caption


def test_of_very_many_runs_a_part_is_drawn_and_said(monkeypatch):
    monkeypatch.setattr(curves_module, "MOST_RUNS", 4)
    figure = curves_figure(epochs([float(value) for value in range(10, 20)]), "e")
    assert figure.shown == 4 and "Of 10 runs, 4 are drawn" in figure.caption
    assert (figure.bands[0].low, figure.bands[-1].high) == (10.0, 19.0)


def test_all_are_written_for_browser_and_print(tmp_path):
    known = cells(epoch_joules=[3600.0, 720.0, 1800.0, 360.0])
    figures = run_figures(known, efficiency(known), epochs([50.0, 90.0]))
    write_figures(figures, tmp_path)
    for name in ("matrix-e", "curves-e", "efficiency-e"):
        assert all((tmp_path / f"{name}.{kind}").stat().st_size > 1000 for kind in ("html", "svg", "pdf"))
    assert "energy, Wh per epoch" in (tmp_path / "efficiency-e.html").read_text()


@pytest.mark.parametrize(
    ("name", "lines"),
    [("momentum", ["momentum"]), ("log10 learning rate", ["log10", "learning rate"]), ("batch size", ["batch size"])],
)
def test_long_names_of_factors_take_two_lines(name, lines):
    assert heading(name, 2) == lines
    assert len(heading(name, 1)) == 1, "above a single column a second line would run into the next head"
