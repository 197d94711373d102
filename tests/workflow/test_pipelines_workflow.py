"""Which cells run again where variants inherit the weights of the base: Snakemake really run on a tiny study."""

import pytest
from safetensors.torch import load_file

from prunescape.models.sealed_tensors import write_tensors
from prunescape.store.files import read_json
from support.project import Project, experiment, small_study

pytestmark = pytest.mark.long

FROM_TRAINED = ("uniform-0.5-fine_tune", "uniform-0.5-rewind_weights", "uniform-0.5-restart")
INHERITING = ("uniform-0.5-init", *FROM_TRAINED)
VARIANTS = ("base", "uniform-0.5", *INHERITING)
CELL = "experiment=small, variant={}, setting=log10_lr=-1.0/log10_wd=-4.0, seed=0"


def study(epochs: int = 1, steps: int = 1, base: str = "one", **changes) -> dict:
    retraining = {"pipelines": ["restart", "scratch", "fine_tune", "rewind_weights", "init"], "epochs": epochs}
    retraining |= {"steps": steps, "base": base}
    small = experiment(variants={"uniform": [0.5]}, retraining=retraining)
    small["recipe"] |= {"epochs": 2}
    return small_study(small | changes)


def cells(*variants: str) -> set[str]:
    return {f"train_cell {CELL.format(variant)}" for variant in variants}


def trained(jobs: set[str]) -> set[str]:
    return {job for job in jobs if job.startswith("train_cell")}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = Project(tmp_path_factory.mktemp("pipelines"), study())
    jobs = made.made("cells")
    assert trained(jobs) == cells(*VARIANTS) and "train_start experiment=small, epoch=1" in jobs
    return made


@pytest.fixture(autouse=True)
def as_it_was(project):
    yield
    project.configure(study())


def folder_of(project: Project, variant: str):
    return project.work / "results/tiny" / CELL.format(variant).replace(", ", "/").replace("setting=", "")


def test_a_finished_study_has_nothing_to_do(project):
    assert project.planned("cells") == set()


def test_more_epochs_after_pruning_train_only_what_inherits_trained_weights(project):
    project.configure(study(epochs=2))
    jobs = project.planned("cells")
    assert trained(jobs) == cells(*FROM_TRAINED) and not {job for job in jobs if "train_start" in job}


def test_another_score_cuts_and_trains_only_what_inherits(project):
    project.configure(study(pruning={"round_to": 1, "score": "l2"}))
    jobs = project.planned("cells")
    assert trained(jobs) == cells(*INHERITING)
    assert {job for job in jobs if "variant" in job.split()[0]} == {
        f"cut_variant experiment=small, variant={variant}" for variant in INHERITING
    }


def test_another_prior_is_another_base_to_inherit_from(project):
    grid = {"log10_lr": [-1.0, -2.0], "log10_wd": [-4.0]}
    project.configure(study(prior={"log10_lr": -2.0, "log10_wd": -4.0}, grid=grid))
    jobs = trained(project.planned("cells"))
    assert cells(*FROM_TRAINED) <= jobs and not cells(*VARIANTS[:3]) & jobs


def test_a_base_that_trains_again_to_the_same_weights_trains_nothing_else(project):
    before = read_json(folder_of(project, "base") / "record.json")["provenance"]["weights_digest"]
    (folder_of(project, "base") / "record.json").unlink()
    assert trained(project.made("cells")) == cells("base")
    assert read_json(folder_of(project, "base") / "record.json")["provenance"]["weights_digest"] == before
    assert project.planned("cells") == set()


def test_lost_inherited_weights_are_cut_again_and_train_nothing(project):
    start = folder_of(project, FROM_TRAINED[0]).parents[2] / "start.safetensors"
    start.unlink()
    jobs = project.made("cells")
    assert f"cut_variant experiment=small, variant={FROM_TRAINED[0]}" in jobs
    assert not trained(jobs) and start.is_file()


def test_lost_weights_of_an_earlier_epoch_are_trained_again_and_train_no_cell(project):
    earlier = project.work / "results/tiny/experiment=small/variant=base/epoch=1.safetensors"
    before = earlier.read_bytes()
    earlier.unlink()
    jobs = project.made("cells")
    assert "train_start experiment=small, epoch=1" in jobs and not trained(jobs)
    assert earlier.read_bytes() == before


def test_the_base_and_its_heirs_reach_the_report(project):
    project.run()
    page = (project.work / "results/tiny/report.html").read_text()
    assert "uniform 0.5 (fine-tune)" in page and "uniform 0.5 (restart)" in page
    assert project.planned() == set()


def test_a_step_more_of_pruning_cuts_and_trains_only_what_inherits_trained_weights(project):
    project.configure(study(steps=2))
    jobs = project.made("cells")
    assert trained(jobs) == cells(*FROM_TRAINED)
    for rule in ("cut_step", "train_step"):
        assert {f"{rule} experiment=small, variant={name}, step=1" for name in FROM_TRAINED} <= jobs
    assert project.planned("cells") == set()
    weights = folder_of(project, FROM_TRAINED[0]).parents[2] / "step=1/weights.safetensors"
    before = weights.read_bytes()
    weights.unlink()
    assert not trained(project.made("cells")) and weights.read_bytes() == before


def of_seed(jobs: set[str], seed: int) -> set[str]:
    return {job for job in trained(jobs) if job.endswith(f"seed={seed}")}


def test_a_base_for_each_seed_trains_what_inherits_and_another_base_runs_the_cells_of_its_seed_alone(project):
    project.configure(study(base="per_seed", seeds=[0, 1]))
    jobs = project.made("cells")
    assert of_seed(jobs, 0) == cells(*INHERITING) and len(of_seed(jobs, 1)) == len(VARIANTS)
    assert {f"train_seed_start experiment=small, seed={seed}, epoch=1" for seed in (0, 1)} <= jobs
    assert {f"cut_seed experiment=small, variant={name}, seed=1" for name in INHERITING} <= jobs
    assert project.planned("cells") == set()

    tuned = folder_of(project, "uniform-0.5-fine_tune").parents[2] / "base=1"
    before = read_json(tuned / "widths.json")["pipeline"]["weights_digest"]
    of_base = folder_of(project, "base").with_name("seed=1") / "weights.safetensors"
    other = {name: each.flip(0) if each.dim() else each for name, each in load_file(of_base).items()}
    write_tensors(of_base, other, {"status": "ok"})
    (tuned / "widths.json").unlink()
    assert trained(project.made("cells")) == {
        f"train_cell {CELL.format('uniform-0.5-fine_tune').replace('seed=0', 'seed=1')}"
    }
    assert read_json(tuned / "widths.json")["pipeline"]["weights_digest"] != before

    project.configure(study(base="per_seed", seeds=[0, 1, 2]))
    jobs = project.planned("cells")
    assert trained(jobs) == of_seed(jobs, 2) and len(of_seed(jobs, 2)) == len(VARIANTS)
