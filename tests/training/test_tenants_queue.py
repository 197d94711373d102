"""The queue of several tenants' searches (benchmarks/compare_system.py), against textbook M/M/1 and M/D/1."""

import numpy as np
import pytest
from compare_system import formula, response


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_simulation_and_formula_are_those_of_an_exponential_service(load):
    """M/M/1: the mean response is 1 / (μ - λ) (Kleinrock, Queueing Systems 1, 3.2), here with μ = 1."""
    service = np.random.default_rng(0).exponential(size=400_000)
    service *= 1 / service.mean()
    assert formula(service, load) == pytest.approx(1 / (1 - load), rel=0.02)
    assert response(service, load, np.random.default_rng(1)) == pytest.approx(1 / (1 - load), rel=0.1)


def test_a_fixed_service_waits_half_as_long():
    """M/D/1: the mean wait is half that of M/M/1, ρ / (2 (1 - ρ))."""
    assert formula(np.ones(3), 0.8) == pytest.approx(1 + 0.8 / 0.4)
    assert response(np.ones(3), 0.8, np.random.default_rng(1)) == pytest.approx(3.0, rel=0.1)
