"""What can be done with 40 of timm's smallest architectures: a Markdown table, as docs/models.md has it.

Each is cut to half of its FLOPs for 64 x 64 pixels, counted, compared with itself masked, and exported. Nothing is
trained: weights are fresh, and batch norm has the statistics of random images.
"""

import argparse
import copy
import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prunescape.deploy.export import export_model
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops, count_parameters, evaluating, example_input, first_line
from prunescape.models.timm_models import import_timm
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import Prunable, Structure, find_prunable
from prunescape.pruning.surgery import cut

SHAPE, CLASSES, RATIO = (3, 64, 64), 10, 0.5
LARGEST_DIFFERENCE = 1e-4  # of the largest logit
ARCHITECTURES = (
    *("lcnet_035", "mobilenetv2_035", "starnet_s050", "mnasnet_small", "tinynet_e", "dla46x_c", "mobilevit_xxs"),
    *("repghostnet_050", "edgenext_xx_small", "ghostnet_050", "efficientvit_b0", "efficientvit_m0", "fasternet_t0"),
    *("regnetx_002", "mobilenetv4_conv_small_035", "xcit_nano_12_p16_224", "efficientformerv2_s0", "fastvit_t8"),
    *("convnext_atto", "pvt_v2_b0", "inception_next_atto", "pit_ti_224", "mobileone_s0", "resnet10t", "repvit_m0_9"),
    *("tiny_vit_5m_224", "coat_tiny", "eva02_tiny_patch14_224", "convit_tiny", "vit_tiny_patch16_224", "shvit_s1"),
    *("deit_tiny_patch16_224", "levit_128s", "crossvit_tiny_240", "densenet121", "halonet_h1", "visformer_tiny"),
    *("poolformer_s12", "cait_xxs24_224", "mixer_s32_224"),
)
COLUMNS = ("model", "parameters", "cut to half of its FLOPs", "FLOPs as torch's", "cut = masked", "exported")


def network_of(name: str) -> nn.Module:
    """A network with fresh weights; its norms have seen random images, and gates and scales have some size."""
    known = {"in_channels": SHAPE[0], "image_size": SHAPE[1:], "classes": CLASSES}
    network = initialise(build_model("timm_models", f"timm:{name}", **known), 0)
    count_flops(network, SHAPE)  # refuses one that takes no such images
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
            for key in ("gamma", "weight") if "LayerScale" in type(module).__name__ else ():
                if isinstance(getattr(module, key, None), nn.Parameter):
                    nn.init.constant_(getattr(module, key), 0.5)
        network.train()(torch.randn(4, *SHAPE, generator=generator))
    return network.eval()


def output_of(network: nn.Module) -> torch.Tensor:
    with evaluating(network):
        return network(example_input(network, SHAPE))


def mask(network: nn.Module, group: Prunable, gone: np.ndarray) -> None:
    """Zero the weights by which other layers read the channels that are `gone`."""
    for tie in group.ties:
        if tie.axis == "in":
            layer = network.get_submodule(tie.layer)
            groups, weight = getattr(layer, "groups", 1), layer.weight
            view, width = weight.view(groups, weight.shape[0] // groups, *weight.shape[1:]), weight.shape[1]
            for position in tie.positions[gone].ravel():
                view[position // width, :, position % width] = 0


def masked_difference(network: nn.Module) -> str:
    """How far the network with half of its units cut is from itself with these masked, of the largest logit."""
    network = copy.deepcopy(network)
    prunable = find_prunable(network, SHAPE).prunable
    keep = {group.layer: np.sort(group.members[::2].ravel()) for group in prunable}
    smaller, _ = cut(network, prunable, keep)
    found = output_of(smaller)
    with torch.no_grad():
        for group in prunable:
            mask(network, group, np.setdiff1d(np.arange(group.channels), keep[group.layer]))
    expected = output_of(network)
    difference = float((found - expected).abs().max() / expected.abs().max())
    return "yes" if difference <= LARGEST_DIFFERENCE else f"no, {difference:.1g} off: {normalised(network, prunable)}"


def normalised(network: nn.Module, prunable: list[Prunable]) -> str:
    """Which norms read all channels of a layer at once, so that a masked one still counts in their mean."""
    kinds = {type(network.get_submodule(tie.layer)).__name__ for group in prunable for tie in group.ties}
    norms = sorted(kind for kind in kinds if "LayerNorm" in kind or "GroupNorm" in kind or "RmsNorm" in kind)
    return f"{', '.join(norms)} averages over the channels" if norms else "unknown"


def count_equals(network: nn.Module) -> str:
    """Whether the network's FLOPs are those that torch counts."""
    network.requires_grad_(False)  # torch's counter follows gradients through modules, some of which it cannot
    counter = FlopCounterMode(display=False)
    with evaluating(network), counter:
        network(example_input(network, SHAPE))
    ours, theirs = count_flops(network, SHAPE), counter.get_total_flops()
    return "yes" if ours == theirs else f"no: {ours} and {theirs}"


def cut_to_half(network: nn.Module, name: str) -> tuple[str, nn.Module]:
    """The share of FLOPs that is reached with the network as a study rebuilds it, or why none is with the whole one."""
    structure = find_prunable(network, SHAPE)
    try:
        plan = plan_widths(network, SHAPE, method="uniform", ratio=RATIO, round_to=1)
    except InputError as error:
        return refused(error, structure), network
    again = rebuild(network_of(name), plan.modules)
    again.load_state_dict(plan.network.state_dict())
    return f"{plan.ratio_achieved:.3f}, {len(structure.prunable)} layers", again.eval()


def refused(error: InputError, structure: Structure) -> str:
    """Why half of the FLOPs is not reached, and why most of the layers that are held are."""
    found = re.search(r"is below ([0-9.]+), .*: ([0-9.]+)% of its FLOPs", error.what)
    if not found:
        return f"no: {error.what}"
    ((reason, count),) = Counter(structure.refused.values()).most_common(1)
    least, fixed = found.groups()
    return f"no, {least} at least: {fixed} % are in layers that are never cut; of {count} of them, {reason}"


def exported(network: nn.Module) -> str:
    inputs = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
    with TemporaryDirectory() as folder:
        parity = export_model(network, inputs, Path(folder) / "model.onnx")
    return f"yes, {parity['difference']:.1g} off"


def attempt(function, *arguments) -> str:
    """What a function gives, or the one line that it ends with."""
    try:
        return function(*arguments)
    except InputError as error:
        return f"no: {error.what}"
    except Exception as error:
        return f"no: {type(error).__name__}: {first_line(error)}"


def row_of(name: str) -> list[str]:
    try:
        network = network_of(name)
        size = f"{count_parameters(network) / 1e6:.2f} M"
        text, smaller = cut_to_half(network, name)
    except InputError as error:
        return [f"`{name}`", "", f"no: {error.what}", "", "", ""]
    masked = attempt(masked_difference, network) if find_prunable(network, SHAPE).prunable else ""
    return [f"`{name}`", size, text, attempt(count_equals, smaller), masked, attempt(exported, smaller)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=ARCHITECTURES, metavar="NAME", help="these instead")
    parser.add_argument("--out", type=Path, help="file for the table; default: the terminal only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    timm = import_timm()
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join(["---"] * len(COLUMNS)) + " |"]
    for name in arguments.names:
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in row_of(name)) + " |")
        print(lines[-1], flush=True)
        if arguments.out:
            arguments.out.write_text("\n".join(lines) + "\n")
    print(f"timm {timm.__version__}, torch {torch.__version__}, {len(arguments.names)} architectures")


if __name__ == "__main__":
    main()
