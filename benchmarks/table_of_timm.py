"""What can be done with timm's smallest architectures: cut, counted, cut equal to masked, exported; a Markdown table.

Of every module of timm the smallest classifier that takes 64 x 64 pixels is tried, and of these the `--count` smallest.
Nothing is trained: weights are fresh, and batch norm has the statistics of random images. The table of docs/models.md.
"""

import argparse
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
from prunescape.models.counting import count_flops, evaluating, example_input, first_line
from prunescape.models.timm_models import import_timm
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import Prunable, find_prunable
from prunescape.pruning.surgery import cut

SHAPE, CLASSES, RATIO = (3, 64, 64), 10, 0.5
LARGEST_DIFFERENCE = 1e-4  # of the largest logit
SKIPPED = ("large", "huge", "giant", "xxl", "_xl", "base", "bigg", "so400m")  # names that are never the smallest
COLUMNS = ("model", "parameters", "cut to half of its FLOPs", "FLOPs as torch's", "cut = masked", "exported")


def network_of(name: str) -> nn.Module:
    """A network with fresh weights; its norms have seen random images, and gates and scales have some size."""
    known = {"in_channels": SHAPE[0], "image_size": SHAPE[1:], "classes": CLASSES}
    network = initialise(build_model("timm_models", f"timm:{name}", **known), 0)
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


def masked_difference(name: str) -> str:
    """How far the cut network is from the one whose channels are masked, of the largest logit."""
    network = network_of(name)
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
    counter = FlopCounterMode(display=False)
    with evaluating(network), counter:
        network(example_input(network, SHAPE))
    ours, theirs = count_flops(network, SHAPE), counter.get_total_flops()
    return "yes" if ours == theirs else f"no: {ours} and {theirs}"


def cut_to_half(name: str) -> tuple[str, nn.Module | None]:
    """The share of FLOPs that is reached, or why none is; the cut network, as a study rebuilds it, or None."""
    network = network_of(name)
    structure = find_prunable(network, SHAPE)
    held = Counter(structure.refused.values())
    ((reason, _),) = held.most_common(1) or [("", 0)]
    try:
        plan = plan_widths(network, SHAPE, method="uniform", ratio=RATIO, round_to=1)
    except InputError as error:
        return f"{error.what}; most held: {reason}" if structure.prunable else error.what, None
    again = rebuild(network_of(name), plan.modules)
    again.load_state_dict(plan.network.state_dict())
    return f"{plan.ratio_achieved:.3f}, {len(structure.prunable)} layers", again.eval()


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


def row_of(name: str, parameters: int) -> list[str]:
    try:
        cut_text, network = cut_to_half(name)
    except InputError as error:
        return [f"`{name}`", f"{parameters / 1e6:.2f} M", f"no: {error.what}", "", "", ""]
    subject = network_of(name) if network is None else network
    masked = "" if network is None else attempt(masked_difference, name)
    counted, written = attempt(count_equals, subject), attempt(exported, subject)
    return [f"`{name}`", f"{parameters / 1e6:.2f} M", cut_text, counted, masked, written]


def smallest(count: int) -> list[tuple[int, str]]:
    """The smallest classifier of each module of timm for images of 64 pixels, and of these the smallest ones."""
    timm = import_timm()
    found = []
    for module in timm.list_modules():
        sizes = [parameters_of(timm, name) for name in timm.list_models(module=module)]
        found += sorted(size for size in sizes if size is not None)[:1]
    return sorted(found)[:count]


def parameters_of(timm, name: str) -> tuple[int, str] | None:
    """Parameters of a model; None for one that is not tried."""
    if any(part in name for part in SKIPPED):
        return None
    config = timm.models.get_pretrained_cfg(name)
    size = {"img_size": SHAPE[1:]} if config is not None and config.fixed_input_size else {}
    try:
        with torch.device("meta"):
            network = timm.create_model(name, num_classes=CLASSES, **size)
    except Exception:
        return None
    return sum(parameter.numel() for parameter in network.parameters()), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="architectures; default: %(default)s")
    parser.add_argument("--names", nargs="+", help="these instead of the smallest")
    parser.add_argument("--out", type=Path, help="file for the table; default: the terminal only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    timm = import_timm()
    chosen = [parameters_of(timm, name) for name in arguments.names or ()] or smallest(arguments.count)
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join(["---"] * len(COLUMNS)) + " |"]
    for parameters, name in chosen:
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in row_of(name, parameters)) + " |")
        print(lines[-1], flush=True)
        if arguments.out:
            arguments.out.write_text("\n".join(lines) + "\n")
    print(f"timm {timm.__version__}, torch {torch.__version__}, {len(chosen)} architectures")


if __name__ == "__main__":
    main()
