"""RMSprop (Tieleman and Hinton 2012, lecture 6.5), as torch.optim.RMSprop computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.rmsprop import rmsprop

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful, on_gpu


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """V ← μV + ∇L / (√s + ε); W ← W − γV; s is the mean square with ρ (torch's α); λW is added to the gradient."""
    fixed = {"alpha": recipe.rho, "eps": recipe.epsilon, "weight_decay": recipe.weight_decay}
    fixed |= {"momentum": recipe.momentum, "centered": False}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        means = state["square"], [], state.get("velocity", [])
        rmsprop(parameters, gradients, *means, state["step"], lr=rate, capturable=on_gpu(parameters), **fixed)

    like = {"square": 0.0} | ({"velocity": 0.0} if recipe.momentum else {})
    return Stateful(parameters, update, like=like, counts={"step": 0.0})
