"""NAdam: Adam with Nesterov's momentum (Dozat 2016), as torch.optim.NAdam computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.nadam import nadam

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful, on_gpu

MOMENTUM_DECAY = 4e-3  # torch's and Dozat's ψ


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """The optimiser with the recipe's β1, β2, ε and λ; λW is added to the gradient."""
    fixed = {"momentum_decay": MOMENTUM_DECAY, "weight_decay": recipe.weight_decay}
    fixed |= {"beta1": recipe.beta1, "beta2": recipe.beta2, "eps": recipe.epsilon}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        means = state["mean"], state["square"], state["product"]
        nadam(parameters, gradients, *means, state["step"], lr=rate, capturable=on_gpu(parameters), **fixed)

    like, counts = {"mean": 0.0, "square": 0.0}, {"step": 0.0, "product": 1.0}
    return Stateful(parameters, update, like=like, counts=counts)
