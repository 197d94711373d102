"""Scores of filters against torch-pruning's classes of importance, and numpy where those differ from the paper."""

import numpy as np
import pytest
import torch
import torch_pruning as tp
from scipy.spatial.distance import cdist
from torch import nn
from torch.nn import functional

from prunescape.config.models import SCORES as NAMES
from prunescape.config.models import SCORES_OF_DATA, network_values
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.prune import prune_model
from prunescape.pruning.scores import SCORES, Ranked, unit_scores
from prunescape.pruning.variant_plan import ranking_batches, write_widths
from prunescape.store.files import read_json
from support.cells import BASE_PLAN
from support.small_images import prepare_noise

SHAPE = (1, 8, 8)
LAYER = "layer2.0.conv1"


def settled_resnet8() -> nn.Module:
    """ResNet-8 whose batch norm has scales and statistics that differ from channel to channel."""
    network = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 0)
    torch.manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return network.eval()


def batches(count: int = 3) -> list:
    torch.manual_seed(5)
    return [(torch.randn(8, *SHAPE), torch.randint(0, 10, (8,))) for _ in range(count)]


def group_of(network: nn.Module):
    (group,) = (each for each in find_prunable(network, SHAPE).prunable if each.layer == LAYER)
    return group


def theirs(network: nn.Module, importance) -> np.ndarray:
    """What torch-pruning says of all channels of LAYER."""
    graph = tp.DependencyGraph().build_dependency(network, example_inputs=torch.zeros(2, *SHAPE))
    conv = network.get_submodule(LAYER)
    group = graph.get_pruning_group(conv, tp.prune_conv_out_channels, idxs=list(range(conv.out_channels)))
    return importance(group).detach().numpy()


FIRST = {"group_reduction": "first", "normalizer": None}


@pytest.mark.parametrize(
    ("score", "importance", "power"),
    [
        ("l1", tp.importance.GroupMagnitudeImportance(p=1, **FIRST), 1),
        ("l2", tp.importance.GroupMagnitudeImportance(p=2, **FIRST), 0.5),
        ("l1_layer", tp.importance.GroupMagnitudeImportance(p=1, group_reduction="first", normalizer="mean"), 1),
        ("lamp", tp.importance.LAMPImportance(p=2, group_reduction="first"), 1),
        ("bn_scale", tp.importance.BNScaleImportance(normalizer=None), 1),
    ],
)
def test_scores_of_weights_are_those_of_torch_pruning(score, importance, power):
    network = settled_resnet8()
    found = SCORES[score](Ranked(network), group_of(network))
    np.testing.assert_allclose(found, theirs(network, importance) ** power, rtol=1e-5)


def test_taylor_is_the_mean_square_of_what_torch_pruning_says_of_each_batch():
    network, importance = settled_resnet8(), tp.importance.GroupTaylorImportance(multivariable=True, **FIRST)
    found = SCORES["taylor"](Ranked(network, batches()), group_of(network))
    squares = []
    for inputs, classes in batches():
        network.zero_grad()
        functional.cross_entropy(network(inputs), classes).backward()
        squares.append(theirs(network, importance) ** 2)
    np.testing.assert_allclose(found, np.mean(squares, axis=0), rtol=1e-4)


def test_fpgm_is_scipys_sum_of_distances_over_its_mean():
    network = settled_resnet8()
    filters = network.get_submodule(LAYER).weight.detach().numpy().reshape(32, -1)
    distances = cdist(filters, filters).sum(axis=1)
    np.testing.assert_allclose(
        SCORES["fpgm"](Ranked(network), group_of(network)), distances / distances.mean(), rtol=1e-6
    )


def test_fpgm_cuts_the_filter_that_others_stand_for():
    network = settled_resnet8()
    with torch.no_grad():
        weight = network.get_submodule(LAYER).weight
        weight[5] = weight.mean(0)
    assert SCORES["fpgm"](Ranked(network), group_of(network)).argmin() == 5


def test_random_is_the_same_in_every_run_and_differs_between_layers():
    network = settled_resnet8()
    once, again = (unit_scores(Ranked(network), find_prunable(network, SHAPE), "random") for _ in range(2))
    assert all(np.array_equal(*pair) for pair in zip(once, again, strict=True))
    assert not np.array_equal(once[-1][:16], once[-2][:16])
    assert all(((score >= 0) & (score < 1)).all() for score in once)


@pytest.mark.parametrize("score", NAMES)
def test_every_score_plans_widths_that_reach_the_ratio(score):
    network = settled_resnet8()
    plan = plan_widths(network, SHAPE, method="nonuniform", ratio=0.5, score=score, batches=batches())
    assert plan.ratio_achieved == pytest.approx(0.5, rel=0.01)


def test_a_network_without_batch_norm_has_no_scales():
    known = {"in_channels": 1, "image_size": (28, 28), "classes": 10}
    network = build_model("image_cnn", "image_cnn", **known, hyperparameters=network_values("image_cnn", {}))
    structure = find_prunable(network, (1, 28, 28))
    with pytest.raises(InputError, match="no batch norm follows"):
        unit_scores(Ranked(network), structure, "bn_scale")


def test_gradients_that_are_not_finite_rank_nothing():
    network = settled_resnet8()
    with torch.no_grad():
        network.fc.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match=f"gradients of {LAYER} are not finite"):
        SCORES["taylor"](Ranked(network, batches(1)), group_of(network))


@pytest.mark.parametrize("score", SCORES_OF_DATA)
def test_prune_refuses_a_score_of_training_examples(tmp_path, score):
    options = {"input_shape": SHAPE, "ratio": 0.5, "method": "nonuniform", "out": tmp_path / "out", "score": score}
    with pytest.raises(InputError, match="which only a study has"):
        prune_model("resnet8", **options)
    assert not (tmp_path / "out").exists()


EXAMPLES = {"data_share": 0.5, "partition": "none", "scaling": "standard"}


def test_training_examples_of_a_study_are_those_that_the_prior_trains_on(tmp_path):
    files = prepare_noise(tmp_path, (1, 8, 8), 10, train=200, test=20)
    found = ranking_batches(files["data"], files["identity"], EXAMPLES, None)
    assert [len(inputs) for inputs, _ in found] == [64, 36]  # half of 200
    assert found[0][0].shape[1:] == (1, 8, 8) and found[0][0].dtype == torch.float32


def test_a_plan_by_taylor_reads_its_examples_and_says_what_it_ranked(tmp_path):
    files = prepare_noise(tmp_path, (1, 8, 8), 10, train=200, test=20)
    plan = BASE_PLAN | {"method": "nonuniform", "ratio": "0.5", "min_keep": 0.1, "examples": EXAMPLES}
    options = {"identity": files["identity"], "weights": None, "data": files["data"]}
    for score in ("taylor", "l1"):
        write_widths(plan | {"score": score}, out=tmp_path / f"{score}.json", **options)
    taylor, l1 = (read_json(tmp_path / f"{score}.json") for score in ("taylor", "l1"))
    assert taylor["ratio_achieved"] == pytest.approx(0.5, rel=0.01)
    assert taylor["modules"] != l1["modules"]
