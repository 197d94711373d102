"""Quantisation after and during training, against numpy and closed forms."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from prunescape.errors import InputError, Stopped
from prunescape.models.build import build_model
from prunescape.models.weights import load_weights, save_weights
from prunescape.store.records import in_float
from prunescape.tasks.images.task import Task
from prunescape.tasks.text.prepared import PreparedTexts
from prunescape.tasks.text.task import Task as TextTask
from prunescape.training import together
from prunescape.training.internal import build_internal
from prunescape.training.internal.int8 import Range, quantised_weights
from prunescape.training.internal.int8_after import quantised
from prunescape.training.internal.int8_aware import MovingRange
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together
from support.small_images import three_classes
from support.trainings import CPU, Interrupting, recipe_with, record_of

RECIPE = recipe_with(0.1, 0.01, epochs=2, batch_size=24)
DATA = three_classes(60, 30, 30, channels=1, pixels=4)


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 3)]
    return nn.Sequential(*layers)


def fresh(internal: str, **others) -> Training:
    hooks = {name: others.pop(name) for name in ("between_batches",) if name in others}
    recipe = replace(RECIPE, internal=internal, **others)
    return start_training(network(), Task(DATA, CPU), recipe, seed=1, **hooks)


def trained(training: Training) -> Training:
    train_together([training])
    return training


def rounded_weights(weights: np.ndarray) -> np.ndarray:
    scale = np.abs(weights.reshape(len(weights), -1)).max(1).reshape(-1, *[1] * (weights.ndim - 1)) / 127
    return np.clip(np.rint(weights / scale), -127, 127) * scale


def rounded_inputs(inputs: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Inputs rounded to the 256 values from the smallest to the largest of those `seen`, and 0."""
    low, high = min(seen.min(), 0.0), max(seen.max(), 0.0)
    scale = (high - low) / 255
    zero = np.rint(-low / scale)
    return scale * (np.clip(np.rint(inputs / scale) + zero, 0, 255) - zero)


