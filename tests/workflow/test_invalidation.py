"""What runs again after a change and what does not: Snakemake really run on a tiny study, changed step by step."""

import copy
import json
import os
import shutil
import time

import pytest
import yaml

from prunescape.store.files import read_json, write_json
from support.project import TINY_STUDY

PACKAGE = "workflow_scripts/prunescape"
SMALL = [
    f"experiment=small, variant={variant}, setting=log10_lr=-1.0/log10_wd={decay}, seed=0"
    for variant in ("base", "nonuniform-0.5")
    for decay in ("-4.0", "-3.0")
]
OTHER = ["experiment=other, variant=base, setting=log10_lr=-1.0/log10_wd=-4.0, seed=0"]
OF_REPORT = {"write_report", "seal_results"}
# what follows a measurement
OF_TARGETS = {"collect_benchmarks", "compare_targets", "analyse_trials", "draw_figures"} | OF_REPORT
ANALYSIS = {"collect_study", "collect_curves", "analyse_cells", "write_tables"} | OF_TARGETS


def cells(*names: str) -> set[str]:
    return {f"train_cell {name}" for name in names}


def trained(jobs: set[str]) -> set[str]:
    return {job for job in jobs if job.startswith("train_cell")}


def rules(jobs: set[str]) -> set[str]:
    return {job.split()[0] for job in jobs}


def study_with(change) -> dict:
    study = copy.deepcopy(TINY_STUDY)
    change(study["experiments"])
    return study


@pytest.fixture
def restored(finished):
    """The finished project; its code, config and results are put back after the test."""
    saved = {folder: folder.with_name(f"saved-{folder.name}") for folder in (finished.code, finished.work)}
    for folder, copied in saved.items():
        shutil.copytree(folder, copied, symlinks=True)
    yield finished
    for folder, copied in saved.items():
        shutil.rmtree(folder)
        copied.rename(folder)
    finished.configure(TINY_STUDY)


def test_a_finished_study_has_nothing_to_do(finished):
    assert finished.planned() == set()
    assert (finished.work / "results/tiny/report.html").stat().st_size > 10_000


def test_an_edited_comment_docstring_log_line_or_annotation_changes_nothing(restored):
    restored.edit(f"{PACKAGE}/training/loop.py", '"""One training', '"""Now one training')
    restored.edit("workflow_scripts/train_cell.py", "    jobs: list", "    # a new comment\n    jobs: list")
    restored.edit(f"{PACKAGE}/models/resnet_cifar.py", '"""', '"""Edited. ')
    restored.edit(f"{PACKAGE}/training/cell_job.py", '{name}={value}"', '{name}: {value}"')
    restored.edit(f"{PACKAGE}/training/loop.py", "seed: int,", "seed: float,")
    assert restored.planned() == set()


def test_a_moved_module_changes_nothing(restored):
    modules = restored.code / "workflow_scripts/prunescape"
    (modules / "updates").mkdir()
    (modules / "updates/__init__.py").write_text('"""Steps."""\n')
    (modules / "training/step.py").rename(modules / "updates/steps.py")
    for file in (modules / "training").glob("*.py"):
        file.write_text(
            file.read_text().replace("from prunescape.training.step import", "from prunescape.updates.steps import")
        )
    assert restored.planned() == set()


def test_a_mended_description_of_a_column_writes_tables_again_and_trains_nothing(restored):
    restored.edit(f"{PACKAGE}/analysis/study_tables.py", "number of classes", "how many classes there are")
    assert rules(restored.planned()) == ANALYSIS


def test_touched_files_and_a_fresh_checkout_change_nothing(restored):
    later = time.time() + 5
    for path in [*restored.code.rglob("*"), *restored.work.glob("results/**/*.json")]:
        os.utime(path, (later, later))
    assert restored.planned() == set()


def test_reordered_keys_change_nothing(restored):
    def turned(value):
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    restored.configure(turned(TINY_STUDY))
    assert next(iter(yaml.safe_load(restored.config.read_text()))) == "targets"
    assert restored.planned() == set()


def test_a_new_data_set_in_the_code_changes_nothing(restored):
    restored.edit(
        f"{PACKAGE}/config/datasets.py",
        '    "digits": {',
        '    "letters": {"test": 5},\n    "digits": {',
    )
    restored.edit(f"{PACKAGE}/tasks/images/readers.py", "READERS = {", 'READERS = {"letters": read_digits, ')
    assert restored.planned() == set()


def test_an_edited_training_loop_runs_all_cells(restored):
    restored.edit(f"{PACKAGE}/tasks/classification.py", "TEST_BATCH = 1024", "TEST_BATCH = 512")
    assert trained(restored.planned()) == cells(*SMALL, *OTHER)


def test_an_edited_architecture_runs_only_its_cells(restored):
    restored.edit(f"{PACKAGE}/models/image_cnn.py", "import torch\n", "import torch\n\nEDITED = 1\n")
    assert trained(restored.planned()) == cells(*OTHER)


def test_a_new_score_plans_only_what_it_ranks(restored):
    restored.configure(study_with(lambda experiments: experiments["small"].update(pruning={"score": "l1"})))
    jobs = restored.planned()
    assert trained(jobs) == cells(*SMALL[2:])
    assert {job for job in jobs if job.startswith("plan")} == {"plan_variant experiment=small, variant=nonuniform-0.5"}


