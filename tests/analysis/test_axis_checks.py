"""Axes of a table: equal settings that programs write differently, and 0 on a logarithmic axis."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.read_cells import read_cells
from prunescape.commands.cli import main
from prunescape.errors import InputError
from support.landscapes import columns, full_grid


def landscape(size=5) -> pd.DataFrame:
    """Base and one pruned variant, best at different points of the same grid."""
    parts = []
    for variant, shift in (("base", 0.0), ("pruned", 0.3)):
        wd, lr = full_grid(size=size)
        part = pd.DataFrame({"log10_lr": lr - 1, "log10_wd": wd - 4, "top1": 90 - 3 * (lr - shift) ** 2 - wd**2})
        parts.append(part.assign(model="m", dataset="d", variant=variant, seed=0))
    return pd.concat(parts, ignore_index=True)


def write(folder, frame):
    frame.to_csv(folder / "cells.csv", index=False)
    return folder / "cells.csv"


def results(folder, frame, **chosen) -> dict[str, pd.DataFrame]:
    paths = analyse(write(folder, frame), folder / "out", **chosen)
    return {name: pd.read_parquet(paths[f"{name}.parquet"]) for name in ("roi", "ellipses", "risk", "verdicts")}


def in_single_precision(values):
    return np.log10((10**values).astype("float32")).astype("float64")


NOISE = {
    "1e-9": lambda values: values + 1e-9,
    "either side": lambda values: values + np.where(np.arange(len(values)) % 2, 4e-10, -4e-10),
    "single precision": in_single_precision,
}


@pytest.mark.parametrize("name", NOISE)
def test_nearly_equal_settings_are_equal(tmp_path, name):
    """Every result is that of the clean table."""
    frame, noisy = landscape(), landscape()
    pruned = noisy["variant"] == "pruned"
    for axis in ("log10_lr", "log10_wd"):
        noisy.loc[pruned, axis] = NOISE[name](noisy.loc[pruned, axis].to_numpy())
    found = results(tmp_path, noisy)
    for table, expected in results(tmp_path, frame).items():
        pd.testing.assert_frame_equal(found[table], expected, rtol=1e-6)


def test_values_that_no_noise_parts_stay_apart(tmp_path):
    """1e-5 decades, whole numbers that differ by 1 in a million, and small values beside large ones."""
    frame = landscape().assign(steps=[1_000_000, 1_000_001] * 25, decay=[0.0, 1e-8, 1e-7, 1e-3, 1e-2] * 10)
    frame = frame.assign(seed=np.arange(50), log10_lr=frame["log10_lr"].where(frame.index != 0, -1.40001))
    known = read_cells(write(tmp_path, frame), **columns(x="decay", y="steps"))
    assert (known["steps"].nunique(), known["decay"].nunique()) == (2, 5)
    assert read_cells(write(tmp_path, frame))["log10_lr"].nunique() == 6


def test_variants_that_share_no_setting_are_named(tmp_path, capsys):
    frame = landscape()
    frame.loc[frame["variant"] == "pruned", "log10_lr"] += 2e-4
    read_cells(write(tmp_path, frame))
    said = capsys.readouterr().err
    assert "pruned share no setting with base" in said
    assert "the nearest values of log10_lr differ by 0.0002: write equal settings alike" in said


def with_zeros() -> pd.DataFrame:
    """Raw rates, whose smallest weight decay is 0 instead of 10^-4.4."""
    frame = landscape().assign(lr=10 ** landscape()["log10_lr"], weight_decay=10 ** landscape()["log10_wd"])
    return frame.assign(weight_decay=frame["weight_decay"].where(frame["log10_wd"] > -4.3, 0.0))


def test_zero_has_a_place_on_a_logarithmic_axis(tmp_path):
    """At 10^-4.4, where it was taken from, every result is that of the table without zeros."""
    frame = with_zeros()
    chosen = columns(x="log10:weight_decay", y="log10:lr")
    chosen["axes"] = chosen["axes"].with_zeros({"weight_decay": 10**-4.4})
    placed = results(tmp_path, frame[["model", "dataset", "variant", "seed", "top1", "lr", "weight_decay"]], **chosen)
    meaning = pq.read_schema(tmp_path / "out/roi.parquet").field("log10_weight_decay").metadata[b"meaning"].decode()
    assert "0 standing at 3.98107e-05" in meaning
    for name, expected in results(tmp_path, landscape()).items():
        renamed = placed[name].rename(columns=lambda column: column.replace("log10_weight_decay", "log10_wd"))
        pd.testing.assert_frame_equal(renamed, expected)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (
            [],
            ['"weight_decay" holds 0', "no logarithm", "--zero-at weight_decay=1e-06", "leave these rows out"],
        ),
        (["--zero-at", "weight_decay=1e-3"], ["cannot stand at 0.001", "above 0 and below 6.30957e-05"]),
        (["--zero-at", "lr=1e-9"], ['"lr" holds no 0', "leave --zero-at out"]),
        (["--zero-at", "wd=1e-9"], ['"wd" is read by no logarithmic axis']),
        (["--zero-at", "1e-9"], ['"1e-9" is not NAME=NUMBER as in weight_decay=1e-6']),
    ],
    ids=lambda value: " ".join(value[-1:]) if value and value[0] == "--zero-at" else None,
)
def test_a_zero_without_a_place_is_one_clear_line(tmp_path, capsys, arguments, parts):
    path = write(tmp_path, with_zeros().drop(columns=["log10_lr", "log10_wd"]))
    command = ["analyse", str(path), "--x", "log10:weight_decay", "--y", "log10:lr", "--out", str(tmp_path / "out")]
    assert main([*command, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert [part for part in parts if part not in line] == [], line


def test_a_figure_says_at_its_axis_what_stands_for_0(tmp_path):
    path, out = write(tmp_path, with_zeros().drop(columns=["log10_lr", "log10_wd"])), tmp_path / "out"
    command = ["analyse", str(path), "--zero-at", "weight_decay=1e-6", "--figures", "--out", str(out)]
    assert main(command) == 0
    for file in (*out.glob("figures/landscape*.svg"), *out.glob("figures/grid*.svg"), out / "report.html"):
        assert ("stands for 0" if file.suffix == ".html" else "−6 stands for 0") in file.read_text(), file
    assert not (out / "band.csv").exists(), "a line through a place that was chosen says nothing"
    assert "distances to it mean nothing" in (out / "report.html").read_text()


def test_a_place_needs_a_logarithm_that_is_still_to_be_taken(tmp_path):
    axes = columns()["axes"].with_zeros({"weight_decay": 1e-6})
    with pytest.raises(InputError, match="holds logarithms already"):
        read_cells(write(tmp_path, landscape()), axes=axes)