def convolved(images: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(images, weights.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weights) + bias[:, None, None]


def normalised(images: np.ndarray, norm: nn.BatchNorm2d) -> np.ndarray:
    values = (norm.running_mean, norm.running_var, norm.weight.detach(), norm.bias.detach())
    mean, var, weight, bias = (value.double().numpy()[:, None, None] for value in values)
    return (images - mean) / np.sqrt(var + norm.eps) * weight + bias


def logits_of(trained: nn.Module, calibration: np.ndarray, images: np.ndarray, *, in_int8: bool) -> np.ndarray:
    """The network's output by numpy in double precision: layer by layer, with ranges of the float network."""
    conv, norm, linear = trained[0], trained[1], trained[5]
    kernel, dense = (layer.weight.detach().double().numpy() for layer in (conv, linear))
    biases = [layer.bias.detach().double().numpy() for layer in (conv, linear)]
    hidden = np.maximum(normalised(convolved(calibration, kernel, biases[0]), norm), 0).reshape(len(calibration), -1)
    if in_int8:
        images, kernel, dense = rounded_inputs(images, calibration), rounded_weights(kernel), rounded_weights(dense)
    entering = np.maximum(normalised(convolved(images, kernel, biases[0]), norm), 0).reshape(len(images), -1)
    return (rounded_inputs(entering, hidden) if in_int8 else entering) @ dense.T + biases[1]


def test_weights_and_inputs_are_rounded_as_by_numpy():
    random = np.random.default_rng(0)
    weights, inputs = random.normal(size=(5, 3, 2)), random.normal(0.3, size=400)
    found = quantised_weights(torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(found, rounded_weights(weights), rtol=1e-6, atol=1e-8)
    assert len(np.unique(found[0] / np.abs(weights[0]).max())) > 3 and not np.allclose(found, weights, atol=1e-4)
    known = Range(CPU)
    known.low, known.high = torch.tensor(-0.5), torch.tensor(1.0)
    found = known(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(found, rounded_inputs(inputs, np.array([-0.5, 1.0])), rtol=1e-5, atol=1e-8)
    assert (inputs > 1.1).any() and found.max() < 1.01 and known(torch.zeros(1)) == 0


def test_gradients_go_straight_through_the_rounding():
    """As if nothing were rounded: to weights all, to inputs where they lie in the range, elsewhere 0."""
    inputs = torch.tensor([-0.9, -0.4, 0.0, 0.7, 1.3], requires_grad=True)
    weights = torch.tensor([[0.5, -2.0], [0.01, 0.0]], requires_grad=True)
    known = Range(CPU)
    known.low, known.high = torch.tensor(-0.5), torch.tensor(1.0)
    factors = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    (known(inputs) * factors).sum().backward()
    assert inputs.grad.tolist() == [0.0, 2.0, 3.0, 4.0, 0.0]
    (quantised_weights(weights) * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert weights.grad.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_range_follows_its_batches_in_training_only():
    found = MovingRange(CPU)
    for batch in ([-1.0, 3.0], [-2.0, 5.0], [0.5, 1.0]):
        found(torch.tensor(batch))
    low, high = -1.0, 3.0
    for end, other in ((-2.0, 5.0), (0.0, 1.0)):
        low, high = 0.99 * low + 0.01 * end, 0.99 * high + 0.01 * other
    assert (found.low.item(), found.high.item()) == pytest.approx((low, high)) and found.batches == 3
    found.eval()(torch.tensor([-90.0, 90.0]))
    assert found.high.item() == pytest.approx(high)


def test_a_cell_quantised_after_training_scores_as_numpy_computes_it():
    training, plain = trained(fresh("int8_after")), trained(fresh("none"))
    mine, theirs = training.network.state_dict(), plain.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs), "it changes no training"
    task = training.task
    calibration, images = (
        task.inputs(split.first(1000)[0]).double().numpy() for split in (training.splits.train, training.splits.test)
    )
    labels = DATA.test_labels
    for in_int8, tested in ((True, training.outcome.test), (False, training.outcome.float_test)):
        logits = logits_of(training.network, calibration, images, in_int8=in_int8)
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        loss = -np.log(shares[np.arange(len(labels)), labels]).mean()
        assert tested.loss == pytest.approx(loss, rel=1e-5)
        assert (tested.correct.numpy() == (logits.argmax(1) == labels)).all()
    assert training.outcome.test.loss != training.outcome.float_test.loss == plain.outcome.test.loss
    assert training.outcome.history == plain.outcome.history
    assert training.outcome.validation.loss != plain.outcome.validation.loss


def test_a_record_has_the_scores_of_both():
    training = trained(fresh("int8_after"))
    outcome = training.outcome
    outcome.float_test = replace(outcome.float_test, correct=outcome.test.correct.logical_not())
    record = record_of(outcome, DATA)
    right = int(outcome.float_test.correct.sum())
    assert (record["loss"], record["float_correct"]) == (outcome.test.loss, right)
    assert record["correct"] == len(DATA.test_labels) - right
    stored = in_float(record)
    assert stored["correct"] == right and stored["correct_bits"] != record["correct_bits"]
    plain = record_of(trained(fresh("none")).outcome, DATA)
    assert plain["float_correct"] is None and in_float(plain) == plain


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp64"])
@pytest.mark.parametrize("internal", ["int8_after", "int8_aware"])
def test_a_quantised_training_learns_in_every_precision(internal, precision):
    training = trained(fresh(internal, precision=precision, epochs=6))
    first, *_, last = training.outcome.history
    assert last["train_loss"] < first["train_loss"] and not training.outcome.diverged
    assert 0 < abs(training.outcome.test.loss - training.outcome.float_test.loss) < 0.3


def test_quantisation_aware_training_tests_and_stores_what_it_says(tmp_path):
    """Tests with rounded numbers; what is stored fits the plain network, and scores as the record's float score."""
    training = trained(fresh("int8_aware"))
    again = training.task.test(training.network, training.splits.test)
    assert again.loss == training.outcome.test.loss == training.outcome.history[-1]["test_loss"]
    save_weights(training.internal.plain(training.network), tmp_path / "weights")
    stored = network()
    load_weights(stored, tmp_path / "weights")
    tested = training.task.test(stored, training.splits.test)
    assert tested.loss == training.outcome.float_test.loss != again.loss
    for number in (0, 5):
        assert torch.equal(training.network[number].weight, quantised_weights(stored[number].weight))
    assert together.why_alone(training) == "a step of int8_aware cannot be captured"


@pytest.mark.parametrize("after", [2, 4, 6])
@pytest.mark.parametrize("internal", ["int8_after", "int8_aware"])
def test_interrupted_it_comes_to_the_same_bits(tmp_path, internal, after):
    whole = trained(fresh(internal))
    first = Interrupting(tmp_path / "checkpoint", "key")
    first.after = after
    with pytest.raises(Stopped):
        train_together([fresh(internal, between_batches=first.between_batches)])
    again = Interrupting(tmp_path / "checkpoint", "key")
    training = fresh(internal, between_batches=again.between_batches)
    again.resume(training)
    mine, theirs = trained(training).outcome, whole.outcome
    assert mine.history == theirs.history and mine.float_test.loss == theirs.float_test.loss
    assert mine.test.loss == theirs.test.loss and mine.validation.loss == theirs.validation.loss
    states = training.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


def test_several_cells_in_step_are_quantised_each():
    """As on a GPU: two networks train as one, and score as each alone but for the rounding of sums."""

    def pair():
        return [
            start_training(network()[:4].append(nn.Linear(16, 3)), Task(DATA, CPU), recipe, seed=seed)
            for seed, recipe in enumerate([replace(RECIPE, internal="int8_after")] * 2)
        ]

    stacked, alone = pair(), pair()
    train_together(stacked)
    for mine, one in zip(stacked, map(trained, alone), strict=True):
        assert mine.outcome.test.loss == pytest.approx(one.outcome.test.loss, rel=0.05)
        assert mine.outcome.test.loss != mine.outcome.float_test.loss


def test_a_diverged_training_is_not_quantised():
    training = trained(fresh("int8_after", log10_lr=12.0, epochs=3))
    assert training.outcome.diverged and training.outcome.float_test is None
    assert record_of(training.outcome, DATA)["float_correct"] is None


def lstm() -> nn.Module:
    about = {"units": 6, "embedding": 5, "dropout": 0.0, "activation": "relu"}
    return build_model("text_lstm", "text_lstm", in_channels=20, image_size=[8], classes=2, hyperparameters=about)


def test_the_weights_of_an_lstm_are_quantised_after_training():
    """Each row of a gate has its own scale; the embedding stays as it is."""
    plain, tokens = lstm(), torch.randint(0, 20, (9, 8), generator=torch.Generator().manual_seed(0))
    found = quantised(plain, tokens)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        before, after = (getattr(one.lstm, name).detach().double().numpy() for one in (plain, found))
        np.testing.assert_allclose(after, rounded_weights(before), rtol=1e-5, atol=1e-7)
    assert torch.equal(plain.embedding.weight, found.embedding.weight)
    reference = copy.deepcopy(plain)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        getattr(reference.lstm, name).data.copy_(getattr(found.lstm, name))
    assert torch.equal(reference.lstm(reference.embedding(tokens))[0], found.lstm(found.embedding(tokens))[0])


@pytest.mark.parametrize("internal", ["int8_after", "int8_aware"])
def test_a_text_network_is_quantised(internal):
    """Its convolutions have one dimension; ranges are those of texts from all over the training split."""
    random = np.random.default_rng(0)
    tokens, labels = random.integers(0, 20, (60, 12), dtype=np.int32), random.integers(0, 2, 60)
    data = PreparedTexts(tokens, labels, tokens, labels, np.zeros(0, np.uint8), 20, 2)
    about = {"filters": 4, "kernel": 3, "units": 5, "embedding": 6, "pooling": "globalmax"}
    about |= {"dropout": 0.0, "activation": "relu"}
    built = build_model("text_cnn", "text_cnn", in_channels=20, image_size=[12], classes=2, hyperparameters=about)
    training = trained(start_training(built, TextTask(data, CPU), replace(RECIPE, internal=internal), seed=0))
    examples, found = training.splits.train.evenly_spread(7)
    chosen = np.linspace(0, 59, 7).round().astype(int)
    assert (examples.numpy() == tokens[chosen]).all() and (found.numpy() == labels[chosen]).all()
    scored = training.internal.scored(training)
    before, after = (
        one.conv2.weight.detach().double().numpy() for one in (training.internal.plain(training.network), scored)
    )
    np.testing.assert_allclose(after, rounded_weights(before), rtol=1e-5, atol=1e-7)
    assert training.outcome.test.loss != training.outcome.float_test.loss


def test_an_lstm_is_not_trained_with_quantisation():
    with pytest.raises(InputError, match="LSTM layers cannot be trained with int8_aware; allowed: none, compiled"):
        build_internal("int8_aware").prepare(lstm())
