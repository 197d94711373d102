"""Scores that rank filters: one function each, named in config/models.py. The filters with the smallest are cut.

A function takes the network to rank and a layer that may be cut, and returns one number per channel of that layer.
The score of a unit, a set of channels that leave together, is the mean over its channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.errors import InputError
from prunescape.pruning.prunable import Prunable, Structure

Batch = tuple[Tensor, Tensor]  # what a network takes (b, ...), and classes (b,)


@dataclass(frozen=True)
class Ranked:
    """A network whose filters are ranked, and batches of training examples for scores that look at the loss."""

    network: nn.Module
    batches: Sequence[Batch] = ()

    @cached_property
    def layers(self) -> dict[str, nn.Module]:
        """Every layer by its name."""
        return dict(self.network.named_modules())

    def filters(self, group: Prunable) -> Tensor:
        """The weights of each filter of a layer, (channels, values); raises InputError when some are not finite.

        Those of a channel of attention are of its query, key and value.
        """
        return self._finite(self.layers[group.layer].weight, group)[group.ties[0].positions].flatten(1)

    def scales(self, group: Prunable) -> Tensor:
        """The batch norm's scale of each channel; raises InputError for a layer that none follows."""
        for tie in group.ties:
            layer = self.layers[tie.layer]
            own = tie.axis == "out" and tie.per_channel == 1
            if own and isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine:
                return self._finite(layer.weight[torch.from_numpy(tie.positions[:, 0])], group)
        raise InputError(f"no batch norm follows {group.layer}, so none has a scale that ranks its filters")

    @cached_property
    def products(self) -> dict[str, Tensor]:
        """By layer, per batch and filter the sum over its weights of gradient times weight, (batches, channels).

        Of the mean cross-entropy, with the network as it is tested. Raises InputError without batches.
        """
        if not self.batches:
            raise InputError("this score looks at training examples, and there are none")
        weights = {name: layer.weight for name, layer in self.layers.items() if _has_filters(layer)}
        self.network.eval()
        found: dict[str, list[Tensor]] = {name: [] for name in weights}
        for inputs, classes in self.batches:
            loss = functional.cross_entropy(self.network(inputs), classes)
            gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                product = weight * (0 * weight if gradient is None else gradient)
                found[name].append(product.detach().double().flatten(1).sum(1))
        return {name: torch.stack(products) for name, products in found.items()}

    def _finite(self, weight: Tensor, group: Prunable) -> Tensor:
        if not torch.isfinite(weight).all():
            raise InputError(f"the weights of {group.layer} are not finite, so they cannot rank its filters")
        return weight.detach().double().cpu()


def _has_filters(layer: nn.Module) -> bool:
    weight = getattr(layer, "weight", None)
    return isinstance(weight, nn.Parameter) and weight.dim() > 1


def over_mean(scores: np.ndarray) -> np.ndarray:
    """The scores of a layer over their mean: layers of any size and scale then compare."""
    mean = scores.mean()
    return scores / (mean if mean > 0 else 1.0)


def l1(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The L1 norm of each filter, ||F_ij||_1 (matthiesen2023, 2.2.1)."""
    return ranked.filters(group).abs().sum(1).numpy()


def l2(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The L2 norm of each filter (He et al., Soft Filter Pruning, 2018)."""
    return ranked.filters(group).norm(dim=1).numpy()


def l1_layer(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The L1 norm of each filter over its mean in the layer."""
    return over_mean(l1(ranked, group))


def lamp(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The squared L2 norm of each filter over the sum of its own and all larger ones of the layer (Lee et al., 2021).

    The paper's score of single weights, for filters, as torch-pruning has it.
    """
    squares = ranked.filters(group).square().sum(1).numpy()
    order = squares.argsort(kind="stable")
    rest = squares[order][::-1].cumsum()[::-1]
    scores = np.zeros_like(squares)
    scores[order] = squares[order] / np.where(rest > 0, rest, 1.0)
    return scores


def bn_scale(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The size of the scale that batch norm gives each channel, |γ| (Liu et al., Network Slimming, 2017)."""
    return ranked.scales(group).abs().numpy()


def fpgm(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The sum of distances from each filter to the others of its layer, over its mean (He et al., FPGM, 2019, Eq 6).

    A filter near the geometric median is one that the others can stand for. torch-pruning's class of that name squares
    the weights first, which the paper does not.
    """
    filters = ranked.filters(group)
    return over_mean(torch.cdist(filters, filters, compute_mode="donot_use_mm_for_euclid_dist").sum(1).numpy())


def taylor(ranked: Ranked, group: Prunable) -> np.ndarray:
    """The mean over batches of (Σ gradient × weight)² of each filter (Molchanov et al., 2019, Eq 8)."""
    products = ranked.products[group.layer][:, group.ties[0].positions].sum(2)
    if not torch.isfinite(products).all():
        raise InputError(f"the gradients of {group.layer} are not finite, so they cannot rank its filters")
    return products.square().mean(0).numpy()


def random(ranked: Ranked, group: Prunable) -> np.ndarray:
    """A number between 0 and 1, the same for a layer's name in every run: the control that a score must beat."""
    return np.random.default_rng(list(group.layer.encode())).random(group.channels)


Score = Callable[[Ranked, Prunable], np.ndarray]
SCORES: dict[str, Score] = {
    "l1_layer": l1_layer,
    "l1": l1,
    "l2": l2,
    "lamp": lamp,
    "bn_scale": bn_scale,
    "fpgm": fpgm,
    "taylor": taylor,
    "random": random,
}


def unit_scores(ranked: Ranked, structure: Structure, score: str) -> list[np.ndarray]:
    """The scores (units,) of each layer that may be cut. Raises InputError when weights are not finite."""

    def of_units(group: Prunable) -> np.ndarray:
        return SCORES[score](ranked, group)[group.members.T].mean(axis=0)

    return [of_units(group) for group in structure.prunable]
