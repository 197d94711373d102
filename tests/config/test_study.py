"""A config becomes a study, or one line that names file, key, value, what is allowed and a hint."""

import copy
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from prunescape.config.datasets import SIZES, channels_of, resolve_options
from prunescape.config.models import torchvision_names
from prunescape.config.study import load_study
from prunescape.config.targets import PROVIDERS
from prunescape.designs import extension, replicates
from prunescape.designs.plan import experiment_plan
from prunescape.designs.rounds import first_cells, have_rounds
from prunescape.errors import InputError
from prunescape.tasks.images.readers import READERS
from prunescape.tasks.images.torchvision_import import import_torchvision
from support.good_config import EXPERIMENT, GOOD

CONFIG = Path(__file__).resolve().parents[2] / "config"
NAN = float("nan")


def plans_of(study):
    return {name: experiment_plan(study, name) for name in study.experiments}


def cells_of(study):
    return first_cells(plans_of(study))


def with_value(keys: str, value) -> dict:
    """The good config with the value at a dotted place replaced, or removed when it is `...`."""
    config = copy.deepcopy(GOOD)
    *above, last = keys.split(".")
    holder = config
    for key in above:
        holder = holder.setdefault(key, {})
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return config


def test_the_good_config_is_a_study():
    study = load_study(GOOD)
    plan = study.experiments["e"]
    assert [variant.name for variant in plan.all_variants] == ["base", "uniform-0.6", "uniform-0.2", "nonuniform-0.4"]
    assert plan.axes["log10_lr"] == ["-2.0", "-1.0", "0.0"]
    assert plan.axes["log10_wd"] == ["-4.8", "-4.6", "-4.4", "-4.2", "-4.0", "-3.8", "-3.6", "-3.4", "-3.2"]
    assert len(cells_of(study)) == 4 * 3 * 9
    assert study.ranking_cell("e").path == "experiment=e/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0"
    assert not have_rounds(plans_of(study))
    assert study.reference is None
    assert study.priors() == {"e": {"log10_lr": -1.0, "log10_wd": -4.0}}
    assert load_study(GOOD | {"reference": "matthiesen2023"}).reference == "matthiesen2023"


def test_where_original_files_come_from_is_no_part_of_what_a_study_is():
    options = {"url": ["https://example.org/", "file:///data/"], "download": False, "folder": "mine"}
    config = copy.deepcopy(GOOD)
    config["experiments"]["e"]["dataset"] = "cifar10"
    plain, moved = (load_study(config | {"datasets": {"cifar10": {"test": 500, **more}}}) for more in ({}, options))
    assert plain.summary() == moved.summary() and plain.dataset_options("cifar10")["download"] is True
    assert moved.dataset_options("cifar10").items() >= options.items()
    with pytest.raises(InputError, match=r"datasets\.cifar10: the data set cifar10 cannot take 'ftp://x/' for url"):
        load_study(config | {"datasets": {"cifar10": {"url": "ftp://x/"}}}, "study.yaml")


def test_fresh_seeds_follow_those_of_the_grid_and_a_pilot_trains_them_at_the_prior():
    study = load_study(with_value("experiments.e.verdict", {"replicates": 3}))
    assert study.experiments["e"].verdict_terms["fresh_seeds"] == [1, 2, 3]
    plan = plans_of(study)["e"]
    pilot = replicates.first_cells(plan)
    assert cells_of(study) == [*extension.first_cells(plan), *pilot]
    assert {cell.setting.path for cell in pilot} == {"log10_lr=-1.0/log10_wd=-4.0"}
    assert len(pilot) == 4 * 3
    assert have_rounds({"e": plan})
    given = load_study(with_value("experiments.e.verdict", {"replicates": 3, "sigma": 0.2}))
    assert replicates.first_cells(plans_of(given)["e"]) == []


def test_order_of_keys_and_values_does_not_matter():
    turned = {key: GOOD[key] for key in reversed(GOOD)}
    turned["experiments"] = {"e": {key: EXPERIMENT[key] for key in reversed(EXPERIMENT)}}
    turned["experiments"]["e"]["variants"] = {"nonuniform": [0.4], "uniform": [0.2, 0.6]}
    assert cells_of(load_study(turned)) == cells_of(load_study(GOOD))
    assert repr(load_study(turned).summary()) == repr(load_study(GOOD).summary())


def test_only_equally_spaced_grids_extend():
    config = with_value("experiments.e.grid.log10_lr", [-2, -1, -0.5])
    assert load_study(config)
    config["experiments"]["e"]["extension"] = {"max_rounds": 1}
    with pytest.raises(InputError, match=r"grid\.log10_lr: -2\.0, -1\.0, -0\.5 are not equally spaced"):
        load_study(config)


@pytest.mark.parametrize("file", sorted(CONFIG.rglob("*.yaml")), ids=lambda file: file.name)
def test_every_config_of_ours_is_a_study(file):
    study = load_study(yaml.safe_load(file.read_text()), str(file))
    assert cells_of(study) or all(experiment.tune for experiment in study.experiments.values())


