"""Builds an unpruned network and gives it fresh weights."""

import importlib

import torch
from torch import nn

from prunescape.models.initialisation import reset
from prunescape.models.rebuild import rebuild


def build_model(architecture: str, model: str, *, in_channels: int, classes: int | None) -> nn.Module:
    """The full network `model`, built by the module `architecture` (see config/models.py).

    Takes images (n, in_channels, height, width), gives logits (n, classes). Its weights are arbitrary until
    `initialise` or a file sets them, but the same on every call: construction draws from a fixed seed.
    Raises InputError when the architecture cannot be built so.
    """
    module = importlib.import_module(f"prunescape.models.{architecture}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = module.build(model, in_channels, classes)
    network.architecture = architecture
    return network


def planned_network(plan: dict) -> nn.Module:
    """The network of a variant, as its widths.json describes it; like `build_model`'s, its weights are arbitrary."""
    network = build_model(plan["architecture"], plan["model"], in_channels=plan["in_channels"], classes=plan["classes"])
    return rebuild(network, plan["modules"])


def initialise(network: nn.Module, seed: int) -> nn.Module:
    """Give every layer fresh weights: `reset_parameters()` everywhere, then the architecture's He normal.

    As in matthiesen2023, Table 3.3. The same seed and widths give the same weights, bit for bit. `network` comes from
    `build_model`, on the CPU in the default memory format (another format draws in another order). The global random
    state is left as it was. Returns `network`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reset(network)
        importlib.import_module(f"prunescape.models.{network.architecture}").he_initialise(network)
    return network
