"""What tuning took, against sums worked out by hand."""

import pandas as pd
import pytest

from prunescape.analysis.efficiency.tuning_cost import PARTS, TUNING_COST_COLUMNS, tuning_cost
from prunescape.analysis.read_cells import read_lone_bases
from prunescape.analysis.results import Analysis
from prunescape.store.stages import ALL_STAGES

KNOWN = {"experiment": "e", "model": "m", "dataset": "d"}


def cells(*rows: tuple, **columns) -> pd.DataFrame:
    """Cells of (variant, stage, device, seconds, together)."""
    names = ("variant", "stage", "device", "seconds", "together")
    return pd.DataFrame(rows, columns=names).assign(**KNOWN, **columns)


def test_hours_of_cores_and_shares_of_a_gpu_by_hand():
    """On cores 1 + 0.5 h of grid and 0.25 h of fresh seeds; four cells in step for 2 h are 0.5 h of the GPU each."""
    core = [("base", "grid", "cpu", 3600.0, 1), ("base", "grid", "cpu", 1800.0, 1), ("base", "pilot", "cpu", 900.0, 1)]
    stages = ("trial", "ranking", "replicate", "confirmation")
    gpu = [("uniform-0.5", stage, "NVIDIA X", 7200.0, 4) for stage in stages]
    table = tuning_cost(cells(*core, *gpu))
    assert list(table) == list(TUNING_COST_COLUMNS)
    base, uniform = table.set_index("variant").to_dict("index").values()
    parts = ("", "_grid", "_search", "_verdict", "_confirmation")
    assert (base["resource"], [base[f"trainings{part}"] for part in parts]) == ("core", [3, 2, 0, 1, 0])
    assert [base[f"hours{part}"] for part in parts] == pytest.approx([1.75, 1.5, 0, 0.25, 0])
    assert (uniform["resource"], [uniform[f"trainings{part}"] for part in parts]) == ("GPU", [4, 0, 2, 1, 1])
    assert [uniform[f"hours{part}"] for part in parts] == pytest.approx([2.0, 0, 1.0, 0.5, 0.5])


def test_a_base_that_is_trained_for_its_weights_alone_is_paid(tmp_path):
    """The landscape has one training of the base, and fresh seeds inherit from two more."""
    rows = [("base", stage, "cpu", 3600.0, 1) for stage in ("grid", "ranking", "ranking")]
    path = tmp_path / "cells.parquet"
    everything = cells(*rows)
    everything.to_parquet(path)
    lone = read_lone_bases(path, ["e"])
    known = {"thresholds": (1.0,), "risk_threshold": 1.0}
    (row,) = Analysis.of_cells(everything[:1], lone_bases=lone, **known).result("tuning_cost").to_dict("records")
    assert (row["trainings"], row["trainings_grid"], row["trainings_search"], row["hours"]) == (3, 1, 2, 3.0)
    assert read_lone_bases(path, ["other"]).empty


def test_every_stage_of_a_cell_belongs_to_one_part():
    assert sorted(stage for stages, _ in PARTS.values() for stage in stages) == sorted(ALL_STAGES)


def test_watt_hours_by_hand():
    """10 epochs of 720 J are 2 Wh, 5 of them 1 Wh; one cell without energy leaves its sums open."""
    rows = [("base", stage, "cpu", 60.0, 1) for stage in ("grid", "grid", "replicate")]
    known = cells(*rows).assign(epochs_trained=[10, 5, 10], epoch_joules=[720.0, 720.0, None])
    (row,) = tuning_cost(known).to_dict("records")
    assert row["energy_wh_grid"] == pytest.approx(3.0)
    assert pd.isna(row["energy_wh_verdict"]) and pd.isna(row["energy_wh"])


def test_epochs_that_an_earlier_rung_trained_are_paid_once():
    """A rung of 4 epochs and the 10 epochs that went on from there, at 360 J: 10 epochs, 1 Wh, and not 1.4."""
    known = cells(*[("base", "tuning", "cpu", 60.0, 1)] * 2).assign(epochs_trained=[4, 10], epoch_joules=360.0)
    (row,) = tuning_cost(known.assign(continued_from=[0, 4])).to_dict("records")
    assert row["energy_wh_search"] == pytest.approx(1.0)


def test_a_variant_on_both_kinds_of_device_has_a_row_of_each():
    table = tuning_cost(cells(("base", "grid", "cpu", 3600.0, 1), ("base", "grid", "NVIDIA X", 3600.0, 1)))
    assert table[["resource", "trainings", "hours"]].to_numpy().tolist() == [["GPU", 1, 1.0], ["core", 1, 1.0]]


def test_a_part_of_the_hours_is_not_told_as_the_whole():
    """The seconds of one cell of the grid are unknown: grid and sum are null, the fresh seed's hour is not."""
    table = tuning_cost(cells(("base", "grid", "cpu", None, 1), ("base", "replicate", "cpu", 3600.0, None)))
    (row,) = table.to_dict("records")
    assert pd.isna(row["hours"]) and pd.isna(row["hours_grid"]) and row["hours_verdict"] == 1.0
    elsewhere = cells(("base", "grid", "cpu", 1.0, 1)).drop(columns=["device", "seconds", "together"])
    (row,) = tuning_cost(elsewhere).to_dict("records")
    assert (row["trainings"], pd.isna(row["hours"]), pd.isna(row["resource"])) == (1, True, True)


def test_no_cells_make_no_rows():
    assert tuning_cost(cells().assign(stage="grid")).empty