def test_studies_of_published_recipes_have_their_rates_and_cells():
    """Torch-Pruning: a tenth after 120, 150 and 180 epochs; MLPerf Tiny: 0.99 per epoch, 500 epochs (train.py)."""
    known = {}
    for name in ("torch-pruning-resnet56", "mlperf-tiny"):
        file = CONFIG / "studies" / f"{name}.yaml"
        study = load_study(yaml.safe_load(file.read_text()), str(file))
        (known[name],) = study.experiments.values()
        assert len(cells_of(study)) == {"torch-pruning-resnet56": 45, "mlperf-tiny": 27}[name]
    pruning, tiny = known.values()
    assert pruning.prior["log10_lr"] == -1.0
    assert [pruning.recipe.rate_factor(epoch) for epoch in (119, 120, 199)] == pytest.approx([1, 0.1, 0.001])
    assert [tiny.recipe.rate_factor(epoch) for epoch in (1, 499)] == pytest.approx([0.99, 0.99**499])


def test_the_thesis_study_is_counted_and_planned_without_its_data(tmp_path):
    """Chapter 3: 9 x 9 settings of 5 forms of ResNet-56 and MobileNetV2 each, 3 x 3 of 2 of ResNet-50 (3.2.2, 3.3)."""
    file = CONFIG / "studies" / "matthiesen2023.yaml"
    study = load_study(yaml.safe_load(file.read_text()), str(file))
    cells = Counter(cell.experiment for cell in cells_of(study))
    assert cells == {"cifar10-resnet56": 405, "cifar10-mobilenetv2": 405, "imagenet-resnet50": 18}
    assert {plan.max_rounds for plan in plans_of(study).values()} == {6}
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(CONFIG.parent / "Snakefile")]
    place = ["--configfile", str(file), "--directory", str(tmp_path)]
    planned = subprocess.run([*command, *place], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert planned.returncode == 0, planned.stderr
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.stdout, re.MULTILINE))
    counted = [jobs[rule] for rule in ("train_cell", "plan_round", "prepare_data", "plan_variant")]
    assert counted == ["828", "1", "2", "12"]


def test_the_study_of_speech_is_counted_without_its_data():
    """5 x 5 settings of the base and of four pruned networks, and at the prior three fresh seeds of each."""
    file = CONFIG / "studies" / "speech-commands.yaml"
    study = load_study(yaml.safe_load(file.read_text()), str(file))
    assert len(cells_of(study)) == 5 * (25 + 3)


