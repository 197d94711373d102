"""Files that were deleted are made again without a training; another config's results are not up to date."""

import copy
import shutil

import pytest
from snakemake.persistence.file import FilePersistence

from prunescape.commands.cli import main
from support.project import TINY_STUDY

PRUNED = "experiment=small/variant=nonuniform-0.5"
CACHES = {
    "data/digits.npz": "prepare_data",
    "experiment=small/shared.json": "declare_experiment",
    f"{PRUNED}/widths.json": "plan_variant",
    f"{PRUNED}/onnx/rank-1.onnx": "export_onnx",
}
RESULTS = {
    "figures/plotly.min.js": "draw_figures",
    "tables/best_accuracies.tex": "write_tables",
    "risk.csv": "analyse_cells",
}
FIRST, *OTHERS = CACHES | RESULTS
long = pytest.mark.long


def rules_of(jobs: set[str]) -> set[str]:
    return {job.split()[0] for job in jobs}


@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=long) for name in OTHERS)])
def test_what_was_deleted_is_made_again_and_nothing_is_trained(copied, name):
    lost = copied.work / "results/tiny" / name
    before = lost.read_bytes()
    lost.unlink()
    planned = copied.run("--dry-run")
    made = rules_of(copied.made())
    assert (CACHES | RESULTS)[name] in made and not made & {"train_cell", "benchmark_target"}
    assert lost.read_bytes() == before
    assert name.rpartition("/")[0] in planned and copied.planned() == set()


@long
def test_a_lost_cache_costs_no_cell_that_another_change_does_not(copied):
    (copied.work / "results/tiny/data/digits.npz").unlink()
    study = copy.deepcopy(TINY_STUDY)
    study["experiments"]["small"]["grid"]["log10_wd"] = [-4.0, -3.0, -2.0]
    copied.configure(study)
    trained = {job for job in copied.made("cells") if job.startswith("train_cell")}
    assert len(trained) == 2 and all("log10_wd=-2.0" in job for job in trained)


@long
def test_results_without_snakemakes_records_are_compared_with_the_config(copied):
    shutil.rmtree(copied.work / ".snakemake")
    assert copied.planned() == set()
    study = copy.deepcopy(TINY_STUDY)
    study["experiments"]["small"]["recipe"]["epochs"] = 2
    copied.configure(study)
    assert "experiment=small/shared.json" in copied.run("--dry-run")
    assert {"declare_experiment", "train_cell", "write_report"} <= rules_of(copied.made())
    assert copied.planned() == set()


@long
def test_tables_of_another_config_are_made_again_without_records(copied):
    shutil.rmtree(copied.work / ".snakemake")
    copied.configure(TINY_STUDY | {"analysis": {"thresholds": [0.5, 2.0]}})
    made = rules_of(copied.made())
    assert {"analyse_cells", "write_report"} <= made and not made & {"train_cell", "export_onnx", "benchmark_target"}


@long
def test_a_cell_that_was_finished_when_its_run_was_interrupted_is_kept(copied):
    """Marked by Snakemake itself: a job that starts marks its outputs, one that ends unmarks them and is recorded."""
    cells = [f"results/tiny/{PRUNED}/log10_lr=-1.0/log10_wd={wd}/seed=0" for wd in ("-4.0", "-3.0")]
    persistence = FilePersistence(dag=None, path=copied.work / ".snakemake")
    for cell in cells:
        for output in (f"{cell}/record.json", f"{cell}/weights.safetensors"):
            persistence._mark_incomplete(output, None)
            persistence._delete_record(output)
    weights = copied.work / cells[1] / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    trained = {job for job in copied.made() if job.startswith("train_cell")}
    assert len(trained) == 1 and "log10_wd=-3.0" in trained.pop()
    assert copied.planned() == set()


@long
def test_utilities_of_snakemake_make_nothing(copied):
    lost = copied.work / "results/tiny/data/digits.npz"
    lost.unlink()
    for utility in ("--unlock", "--summary", "--list-rules"):
        assert "note:" not in copied.run(utility)
    assert not lost.exists()


def test_verify_finds_every_file_that_was_changed_or_lost(copied, capsys):
    folder = copied.work / "results/tiny"
    assert main(["verify", str(folder)]) == 0
    capsys.readouterr()
    weights = next(folder.glob(f"{PRUNED}/**/weights.safetensors"))
    changed = [weights, folder / "risk.csv", folder / "data/digits.npz", folder / "rounds/round=1.json"]
    changed = [path for path in changed if path.exists()] + [folder / "experiment=small/shared.json"]
    for path in changed:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    lost = folder / "figures/plotly.min.js"
    lost.unlink()
    assert main(["verify", str(folder)]) == 2
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) == len(changed) + 1
    for path in (*changed, lost):
        assert any(line.startswith(f"{path}: ") for line in lines), path
    assert f"{len(lines)} of " in printed.err
