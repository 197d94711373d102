"""Adam (Kingma and Ba 2015, algorithm 1), as torch.optim.Adam computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.adam import adam

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful, on_gpu


def build(parameters: Iterable[nn.Parameter], recipe: Recipe, *, decoupled: bool = False) -> Stateful:
    """W ← W − γ m̂ / (√v̂ + ε), with λW added to the gradient; AdamW where weight decay is `decoupled`."""
    fixed = {"amsgrad": False, "maximize": False, "decoupled_weight_decay": decoupled}
    fixed |= {"beta1": recipe.beta1, "beta2": recipe.beta2, "eps": recipe.epsilon, "weight_decay": recipe.weight_decay}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        means = state["mean"], state["square"], []
        adam(parameters, gradients, *means, state["step"], lr=rate, capturable=on_gpu(parameters), **fixed)

    return Stateful(parameters, update, like={"mean": 0.0, "square": 0.0}, counts={"step": 0.0})