BAD = [
    ("experiment", {}, ["experiment", "unknown key", 'did you mean "experiments"']),
    ("experiments.e.sedes", [1], ["experiments.e.sedes", "its value: [1]", "allowed: model", 'did you mean "seeds"']),
    ("experiments.e.recipe.epcohs", 3, ["experiments.e.recipe.epcohs", "epochs, batch_size", 'mean "epochs"']),
    ("experiments.e.recipe", {"epcohs": 3, "batch_size": 8}, ["experiments.e.recipe.epcohs", 'mean "epochs"']),
    ("experiments.e.grid.log10_wd.setp", 1, ["experiments.e.grid.log10_wd.setp", "step, size"]),
    ("experiments.e.variants.uniforn", [0.5], ["experiments.e.variants.uniforn", 'did you mean "uniform"']),
    ("targets.here.thread", [1], ["targets.here.thread", 'did you mean "threads"']),
    ("datasets.digits.tset", 5, ["datasets.digits", "tset", "5", 'did you mean "test"']),
    ("experiments.e.verdict", {"alpha_screen": 0.05}, ["verdict.alpha_screen", "allowed: below alpha, 0.05"]),
    ("experiments.e.verdict.margin", 0, ["verdict.margin", "0", "greater than 0"]),
    ("experiments.e.recipe.epochs", ..., ["experiments.e.recipe.epochs", "missing"]),
    ("experiments.e.model", ..., ["experiments.e.model", "missing"]),
    ("study", ..., ["study", "missing"]),
    ("experiments", {}, ["experiments"]),
    ("experiments", None, ["experiments", "None"]),
    ("experiments", [1], ["experiments", "[1]"]),
    ("experiments.e", 3, ["experiments.e", "3"]),
    ("study", "a b/c", ["study", "a b/c", "allowed: letters, digits, dots, hyphens and underscores"]),
    ("study", "a" * 101, ["study: 'aaa", "allowed: up to 100 characters"]),
    ("study", 2023, ['study: 2023 cannot be used; allowed: a text; hint: did you mean "2023", in quotes?']),
    ("tune", {}, ["tune: unknown key", "hint: tune belongs to an experiment: give it in experiments.NAME.tune"]),
    ("experiments.e.seed", 1, ["experiments.e.seed: unknown key", 'hint: did you mean "seeds"?']),
    ("experiments.e.device", "cuda", ["hint: device belongs to the study: give it beside experiments"]),
    (
        "experiments.e.pipelines",
        ["restart"],
        ["hint: pipelines belongs to retraining: give it in retraining.pipelines"],
    ),
    ("experiments.e.recipe.score", "l2", ["hint: score belongs to pruning: give it in pruning.score"]),
    ("experiments.e.pruning.score", "BN_SCALE", ["pruning.score", 'did you mean "bn_scale"?']),
    ("experiments.e.pruning", {"score": "bn_scale", "ranking": "initial"}, ["pruning.ranking: all scales", "trained"]),
    ("experiments.e.pruning.round_to", "8", ["pruning.round_to: '8'", "hint: did you mean 8, without quotes?"]),
    ("inference_first", True, ["inference_first: there is no target", "hint: add one to targets"]),
    ("study", "../up", ["study", "../up"]),
    ("reference", "matthiesen2032", ["reference", "matthiesen2032", 'did you mean "matthiesen2023"']),
    ("device", "gpu", ["device", "gpu", "cpu", "cuda"]),
    ("cells_per_gpu", 0, ["cells_per_gpu: 0 cannot", "auto, or a number from 1"]),
    ("cells_per_gpu", "AUTO", ["cells_per_gpu: 'AUTO' cannot", 'hint: did you mean "auto"?']),
    ("cells_per_gpu", "many", ["cells_per_gpu: 'many' cannot", "auto, or a number from 1"]),
    ("experiments.e.recipe.epochs", "many", ["experiments.e.recipe.epochs", "many", "a whole number"]),
    ("experiments.e.recipe.epochs", 0, ["experiments.e.recipe.epochs", "0", "greater than or equal to 1"]),
    ("experiments.e.recipe.epochs", True, ["experiments.e.recipe.epochs", "True", "number"]),
    ("experiments.e.recipe.momentum", NAN, ["experiments.e.recipe.momentum", "nan", "less than 1"]),
    ("experiments.e.recipe.precision", "tf32", ["recipe.precision: a CPU has no tf32", "set device: cuda"]),
    ("experiments.e.recipe.precision", "fp16", ["recipe.precision: a CPU has no fp16", "fp32, bf16, fp64, auto"]),
    ("experiments.e.recipe.optimiser", "adma", ["experiments.e.recipe.optimiser", "nadam", 'did you mean "adam']),
    ("experiments.e.recipe.beta1", 1, ["experiments.e.recipe.beta1", "less than 1"]),
    ("experiments.e.recipe.beta1", 0.8, ["recipe.beta1: beta1 has no effect with optimiser sgd", "adam, adamw"]),
    ("experiments.e.prior.rho", 0.8, ["prior.rho: rho has no effect with optimiser sgd", "rmsprop, adadelta"]),
    ("experiments.e.grid.power", [1, 2], ["grid.power: power has no effect with schedule step", "polynomial"]),
    (
        "experiments.e.recipe",
        {"epochs": 9, "batch_size": 8, "optimiser": "adam", "momentum": 0.5},
        ["recipe.momentum: momentum has no effect with optimiser adam", "it acts with optimiser sgd, nesterov"],
    ),
    ("experiments.e.recipe.warmup_epochs", 11, ["recipe.warmup_epochs: a warm-up of 11 epochs", "allowed: 0 to 10"]),
    ("experiments.e.recipe.warmup_epochs", -1, ["recipe.warmup_epochs", "-1", "greater than or equal to 0"]),
    ("experiments.e.recipe.loss_function", "poison", ["recipe.loss_function", 'did you mean "poisson"']),
    ("experiments.e.recipe.label_smoothing", 1, ["recipe.label_smoothing", "less than 1"]),
    ("experiments.e.recipe.augmentation", "mixcut", ["recipe.augmentation", "randaugment"]),
    ("experiments.e.recipe.scaling", "min-max", ["recipe.scaling", 'did you mean "minmax"']),
    ("experiments.e.recipe.partition", "60-30-10", ["recipe.partition", "60-20-20"]),
    ("experiments.e.recipe.data_share", 0, ["recipe.data_share", "greater than 0"]),
    ("experiments.e.grid.data_share", [0.5, 1.5], ["grid.data_share: 1.5 cannot", "above 0 and at most 1"]),
    ("experiments.e.recipe.schedule", "cosin", ["experiments.e.recipe.schedule", 'did you mean "cosine"']),
    ("experiments.e.recipe.milestones", [12], ["experiments.e.recipe.milestones", "12", "below 10"]),
    ("experiments.e.recipe.milestones", [5, 3], ["experiments.e.recipe.milestones", "rising"]),
    ("experiments.e.recipe", {"epochs": 9, "batch_size": 8, "schedule": "cosine", "milestones": [3]}, ["cosine"]),
    ("experiments.e.variants.uniform", [0], ["experiments.e.variants.uniform.0", "0.0", "above 0 and below 1"]),
    ("experiments.e.variants.uniform", [-0.5], ["-0.5", "above 0 and below 1"]),
    ("experiments.e.variants.uniform", [1.0], ["1.0", "above 0 and below 1"]),
    ("experiments.e.variants.uniform", [NAN], ["nan", "above 0 and below 1"]),
    ("experiments.e.variants.uniform", [0.5, "0.50"], ["0.5 is given more than once"]),
    ("experiments.e.variants.uniform", 0.5, ["experiments.e.variants.uniform", "0.5", "list"]),
    ("experiments.e.variants.magnitude", [0.5], ["magnitude", "uniform", "nonuniform"]),
    ("experiments.e.model", "resnet9", ["experiments.e.model", "resnet9", "resnet56", "did you mean"]),
    ("experiments.e.dataset", "digit", ["experiments.e.dataset", "digit", 'did you mean "digits"']),
    ("datasets.mnst", {}, ["datasets.mnst", 'did you mean "mnist"']),
    ("datasets.digits.test", "all", ["datasets.digits", "all"]),
    ("experiments.e.grid.log10_lr", [], ["experiments.e.grid.log10_lr", "empty"]),
    ("experiments.e.grid.log10_lr", [-1, -1.0], ["experiments.e.grid.log10_lr", "-1.0 is given more than once"]),
    ("experiments.e.grid.log10_lr", [-1, 3], ["experiments.e.grid.log10_lr: 3 cannot", "at least -6 and at most 1"]),
    ("experiments.e.grid.log10_wd", [-4, 2], ["experiments.e.grid.log10_wd: 2 cannot", "at least -8 and at most 0"]),
    ("experiments.e.grid.log10_wd", {"step": 1, "size": 99}, ["experiments.e.grid.log10_wd: -53.0", "at least -8"]),
    ("experiments.e.grid.log10_wd", {"step": NAN, "size": 3}, ["experiments.e.grid.log10_wd.step", "nan"]),
    ("experiments.e.grid.log10_lr", "all", ["experiments.e.grid.log10_lr", "all", "list"]),
    ("experiments.e.grid.log10_lr", [None], ["experiments.e.grid.log10_lr: None cannot", "a number"]),
    ("experiments.e.grid.log10_lrs", [-1], ["grid.log10_lrs: no hyperparameter is called", 'mean "log10_lr"']),
    ("experiments.e.grid.batch_size", [32, 0], ["grid.batch_size: 0 cannot", "a whole number at least 1"]),
    ("experiments.e.grid.batch_size", [32.5], ["grid.batch_size: 32.5 cannot", "a whole number"]),
    ("experiments.e.grid.momentum", [0, 0.9, "0.90"], ["grid.momentum: 0.9 is given more than once"]),
    ("experiments.e.grid.flip", [False, True], ["grid.flip: the values of flip are no numbers", "momentum"]),
    ("experiments.e.grid.momentum", [0, 0.5], ["prior.momentum: 0.9 is not on the grid", "allowed: 0.0, 0.5"]),
    ("experiments.e.grid", {"log10_lr": [-1]}, ["experiments.e.grid", "at least 2 items"]),
    ("experiments.e.prior.momentun", 0.5, ["prior.momentun", 'did you mean "momentum"']),
    ("analysis", {"thresholds": [1, 2]}, ["analysis", "risk_threshold 0.5", "allowed: 1, 2"]),
    ("experiments.e.prior.log10_lr", -0.9, ["experiments.e.prior.log10_lr", "-0.9", "-2.0, -1.0, 0.0"]),
    ("experiments.e.prior.log10_wd", "low", ["experiments.e.prior.log10_wd", "low"]),
    ("experiments.e.design", {"kind": "adaptiv"}, ["design.kind: 'adaptiv' cannot", 'did you mean "adaptive"']),
    ("experiments.e.design", {"kind": "adaptive", "shar": 0.5}, ["design.shar: unknown key", 'did you mean "share"']),
    ("experiments.e.design.share", 0.4, ["design: a grid is trained as a whole, and share is 0.4", "kind: adaptive"]),
    ("experiments.e.design", {"kind": "adaptive", "share": 34}, ["design.share: 34", "less than 1", "mean 0.34?"]),
    ("experiments.e.design", {"kind": "adaptive", "share": 0}, ["design.share: 0", "greater than 0"]),
    ("experiments.e.seeds", [1, 1], ["experiments.e.seeds", "1 is given more than once"]),
    ("experiments.e.seeds", [-1], ["experiments.e.seeds.0", "-1"]),
    ("experiments.e.export.best", 0, ["experiments.e.export.best", "0"]),
    ("experiments.e.pruning.score", "l3", ["experiments.e.pruning.score", "l3", "l1_layer"]),
    ("experiments.e.variants", {"fine_tune": [0.5]}, ["hint: fine_tune is a pipeline: give it in retraining"]),
    ("experiments.e.restart", {"epochs": 2}, ["hint: restart is a pipeline: give it in retraining.pipelines"]),
    ("experiments.e.retraining", {"pipelines": ["init"], "steps": 2}, ["retraining.steps: no pipeline inherits"]),
    ("experiments.e.retraining", {"steps": 21}, ["experiments.e.retraining.steps: 21", "less than or equal to 20"]),
    ("experiments.e.retraining", {"base": "per_seed"}, ["retraining.base: no pipeline inherits weights", "init"]),
    ("experiments.e.retraining", {"pipelines": ["init"], "base": "per-seed"}, ["retraining.base", 'mean "per_seed"']),
    (
        "experiments.e.retraining",
        {"pipelines": ["fine_tune"], "epochs": 1, "base": "per_seed", "steps": 2},
        ["retraining.base: a base for each seed is cut once, and retraining.steps is 2", "allowed: one"],
    ),
    ("experiments.e.retraining.steps", "two", ["experiments.e.retraining.steps: 'two'", "a whole number"]),
    ("experiments", {"values": {"model": 3}}, ["experiments.values.model: 3", "a text"]),
    ("experiments.e.grid.log10_lr", {"step": "a", "size": 3}, ["experiments.e.grid.log10_lr.step: 'a'", "a number"]),
    ("experiments.e.grid.log10_lr", [-1, -1e-300], ["grid.log10_lr.1: -1e-300 has 300 digits", "up to 40 digits"]),
    ("experiments.e.grid.log10_lr", [-1, "1e-1000000"], ["grid.log10_lr.1: 1e-1000000 has 1000000 digits"]),
    ("experiments.e.grid.log10_lr", [-1, 10**400], ["grid.log10_lr.1: 10000000000000000000... has too many digits"]),
    ("experiments.e.prior.log10_wd", "1e999999999", ["prior.log10_wd: 1e999999999 has 1000000000 digits"]),
    ("experiments.e.variants.uniform", [0.5, "1e999999999"], ["variants.uniform.1: 1e999999999 has", "round it"]),
    ("datasets.mnist", {"folder": "a" * 300}, ["datasets.mnist", "cannot take 'aaa", "the path of a folder"]),
    ("datasets.mnist", {"folder": f"missing/{'a' * 256}"}, ["cannot take 'missing/aaa", "the path of a folder"]),
    ("datasets.mnist", {"folder": "~/mnist"}, ["datasets.mnist: ~/mnist would be a folder called ~", "did you mean /"]),
    ("datasets.mnist", {"folder": "a\0"}, ["datasets.mnist", "for folder", "the path of a folder"]),
    ("experiments.e.retraining", {"pipelines": ["init"], "epochs": 2}, ["retraining.epochs: no pipeline inherits"]),
    ("experiments.e.retraining", {"pipelines": ["finetune"]}, ["retraining.pipelines.0", 'mean "fine_tune"']),
    ("experiments.e.retraining", {"pipelines": ["fine_tune"]}, ["retraining.epochs", "fine_tune needs this key"]),
    ("experiments.e.retraining", {"epochs": 3}, ["retraining.epochs", "no pipeline inherits trained weights"]),
    ("experiments.e.retraining", {"pipelines": ["restart"], "epochs": 0}, ["retraining.epochs: 0"]),
    ("experiments.e.retraining", {"pipelines": ["rewind_rate"], "epochs": 99}, ["last 99 epochs", "allowed: 1 to"]),
    ("experiments.e.retraining", {"pipelines": ["rewind_weights"], "epochs": 99}, ["last 99 epochs", "allowed: 1 to"]),
    ("experiments.e.pruning.min_keep", 1, ["experiments.e.pruning.min_keep", "less than 1"]),
    ("targets.here.kind", "shh", ["targets.here.kind", "shh", "local"]),
    ("targets.here.provider", "CudaExecutionProvider", ["targets.here.provider", 'mean "CUDAExecutionProvider"']),
    ("experiments.e.model", "torchvision:resnet_18", ["experiments.e.model", "resnet_18", 'did you mean "resnet18"']),
    ("experiments.e.model", "torchvision:resnet18", ["experiments.e.dataset", "3 channels, and digits has 1"]),
    ("experiments.e.variants.uniform", [0.5, 0.005], ["variants.uniform: 0.005 cannot be reached", "above 0.01"]),
    ("datasets.digits.test", 1795, ["datasets.digits", "1795", "test split", "allowed: 10 to 1787"]),
    ("datasets.digits.train", 1198, ["datasets.digits", "train split", "allowed: 10 to 1197"]),
    ("datasets.digits.train", 9, ["datasets.digits: 9 images", "allowed: 10 to 1197"]),
    ("datasets.digits.validation", 1188, ["datasets.digits", "validation split", "allowed: 10 to 1187"]),
    ("objectives.accuracy_floor", 0.97, ["objectives.accuracy_floor", "percent", "did you mean 97?"]),
    ("objectives.accuracy_floor", 1, ["objectives.accuracy_floor", "did you mean 100?"]),
    ("analysis", {"thresholds": [0.005, 0.01]}, ["analysis.thresholds", "0.005", "percentage", "did you mean 0.5?"]),
    ("experiments.e.verdict.margin", 0.01, ["verdict.margin", "percentage points", "did you mean 1?"]),
    ("experiments.e.verdict.alpha", 5, ["verdict.alpha: 5 cannot", "did you mean 0.05?"]),
    ("experiments.e.pruning.min_keep", 10, ["min_keep: 10 cannot", "less than 1", "did you mean 0.1?"]),
    ("experiments.e.recipe.momentum", 90, ["recipe.momentum: 90 cannot", "did you mean 0.9?"]),
    ("experiments.e.variants.uniform", [50], ["uniform.0: 50.0 is out", "did you mean 0.5?"]),
    ("experiments.e.grid.log10_lr", [0.01, 0.1], ["grid.log10_lr: 0.01, 0.1 would be", "1.02", "did you mean -2, -1?"]),
    ("experiments.e.grid.log10_wd", [1e-4, 1e-3], ["grid.log10_wd", "did you mean -4, -3?"]),
    ("experiments.e.prior.log10_wd", 5e-4, ["prior.log10_wd", "did you mean -3.301?"]),
]


