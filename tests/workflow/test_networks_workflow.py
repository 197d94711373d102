"""A grid with hyperparameters of the network, really run: widths once per network, and what a change trains again."""

import json

import pandas as pd
import pytest

from support.project import Project, experiment, small_study

RECIPE = {"epochs": 1, "batch_size": 50, "schedule": "cosine"}
NETWORKS = ("filters=6", "filters=12")
GRID = {"filters": [6, 12], "log10_lr": [-1.0]}


def study(**small) -> dict:
    """Two networks of the small CNN at one learning rate, base and pruned by trained filters; and a ResNet-8."""
    cnn = {"model": "image_cnn", "recipe": RECIPE, "network": {"dropout": 0.1}, "grid": GRID}
    whole = small_study(cnn | {"variants": {"nonuniform": [0.8]}} | small)
    whole["experiments"]["plain"] = experiment()
    return whole


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("networks"), study())
    made.run()
    return made


@pytest.fixture(scope="module")
def results(project):
    return project.work / "results/tiny"


def trained(jobs: set[str]) -> set[str]:
    return {job.split(", setting=")[0].removeprefix("train_cell ") for job in jobs if job.startswith("train_cell")}


def test_widths_are_planned_once_per_network(project, results):
    assert project.planned() == set()
    plans = {
        name: json.loads(path.read_text()) for name in NETWORKS for path in results.glob(f"*/network={name}/*/*.json")
    }
    assert {name: plan["network"]["filters"] for name, plan in plans.items()} == {"filters=6": 6, "filters=12": 12}
    assert {plan["network"]["dropout"] for plan in plans.values()} == {0.1}
    assert (results / "experiment=plain/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0/record.json").exists()


def test_tables_tell_networks_apart(results):
    """2 x multiply-accumulates on 8 x 8 pixels, pooled to 4 x 4 and to 2 x 2; the ranking is each network's own."""
    cells = pd.read_parquet(results / "cells.parquet").set_index(["experiment", "network", "variant"])
    for filters in (6, 12):
        base = cells.loc["small", f"filters={filters}", "base"]
        products = 9 * filters * (64 + 16 * filters) + 4 * filters * 10
        assert (base["flops"], base["filters"]) == (2 * products, filters)
        pruned = cells.loc["small", f"filters={filters}", "nonuniform-0.8"]
        assert pruned["flops"] / base["flops"] == pytest.approx(pruned["ratio_achieved"])
    assert pd.isna(cells.loc["plain", "", "base"]["filters"])
    measured = pd.read_parquet(results / "benchmarks.parquet")
    assert sorted(measured[["network", "variant"]].itertuples(index=False, name=None)) == sorted(
        [("", "base"), *((name, variant) for name in NETWORKS for variant in ("base", "nonuniform-0.8"))]
    )
    speedups = pd.read_parquet(results / "speedups.parquet").set_index("network")
    for name in NETWORKS:
        flops = [cells.loc["small", name, variant]["flops"] for variant in ("base", "nonuniform-0.8")]
        assert speedups.loc[name, "flops_speedup"] == pytest.approx(flops[0] / flops[1])
    assert "nonuniform 0.8 (filters 6)" in (results / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "networks"),
    [
        ({"network": {"dropout": 0.2}}, NETWORKS),
        ({"network": {"dropout": 0.1, "filters": 6}}, ()),
        ({"grid": GRID | {"filters": [6, 9, 12]}}, ("filters=9",)),
    ],
)
def test_a_change_trains_only_its_own_networks(project, change, networks):
    """A default that every cell shares; one that the grid spans, which is but the prior; and another value of it."""
    project.configure(study(**change))
    jobs = project.planned()
    project.configure(study())
    variants = ("base", "nonuniform-0.8")
    wanted = {
        f"experiment=small, network=/network={name}, variant={variant}" for name in networks for variant in variants
    }
    assert trained(jobs) == wanted
