"""FLOPs of timm's networks, as this project counts them and as torch's own counter does; they should be equal.

Needs timm (`pip install timm`), which nothing else here does. Networks get the image size of their published weights.
"""

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import torch
from torch.utils.flop_counter import FlopCounterMode

from prunescape.errors import InputError
from prunescape.models.counting import count_flops, evaluating, example_input
from prunescape.tasks.images.torchvision_import import import_torchvision

import_torchvision()
import timm  # noqa: E402 (torchvision first, which it imports)


def torchs_count(network: torch.nn.Module, shape: tuple[int, int, int]) -> int:
    """FLOPs as torch counts them, in the mode in which this project counts: attention as products."""
    counter = FlopCounterMode(display=False)
    with evaluating(network), counter:
        network(example_input(network, shape))
    return counter.get_total_flops()


def compare(name: str, largest: float) -> str:
    """How the two counts compare: equal, different, or why there is none."""
    network = timm.create_model(name)
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    shape = network.pretrained_cfg["input_size"]
    if millions > largest:
        return f"not counted: {millions:.0f} million parameters"
    try:
        ours = count_flops(network, shape)
    except InputError as error:
        return f"refused: {error}"
    theirs = torchs_count(network, shape)
    return "equal" if ours == theirs else f"different: {ours} and {theirs}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=20, help="take every n-th network; default: %(default)s")
    parser.add_argument("--largest", type=float, default=60, help="millions of parameters; default: %(default)s")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {}
    for name in timm.list_models()[:: arguments.every]:
        results[name] = compare(name, arguments.largest)
        print(f"{name}: {results[name]}", flush=True)
    counted = [result for result in results.values() if not result.startswith("not counted")]
    equal = sum(result == "equal" for result in counted)
    print(f"timm {timm.__version__}, torch {torch.__version__}: {equal} of {len(counted)} networks have equal counts")


if __name__ == "__main__":
    main()
