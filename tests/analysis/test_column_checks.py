"""Columns of a table: all that are missing at once, and every value that is no number with its cause and a way out."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import read_cells
from prunescape.errors import InputError

ROWS = [(variant, lr, wd) for variant in ("base", "pruned") for lr in (-2.0, -1.0) for wd in (-4.0, -3.0)]
GRID = pd.DataFrame(ROWS, columns=["variant", "log10_lr", "log10_wd"]).assign(model="m", dataset="d", seed=0, top1=90.0)


def written(folder, frame, **options):
    frame.to_csv(folder / "cells.csv", index=False, **options)
    return folder / "cells.csv"


def refusal(folder, frame, **options) -> str:
    with pytest.raises(InputError) as raised:
        read_cells(written(folder, frame, **options))
    return str(raised.value)


def with_first(column, value, **more):
    frame = GRID.assign(**more).astype("object")
    frame.loc[0, column] = value
    return frame


REFUSALS = {
    "several missing": (
        GRID.drop(columns=["model", "dataset", "seed"]),
        ['the columns "model", "dataset" and "seed" are missing', "with the same value in all rows"],
    ),
    "one missing, none other": (GRID.drop(columns="seed"), ['the column "seed" is missing', 'add the column "seed"']),
    "two misspelt": (
        GRID.rename(columns={"top1": "top_1", "log10_lr": "log_lr"}),
        ['log10_lr: did you mean "log_lr"?; --y chooses another', 'top1: did you mean "top_1"?; --metric'],
    ),
    "nested": (GRID.rename(columns={"top1": "test/top1"}), ['did you mean "test/top1"?']),
    "percent sign": (with_first("top1", "90.5%"), ["row 1", '"90.5%"', "without its unit: 90.5"]),
    "decimal comma, quoted": (
        with_first("top1", "90,5"),
        ["row 1", '"90,5"', "a decimal point instead of the comma: 90.5"],
    ),
    "no score": (with_first("top1", "NaN"), ["row 1", "nan", 'status "diverged"', '"classes"', "did not end"]),
    "minus infinity": (with_first("top1", "-Infinity"), ["row 1", "-inf", 'status "diverged"', '"classes"']),
    "logarithm of 0": (
        with_first("log10_wd", "-inf"),
        ["row 1", '"log10_wd" holds -inf', "0 has no logarithm", "--x log10:COLUMN --zero-at COLUMN=VALUE"],
    ),
    "state as status": (GRID.assign(status="finished"), ['unknown status "finished"', 'call the column "state"']),
    "crashed as status": (with_first("status", "Crashed", status="ok"), ['"Crashed"', 'call the column "state"']),
    "65 bits": (GRID.assign(seed=str(2**64)), [str(2**64), "more than 64 bits", "0, 1, ..."]),
    "raw rates": (
        GRID.assign(log10_lr=10 ** GRID["log10_lr"], log10_wd=10 ** GRID["log10_wd"]),
        [
            "log10_lr is 0.01 to 0.1 and log10_wd is 0.0001 to 0.001: these look like raw values",
            "--y log10:log10_lr --x log10:log10_wd",
        ],
    ),
    "raw decays with 0": (GRID.assign(log10_wd=[0, 1e-4] * 4), ["log10_wd is 0 to 0.0001", "--x log10:log10_wd"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_its_cause_and_a_way_out(tmp_path, name):
    frame, parts = REFUSALS[name]
    said = refusal(tmp_path, frame)
    assert [part for part in parts if part not in said] == [], said
    assert not said.rstrip().endswith(("are", ";", ":")) and "\n" not in said


def test_a_sheet_with_decimal_commas(tmp_path):
    said = refusal(tmp_path, GRID.assign(top1=90.5), sep=";", decimal=",", encoding="utf-8-sig")
    assert '"-2,0"' in said and "a decimal point instead of the comma: -2.0" in said


def test_logarithms_of_other_quantities_may_be_positive(tmp_path):
    """log10 of 2 to 8 layers, of batches of 32 to 128, and rates around 1 are no raw values."""
    axes = Axes.of(["log10_batch_size", "log10_depth"])
    frame = GRID.assign(log10_batch_size=[1.5, 2.1] * 4, log10_depth=[0.3, 0.3, 0.9, 0.9] * 2)
    assert len(read_cells(written(tmp_path, frame), axes=axes)) == 8
    assert len(read_cells(written(tmp_path, GRID.assign(log10_lr=[0.0, 0.0, 0.5, 0.5] * 2)))) == 8


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["9007199254740993", "9007199254740992"], [9007199254740993, 9007199254740992]),  # 2^53 + 1 is no float
        (["17982163893102248868", "42"], [1, 0]),
        (["-5", "1e3"], [-5, 1000]),
        (["7.0", "8"], [7, 8]),
    ],
)
def test_seeds_of_64_bits_are_whole_numbers(tmp_path, capsys, values, expected):
    frame = pd.concat([GRID.assign(seed=value) for value in values])
    assert read_cells(written(tmp_path, frame))["seed"].drop_duplicates().tolist() == expected
    numbered = "a seed is over 2^63, so results have 0 for 42, 1 for 17982163893102248868"
    assert (numbered in capsys.readouterr().err) == (expected == [1, 0])


def test_seeds_of_parquet_are_exact_or_refused(tmp_path):
    path = tmp_path / "cells.parquet"
    GRID.assign(seed=np.uint64(2**63 + 11)).to_parquet(path)
    assert read_cells(path)["seed"].unique().tolist() == [0]
    GRID.assign(seed=float(2**60)).to_parquet(path)
    with pytest.raises(InputError, match="keeps only the first 16 digits; hint: give it as a whole number"):
        read_cells(path)
