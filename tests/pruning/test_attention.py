"""Heads of attention are cut whole: the same function as with masked heads, as torch-pruning cuts them. Needs timm."""

import copy
import warnings

import numpy as np
import pytest
import torch
import torch_pruning
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prunescape.config.models import architecture_of
from prunescape.deploy.export import export_model
from prunescape.errors import InputError
from prunescape.models.attention import SelfAttention, with_heads_to_cut
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import evaluating
from prunescape.models.starting_weights import load_state
from prunescape.models.timm_models import import_timm
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.scores import Ranked, unit_scores
from prunescape.pruning.surgery import cut
from prunescape.tasks.images.torchvision_import import import_torchvision

SHAPE = (3, 64, 64)
VIT, DEIT, VISION = "timm:vit_tiny_patch16_224", "timm:deit_tiny_distilled_patch16_224", "torchvision:vit_b_32"


def network_of(model, seed=0):
    known = {"in_channels": 3, "image_size": SHAPE[1:], "classes": 10}
    return initialise(build_model(architecture_of(model), model, **known), seed).eval()


def settled(model):
    """A network in which every head matters: biases are not zero, and what enters has the size of an image."""
    network = network_of(model)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear):
                module.bias.copy_(0.5 * torch.randn(module.bias.shape, generator=generator))
    return network


def output_of(network):
    with torch.no_grad():
        return network(torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(2)))


def every_other(prunable):
    """Every other head, and every other unit of the MLPs."""
    return {group.layer: np.sort(group.members[::2].ravel()) for group in prunable}


@pytest.mark.parametrize("model", [VIT, DEIT])
def test_heads_and_the_units_of_mlps_are_cut(model):
    structure = find_prunable(network_of(model), SHAPE)
    heads = [group for group in structure.prunable if group.attention_flops]
    assert len(heads) == 12 and len(structure.prunable) == 24
    assert {(group.step, group.units) for group in heads} == {(64, 3)}
    assert heads[0].members[1].tolist() == list(range(64, 128))


@pytest.mark.parametrize("model", [VIT, DEIT])
def test_cutting_equals_masking_and_rebuilding(model):
    """A head is masked where its output is read: at the inputs of the projection that follows."""
    network = settled(model)
    prunable = find_prunable(network, SHAPE).prunable
    keep = every_other(prunable)
    smaller, modules = cut(network, prunable, keep)
    again = rebuild(network_of(model), modules)
    again.load_state_dict(smaller.state_dict())
    before, output = output_of(network), output_of(smaller)
    assert torch.equal(output_of(again), output)
    with torch.no_grad():
        for group in prunable:
            gone = np.setdiff1d(np.arange(group.channels), keep[group.layer])
            for tie in group.ties:
                if tie.axis == "in":
                    network.get_submodule(tie.layer).weight[:, tie.positions[gone].ravel()] = 0
    assert not torch.allclose(before, output, rtol=1e-2)
    torch.testing.assert_close(output_of(network), output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
def test_planned_flops_are_those_torch_counts(method):
    plan = plan_widths(network_of(VIT), SHAPE, method=method, ratio=0.4, round_to=1)
    counter = FlopCounterMode(display=False)
    with counter, evaluating(plan.network):
        plan.network(torch.zeros(1, *SHAPE))
    assert plan.flops == counter.get_total_flops() and plan.ratio_achieved == pytest.approx(0.4, rel=0.01)
    heads = {layer["out"] // 64 for name, layer in plan.layers.items() if name.endswith("qkv")}
    assert heads <= {1, 2, 3} and min(heads) < 3


def test_cuts_are_those_of_torch_prunings_graph():
    """Of the graph that its examples of transformers use (examples/transformers, 1.6.1), one head after the other."""
    network = settled(VIT)
    prunable = find_prunable(network, SHAPE).prunable
    keep = every_other(prunable)
    ours, _ = cut(network, prunable, keep)
    theirs = copy.deepcopy(network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = torch_pruning.DependencyGraph().build_dependency(theirs, torch.zeros(1, *SHAPE), verbose=False)
    for group in prunable:
        gone = np.setdiff1d(np.arange(group.channels), keep[group.layer])
        rows = np.sort(group.ties[0].positions[gone].ravel()).tolist()
        layer = theirs.get_submodule(group.layer)
        graph.get_pruning_group(layer, torch_pruning.prune_linear_out_channels, rows).prune()
    weights = theirs.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in ours.state_dict().items())
    assert torch.equal(output_of(theirs), output_of(ours))


@pytest.mark.parametrize("options", [{}, {"qk_norm": True, "scale_norm": True}, {"attn_head_dim": 4}])
def test_timms_attention_is_computed_as_timm_does(options):
    timm = import_timm()
    torch.manual_seed(0)
    theirs = timm.layers.attention.Attention(32, num_heads=4, qkv_bias=True, norm_layer=nn.LayerNorm, **options).eval()
    ours = with_heads_to_cut(nn.Sequential(copy.deepcopy(theirs)))
    assert type(ours[0]) is SelfAttention
    x = torch.randn(2, 5, 32)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-6, atol=1e-6)


def test_torchvisions_weights_give_torchvisions_logits_and_its_heads_are_cut():
    transformer = import_torchvision().models.VisionTransformer
    torch.manual_seed(0)
    theirs = transformer(64, 32, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape))
    ours = transformer(64, 32, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10).eval()
    assert load_state(with_heads_to_cut(ours), theirs.state_dict(), 10, "theirs") == []
    torch.testing.assert_close(output_of(ours), output_of(theirs), rtol=1e-5, atol=1e-5)
    heads = [group for group in find_prunable(ours, SHAPE).prunable if group.attention_flops]
    assert [(group.step, group.units) for group in heads] == [(16, 4), (16, 4)]