@pytest.mark.parametrize(("keys", "value", "said"), BAD, ids=lambda item: str(item)[:40])
def test_a_bad_value_is_one_clear_line(keys, value, said):
    config = with_value(keys, value) | ({"targets": {}} if keys == "inference_first" else {})
    with pytest.raises(InputError) as caught:
        load_study(config, "my.yaml")
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("my.yaml: ")
    for part in said:
        assert part in text


@pytest.mark.parametrize("values", [[-1, 0, 0.3], [0.0, 0.3], [0.9, 1.0]])
def test_learning_rates_above_1_are_no_raw_rates(values):
    config = with_value("experiments.e.grid.log10_lr", values)
    config["experiments"]["e"]["prior"]["log10_lr"] = values[-1]
    assert load_study(config)


ONE_VALUE = {"grid": {"log10_lr": [-2, -1, 0], "log10_wd": [-4]}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extension": {"max_rounds": 1}}, ["extension.max_rounds: an adaptive design", "allowed: 0"]),
        (ONE_VALUE, ["grid.log10_wd: nothing can be inferred", "hint: move it to prior.log10_wd"]),
        ({"grid": {"log10_lr": [-2, -1, 0], "flip": [False, True]}}, ["grid.flip: the values of flip are no numbers"]),
    ],
    ids=["extension", "one value", "categories"],
)
def test_what_an_adaptive_design_cannot_have(changes, said):
    config = copy.deepcopy(GOOD)
    config["experiments"]["e"] |= {"design": {"kind": "adaptive"}, **changes}
    with pytest.raises(InputError) as caught:
        load_study(config)
    assert all(part in str(caught.value) for part in said)


