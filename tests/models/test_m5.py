"""M5 for raw waveforms: what it computes and costs, how it trains, and how it is cut."""

import copy
from contextlib import nullcontext

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from prunescape.errors import InputError, Stopped
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops, count_parameters, evaluating, example_input
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.prune import prune_model
from prunescape.tasks.speech.task import Task, example_data
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together
from support.trainings import CPU, Interrupting, recipe_with

SHAPE, CLASSES = (1, 8000), 35
SIZES = {"m5": (4, (128, 128, 256, 512)), "m5_small": (16, (32, 32, 64, 64))}


def network_of(model: str, seed: int = 0) -> torch.nn.Module:
    return initialise(build_model("m5", model, in_channels=1, classes=CLASSES), seed)


def waves(count: int = 3) -> torch.Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_parameters_are_as_published():
    """torchaudio's tutorial prints 26,915 for 35 words; Dai et al. 2017, Table 1, say 0.5 million of M5, for 10."""
    assert count_parameters(network_of("m5_small")) == 26_915
    paper = build_model("m5", "m5", in_channels=1, classes=10)
    weights = 80 * 128 + 3 * (128 * 128 + 128 * 256 + 256 * 512)
    assert count_parameters(paper) == weights + 3 * (128 + 128 + 256 + 512) + 512 * 10 + 10
    assert 500_000 < count_parameters(paper) < 600_000


@pytest.mark.parametrize("model", SIZES)
def test_flops_follow_from_the_layers_and_equal_torchs_counter(model):
    """2 x multiply-accumulates: kernel x in x out per place; torch.utils.flop_counter counts what runs."""
    stride, channels = SIZES[model]
    length, before, expected = (8000 - 80) // stride + 1, 1, 0
    for width, kernel in zip(channels, (80, 3, 3, 3), strict=True):
        expected += 2 * kernel * before * width * length
        length, before = length // 4 - 2, width
    network = network_of(model)
    assert count_flops(network, SHAPE) == expected + 2 * before * CLASSES
    with evaluating(network), FlopCounterMode(display=False) as counter:
        network(example_input(network, SHAPE))
    assert counter.get_total_flops() == count_flops(network, SHAPE)


@pytest.mark.parametrize("model", SIZES)
def test_logits_are_those_of_the_paper_written_in_plain_functions(model):
    """In float64, with batch norms that have seen waves."""
    network = network_of(model).double()
    network.train()(waves().double())
    known, x = network.eval().state_dict(), waves(2).double()
    expected = x
    for number in range(1, 5):
        at = {part: known[f"features.conv{number}.{part}"] for part in ("weight", "bias")}
        expected = functional.conv1d(expected, **at, stride=SIZES[model][0] if number == 1 else 1)
        names = ("running_mean", "running_var", "weight", "bias")
        norm = [known[f"features.norm{number}.{name}"] for name in names]
        expected = functional.max_pool1d(functional.batch_norm(expected, *norm).relu(), 4)
    expected = expected.mean(-1) @ known["fc.weight"].T + known["fc.bias"]
    torch.testing.assert_close(network(x), expected, rtol=1e-9, atol=1e-9)


def test_all_but_the_first_convolution_and_the_classifier_may_be_cut():
    structure = find_prunable(network_of("m5_small"), SHAPE)
    assert [group.layer for group in structure.prunable] == [f"features.conv{number}" for number in (2, 3, 4)]
    assert structure.refused == {"features.conv1": "it is the first layer", "fc": "it is the classifier"}


def test_a_ratio_that_the_first_convolution_alone_exceeds_is_refused():
    """It is never cut, and has most of the small network's FLOPs."""
    with pytest.raises(InputError, match=r"ratio .*0\.5.*"):
        plan_widths(network_of("m5_small"), SHAPE, method="uniform", ratio=0.5)


@pytest.mark.parametrize("score", ["l1_layer", "bn_scale"])
@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
@pytest.mark.parametrize(("model", "ratio"), [("m5_small", 0.8), ("m5", 0.5)])
def test_a_cut_network_computes_what_one_with_masked_filters_does(model, ratio, method, score):
    network = network_of(model)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, layer in network.named_modules():
            if "norm" in name:
                layer.weight.copy_(torch.rand(len(layer.weight), generator=random) + 0.1)
                layer.bias.copy_(torch.rand(len(layer.bias), generator=random) - 0.5)
    network.train()(waves(8))
    plan = plan_widths(network.eval(), SHAPE, method=method, ratio=ratio, min_keep=0.05, score=score)
    assert abs(plan.ratio_achieved - ratio) <= 0.01
    masked = copy.deepcopy(network)
    for number in (2, 3, 4):
        conv, norm = (getattr(masked.features, f"{kind}{number}") for kind in ("conv", "norm"))
        scores = norm.weight.abs() if score == "bn_scale" else conv.weight.abs().sum((1, 2))
        kept = plan.layers[f"features.conv{number}"]["out"]
        gone = scores.detach().argsort(descending=True, stable=True)[kept:]
        with torch.no_grad():
            norm.weight[gone], norm.bias[gone] = 0, 0
    torch.testing.assert_close(plan.network.eval()(waves()), masked(waves()), rtol=1e-4, atol=1e-5)
    rebuilt = rebuild(network_of(model), plan.modules)
    rebuilt.load_state_dict(plan.network.state_dict())
    assert torch.equal(rebuilt.eval()(waves()), plan.network(waves()))


def fresh(seed: int = 0, **hooks) -> Training:
    """A training of the small network, with shifts in time, on loud and quiet noise."""
    data = example_data({"shape": SHAPE, "classes": 2}, 24)
    data.train_labels[::2] = 1
    data.train_waves[::2] //= 4
    network = initialise(build_model("m5", "m5_small", in_channels=1, classes=2), seed)
    recipe = recipe_with(0.05, 1e-4, epochs=3, batch_size=8, augmentation="time_shift")
    return start_training(network, Task(data, CPU), recipe, seed=seed, **hooks)


def test_a_training_that_is_interrupted_comes_to_the_same_to_the_bit(tmp_path):
    """In the second of three epochs, each of three batches and one of testing."""
    whole = fresh()
    train_together([whole])
    losses = [entry["train_loss"] for entry in whole.outcome.history]
    assert losses[-1] < losses[0]
    file = tmp_path / "checkpoint.safetensors"
    for after, stops in ((6, pytest.raises(Stopped)), (10**9, nullcontext())):
        checkpointer = Interrupting(file, "key")
        checkpointer.after = after
        training = fresh(between_batches=checkpointer.between_batches)
        checkpointer.resume(training)
        with stops:
            train_together([training])
    assert training.outcome.history == whole.outcome.history
    for mine, other in zip(training.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_networks_train_together_as_alone():
    together, alone = [fresh(0), fresh(1)], [fresh(0), fresh(1)]
    train_together(together)
    for training, single in zip(together, alone, strict=True):
        train_together([single])
        for mine, other in zip(training.network.parameters(), single.network.parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


def test_it_is_pruned_outside_a_study(tmp_path):
    told = prune_model("m5_small", input_shape=SHAPE, ratio=0.8, method="uniform", out=tmp_path)
    assert (told["in_channels"], told["classes"]) == (1, CLASSES)
    with pytest.raises(InputError, match=r"input shape .*; allowed: channels,samples as in 1,8000"):
        prune_model("m5", input_shape=(3, 32, 32), ratio=0.7, method="uniform", out=tmp_path)
