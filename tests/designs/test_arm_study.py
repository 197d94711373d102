"""Snakemake really running a study with arms: first with a variant that cannot be cut, then to its report."""

import pandas as pd
import pytest

from prunescape.analysis.results import ARMS, result_names
from prunescape.commands.cli import main
from prunescape.present.tables.arm_tables import PRINTED
from prunescape.store.files import read_json
from support.project import Project
from support.spaces import space_experiment

pytestmark = pytest.mark.long  # arms are compared in tests/analysis and tests/present, too
SPACE = {"log10_lr": {"low": -2, "high": 0}, "batch_size": [25, 50], "momentum": [0.0, 0.9]}
ARM_NAMES = ["all", "all-again", "fix:batch_size"]
DESIGN = {"trials": 4, "best": 3, "space": SPACE, "arms": ARM_NAMES}


def study(ratios: list[float]) -> dict:
    return {
        "study": "armed",
        "datasets": {"digits": {"train": 200, "test": 100}},
        "experiments": {"e": space_experiment(DESIGN, variants={"uniform": ratios})},
        "targets": {"here": {"precisions": ["fp32", "int8"], "repeats": 3, "chunk_seconds": 0.01}},
    }


@pytest.fixture(scope="module")
def partial(tmp_path_factory) -> tuple[Project, str]:
    """The study with a variant that cannot be cut so far, and its partial report."""
    project = Project(tmp_path_factory.mktemp("armed"), study([0.5, 0.0101]))
    done = project.snakemake()
    assert done.returncode != 0 and "partial report: " in done.stdout, done.stdout
    return project, (project.work / "results/armed/partial/report.html").read_text()


@pytest.fixture(scope="module")
def finished(partial) -> Project:
    project, _ = partial
    project.configure(study([0.5]))
    project.run()
    return project


def test_a_partial_report_compares_the_arms_that_are_there(partial):
    project, page = partial
    assert "This report is partial" in page and "Arms, base: accuracy, %" in page and "Arms, uniform 0.5" in page
    rows = pd.read_parquet(project.work / "results/armed/partial/arm_comparisons.parquet")
    assert set(rows["variant"]) == {"base", "uniform-0.5"} and set(rows["arm"]) == set(ARM_NAMES[1:])


def test_a_study_with_arms_runs_to_a_report_that_compares_them(finished):
    results = finished.work / "results/armed"
    assert finished.planned() == set()
    rows = pd.read_parquet(results / "arm_comparisons.parquet")
    assert set(zip(rows["target"], rows["precision"], strict=True)) == {("", ""), ("here", "fp32"), ("here", "int8")}
    assert (rows["n"] == 3).all() and rows.loc[rows["control"], "arm"].unique().tolist() == ["all-again"]
    best = pd.read_parquet(results / "best_settings.parquet").query("arm == 'all' and place == 1 and variant == 'base'")
    trained = rows.query("target == '' and variant == 'base' and property == 'top1'")
    assert (trained["best_baseline"] == best["top1"].iloc[0]).all()
    benchmarks = pd.read_parquet(results / "benchmarks.parquet").query("variant == 'base' and precision == 'fp32'")
    fast = rows.query("precision == 'fp32' and variant == 'base' and property == 'latency_median_s'")
    assert set(fast["best"]) <= set(benchmarks["latency_median_s"]), "each is what one exported model took"
    searches = pd.read_parquet(results / "arm_searches.parquet").query("property == 'top1'")
    assert (searches.loc[searches["target"] == "", "reason"] == "").all()
    page = (results / "report.html").read_text()
    assert "Arms: how they are compared" in page and "all-again, A/A control" in page
    figures = {figure["name"]: figure for figure in read_json(results / "figures/figures.json")["figures"]}
    expected = {"arm-scaled-all-e", "arm-scaled-best-e", "arm-changes-e-here-int8", "arm-pairs-e-here-int8"}
    assert expected <= figures.keys() and figures["arm-scaled-all-e"]["experiment"] == "e"
    for name in PRINTED:
        assert all((results / f"tables/{name}.{kind}").stat().st_size for kind in ("parquet", "csv", "md", "tex"))
    assert "all-again (A/A control)" in (results / "tables/arms_before_optimisation.md").read_text()


def test_tables_that_others_write_of_the_results_say_the_same(finished, tmp_path, capsys):
    """`prunescape arms` on the trials beside their cells, by hand; `prunescape analyse` finds no landscape in them."""
    results = finished.work / "results/armed"
    assert main(["analyse", str(results / "cells.parquet"), "--out", str(tmp_path / "landscapes")]) == 2
    assert "hint: see best_settings.parquet and arm_comparisons.parquet beside it" in capsys.readouterr().err
    cells, trials = (pd.read_parquet(results / f"{name}.parquet") for name in ("cells", "trials"))
    joined = trials[trials["arm"] != "default"].merge(cells[cells["variant"] == "base"], on=list(SPACE))
    columns = ["arm", "trial", "train_top1", "top1"]
    joined[columns].to_parquet(tmp_path / "flat.parquet")
    words = ["--arm", "arm", "--trial", "trial", "--rank-by", "train_top1", "--of", "top1", "--best", "3"]
    assert main(["arms", str(tmp_path / "flat.parquet"), *words, "--out", str(tmp_path / "out")]) == 0
    for name in result_names(ARMS):
        found, expected = (pd.read_parquet(folder / f"{name}.parquet") for folder in (results, tmp_path / "out"))
        found = found[(found["target"] == "") & (found["variant"] == "base") & (found["property"] == "top1")]
        same = [column for column in expected if column not in ("experiment",)]
        pd.testing.assert_frame_equal(found[same].reset_index(drop=True), expected[same], check_dtype=False)