@pytest.mark.parametrize(
    ("keys", "value", "unlike"),
    [
        ("experiments.e.pruning.round_to", 2, "hint"),  # is not like 32
        ("experiments.e.pruning.min_keep", 1, "hint"),  # is no percentage
    ],
)
def test_a_number_is_not_like_another_one(keys, value, unlike):
    with pytest.raises(InputError) as caught:
        load_study(with_value(keys, value))
    assert unlike not in str(caught.value)


@pytest.mark.parametrize(
    ("pipeline", "name", "values"),
    [
        ("restart", "epochs", [5, 10]),
        ("cyclic", "epochs", [5, 10]),
        ("restart", "power", [1, 2]),
        ("fine_tune", "warmup_epochs", [0, 2]),
    ],
)
def test_what_a_pipeline_leaves_aside_does_not_vary(pipeline, name, values):
    config = with_value("experiments.e.retraining", {"pipelines": ["scratch", pipeline], "epochs": 3})
    config["experiments"]["e"]["grid"] = {"log10_lr": [-2, -1], name: values}
    config["experiments"]["e"]["recipe"] = {"epochs": 10, "batch_size": 64, "schedule": "polynomial"}
    with pytest.raises(InputError, match=rf"grid\.{name}: {pipeline} trains alike with every value of {name}; hint"):
        load_study(config)
    config["experiments"]["e"]["retraining"] = {"pipelines": ["scratch", "rewind_rate"], "epochs": 3}
    if name == "epochs":
        assert load_study(config)