def test_a_head_is_scored_by_its_queries_keys_and_values():
    network = settled(VIT)
    structure = find_prunable(network, SHAPE)
    scores = unit_scores(Ranked(network), structure, "l1")[0]
    weight = network.get_submodule(structure.prunable[0].layer).weight.detach().double()
    expected = weight.abs().reshape(3, 3, 64, -1).sum(3).sum(0).mean(1)  # q, k, v; heads; their channels; inputs
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-12)


def test_taylor_ranks_heads_by_the_loss():
    network = settled(VIT)
    batches = [(torch.randn(4, *SHAPE), torch.tensor([0, 1, 2, 3]))]
    structure = find_prunable(network, SHAPE)
    assert unit_scores(Ranked(network, batches), structure, "taylor")[0].shape == (3,)


def small_transformer(heads):
    transformer = import_timm().models.vision_transformer.VisionTransformer
    options = {"img_size": 64, "embed_dim": 32, "depth": 2, "num_classes": 10}
    return with_heads_to_cut(transformer(**options, num_heads=heads)).eval()


def test_one_head_is_never_cut():
    structure = find_prunable(small_transformer(heads=1), SHAPE)
    assert [group.layer for group in structure.prunable] == ["blocks.0.mlp.fc1", "blocks.1.mlp.fc1"]
    assert structure.refused["blocks.0.attn.qkv"] == "its groups or its one head leave no channel to cut"


def test_a_cut_transformer_is_exported(tmp_path):
    plan = plan_widths(small_transformer(heads=4), SHAPE, method="uniform", ratio=0.7)
    inputs = np.random.default_rng(0).standard_normal((5, *SHAPE)).astype(np.float32)
    assert export_model(plan.network, inputs, tmp_path / "cut.onnx")["difference"] < 1e-4


@pytest.mark.parametrize("shape", [(3, 64, 32), (3, 40, 40)])
def test_images_that_torchvisions_transformers_do_not_take_are_one_line(shape):
    with pytest.raises(InputError, match=r"takes (square images|images whose side is a multiple of its patches, 32)"):
        build_model("torchvision_vit", VISION, in_channels=3, image_size=shape[1:], classes=10)
