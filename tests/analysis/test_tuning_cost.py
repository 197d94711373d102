"""What tuning took, against sums worked out by hand."""

import pandas as pd
import pytest

from prunescape.analysis.efficiency.tuning_cost import TUNING_COST_COLUMNS, tuning_cost

KNOWN = {"experiment": "e", "model": "m", "dataset": "d"}


def cells(*rows: tuple, **columns) -> pd.DataFrame:
    """Cells of (variant, stage, device, seconds, together)."""
    names = ("variant", "stage", "device", "seconds", "together")
    return pd.DataFrame(rows, columns=names).assign(**KNOWN, **columns)


def test_hours_of_cores_and_shares_of_a_gpu_by_hand():
    """On cores 1 + 0.5 h of search and 0.25 h of fresh seeds; four cells in step for 2 h are 0.5 h of the GPU each."""
    core = [("base", "grid", "cpu", 3600.0, 1), ("base", "grid", "cpu", 1800.0, 1), ("base", "pilot", "cpu", 900.0, 1)]
    gpu = [("uniform-0.5", stage, "NVIDIA X", 7200.0, 4) for stage in ("trial", "trial", "replicate", "confirmation")]
    table = tuning_cost(cells(*core, *gpu))
    assert list(table) == list(TUNING_COST_COLUMNS)
    base, uniform = table.set_index("variant").to_dict("index").values()
    assert (base["resource"], base["trainings"], base["trainings_search"], base["trainings_fresh"]) == ("core", 3, 2, 1)
    assert (base["hours"], base["hours_search"], base["hours_fresh"]) == pytest.approx((1.75, 1.5, 0.25))
    assert (uniform["resource"], uniform["trainings_search"], uniform["trainings_fresh"]) == ("GPU", 2, 2)
    assert (uniform["hours"], uniform["hours_search"], uniform["hours_fresh"]) == pytest.approx((2.0, 1.0, 1.0))


def test_a_variant_on_both_kinds_of_device_has_a_row_of_each():
    table = tuning_cost(cells(("base", "grid", "cpu", 3600.0, 1), ("base", "grid", "NVIDIA X", 3600.0, 1)))
    assert table[["resource", "trainings", "hours"]].to_numpy().tolist() == [["GPU", 1, 1.0], ["core", 1, 1.0]]


def test_a_part_of_the_hours_is_not_told_as_the_whole():
    """The seconds of one search cell are unknown: search and sum are null, the fresh seed's hour is not."""
    table = tuning_cost(cells(("base", "grid", "cpu", None, 1), ("base", "replicate", "cpu", 3600.0, None)))
    (row,) = table.to_dict("records")
    assert pd.isna(row["hours"]) and pd.isna(row["hours_search"]) and row["hours_fresh"] == 1.0
    elsewhere = cells(("base", "grid", "cpu", 1.0, 1)).drop(columns=["device", "seconds", "together"])
    (row,) = tuning_cost(elsewhere).to_dict("records")
    assert (row["trainings"], pd.isna(row["hours"]), pd.isna(row["resource"])) == (1, True, True)


def test_no_cells_make_no_rows():
    assert tuning_cost(cells().assign(stage="grid")).empty
