"""Functional ANOVA of regression trees: how much of a tree's variance each factor and each pair explains, exactly."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self

import numpy as np

LEAF = -1  # what scikit-learn's trees have for a leaf's children


@dataclass(frozen=True)
class Boxes:
    """The leaves of a tree over coded factors: leaf l holds the codes low[l, j] <= c < high[l, j] of each factor j.

    `low` and `high` are (leaves, factors); `values` (leaves,) what the tree predicts there.
    """

    low: np.ndarray
    high: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, tree: Any, sizes: list[int]) -> Self:
        """The leaves of a fitted `tree_` of scikit-learn; factor j has the codes 0 to sizes[j] - 1."""
        count = tree.node_count
        low = np.zeros((count, len(sizes)), dtype="int64")
        high = np.tile(np.array(sizes), (count, 1))
        nodes = np.array([0])
        while len(nodes):
            nodes = nodes[tree.children_left[nodes] != LEAF]
            left, right, feature = tree.children_left[nodes], tree.children_right[nodes], tree.feature[nodes]
            cut = np.floor(tree.threshold[nodes]).astype("int64") + 1
            low[left], low[right], high[left], high[right] = low[nodes], low[nodes], high[nodes], high[nodes]
            high[left, feature] = np.minimum(high[nodes, feature], cut)
            low[right, feature] = np.maximum(low[nodes, feature], cut)
            nodes = np.concatenate([left, right])
        leaves = tree.children_left == LEAF
        return cls(low[leaves], high[leaves], tree.value[leaves, 0, 0])


def variance_shares(boxes: Boxes, shares: list[np.ndarray]) -> dict[tuple[int, ...], float]:
    """The share of a tree's variance that each factor (j,) and each pair (i, j) explains beyond its members.

    `shares[j]` (codes,) is how often each code of factor j occurs. With factors independent of each other, leaf l has
    the weight W_l = prod_j w_lj, w_lj the share of its codes. The marginal of factors U at codes c is the mean over all
    other factors, a_U(c) = sum of v_l prod_(j not in U) w_lj over the leaves that hold c, and
    V_U = sum_c shares(c) a_U(c)^2 - f0^2 - the V of U's own parts (Hutter, Hoos and Leyton-Brown 2014, Algorithm 2 and
    Eq 5 to 9; there with uniform shares). Empty where the tree predicts one value.
    """
    weights = [
        np.diff(_cumulated(share)[np.stack([boxes.low[:, j], boxes.high[:, j]])], axis=0)[0]
        for j, share in enumerate(shares)
    ]
    whole = np.prod(weights, axis=0)
    values = boxes.values - whole @ boxes.values
    variance = float(whole @ values**2)
    if not variance > 0:
        return {}
    found: dict[tuple[int, ...], float] = {}
    for j, share in enumerate(shares):
        marginal = _main_marginal(boxes, j, values * whole / weights[j], len(share))
        found[j,] = float(share @ marginal**2) / variance
    for i, j in combinations(range(len(shares)), 2):
        marginal = _pair_marginal(boxes, (i, j), values * whole / (weights[i] * weights[j]), shares)
        explained = float(shares[i] @ marginal**2 @ shares[j]) / variance
        found[i, j] = max(0.0, explained - found[i,] - found[j,])
    return found


def _cumulated(share: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(share)])


def _main_marginal(boxes: Boxes, j: int, mass: np.ndarray, size: int) -> np.ndarray:
    """The sum of `mass` over the leaves that hold each code of factor j: differences at the edges, then summed."""
    edges = np.bincount(boxes.low[:, j], mass, size + 1) - np.bincount(boxes.high[:, j], mass, size + 1)
    return np.cumsum(edges)[:size]


def _pair_marginal(boxes: Boxes, pair: tuple[int, int], mass: np.ndarray, shares: list[np.ndarray]) -> np.ndarray:
    """The same for each pair of codes of two factors."""
    rows, columns = (len(shares[j]) + 1 for j in pair)
    edges = np.zeros(rows * columns)
    for first, sign in ((boxes.low, 1), (boxes.high, -1)):
        for second, other in ((boxes.low, 1), (boxes.high, -1)):
            place = first[:, pair[0]] * columns + second[:, pair[1]]
            edges += sign * other * np.bincount(place, mass, rows * columns)
    return edges.reshape(rows, columns).cumsum(0).cumsum(1)[:-1, :-1]
