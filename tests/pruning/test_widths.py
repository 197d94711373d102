"""Widths that reach a share of the FLOPs: against all combinations on short chains, and hard cases on real networks."""

import itertools

import numpy as np
import pytest

from prunescape.config.models import architecture_of
from prunescape.deploy.export import export_model
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.widths import FlopsByWidth, InBlocks, adjust, lowest_units, uniform_units, units_per_block


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


@pytest.mark.parametrize("seed", range(6))
def test_short_chains_in_blocks_get_the_nearest_combination(seed):
    """Against every combination of widths that are multiples of 8, or the whole layer."""
    random = np.random.default_rng(seed)
    full, pixels = random.integers(20, 50, 3).tolist(), random.integers(1, 65, 4).tolist()
    blocks = InBlocks(chain(full, pixels), np.full(3, 8))
    widths = [[*range(8, size, 8), size] for size in full]
    everything = {units: flops(full, pixels, units) for units in itertools.product(*widths)}
    lowest = np.ones(3, np.int64)
    for ratio in (0.3, 0.5, 0.7):
        target = ratio * flops(full, pixels, full)
        units = blocks.units(adjust(blocks, target, uniform_units(blocks, target, lowest), lowest))
        nearest = min(abs(total - target) for total in everything.values())
        assert tuple(units.tolist()) in everything
        assert abs(flops(full, pixels, units) - target) <= max(0.01 * target, nearest)


def test_units_of_grouped_layers_make_whole_blocks():
    """By the definition of the least common multiple of a unit's channels and the block."""
    steps = np.array([1, 2, 8, 12, 32, 3])
    assert units_per_block(steps, 8).tolist() == [int(np.lcm(step, 8)) // step for step in steps]
    assert units_per_block(steps, 1).tolist() == [1] * 6


def test_blocks_are_ranked_by_their_mean_score():
    blocks = InBlocks(chain([10, 4], [1, 1, 1]), np.array([4, 8]))
    best = [9.0, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    found = blocks.scores([np.array(best[::-1]), np.array([1.0, 3, 2, 2])])
    assert [score.tolist() for score in found] == [[7.5, 3.5, 0.5], [2.0]]


WIDE = ("mobilenet_v2", "torchvision:resnet18", "torchvision:mobilenet_v3_small", "torchvision:resnext50_32x4d")


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
@pytest.mark.parametrize("model", WIDE)
def test_rounded_widths_are_multiples_and_reach_the_ratio(model, method):
    network = initialise(build_model(architecture_of(model), model, in_channels=3, classes=10), 0)
    step = {group.layer: group.step for group in find_prunable(network, (3, 64, 64)).prunable}
    plan = plan_widths(network, (3, 64, 64), method=method, ratio=0.6, round_to=8)
    assert plan.ratio_achieved == pytest.approx(0.6, rel=0.01)
    for name, layer in plan.layers.items():
        assert layer["out"] % 8 == 0 or layer["out"] == layer["of"]
        assert layer["out"] % step[name] == 0


def test_a_rounded_network_runs_as_onnx(tmp_path):
    network = initialise(build_model("resnet_cifar", "resnet20", in_channels=3, classes=10), 0)
    plan = plan_widths(network, (3, 32, 32), method="uniform", ratio=0.6, round_to=8)
    images = np.random.default_rng(0).standard_normal((4, 3, 32, 32), dtype=np.float32)
    parity = export_model(plan.network, images, tmp_path / "rounded.onnx", mean=[0.5] * 3, std=[0.25] * 3)
    assert parity["top1_agreement"] == 1


@pytest.mark.parametrize(
    ("ratio", "round_to", "said"),
    [
        (0.5, 7, "round_to is 7; allowed: auto, 1, 8, 16, 32"),
        (0.3, 16, "below 0.6.*, the smallest .* at least a block of 16 channels .* or a smaller round_to"),
        (0.99, 32, "in multiples of 32, the nearest to the ratio 0.99 is the whole network; hint: .*smaller round_to"),
    ],
)
def test_ratios_that_blocks_do_not_reach_are_refused(ratio, round_to, said):
    network = initialise(build_model("resnet_cifar", "resnet20", in_channels=3, classes=10), 0)
    with pytest.raises(InputError, match=said):
        plan_widths(network, (3, 32, 32), method="uniform", ratio=ratio, round_to=round_to)


@pytest.mark.parametrize(("ratio", "block"), [(0.6, 8), (0.2, 1)])
def test_auto_takes_blocks_where_they_reach_the_ratio(ratio, block):
    network = initialise(build_model("resnet_cifar", "resnet20", in_channels=3, classes=10), 0)
    auto = plan_widths(network, (3, 32, 32), method="uniform", ratio=ratio, round_to="auto")
    same = plan_widths(network, (3, 32, 32), method="uniform", ratio=ratio, round_to=block)
    assert auto.round_to == block and auto.layers == same.layers
