"""Every optimiser against torch's own class, FTRL against its package's and Adagrad, and going on from saved states."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from pytorch_optimizer import FTRL
from torch import nn

from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.training.optimisers import build_optimiser
from support.trainings import recipe_with

RECIPE = recipe_with(0.1, 0.03, epochs=1, batch_size=1, log10_epsilon=-6.0, beta1=0.8, beta2=0.95, rho=0.7)
ADAM = {"betas": (0.8, 0.95), "eps": 1e-6}
THEIRS = {
    "sgd": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.7, "eps": 1e-6, "momentum": 0.9}),
    "adam": (torch.optim.Adam, ADAM),
    "adamw": (torch.optim.AdamW, ADAM),
    "adagrad": (torch.optim.Adagrad, {"eps": 1e-6}),
    "adadelta": (torch.optim.Adadelta, {"rho": 0.7, "eps": 1e-6}),
    "adamax": (torch.optim.Adamax, ADAM),
    "nadam": (torch.optim.NAdam, ADAM),
    "ftrl": (FTRL, {}),
}
RATES = (0.1, 0.1, 0.03, 0.01, 0.01, 0.02)


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def add_gradients(trained: nn.Module, step: int) -> None:
    random = torch.Generator().manual_seed(step)
    images, labels = torch.randn(5, 2, 4, 4, generator=random), torch.randint(0, 3, (5,), generator=random)
    nn.functional.cross_entropy(trained(images), labels).backward()


def train(trained: nn.Module, optimiser, steps: range, rates=RATES) -> list[torch.Tensor]:
    for step in steps:
        add_gradients(trained, step)
        optimiser.step(rates[step])
    return [parameter.detach().clone() for parameter in trained.parameters()]


def train_with_theirs(name: str, weight_decay: float, rates) -> list[torch.Tensor]:
    """By the class of torch or of the package, whose FTRL has no weight decay: it is added to the gradients."""
    kind, settings = THEIRS[name]
    trained, coupled = network(), {"weight_decay": weight_decay} if name != "ftrl" else {}
    optimiser = kind(trained.parameters(), lr=rates[0], **settings, **coupled)
    for step, rate in enumerate(rates):
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        add_gradients(trained, step)
        for parameter in trained.parameters() if name == "ftrl" else ():
            parameter.grad.add_(parameter.detach(), alpha=weight_decay)
        optimiser.step()
    return [parameter.detach() for parameter in trained.parameters()]


def test_every_optimiser_is_compared():
    assert set(THEIRS) == set(PARAMETERS["optimiser"].levels)


@pytest.mark.parametrize("name", THEIRS)
def test_every_optimiser_computes_the_bits_of_the_class(name):
    rates = (0.1,) * len(RATES) if name == "ftrl" else RATES
    trained, recipe = network(), replace(RECIPE, optimiser=name)
    mine = train(trained, build_optimiser(trained.parameters(), recipe), range(len(rates)), rates)
    theirs = train_with_theirs(name, recipe.weight_decay, rates)
    assert all(map(torch.equal, mine, theirs))
    assert not torch.equal(mine[0], network()[0].weight)


def test_ftrl_without_l1_is_adagrad_at_rates_that_change():
    """McMahan et al. 2013, 3.1: without regularisation FTRL-proximal takes the steps of gradient descent, γ/√n each."""
    trained = nn.Sequential(nn.Flatten(), nn.Linear(32, 3))  # no gradient of it is exactly 0
    plain = replace(RECIPE, optimiser="ftrl", log10_wd=-math.inf)
    reference = copy.deepcopy(trained)
    mine = train(trained, build_optimiser(trained.parameters(), plain), range(len(RATES)))
    adagrad = torch.optim.Adagrad(reference.parameters(), lr=0.1, eps=0)
    for step, rate in enumerate(RATES):
        adagrad.param_groups[0]["lr"] = rate
        adagrad.zero_grad()
        add_gradients(reference, step)
        adagrad.step()
    for one, other in zip(mine, reference.parameters(), strict=True):
        torch.testing.assert_close(one, other.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", THEIRS)
def test_an_optimiser_goes_on_from_its_saved_state(name):
    recipe = replace(RECIPE, optimiser=name)
    trained = network()
    optimiser = build_optimiser(trained.parameters(), recipe)
    train(trained, optimiser, range(3))
    saved = {key: tensor.clone() for key, tensor in optimiser.state().items()}
    other = copy.deepcopy(trained)
    whole = train(trained, optimiser, range(3, 6))
    again = build_optimiser(other.parameters(), recipe)
    again.restore(saved)
    assert all(map(torch.equal, train(other, again, range(3, 6)), whole))
    assert again.state().keys() == saved.keys() and len(saved) >= len(whole)


@pytest.mark.parametrize("name", THEIRS)
def test_parameters_without_a_gradient_rest(name):
    used, unused = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimiser = build_optimiser([unused, used], replace(RECIPE, optimiser=name))
    for _ in range(2):
        (used**2).sum().backward()
        optimiser.step(0.01)
    assert torch.equal(unused, torch.ones(3)) and (used < 1).all()


def test_what_does_not_act_is_known_by_the_optimiser():
    acting = {
        name: {other for other in ("momentum", "beta1", "beta2", "rho", "log10_epsilon") if acts(other, name)}
        for name in THEIRS
    }
    means = {"beta1", "beta2", "log10_epsilon"}
    assert acting == {
        **{name: {"momentum"} for name in ("sgd", "nesterov")},
        **{name: means for name in ("adam", "adamw", "adamax", "nadam")},
        "rmsprop": {"momentum", "rho", "log10_epsilon"},
        "adadelta": {"rho", "log10_epsilon"},
        "adagrad": {"log10_epsilon"},
        "ftrl": set(),
    }


def acts(name: str, optimiser: str) -> bool:
    return PARAMETERS[name].acts({"optimiser": optimiser})


@pytest.mark.parametrize("name", THEIRS)
def test_only_a_hyperparameter_that_acts_changes_the_weights(name):
    """What `when` says, tried out on three steps."""
    others = {"momentum": 0.5, "beta1": 0.5, "beta2": 0.9, "rho": 0.9, "log10_epsilon": -1.0}
    recipe = replace(RECIPE, optimiser=name)

    def weights(recipe: Recipe) -> list[torch.Tensor]:
        trained = network()
        return train(trained, build_optimiser(trained.parameters(), recipe), range(3))

    before = weights(recipe)
    for other, value in others.items():
        same = all(map(torch.equal, weights(replace(recipe, **{other: value})), before))
        assert same != acts(other, name), other
