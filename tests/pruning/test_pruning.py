"""What may be cut, planned widths, surgery and rebuilding, against torch-pruning, masking and exhaustive search."""

import itertools
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prunescape.config.models import SCORES, architecture_of
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops, evaluating, example_input
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.scores import SCORES as FUNCTIONS
from prunescape.pruning.surgery import cut

SHAPES = {"resnet8": (1, 8, 8), "resnet50": (3, 64, 64)}
OURS = ("resnet8", "resnet56", "mobilenet_v2", "resnet50")
FAMILIES = (
    *("alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "densenet121", "googlenet", "mobilenet_v3_small"),
    *("mnasnet0_5", "shufflenet_v2_x0_5", "squeezenet1_1", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny"),
    *("swin_t", "vit_b_32"),
)


def test_every_score_has_a_name_that_a_config_can_use():
    assert tuple(FUNCTIONS) == SCORES


def full_network(model, classes=10):
    default = (3, 224, 224) if model.startswith("torchvision:vit") else (3, 64, 64)
    shape = SHAPES.get(model, default if ":" in model else (3, 32, 32))
    network = build_model(architecture_of(model), model, in_channels=shape[0], classes=classes)
    return initialise(network, 0), shape


def settle_scales(network):
    for module in network.modules():
        if hasattr(module, "layer_scale"):
            nn.init.ones_(module.layer_scale)


def settled(model):
    """A network, its shape of images and what may be cut; batch norm has statistics of real activations.

    Gates and scales have some size, so that no path is dead.
    """
    network, shape = full_network(model)
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    settle_scales(network)
    with torch.no_grad():
        network.train()(torch.randn(4, *shape, generator=generator))
    return network.eval(), shape, find_prunable(network, shape).prunable


def output_of(network, shape):
    with evaluating(network):
        return network(example_input(network, shape))


class Plain(nn.Module):
    """Three convolutions and a flattened classifier: small enough to try every combination of widths."""

    def __init__(self, widths=(4, 5, 3)):
        super().__init__()
        pairs = zip((1, *widths), widths, strict=False)
        layers = [layer for before, after in pairs for layer in (nn.Conv2d(before, after, 3), nn.ReLU())]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.classifier = nn.Linear(widths[-1] * 4, 2)

    def forward(self, x):
        return self.classifier(self.body(x))


PLAIN_SHAPE = (1, 8, 8)


def seeded(network):
    torch.manual_seed(0)
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return network


def test_resnet_56_gives_up_the_inner_channels_of_its_blocks_only():
    """matthiesen2023, 3.2.5: within blocks; first convolution, skip channels and classifier are spared."""
    structure = find_prunable(*full_network("resnet56"))
    expected = [f"layer{stage}.{block}.conv1" for stage in (1, 2, 3) for block in range(9)]
    assert [group.layer for group in structure.prunable] == expected
    assert structure.refused["conv1"] == "it is the first layer"
    assert structure.refused["fc"] == "it is the classifier"
    assert structure.refused["layer2.0.conv2"] == "its channels are added to those of another layer"


def test_mobilenet_v2_gives_up_expansions_only():
    """METHODS: never the stem, block outputs or the 1280 head; depthwise convolutions follow."""
    structure = find_prunable(*full_network("mobilenet_v2"))
    assert [group.layer for group in structure.prunable] == [f"blocks.{block}.conv1" for block in range(17)]
    assert {tie.layer for tie in structure.prunable[3].ties} == {
        f"blocks.3.{name}" for name in ("conv1", "bn1", "conv2", "bn2", "conv3")
    }
    assert {"stem", "head", "fc", "blocks.0.conv3", "blocks.16.conv3"} <= structure.refused.keys()


def test_resnet_50_gives_up_both_inner_convolutions_of_each_bottleneck():
    structure = find_prunable(*full_network("resnet50"))
    blocks = [(stage, block) for stage, count in ((1, 3), (2, 4), (3, 6), (4, 3)) for block in range(count)]
    expected = [f"layer{stage}.{block}.conv{conv}" for stage, block in blocks for conv in (1, 2)]
    assert [group.layer for group in structure.prunable] == expected


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
@pytest.mark.parametrize("model", OURS)
def test_ratios_are_met_and_flops_are_those_torch_counts(model, method):
    network, shape = full_network(model)
    for ratio in (0.6, 0.4, 0.2):
        plan = plan_widths(network, shape, method=method, ratio=ratio)
        assert abs(plan.ratio_achieved - ratio) <= 0.01 * ratio
        counter = FlopCounterMode(display=False)
        with counter:
            output_of(plan.network, shape)
        assert plan.flops == counter.get_total_flops()
        assert plan.parameters == sum(p.numel() for p in plan.network.parameters())
        assert all(layer["out"] >= 0.1 * layer["of"] for layer in plan.layers.values())


@pytest.mark.parametrize("model", OURS)
def test_uniform_shares_are_equal_up_to_rounding(model):
    network, shape = full_network(model)
    layers = plan_widths(network, shape, method="uniform", ratio=0.5).layers.values()
    share = sum(layer["out"] for layer in layers) / sum(layer["of"] for layer in layers)
    assert all(abs(layer["out"] - share * layer["of"]) <= 2 for layer in layers)


def test_nonuniform_keeps_the_best_filters_of_the_whole_network():
    network, shape = full_network("resnet56")
    layers = dict(network.named_modules())
    plan = plan_widths(network, shape, method="nonuniform", ratio=0.5, score="l1", min_keep=0.0)
    kept, gone = [], []
    for name, layer in plan.layers.items():
        norms = layers[name].weight.abs().sum((1, 2, 3)).sort(descending=True).values.tolist()
        kept += norms[1 : layer["out"]]  # the first one always stays
        gone += norms[layer["out"] :]
    worse = sum(norm < max(gone) for norm in kept)
    assert worse <= 3  # what reaching the ratio in whole channels may exchange


def test_score_per_layer_keeps_stages_that_raw_l1_empties():
    """Where one stage has small weights, raw L1 leaves it one channel per layer; L1 over the layer's mean does not."""
    network, shape = full_network("resnet56")
    with torch.no_grad():
        for block in network.layer1:
            block.conv1.weight.mul_(0.1)
    raw = plan_widths(network, shape, method="nonuniform", ratio=0.5, score="l1", min_keep=0.0).layers
    relative = plan_widths(network, shape, method="nonuniform", ratio=0.5, score="l1_layer", min_keep=0.0).layers
    assert all(raw[f"layer1.{block}.conv1"]["out"] == 1 for block in range(9))
    assert all(relative[f"layer1.{block}.conv1"]["out"] > 4 for block in range(9))


def test_kept_filters_are_those_with_the_largest_l1_norm():
    network, shape = full_network("resnet8")
    plan = plan_widths(network, shape, method="uniform", ratio=0.5)
    before, after = network.layer2[0].conv1.weight, plan.network.layer2[0].conv1.weight
    norms = before.abs().sum((1, 2, 3))
    best = norms.topk(len(after)).indices.sort().values
    assert torch.equal(after, before[best])


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
@pytest.mark.parametrize("ratio", [0.13, 0.3, 0.41, 0.55, 0.77, 0.96])
def test_tiny_networks_get_the_nearest_combination_of_whole_channels(method, ratio):
    """Against every combination of widths, each built and counted by torch."""
    network = seeded(Plain())
    full, reachable = count_flops(network, PLAIN_SHAPE), []
    for second, third in itertools.product(range(1, 6), range(1, 4)):
        reachable.append(count_flops(Plain((4, second, third)), PLAIN_SHAPE) / full)
    error = min(abs(value - ratio) for value in reachable)
    if min(reachable) > 1.01 * ratio:
        with pytest.raises(InputError, match="smallest this network can reach"):
            plan_widths(network, PLAIN_SHAPE, method=method, ratio=ratio, min_keep=0)
        return
    plan = plan_widths(network, PLAIN_SHAPE, method=method, ratio=ratio, min_keep=0)
    assert abs(plan.ratio_achieved - ratio) <= max(0.01 * ratio, error + 1e-12)


def mobilenet_macs(hidden_kept):
    """Closed form of MobileNetV2's multiply-accumulates at 32 x 32 from matthiesen2023, Table 2.2."""
    macs, width, size = 32 * 32 * 27 * 32 + 8 * 8 * 320 * 1280 + 1280 * 10, 32, 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 1), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, channels, count, stride in stages:
        for index in range(count):
            hidden, after = hidden_kept(expansion * width), size // (stride if index == 0 else 1)
            macs += hidden * (size**2 * width + after**2 * (9 + channels))
            width, size = channels, after
    return macs


MOBILENET = [mobilenet_macs(kept) / mobilenet_macs(lambda n: n) for kept in (lambda n: 1, lambda n: -(-n // 10))]


@pytest.mark.parametrize(
    ("model", "least", "floored"),
    [("resnet56", 0.040, 0.123), ("mobilenet_v2", *MOBILENET), ("resnet50", 0.120, 0.166)],
)
def test_smallest_reachable_ratios_and_the_message_below_them(model, least, floored):
    """ResNets: measured with torch-pruning's counter beforehand; MobileNetV2: closed form. The message says why."""
    network, shape = full_network(model, classes=1000 if model == "resnet50" else 10)
    shape = (3, 224, 224) if model == "resnet50" else shape
    for min_keep, expected in ((0.0, least), (0.1, floored)):
        with pytest.raises(InputError, match="never cut and every other layer keeps at least one channel") as caught:
            plan_widths(network, shape, method="uniform", ratio=0.03, min_keep=min_keep)
        named = float(str(caught.value).split("is below ")[1].split(",")[0])
        assert named == pytest.approx(expected, abs=0.0015)
        plan = plan_widths(network, shape, method="nonuniform", ratio=named, min_keep=min_keep)
        assert plan.ratio_achieved == pytest.approx(named, rel=0.01)


@pytest.mark.parametrize("model", ["resnet8", "mobilenet_v2", "torchvision:densenet121", "torchvision:vgg11_bn"])
def test_surgery_equals_torch_prunings(model):
    """torch-pruning 1.6.1 traces autograd and cuts group by group; ours follows one forward pass and cuts at once."""
    tp = pytest.importorskip("torch_pruning")
    network, shape, prunable = settled(model)
    generator = np.random.default_rng(0)
    keep = {g.layer: np.sort(generator.choice(g.channels, g.channels // 2, replace=False)) for g in prunable}
    ours, _ = cut(network, prunable, keep)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = tp.DependencyGraph().build_dependency(network, example_input(network, shape), verbose=False)
    for group in prunable:
        gone = np.setdiff1d(np.arange(group.channels), keep[group.layer]).tolist()
        layer = network.get_submodule(group.layer)
        graph.get_pruning_group(layer, tp.prune_conv_out_channels, gone).prune()
    theirs = network.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.state_dict().items())
    torch.testing.assert_close(output_of(ours, shape), output_of(network, shape))


def silence(network, group, keep):
    """Zero the weights by which consumers read the channels that go: the same function at full width."""
    gone = np.setdiff1d(np.arange(group.channels), keep[group.layer])
    for tie in group.ties:
        layer = network.get_submodule(tie.layer)
        if tie.axis == "in":
            groups = getattr(layer, "groups", 1)
            view = layer.weight.view(groups, layer.weight.shape[0] // groups, *layer.weight.shape[1:])
            width = layer.weight.shape[1]
            for position in tie.positions[gone].ravel():
                view[position // width, :, position % width] = 0


@pytest.mark.parametrize("name", FAMILIES)
def test_cutting_equals_masking_and_rebuilding_in_every_family(name):
    model = f"torchvision:{name}"
    network, shape, prunable = settled(model)
    keep = {}
    for group in prunable:
        units = np.arange(0, group.units, 2)
        keep[group.layer] = np.sort(group.members[units].ravel())
    smaller, modules = cut(network, prunable, keep)
    output, before = output_of(smaller, shape), output_of(network, shape)
    again = rebuild(full_network(model)[0], modules)
    again.load_state_dict(smaller.state_dict())
    if name == "convnext_tiny":
        settle_scales(again)
    assert torch.equal(output_of(again, shape), output)
    with torch.no_grad():
        for group in prunable:
            silence(network, group, keep)
    assert not torch.allclose(before, output, rtol=1e-2)  # the cut channels did matter
    torch.testing.assert_close(output_of(network, shape), output, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", OURS)
def test_rebuilt_networks_take_the_cut_weights(model):
    network, shape = full_network(model)
    plan = plan_widths(network, shape, method="nonuniform", ratio=0.4)
    again = rebuild(full_network(model)[0], plan.modules)
    again.load_state_dict(plan.network.state_dict())
    assert torch.equal(output_of(again, shape), output_of(plan.network, shape))
    fresh = initialise(rebuild(full_network(model)[0], plan.modules), 3).state_dict()
    same = initialise(rebuild(full_network(model)[0], plan.modules), 3).state_dict()
    assert all(torch.equal(fresh[name], same[name]) for name in fresh)


def test_rebuild_refuses_widths_of_another_model():
    with pytest.raises(InputError, match="belong to another model"):
        rebuild(full_network("resnet8")[0], {"blocks.0.conv1": {"in_channels": 1, "out_channels": 2, "groups": 1}})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *(
            ({"ratio": ratio}, "above 0 and below 1")
            for ratio in (0.0, 1.0, -0.5, 1.5, float("nan"), True, "0.5", 10**400)
        ),
        ({"method": "unifrom"}, 'did you mean "uniform"'),
        ({"score": "l1_layers"}, 'did you mean "l1_layer"'),
        ({"min_keep": 1.0}, "min_keep"),
        ({"min_keep": float("nan")}, "min_keep"),
        ({"round_to": 8.0}, "round_to is 8.0; allowed: auto, 1, 8"),
    ],
)
def test_meaningless_requests_are_refused(options, said):
    request = {"method": "uniform", "ratio": 0.5, **options}
    with pytest.raises(InputError, match=said):
        plan_widths(seeded(Plain()), PLAIN_SHAPE, **request)


def test_weights_that_are_not_finite_rank_nothing():
    network = seeded(Plain())
    with torch.no_grad():
        network.body[2].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="not finite"):
        plan_widths(network, PLAIN_SHAPE, method="nonuniform", ratio=0.5)


class Two(nn.Module):
    """Two convolutions and a classifier."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.fc = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2)


class Shuffled(Two):
    """Every channel passes an operation that nobody knows: nothing may be cut."""

    def forward(self, x):
        return self.fc(self.second(self.first(x)).flip(1).mean((2, 3)))


class Rigid(Two):
    """A width is written into the forward pass: the network does not run at another one."""

    def forward(self, x):
        x = self.second(self.first(x)).mean((2, 3))
        if x.shape[1] != 4:
            raise ValueError("four channels are needed")
        return self.fc(x)


@pytest.mark.parametrize(("network", "said"), [(Shuffled(), "pass flip"), (Rigid(), "four channels are needed")])
def test_networks_that_cannot_be_cut_say_why(network, said):
    with pytest.raises(InputError, match=said):
        plan_widths(network, (1, 8, 8), method="uniform", ratio=0.9)


def test_images_that_do_not_fit_are_refused():
    network, _ = full_network("resnet8")
    with pytest.raises(InputError, match="does not take images of shape"):
        plan_widths(network, (3, 8, 8), method="uniform", ratio=0.5)


@pytest.mark.parametrize("shape", [(-1, 8, 8), (1, 0, 8), (1, 8.5, 8), ("1", 8, 8)], ids=str)
def test_sizes_that_no_image_has_are_refused(shape):
    with pytest.raises(InputError, match=re.escape(f"the input shape is {shape}; allowed: whole numbers above 0")):
        plan_widths(seeded(Plain()), shape, method="uniform", ratio=0.5)


@pytest.mark.parametrize("share", [0.03, 0.28, 0.41, 0.47, 0.72, 0.97])
def test_uniform_widths_of_equal_layers_add_up_to_the_share_asked_for(share):
    """Within one channel per width over all layers of it, and every layer within one channel of its own share."""
    from prunescape.pruning.widths import spread

    full = np.array([16, 64, 32] * 9)  # as in ResNet-56, but the widths mixed
    units = spread(share, full, lowest=np.zeros_like(full))
    assert np.abs(units - share * full).max() <= 1
    for width in (16, 32, 64):
        assert abs(units[full == width].sum() - share * width * 9) <= 1