@pytest.mark.parametrize(
    ("pipeline", "recipe", "fits"),
    [
        ("fine_tune", {"schedule": "constant"}, False),
        ("fine_tune", {"schedule": "step", "milestones": [4]}, False),
        ("fine_tune", {"schedule": "cosine"}, True),
        ("rewind_rate", {"schedule": "step", "milestones": [4]}, True),  # the last two of 5 epochs have two rates
        ("rewind_rate", {"schedule": "step", "milestones": [3]}, False),
        ("scratch_b", {"schedule": "constant"}, True),
    ],
)
def test_numbers_of_epochs_at_which_a_schedule_ends_alike_do_not_vary(pipeline, recipe, fits):
    config = with_value("experiments.e.recipe", {"epochs": 10, "batch_size": 64} | recipe)
    timed = {} if pipeline == "scratch_b" else {"epochs": 2}
    config["experiments"]["e"]["retraining"] = {"pipelines": [pipeline]} | timed
    config["experiments"]["e"] |= {"grid": {"log10_lr": [-2, -1], "epochs": [5, 10]}, "seeds": [0]}
    if fits:
        assert load_study(config)
        return
    with pytest.raises(InputError, match=rf"grid\.epochs: {pipeline} trains alike after 5 and 10 epochs of schedule"):
        load_study(config)


