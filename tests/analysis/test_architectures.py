"""Tables of untrained variants: intervals, recommended settings, limits and percent errors, against numpy and scipy."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.analyse import collect_architectures, compare_targets
from prunescape.analysis.cost.architectures import read_architectures
from prunescape.analysis.cost.inference_settings import NO_LIMIT, inference_settings, read_inference_settings, ruled_out
from prunescape.analysis.cost.untrained_errors import untrained_errors
from prunescape.config.analysis import Objectives
from prunescape.errors import InputError
from prunescape.present.architecture_words import ruled_out_lines, ruled_out_sentences
from prunescape.store.files import write_json
from support.architectures import measured_file
from support.measurements import measured, with_costs

# ms of a run by (threads, batch): 8 images on 2 threads cost least each, a single run is shortest with 2 threads
GRID = {(1, 1): 1.0, (2, 1): 0.8, (1, 8): 4.0, (2, 8): 2.4, (1, 64): 40.0, (2, 64): 25.0}


@pytest.fixture
def table(tmp_path):
    """The base in GRID and a pruned variant in half of its time."""
    base = measured_file(tmp_path / "base.json", GRID)
    half = measured_file(
        tmp_path / "half.json",
        {setting: ms / 2 for setting, ms in GRID.items()},
        variant="uniform-0.5",
        file_bytes=150_000,
        memory=5_000_000,
    )
    return read_architectures([base, half])


def chosen(table, limits=None):
    rows = inference_settings(table, limits or {})
    return rows.set_index(["variant", "objective"])


def test_recommended_settings_are_numpys_minima(table):
    rows = chosen(table)
    for variant, here in table.groupby("variant"):
        for objective, column in (("latency", "latency_median_s"), ("throughput", "seconds_per_image")):
            best = here.iloc[int(np.argmin(here[column].to_numpy()))]
            row = rows.loc[(variant, objective)]
            assert (row["threads"], row["batch"]) == (best["threads"], best["batch"])
            assert row["value"] == best[column] and row["status"] == "recommended"
    assert rows.loc[("base", "throughput"), ["threads", "batch"]].tolist() == [2, 8]
    assert rows.loc[("base", "energy"), "reason"] == "energy was not measured on this target"


def test_a_limit_moves_the_recommended_setting_or_leaves_none(table):
    rows = chosen(table, {"latency_limit_ms": 2.0, "accuracy_floor": 99.0})
    assert rows.loc[("base", "throughput"), ["threads", "batch", "feasible"]].tolist() == [2, 1, 2]
    assert rows.loc[("uniform-0.5", "throughput"), ["threads", "batch"]].tolist() == [2, 8]
    none = chosen(table, {"size_limit_kb": 200}).loc[("base", "latency")]
    assert none["status"] == "none" and pd.isna(none["threads"])
    assert none["reason"] == "no setting keeps the limits; of 6 are broken: file of 200 kB or less by 6"


def test_what_a_target_rules_out_and_how_many_trainings_that_spares(table):
    rows = ruled_out(table, {"memory_limit_mb": 8.0, "latency_limit_ms": 0.5}).set_index("variant")
    assert rows["ruled_out"].to_dict() == {"base": True, "uniform-0.5": False}
    assert rows.loc["base", "reason"] == (
        "no run of 0.5 ms or less: at least 0.8; no peak memory of 8 MB or less: at least 10"
    )
    cells = pd.DataFrame({"variant": ["base"] * 3 + ["uniform-0.5"] * 2})
    told = ruled_out_sentences(rows.reset_index(), cells)
    assert told[-1] == "Every target rules out the variants of 3 of 5 trainings."
    lines = ruled_out_lines(rows.reset_index())
    assert [line.split()[:2] for line in lines[1:]] == [["base", "here"], ["uniform", "0.5"]]
    assert "ruled out" in lines[1] and "keeps the limits: 0.400 ms, 5.0 MB" in lines[2]


def test_without_limits_nothing_is_ruled_out_and_the_report_says_nothing(table):
    rows = ruled_out(table, {"accuracy_floor": 99.0})
    assert not rows["ruled_out"].any() and set(rows["reason"]) == {NO_LIMIT}
    assert ruled_out_sentences(rows, pd.DataFrame({"variant": ["base"]})) == []


def test_what_was_not_measured_rules_nothing_out_but_is_not_recommended(tmp_path):
    table = read_architectures([measured_file(tmp_path / "a.json", GRID, memory=None)])
    row = ruled_out(table, {"memory_limit_mb": 1.0}).iloc[0]
    assert not row["ruled_out"] and row["reason"] == "peak memory was not measured"
    assert set(inference_settings(table, {"memory_limit_mb": 1.0})["status"]) == {"none"}


def test_limits_that_only_break_together_rule_out(tmp_path):
    grid = {(1, 1): 1.0, (2, 1): 0.5}
    table = read_architectures([measured_file(tmp_path / "a.json", grid, memory={1: 5_000_000, 2: 9_000_000})])
    row = ruled_out(table, {"memory_limit_mb": 6.0, "latency_limit_ms": 0.7}).iloc[0]
    assert row["ruled_out"] and row["reason"] == "no setting keeps all limits at once"


def test_percent_errors_are_numpys(table):
    trained = measured(
        with_costs("base", 1.25, threads=1, batch=1, target="here", peak_memory_bytes=8e6, kb=300, encoded_bytes=280e3),
        with_costs("uniform-0.5", 1.0, threads=2, batch=8, target="here", kb=150, peak_memory_bytes=None),
        with_costs("base", 1.0, threads=4, batch=1, target="here"),  # not measured before training
    )
    rows = untrained_errors(table, trained)
    latency = rows[rows["property"] == "latency"]
    empirical, estimated = np.array([1.25e-3, 1.0e-3]), np.array([1.0e-3, 1.2e-3])
    np.testing.assert_allclose(latency["percent_error"], 100 * np.abs(empirical - estimated) / empirical)
    assert latency["variant"].tolist() == ["base", "uniform-0.5"]
    by_name = rows.set_index(["variant", "property"])["percent_error"]
    assert by_name["base", "memory"] == pytest.approx(25.0) and by_name["base", "file size"] == 0.0
    assert ("uniform-0.5", "memory") not in by_name and "energy" not in set(rows["property"])


def test_tables_on_disk_are_read_back_and_compared(tmp_path, table):
    files = [tmp_path / "base.json", tmp_path / "half.json"]
    written = collect_architectures({"latency_limit_ms": 1.0}, measured=files, out=tmp_path)
    assert set(written) == {
        f"{n}.{k}" for n in ("architectures", "inference_settings", "ruled_out") for k in ("csv", "parquet")
    }
    settings = read_inference_settings(written["inference_settings.parquet"])
    assert settings["network"].tolist() == [""] * 6
    assert "samples" not in written["architectures.csv"].read_text().split("\n")[0]
    assert len(pd.read_parquet(written["architectures.parquet"])["samples"].iloc[0]) == 10
    cells = tmp_path / "cells.parquet"
    pd.DataFrame({"experiment": ["e"], "variant": ["base"]}).to_parquet(cells)
    benchmarks = tmp_path / "benchmarks.parquet"
    measured(with_costs("base", 2.0, target="here")).to_parquet(benchmarks)
    compared = compare_targets(
        Objectives().model_dump(),
        cells=cells,
        benchmarks=benchmarks,
        out=tmp_path,
        architectures=written["architectures.parquet"],
    )
    errors = pd.read_parquet(compared["untrained_errors.parquet"])
    assert errors.loc[errors["property"] == "latency", "percent_error"].tolist() == pytest.approx([50.0])


def test_a_file_of_another_version_is_one_line(tmp_path):
    write_json(tmp_path / "old.json", {"models": [], "measured": [{}]})
    with pytest.raises(InputError, match="no field"):
        read_architectures([tmp_path / "old.json"])
