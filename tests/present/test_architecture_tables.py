"""The report's tables of untrained variants: recommended settings, and medians and ranges against numpy."""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.architectures import read_architectures
from prunescape.analysis.cost.inference_settings import inference_settings, ruled_out
from prunescape.analysis.cost.untrained_errors import untrained_errors
from prunescape.present.report.architecture_tables import architecture_tables
from prunescape.present.report.table import ExperimentResults
from support.architectures import measured_file
from support.measurements import measured, with_costs

LIMITS = {"memory_limit_mb": 8.0}


def tables_of(folder, *trained):
    small = {"variant": "uniform-0.5", "memory": 5_000_000, "file_bytes": 150_000}
    files = [
        measured_file(folder / "base.json", {(1, 1): 1.0, (2, 1): 0.6}),
        measured_file(folder / "half.json", {(1, 1): 0.5, (2, 1): 0.4}, **small),
    ]
    known = read_architectures(files)
    tables = {
        "architectures": known,
        "inference_settings": inference_settings(known, LIMITS),
        "ruled_out": ruled_out(known, LIMITS),
        "untrained_errors": untrained_errors(known, measured(*trained)),
    }
    return {made.title: made for made in architecture_tables(ExperimentResults(None, 0.5, pd.DataFrame(), tables))}


def rows(table):
    return [dict(zip(table.heads, row, strict=True)) for row in table.rows]


def test_a_ruled_out_variant_has_no_setting_and_another_its_fastest(tmp_path):
    found = rows(
        tables_of(tmp_path, with_costs("base", 1.0, target="here"))["Before training: how to run each architecture"]
    )
    base, half = found
    assert (base["variant"], base["ruled out"], base["threads"], base["latency, ms"]) == ("base", "yes", "–", "–")
    assert (half["variant"], half["ruled out"], half["threads"], half["latency, ms"]) == (
        "uniform 0.5",
        "no",
        "2",
        "0.400",
    )
    assert (half["images per s"], half["memory, MB"], half["file, kB"]) == ("2500", "5.0", "150.0")
    assert half["95 %"] == "0.400", "all samples are equal"


def test_errors_are_summed_up_as_numpy_does(tmp_path):
    trained = [with_costs("base", 1.25, threads=1, target="here"), with_costs("base", 0.5, threads=2, target="here")]
    trained.append(with_costs("uniform-0.5", 0.4, threads=2, target="here"))
    found = rows(tables_of(tmp_path, *trained)["Untrained against trained weights"])
    errors = 100 * np.abs(np.array([1.25, 0.5, 0.4]) - [1.0, 0.6, 0.4]) / [1.25, 0.5, 0.4]
    latency = next(row for row in found if row["property"] == "latency")
    assert latency["models"] == "3" and latency["median, %"] == f"{np.median(errors):.2f}"
    assert [latency["least, %"], latency["most, %"]] == [f"{errors.min():.2f}", f"{errors.max():.2f}"]


def test_without_such_measurements_there_are_no_tables():
    assert architecture_tables(ExperimentResults(None, 0.5, pd.DataFrame(), {})) == []
