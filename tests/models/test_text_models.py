"""Networks for texts: what they compute, cost, and how they are cut."""

import copy

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from prunescape.config.models import network_values
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops, count_parameters, evaluating, example_input, layer_flops
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.prune import prune_model
from prunescape.tasks.text.task import Task, example_data
from support.trainings import CPU, recipe_with, start_training, train_together

VOCABULARY, LENGTH = 50, 30
SHAPE = (VOCABULARY, LENGTH)
MODELS = ("text_cnn", "text_lstm")


def network_of(model: str, seed: int = 0) -> torch.nn.Module:
    return initialise(full_network(model), seed)


def full_network(model: str, **hyperparameters) -> torch.nn.Module:
    known = network_values(model, hyperparameters)
    return build_model(model, model, in_channels=VOCABULARY, classes=2, hyperparameters=known)


def tokens(count: int = 6, length: int = LENGTH) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, VOCABULARY, (count, length)))


def test_flops_and_parameters_follow_from_the_layers():
    """2 x multiply-accumulates: k in out per place of a convolution, 4 h (e + h) per step of an LSTM."""
    first, second = 10, 4  # places after each convolution of stride 3: (L + 2 (k // 2) - k) // 3 + 1
    dense = 2 * (128 * 128 + 128 * 2)
    assert count_flops(network_of("text_cnn"), SHAPE) == 2 * 7 * 128 * 128 * (first + second) + dense
    assert count_flops(network_of("text_lstm"), SHAPE) == 2 * LENGTH * 4 * 64 * (128 + 64) + 2 * (64 * 64 + 64 * 2)
    rows = VOCABULARY * 128
    assert count_parameters(network_of("text_cnn")) == rows + 2 * (7 * 128 * 128 + 128) + 128 * 129 + 2 * 129
    assert count_parameters(network_of("text_lstm")) == rows + 4 * 64 * (128 + 64 + 2) + 64 * 65 + 2 * 65


@pytest.mark.parametrize("model", MODELS)
def test_flops_equal_torchs_counter(model):
    """torch.utils.flop_counter, which knows no fused LSTM: it counts the products that this consists of."""
    network = network_of(model)
    with evaluating(network), FlopCounterMode(display=False) as counter:
        network(example_input(network, SHAPE))
    assert counter.get_total_flops() == count_flops(network, SHAPE)
    assert "embedding.weight" not in layer_flops(network, SHAPE).flops


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [1, 2, 9, 100])
def test_a_text_may_have_any_length(model, length):
    assert network_of(model).eval()(tokens(length=length)).shape == (6, 2)


@pytest.mark.parametrize("pooling", ["globalmax", "globalavg"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_convolutional_network_computes_what_it_says(activation, pooling):
    """Against numpy, place by place."""
    sizes = {"filters": 3, "kernel": 3, "units": 4, "embedding": 5}
    network = full_network("text_cnn", **sizes, activation=activation, pooling=pooling)
    known = {name: value.detach().numpy() for name, value in network.named_parameters()}
    act = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}[activation]

    def convolved(rows: np.ndarray, layer: str) -> np.ndarray:
        padded = np.pad(rows, ((1, 1), (0, 0)))
        places = [padded[start : start + 3].T for start in range(0, len(rows), 3)]
        weight, bias = known[f"{layer}.weight"], known[f"{layer}.bias"]
        return act(np.array([(weight * place).sum((1, 2)) + bias for place in places]))

    text = tokens(1)
    rows = convolved(convolved(known["embedding.weight"][text[0].numpy()], "conv1"), "conv2")
    pooled = rows.max(0) if pooling == "globalmax" else rows.mean(0)
    hidden = act(known["dense.weight"] @ pooled + known["dense.bias"])
    expected = known["fc.weight"] @ hidden + known["fc.bias"]
    np.testing.assert_allclose(network.eval()(text)[0].detach().numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_a_training_lowers_the_loss_and_leaves_padding_zero(model):
    data = example_data({"shape": SHAPE, "classes": 2}, 24)
    data.train_tokens[:, :5] = 0
    network = network_of(model)
    training = start_training(network, Task(data, CPU), recipe_with(0.1, 1e-4, epochs=4, batch_size=6), seed=0)
    train_together([training])
    losses = [entry["train_loss"] for entry in training.outcome.history]
    assert losses[-1] < losses[0] and not network.embedding.weight[0].any()
    assert network.embedding.weight[1:].abs().max() > 0


def test_the_same_seed_gives_the_same_weights_and_dropout():
    data = example_data({"shape": SHAPE, "classes": 2}, 12)
    found = []
    for _ in range(2):
        network = network_of("text_cnn")
        task, recipe = Task(data, CPU), recipe_with(0.1, 1e-4, epochs=1, batch_size=6)
        train_together([start_training(network, task, recipe, seed=3)])
        found.append(torch.cat([value.flatten() for value in network.state_dict().values()]))
    assert torch.equal(*found)


@pytest.mark.parametrize(("method", "ratio"), [("uniform", 0.5), ("nonuniform", 0.5), ("nonuniform", 0.1)])
def test_a_cut_network_computes_what_one_with_masked_filters_does(method, ratio):
    network = network_of("text_cnn").eval()
    with torch.no_grad():
        network.conv2.weight *= torch.linspace(0.5, 1.5, 128)[:, None, None]  # so that layers differ
    plan = plan_widths(network, SHAPE, method=method, ratio=ratio, min_keep=0.05)
    assert abs(plan.ratio_achieved - ratio) <= 0.01 * ratio and set(plan.layers) == {"conv1", "conv2"}
    masked = copy.deepcopy(network)
    for name in ("conv1", "conv2"):
        layer = getattr(masked, name)
        norms = layer.weight.detach().abs().sum((1, 2))
        gone = norms.argsort(descending=True, stable=True)[plan.layers[name]["out"] :]
        with torch.no_grad():
            layer.weight[gone], layer.bias[gone] = 0, 0
    torch.testing.assert_close(plan.network.eval()(tokens()), masked(tokens()), rtol=1e-4, atol=1e-5)
    rebuilt = rebuild(network_of("text_cnn"), plan.modules)
    rebuilt.load_state_dict(plan.network.state_dict())
    assert torch.equal(rebuilt.eval()(tokens()), plan.network(tokens()))


def test_filters_are_ranked_over_the_whole_network():
    """Half of the first layer's filters are tiny: the other half are then above all of the second layer's."""
    network = network_of("text_cnn")
    with torch.no_grad():
        network.conv1.weight[:64] *= 0.01
    uniform, ranked = (plan_widths(network, SHAPE, method=method, ratio=0.4) for method in ("uniform", "nonuniform"))
    assert torch.equal(ranked.network.conv1.weight, network.conv1.weight[64:])
    assert ranked.layers["conv2"]["out"] < uniform.layers["conv2"]["out"]


def test_a_network_for_texts_is_pruned_outside_a_study(tmp_path):
    told = prune_model("text_cnn", input_shape=SHAPE, ratio=0.5, method="uniform", out=tmp_path)
    assert (told["in_channels"], told["classes"], set(told["layers"])) == (VOCABULARY, 2, {"conv1", "conv2"})


def test_a_recurrent_network_is_refused_in_one_line():
    structure = find_prunable(network_of("text_lstm"), SHAPE)
    assert set(structure.refused) == {"dense", "fc"} and not structure.prunable
    with pytest.raises(InputError, match="the network has no layer that may be cut") as told:
        plan_widths(network_of("text_lstm"), SHAPE, method="uniform", ratio=0.5)
    assert "\n" not in str(told.value)