def test_edited_planning_runs_pruned_cells_only(restored):
    restored.edit(f"{PACKAGE}/pruning/planning.py", "\n\n\n", "\n\nEDITED = 1\n\n\n")
    assert trained(restored.planned()) == cells(*SMALL[2:])


def test_an_edited_export_exports_again(restored):
    restored.edit(f"{PACKAGE}/tasks/exporting.py", "PARITY_EXAMPLES = 256", "PARITY_EXAMPLES = 255")
    assert rules(restored.planned()) == {"export_onnx", "benchmark_target"} | OF_TARGETS


def test_an_edited_page_reports_again(restored):
    restored.edit(f"{PACKAGE}/present/report/page.html.j2", "</body>", "<!-- edited --></body>")
    assert restored.planned() == OF_REPORT


def test_an_edited_plot_draws_and_reports_again(restored):
    restored.edit(f"{PACKAGE}/present/figures/style.py", "\n\n", "\n\nEDITED = 1\n\n")
    assert restored.planned() == {"draw_figures"} | OF_REPORT


def test_changed_objectives_compare_and_report_again(restored):
    restored.configure({**TINY_STUDY, "objectives": {"accuracy_floor": 20.0}})
    assert restored.planned() == {"compare_targets", "draw_figures"} | OF_REPORT


@pytest.mark.parametrize(("experiment", "names"), [("small", SMALL), ("other", OTHER)])
def test_a_changed_recipe_runs_the_cells_of_its_experiment_only(restored, experiment, names):
    restored.configure(study_with(lambda experiments: experiments[experiment]["recipe"].update(momentum=0.8)))
    assert trained(restored.planned()) == cells(*names)


def test_swapped_settings_are_noticed(restored):
    """Snakemake compares parameters as a set of values: two that swap values must not look alike."""
    swapped = {"epochs": 50, "batch_size": 1}
    restored.configure(study_with(lambda experiments: experiments["other"]["recipe"].update(swapped)))
    assert trained(restored.planned()) == cells(*OTHER)


def test_a_new_learning_rate_runs_its_cells_and_then_nothing(restored):
    restored.configure(study_with(lambda experiments: experiments["small"]["grid"].update(log10_lr=[-1.0, -2.0])))
    jobs = restored.planned()
    assert trained(jobs) == cells(*(name.replace("log10_lr=-1.0", "log10_lr=-2.0") for name in SMALL))
    assert rules(jobs) == {"train_cell", "export_onnx", "benchmark_target"} | ANALYSIS
    restored.run()
    assert restored.planned() == set()
    restored.configure(TINY_STUDY)
    assert trained(restored.planned()) == set()


def test_deleted_records_run_their_cells_only(finished):
    """That of the prior, whose filters are ranked, and that of another cell: no plan and no cell beside them."""
    names = (SMALL[0], SMALL[3])
    records = [
        finished.work / "results/tiny" / name.replace(", ", "/").replace("setting=", "") / "record.json"
        for name in names
    ]
    before = [json.loads(record.read_text()) for record in records]
    for record in records:
        record.unlink()
    jobs = finished.planned()
    assert trained(jobs) == cells(*names)
    assert "plan_variant" not in rules(jobs)
    finished.run()
    after = [json.loads(record.read_text()) for record in records]
    for key in ("correct", "correct_bits", "history", "loss"):
        assert [record[key] for record in before] == [record[key] for record in after]
    digests = [[record["provenance"]["weights_digest"] for record in each] for each in (before, after)]
    assert digests[0] == digests[1]
    assert finished.planned() == set()


def test_changed_data_runs_everything_that_used_them(restored):
    restored.configure({**TINY_STUDY, "datasets": {"digits": {"train": 200, "test": 100, "split_seed": 1}}})
    jobs = restored.planned()
    assert trained(jobs) == cells(*SMALL, *OTHER)
    before = {"prepare_data", "declare_experiment", "plan_variant", "train_cell", "export_onnx", "benchmark_target"}
    assert rules(jobs) == before | ANALYSIS


def test_data_changed_behind_its_back_run_everything_that_used_them(finished):
    identity = finished.work / "results/tiny/data/digits.json"
    text = identity.read_text()
    write_json(identity, read_json(identity) | {"digest": "0"})
    try:
        assert trained(finished.planned()) == cells(*SMALL, *OTHER)
    finally:
        identity.write_text(text)


def test_what_was_deleted_is_made_again(restored):
    results = restored.work / "results/tiny"
    (results / "experiment=other/target=here.json").unlink()
    shutil.rmtree(results / "figures")
    assert rules(restored.planned()) == {"benchmark_target"} | OF_TARGETS
    restored.run()
    assert restored.planned() == set()


@pytest.mark.long
def test_a_change_whose_first_run_failed_is_not_forgotten(restored):
    """Snakemake deletes what a failed job made and may then find everything behind it up to date."""
    score = study_with(lambda experiments: experiments["small"].update(pruning={"score": "l1"}))
    restored.configure(score)
    restored.edit(
        f"{PACKAGE}/running/job_log.py",
        "    try:\n        yield",
        "    try:\n        raise OSError(28)\n        yield",
    )
    assert restored.snakemake().returncode != 0
    restored.edit(f"{PACKAGE}/running/job_log.py", "        raise OSError(28)\n", "")
    assert trained(restored.planned()) == cells(*SMALL[2:])
    restored.run()
