"""Functional ANOVA of forests: against brute force on a small forest, and functions whose variance shares are known."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.importance import code_factors, forest_importance
from prunescape.analysis.factors.tree_boxes import Boxes, variance_shares


def test_shares_of_trees_are_those_of_every_combination_of_codes():
    """Brute force: predict all codes, weigh each by its share, and take variances of conditional means."""
    rng = np.random.default_rng(0)
    sizes = [4, 3, 5]
    codes = np.column_stack([rng.integers(size, size=300) for size in sizes]).astype("float32")
    response = codes[:, 0] * codes[:, 1] + np.sin(codes[:, 2]) + rng.normal(0, 0.3, 300)
    shares = [np.bincount(codes[:, j].astype(int)) / 300 for j in range(3)]
    forest = RandomForestRegressor(6, min_samples_leaf=3, max_features=2, random_state=0).fit(codes, response)
    every = np.array(list(product(*map(range, sizes))), dtype="float32")
    weights = np.multiply.outer(np.multiply.outer(shares[0], shares[1]), shares[2])
    for tree in forest.estimators_:
        table = tree.predict(every).reshape(sizes)
        mean = (weights * table).sum()
        variance = (weights * (table - mean) ** 2).sum()
        found = variance_shares(Boxes.of(tree.tree_, sizes), shares)
        main = []
        for j in range(3):
            others = tuple(axis for axis in range(3) if axis != j)
            marginal = (weights * table).sum(others) / shares[j]
            main.append((shares[j] * (marginal - mean) ** 2).sum() / variance)
            assert found[j,] == pytest.approx(main[j], abs=1e-12)
        for i, j in combinations(range(3), 2):
            (other,) = {0, 1, 2} - {i, j}
            marginal = (weights * table).sum(other) / np.outer(shares[i], shares[j])
            whole = (np.outer(shares[i], shares[j]) * (marginal - mean) ** 2).sum() / variance
            assert found[i, j] == pytest.approx(whole - main[i] - main[j], abs=1e-12)


def importance_of(frame: pd.DataFrame, response: np.ndarray, settings: np.ndarray | None = None):
    design = Design.of(frame, [Factor.of(frame, name) for name in frame])
    found = forest_importance(frame, design, response, np.arange(len(frame)) if settings is None else settings)
    return dict(zip(found.members, found.share, strict=True)), found


def test_a_product_and_a_sum_have_their_known_shares():
    """a + b + 2ab with a, b uniform on -1 to 1: variances 1/3, 1/3 and 4/9, so shares 0.3, 0.3 and 0.4."""
    frame = pd.DataFrame(np.random.default_rng(1).uniform(-1, 1, (1000, 2)), columns=["a", "b"])
    share, found = importance_of(frame, (frame["a"] + frame["b"] + 2 * frame["a"] * frame["b"]).to_numpy())
    assert share["a",] == pytest.approx(0.3, abs=0.05) and share["b",] == pytest.approx(0.3, abs=0.05)
    assert share["a", "b"] == pytest.approx(0.4, abs=0.05)
    assert (found.low <= found.share).all() and (found.share <= found.high).all() and found.r2 > 0.95


def test_ishigamis_function_has_its_known_shares():
    """sin a + 7 sin² b + 0.1 c⁴ sin a: 0.314, 0.442, 0 and 0.244 for a with c (Saltelli and others 2008, 4.5).

    Trees cut both periods of b coarsely, so that its share comes out lower.
    """
    frame = pd.DataFrame(np.random.default_rng(2).uniform(-np.pi, np.pi, (2000, 3)), columns=["a", "b", "c"])
    a, b, c = (frame[name].to_numpy() for name in frame)
    share, _ = importance_of(frame, np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a))
    assert share["a",] == pytest.approx(0.314, abs=0.06) and share["b",] == pytest.approx(0.442, abs=0.12)
    assert share["a", "c"] == pytest.approx(0.244, abs=0.06) and share["c",] < 0.03
    assert sorted(share, key=share.get)[-3:] == [("a", "c"), ("a",), ("b",)]


def test_settings_not_rows_are_resampled():
    """Ten copies of a setting are no ten settings: intervals of 40 settings stay as wide as without copies."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.uniform(0, 1, (40, 3)), columns=["a", "b", "c"])
    response = (frame["a"] + 0.5 * frame["b"]).to_numpy() + rng.normal(0, 0.3, 40)
    copies = np.repeat(np.arange(40), 10)
    widths = []
    for settings in (copies, np.arange(400)):
        _, found = importance_of(frame.iloc[copies].reset_index(drop=True), response[copies], settings)
        widths.append((found.high - found.low)[0])
    assert widths[0] > 1.5 * widths[1]


def test_codes_of_categories_follow_the_response_and_of_what_does_not_act_the_reference():
    frame = pd.DataFrame({"k": ["x", "y", "z", "x"] * 10, "m": [None, 0.5, 0.9, None] * 10})
    design = Design.of(frame, [Factor.of(frame, "k"), Factor.of(frame, "m", reference="0.9")])
    coded = code_factors(frame, design, np.tile([5.0, 9.0, 1.0, 5.0], 10))
    assert coded.codes[:3].tolist() == [[1, 1], [2, 0], [0, 1]], "z < x < y; x has no m, whose reference is 0.9"
    assert [share.tolist() for share in coded.shares] == [[0.25, 0.5, 0.25], [0.5, 0.5]]
