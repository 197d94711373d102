"""FLOPs as a function of the widths, and the search for whole channels that reach a share of them.

Widths are counted in units: sets of channels that leave together (prunable.py). One int64 array (G,) holds the units
kept of each of the G layers that may be cut. Where widths are to be multiples of a block of channels, the search counts
blocks instead: InBlocks gives the FLOPs of those.
"""

import itertools
import math

import numpy as np

ALLOWED_ERROR = 0.01  # of the FLOPs asked for
AIM = 0.001
EXHAUSTIBLE = 200_000  # combinations


class FlopsByWidth:
    """F(units) = fixed + sum over layers of F_layer x (inputs kept / inputs) x (outputs kept / outputs).

    `layers` maps a layer to (FLOPs, outputs, inputs, slope of outputs, slope of inputs); a slope (G,) is how many
    channels one unit of each layer that may be cut is worth there. `fixed` are the FLOPs of all other layers.
    """

    def __init__(self, layers: dict[str, tuple], fixed: int, full: np.ndarray) -> None:
        self.names, self.fixed, self.full = list(layers), fixed, full
        flops, outputs, inputs, out_slope, in_slope = zip(*layers.values(), strict=True)
        self.flops, self.outputs, self.inputs = (np.array(v, dtype=np.int64) for v in (flops, outputs, inputs))
        self.out_slope, self.in_slope = (np.array(v, dtype=np.int64).T for v in (out_slope, in_slope))

    def per_layer(self, units: np.ndarray) -> np.ndarray:
        """FLOPs (..., layers) of the layers that change, at `units` (..., G); exact integers."""
        gone = self.full - units
        outputs, inputs = self.outputs - gone @ self.out_slope, self.inputs - gone @ self.in_slope
        return self.flops * outputs * inputs // (self.outputs * self.inputs)

    def total(self, units: np.ndarray) -> np.ndarray:
        """FLOPs (...) of the whole network at `units` (..., G)."""
        return self.fixed + self.per_layer(units).sum(axis=-1)


class InBlocks:
    """The FLOPs of a network whose layers keep whole blocks of units: `size` (G,) units each, the last one the rest.

    A layer of less than a block is one, so it keeps all its channels. With blocks of one unit these are the units.
    """

    def __init__(self, model: FlopsByWidth, size: np.ndarray) -> None:
        self.model, self.size = model, size
        self.full = self.of(model.full)

    def of(self, units: np.ndarray) -> np.ndarray:
        """The blocks that hold so many units."""
        return -(-units // self.size)

    def units(self, blocks: np.ndarray) -> np.ndarray:
        """The units (..., G) in `blocks` (..., G)."""
        return np.minimum(blocks * self.size, self.model.full)

    def total(self, blocks: np.ndarray) -> np.ndarray:
        """FLOPs (...) of the whole network at `blocks` (..., G)."""
        return self.model.total(self.units(blocks))

    def scores(self, scores: list[np.ndarray]) -> list[np.ndarray]:
        """The mean score (blocks,) of each block of each layer, when its best units make the first block."""
        starts = [np.arange(0, len(score), size) for score, size in zip(scores, self.size, strict=True)]
        return [
            np.add.reduceat(np.sort(score)[::-1], start) / np.diff([*start, len(score)])
            for score, start in zip(scores, starts, strict=True)
        ]


def units_per_block(steps: np.ndarray, block: int) -> np.ndarray:
    """The fewest units (G,) whose channels are a multiple of `block`, where a unit is `steps` (G,) channels."""
    return block // np.gcd(steps, block)


Widths = FlopsByWidth | InBlocks


def lowest_units(full: np.ndarray, min_keep: float) -> np.ndarray:
    """At least one unit and the share `min_keep` of every layer's units."""
    return np.maximum(1, np.ceil(min_keep * full - 1e-9)).astype(np.int64)


def spread(share: float, full: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """`share` of every layer's units in whole units; layers of one width pass the rounding remainder on."""
    units = np.empty_like(full)
    for width in np.unique(full):
        places = np.flatnonzero(full == width)
        borders = np.floor(share * width * np.arange(len(places) + 1) + 0.5)
        units[places] = np.diff(borders)
    return np.clip(units, lowest, full)


def uniform_units(model: Widths, target: float, lowest: np.ndarray) -> np.ndarray:
    """One share for all layers, solved by bisection for `target` FLOPs."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if model.total(spread(middle, model.full, lowest)) < target else (low, middle)
    return nearest_of(model, target, [spread(share, model.full, lowest) for share in (low, high)])


def ranked_units(model: Widths, target: float, lowest: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    """The best units over the whole network, as many as `target` FLOPs allow, above `lowest` of every layer."""
    spare = [np.sort(score)[::-1][floor:] for score, floor in zip(scores, lowest, strict=True)]
    layer = np.repeat(np.arange(len(spare)), [len(score) for score in spare])
    order = layer[np.argsort(-np.concatenate(spare), kind="stable")]

    def kept(count: int) -> np.ndarray:
        return lowest + np.bincount(order[:count], minlength=len(lowest))

    low, high = 0, len(order)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if model.total(kept(middle)) < target else (low, middle)
    return nearest_of(model, target, [kept(low), kept(high)])


def nearest_of(model: Widths, target: float, candidates) -> np.ndarray:
    """The candidate whose FLOPs are nearest to `target`; the first of equals."""
    return min(candidates, key=lambda units: error_at(model, target, units))


def adjust(model: Widths, target: float, start: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """Move single units, best move first, until FLOPs are within `AIM` of `target` or no move helps.

    Where that leaves more than `ALLOWED_ERROR`, two units move at once; where that does too and all combinations can be
    tried, the nearest of them is taken.
    """
    single = np.concatenate([np.eye(len(start), dtype=np.int64), -np.eye(len(start), dtype=np.int64)])
    nothing = np.zeros_like(single[:1])
    units = descend(model, target, start, lowest, nothing, single, AIM)
    units = descend(model, target, units, lowest, single, single, ALLOWED_ERROR)
    combinations = math.prod((model.full - lowest + 1).tolist())
    far = error_at(model, target, units) > ALLOWED_ERROR * target
    return exhaust(model, target, start, lowest) if far and combinations <= EXHAUSTIBLE else units


def error_at(model: Widths, target: float, units: np.ndarray) -> float:
    return abs(int(model.total(units)) - target)


def descend(
    model: Widths, target: float, units: np.ndarray, lowest: np.ndarray, first: np.ndarray, then: np.ndarray, aim
) -> np.ndarray:
    """The best of all sums of a move of `first` and one of `then`, again and again, until within `aim` or no better."""
    while error_at(model, target, units) > aim * target:
        tried = (np.clip(units + move + then, lowest, model.full) for move in first)
        best = nearest_of(model, target, [some[np.argmin(np.abs(model.total(some) - target))] for some in tried])
        if error_at(model, target, best) >= error_at(model, target, units):
            break
        units = best
    return units


def exhaust(model: Widths, target: float, start: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """Of all combinations the one nearest to `target`; of equals the one nearest to `start`."""
    ranges = [range(low, high + 1) for low, high in zip(lowest, model.full, strict=True)]
    tried = np.array(list(itertools.product(*ranges)), dtype=np.int64)
    error, moved = np.abs(model.total(tried) - target), np.abs(tried - start).sum(axis=1)
    return tried[np.lexsort((moved, error))[0]]
