"""Widths that reach a share of the FLOPs: against all combinations on short chains, and hard cases on real networks."""

import itertools

import numpy as np
import pytest

from prunescape.models.build import build_model, initialise
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.widths import FlopsByWidth, adjust, lowest_units, uniform_units


def chain(full: list[int], pixels: list[int]) -> FlopsByWidth:
    """3x3 convolutions one behind the other, from 3 channels to 10 classes; `pixels` are their output sizes."""
    count = len(full)
    layers, widths = {}, [3, *full, 10]
    for place in range(count + 1):
        outputs, inputs = widths[place + 1], widths[place]
        out_slope = np.eye(count, dtype=int)[place] if place < count else np.zeros(count, int)
        in_slope = np.eye(count, dtype=int)[place - 1] if place else np.zeros(count, int)
        layers[str(place)] = (18 * pixels[place] * outputs * inputs, outputs, inputs, out_slope, in_slope)
    return FlopsByWidth(layers, 0, np.array(full))


def flops(full, pixels, units) -> int:
    widths = [3, *units, 10]
    return sum(18 * area * out * into for area, out, into in zip(pixels, widths[1:], widths[:-1], strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_short_chains_get_the_nearest_combination_when_none_is_near(seed):
    random = np.random.default_rng(seed)
    full, pixels = random.integers(3, 9, 3).tolist(), random.integers(1, 65, 4).tolist()
    model, lowest = chain(full, pixels), lowest_units(np.array(full), 0.1)
    assert model.total(np.array(full)) == flops(full, pixels, full)
    everything = [flops(full, pixels, units) for units in itertools.product(*(range(1, size + 1) for size in full))]
    for ratio in (0.15, 0.3, 0.5, 0.7):
        target = ratio * flops(full, pixels, full)
        found = abs(flops(full, pixels, adjust(model, target, np.array(full), lowest)) - target)
        assert found <= max(0.01 * target, min(abs(total - target) for total in everything))


def test_long_chains_with_uneven_layers_come_within_one_percent():
    """Ten layers have far more combinations than can be tried, and single moves alone get stuck on some."""
    random, stuck = np.random.default_rng(1), 0
    for _ in range(200):
        full, pixels = random.integers(4, 12, 10).tolist(), random.choice([1, 4, 16, 64, 256], 11).tolist()
        model, lowest = chain(full, pixels), lowest_units(np.array(full), 0.1)
        target = 0.3 * flops(full, pixels, full)
        if model.total(lowest) < target:
            start = uniform_units(model, target, lowest)
            stuck += abs(model.total(start) - target) > 0.01 * target
            assert abs(model.total(adjust(model, target, start, lowest)) - target) <= 0.01 * target
    assert stuck > 20  # the search had something to mend


@pytest.mark.parametrize("seed", range(8))
def test_a_narrow_network_far_down_comes_within_one_percent(seed):
    network = initialise(build_model("resnet_cifar", "resnet20", in_channels=1, classes=10), seed)
    plan = plan_widths(network, (1, 28, 28), method="nonuniform", ratio=0.15)
    assert plan.ratio_achieved == pytest.approx(0.15, rel=0.01)