def test_weights_cut_at_initialisation_need_no_trained_base():
    config = with_value("experiments.e.retraining", {"pipelines": ["scratch", "init"]})
    config["experiments"]["e"]["variants"] = {"uniform": [0.5]}
    assert not load_study(config).experiments["e"].ranks_trained_filters
    config["experiments"]["e"]["pruning"] = {"ranking": "initial"}
    assert load_study(config)
    config["experiments"]["e"]["pruning"] = {"score": "bn_scale"}
    with pytest.raises(InputError, match=r"retraining\.pipelines: init ranks before any training"):
        load_study(config)


@pytest.mark.parametrize(("pipeline", "fits"), [("init", False), ("rewind_weights", False), ("rewind_rate", True)])
def test_no_pipeline_goes_back_before_given_weights(pipeline, fits, tmp_path):
    (tmp_path / "base.safetensors").write_bytes(b"")
    timed = {} if pipeline == "init" else {"epochs": 2}
    config = with_value("experiments.e.retraining", {"pipelines": [pipeline]} | timed)
    config["experiments"]["e"]["weights"] = str(tmp_path / "base.safetensors")
    if fits:
        assert load_study(config)
        return
    with pytest.raises(InputError, match=rf"experiments\.e\.weights: {pipeline} goes back to weights of a base"):
        load_study(config)


@pytest.mark.parametrize(("epochs", "fits"), [(2, True), (7, True), (8, False), (9, False), (10, True)])
def test_weights_are_rewound_to_the_end_of_the_warm_up_or_before_it(epochs, fits):
    config = with_value("experiments.e.recipe", {"epochs": 10, "batch_size": 64, "warmup_epochs": 3})
    config["experiments"]["e"]["retraining"] = {"pipelines": ["rewind_weights"], "epochs": epochs}
    if fits:
        assert load_study(config).experiments["e"].rewound_to == 10 - epochs
        return
    with pytest.raises(InputError, match=r"into the 3 epochs of warm-up; allowed: 10, or at most 7"):
        load_study(config)


@pytest.mark.parametrize(("model", "dataset"), [("image_cnn", "fashion-mnist"), ("text_cnn", "imdb")])
def test_scales_of_batch_norm_rank_no_network_without_it(model, dataset):
    config = with_value("experiments.e.pruning", {"score": "bn_scale"})
    config["experiments"]["e"] |= {"model": model, "dataset": dataset}
    with pytest.raises(
        InputError, match=rf"pruning\.score: {model} has no batch norm.*allowed: l1_layer, l1, l2, lamp"
    ):
        load_study(config)
    config["experiments"]["e"]["variants"] = {"uniform": [0.5]}  # nothing is ranked
    assert load_study(config)


def test_names_are_those_of_what_is_installed():
    """torchvision and onnxruntime themselves say what they have."""
    onnxruntime, models = pytest.importorskip("onnxruntime"), import_torchvision().models
    assert sorted(torchvision_names()) == sorted(models.list_models(module=models))
    assert set(onnxruntime.get_all_providers()) <= set(PROVIDERS)


def test_sizes_are_those_of_the_data_sets():
    """As torchvision and scikit-learn document them; digits are counted."""
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    assert SIZES["digits"] == (1, len(digits.target), None, len(digits.target_names))
    assert set(SIZES) == set(READERS)
    assert [channels_of(resolve_options(name, {})) for name in SIZES] == [1, 1, 1, 3, 3]


def test_a_name_with_odd_characters_is_refused():
    with pytest.raises(InputError, match=r"experiments\.a b"):
        load_study(GOOD | {"experiments": {"a b": EXPERIMENT}}, "my.yaml")


def test_targets_of_every_kind_as_asked_for():
    targets = {
        "laptop": {"kind": "local", "threads": [1, 2], "batch": [1, 8, 64], "precisions": ["int8", "fp32"]},
        "pi": {"kind": "ssh", "host": "pi@raspberrypi", "python": "python3", "threads": [1, 4]},
        "phone": {"kind": "adb", "serial": "R58M", "perf_test": "build/onnxruntime_perf_test"},
        "gpu-node": {"kind": "slurm", "partition": "gpu", "constraint": "a100", "provider": "CUDAExecutionProvider"},
        "small": {"kind": "emulated", "cpus": 1, "memory_mb": 512, "cpu_quota": 0.5, "emulates": "pi"},
        "plain": {"flush_to_zero": [False, True]},
    }
    study = load_study(GOOD | {"targets": targets})
    assert {name: target.kind for name, target in study.targets.items()} == {
        **{"laptop": "local", "pi": "ssh", "phone": "adb"},
        **{"gpu-node": "slurm", "small": "emulated", "plain": "local"},
    }
    assert study.precisions() == ["fp32", "int8"]
    assert study.target_settings("pi", "e")["threads"] == [1, 4]


