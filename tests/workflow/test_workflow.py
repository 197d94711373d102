"""The tiny study, really trained, pruned, exported, measured and analysed through Snakemake: do its results agree?"""

import json

import duckdb
import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

from prunescape.analysis.study_tables import cell_columns
from prunescape.commands.cli import main
from prunescape.measure.table import benchmark_columns
from prunescape.models.build import build_model, rebuild
from prunescape.models.weights import load_weights
from prunescape.tasks.images.prepared import load_prepared


@pytest.fixture(scope="module")
def results(finished):
    return finished.work / "results/tiny"


@pytest.fixture(scope="module")
def cells(results):
    return pd.read_parquet(results / "cells.parquet")


@pytest.fixture(scope="module")
def data(results):
    return load_prepared(results / "data/digits.npz", results / "data/digits.json")


def cell_folder(results, row):
    return (
        results
        / f"experiment={row.experiment}/variant={row.variant}"
        / f"log10_lr={row.log10_lr}/log10_wd={row.log10_wd}/seed={row.seed}"
    )


def normalised(data):
    return ((data.test_images / 255 - data.mean[:, None, None]) / data.std[:, None, None]).astype(np.float32)


def test_every_cell_is_in_the_table_once(cells):
    assert len(cells) == 5
    assert not cells.duplicated(["experiment", "variant", "log10_lr", "log10_wd", "seed"]).any()
    assert (cells["tested"] == 100).all()
    assert cells["code_digest"].str.len().eq(64).all()


def test_the_weights_score_what_the_record_says(results, cells, data):
    for row in cells[cells["experiment"] == "small"].itertuples():
        folder = cell_folder(results, row)
        plan = json.loads((folder.parents[2] / "widths.json").read_text())
        network = rebuild(build_model(plan["architecture"], plan["model"], in_channels=1, classes=10), plan["modules"])
        assert load_weights(network, folder / "weights.safetensors") == {"status": "ok"}
        with torch.no_grad():
            found = network.eval()(torch.from_numpy(normalised(data))).argmax(1).numpy() == data.test_labels
        bits = np.unpackbits(np.frombuffer(row.correct_bits, np.uint8))[: row.tested].astype(bool)
        assert np.array_equal(found, bits)
        assert row.correct == bits.sum() == round(row.top1)


def test_the_pruned_variant_has_the_flops_asked_for(results, cells):
    pruned = cells[cells["variant"] == "nonuniform-0.5"].iloc[0]
    base = cells[(cells["variant"] == "base") & (cells["experiment"] == "small")].iloc[0]
    assert pruned["flops"] / base["flops"] == pytest.approx(pruned["ratio_achieved"])
    assert pruned["ratio_achieved"] == pytest.approx(0.5, rel=0.01)
    assert pruned["parameters"] < base["parameters"]


def test_exported_models_run_and_score_what_their_cell_scored(results, cells, data):
    exports = sorted(results.glob("experiment=*/variant=*/onnx"))
    assert len(exports) == 3
    for export in exports:
        (model,) = json.loads((export / "export.json").read_text())["models"]
        session = onnxruntime.InferenceSession(export / model["file"], providers=["CPUExecutionProvider"])
        (logits,) = session.run(["logits"], {"input": normalised(data)})
        assert (logits.argmax(1) == data.test_labels).sum() == model["correct"]
        cell = model["cell"]
        variant = cells[(cells["experiment"] == cell["experiment"]) & (cells["variant"] == cell["variant"])]
        assert model["correct"] == variant["correct"].max()
        assert model["file_bytes"] == (export / model["file"]).stat().st_size


def test_benchmarks_keep_every_raw_sample(results):
    rows = pd.read_parquet(results / "benchmarks.parquet")
    assert len(rows) == 3
    for row in rows.itertuples():
        assert len(row.samples) == 3
        assert row.latency_median_s == np.median(row.samples)
        assert row.correct == row.correct_torch
        assert 0 < row.latency_median_s < 1


@pytest.mark.parametrize(("name", "columns_of"), [("cells", cell_columns), ("benchmarks", benchmark_columns)])
def test_tables_open_alike_in_pandas_polars_and_duckdb(results, name, columns_of):
    columns = columns_of(["log10_lr", "log10_wd"])
    path = results / f"{name}.parquet"
    schema = pq.read_schema(path)
    assert schema.names == list(columns)
    assert all(schema.field(column).metadata[b"meaning"].decode() == columns[column][1] for column in columns)
    frames = [
        pd.read_parquet(path),
        pl.read_parquet(path),
        duckdb.sql(f"select * from read_parquet('{path}')").pl(),
    ]
    assert {len(frame) for frame in frames} == {len(frames[0])}
    assert [list(frame.columns) for frame in frames] == [list(columns)] * 3
    assert frames[1].equals(frames[2])
    assert frames[0]["top1"].tolist() == frames[1]["top1"].to_list()


def test_analyse_finds_the_same_without_snakemake(results, tmp_path, capsys):
    assert main(["analyse", str(results / "cells.parquet"), "--out", str(tmp_path)]) == 0
    for name in ("roi", "ellipses", "risk"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / f"{name}.parquet"), pd.read_parquet(results / f"{name}.parquet")
        )
        assert (tmp_path / f"{name}.csv").read_bytes() == (results / f"{name}.csv").read_bytes()
    capsys.readouterr()
    assert main(["summary", str(results)]) == 0
    assert str(results / "report.html") in capsys.readouterr().out


def test_the_report_stands_alone(results):
    page = (results / "report.html").read_text()
    assert page.count("<!doctype html>") + page.count("<!DOCTYPE html>") == 1
    assert "nonuniform" in page.lower()
    for loading in ('src="http', "src='http", 'rel="stylesheet"', "@import"):
        assert loading not in page.split("<script")[0]
    names = [figure["name"] for figure in json.loads((results / "figures/figures.json").read_text())["figures"]]
    assert {"sweep-small-top1-seed0", "landscape-other-top1-seed0"} <= set(names)
    for name in names:
        for kind in ("html", "svg", "pdf"):
            assert (results / f"figures/{name}.{kind}").stat().st_size > 1000


def test_the_tables_of_the_paper_are_there(results):
    for name in ("confidence_ellipses", "performance_risk", "best_accuracies"):
        table = pd.read_parquet(results / f"tables/{name}.parquet")
        named = table[["experiment", "variant"]].itertuples(index=False, name=None)
        assert list(named) == [("other", "base"), ("small", "base"), ("small", "nonuniform-0.5")]
        assert table.filter(like="published_").isna().all(axis=None), "the study follows no reference"
        for kind in ("csv", "md", "tex"):
            assert (results / f"tables/{name}.{kind}").stat().st_size > 100
    accuracies = pd.read_parquet(results / "tables/best_accuracies.parquet")
    cells = pd.read_parquet(results / "cells.parquet")
    at_prior = cells[cells["log10_wd"] == -4.0].sort_values(["experiment", "variant"])
    assert accuracies["prior_score"].tolist() == at_prior["top1"].tolist()