def test_cells_are_ranked_in_int8_where_it_is_measured_and_tests_choose():
    targets = {"here": {"precisions": ["fp32", "int8"]}}
    ranked = with_value("experiments.e.export", {"best": 3, "by": "int8"}) | {"targets": targets}
    assert load_study(ranked).experiments["e"].export.by == "int8"
    with pytest.raises(InputError, match=r"experiments\.e\.export\.by: no target measures int8"):
        load_study(ranked | {"targets": {}})
    held_out = with_value("experiments.e.select_on", "validation")["experiments"]["e"]
    by_int8 = {"e": held_out | {"export": {"by": "int8"}}}
    with pytest.raises(InputError, match=r"export\.by: .*chosen by validation examples; allowed: fp32"):
        load_study(ranked | {"experiments": by_int8, "datasets": {"digits": {"validation": 100}}})


def test_subnormal_numbers_are_flushed_too_where_several_cells_are_measured():
    one, several = load_study(GOOD), load_study(with_value("experiments.e.export", {"best": 3}))
    assert one.target_settings("here", "e")["flush_to_zero"] == [False]
    assert several.target_settings("here", "e")["flush_to_zero"] == [False, True]
    asked = with_value("targets.here.flush_to_zero", [True])
    asked["experiments"]["e"]["export"] = {"best": 3}
    assert load_study(asked).target_settings("here", "e")["flush_to_zero"] == [True]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"kind": "ssh", "hots": "pi"}, "targets.ssh.hots: unknown key (its value: 'pi'); allowed: threads, batch"),
        ({"kind": "ssh", "hots": "pi"}, 'hint: did you mean "host"?'),
        ({"kind": "ssh"}, "targets.ssh.host: this key is missing"),
        ({"kind": "local", "host": "pi"}, "targets.ssh.host: unknown key"),
        ({"kind": "shh"}, "targets.ssh.kind: 'shh' cannot be used; allowed: local, ssh, adb, slurm, emulated; hint:"),
        ({"kind": "ssh", "host": "-oProxyCommand=touch pwned"}, "targets.ssh.host: '-oProxyCommand"),
        ({"kind": "ssh", "host": "pi;touch pwned"}, "targets.ssh.host: 'pi;touch pwned' cannot be used"),
        ({"kind": "slurm", "partition": "a;b"}, "targets.ssh.partition: 'a;b' cannot be used"),
        ({"kind": "adb", "serial": "-e", "perf_test": "a"}, "targets.ssh.serial: '-e' cannot be used"),
        (
            {"kind": "emulated", "emulates": "there"},
            "targets.ssh.emulates: there is no target to emulate; allowed: here",
        ),
        ({"kind": "emulated", "emulates": "ssh"}, "targets.ssh.emulates: ssh is no target to emulate"),
        ({"kind": "emulated", "emulates": "heer"}, 'allowed: here; hint: did you mean "here"?'),
        ({"precisions": ["int4"]}, "targets.ssh.precisions.0: 'int4' cannot be used"),
        ({"threads": [True]}, "targets.ssh.threads.0: True is a switch"),
        (7, "targets.ssh: 7 cannot be used"),
    ],
)
def test_a_targets_mistakes_are_one_line(target, words):
    """The target is called ssh, as one of the kinds is."""
    with pytest.raises(InputError) as caught:
        load_study(with_value("targets.ssh", target))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_grid_spans_any_hyperparameters():
    """The grid's own values leave the shared recipe; what the prior gives beside the axes enters it."""
    config = with_value("experiments.e.grid", {"axes": {"momentum": [0.9, 0], "log10_lr": {"step": 1, "size": 3}}})
    experiment = load_study(config).experiments["e"]
    assert experiment.axes == {"log10_lr": ["-2.0", "-1.0", "0.0"], "momentum": ["0.0", "0.9"]}
    assert experiment.prior_setting.values == {"log10_lr": -1.0, "momentum": 0.9}
    assert experiment.declared_recipe.keys().isdisjoint({"log10_lr", "momentum"})
    assert (experiment.declared_recipe["log10_wd"], experiment.declared_recipe["epochs"]) == (-4.0, 10)
    cells = cells_of(load_study(config))
    assert len(cells) == 4 * 3 * 2
    assert cells[0].path == "experiment=e/variant=base/log10_lr=-2.0/momentum=0.0/seed=0"


def test_a_missing_learning_rate_is_named():
    config = with_value("experiments.e.grid", {"momentum": [0.9, 0], "batch_size": [32, 64]})
    config["experiments"]["e"]["prior"] = {"log10_wd": -4}
    with pytest.raises(InputError, match=r"prior\.log10_lr: this key is missing"):
        load_study(config)
