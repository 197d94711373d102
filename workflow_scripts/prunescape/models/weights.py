"""Reads and writes a network's weights as sealed safetensors."""

from pathlib import Path

from torch import nn

from prunescape.errors import InputError, nearest
from prunescape.models.sealed_tensors import read_tensors, write_tensors

AUXILIARY_HEADS = ("AuxLogits.", "aux1.", "aux2.")  # only the training of GoogLeNet and Inception uses them
COUNTER = "num_batches_tracked"  # absent from many exported files, and without effect on the output


def save_weights(network: nn.Module, path: Path | str, metadata: dict[str, str] | None = None) -> None:
    """Write all parameters and statistics, contiguous and unshared, with text metadata, sealed (see sealed_tensors)."""
    write_tensors(path, network.state_dict(), metadata)


def load_weights(network: nn.Module, path: Path | str, *, ours: bool = True) -> dict[str, str]:
    """Load the weights of `path` and return its metadata; raises InputError for a missing, damaged or unfit file."""
    expected = network.state_dict()
    tensors, metadata = read_tensors(path, ours=ours)
    found = {name: tensor for name, tensor in tensors.items() if not name.startswith(AUXILIARY_HEADS)}
    check_state(found, expected, path)
    network.load_state_dict({**{name: expected[name] for name in expected if name.endswith(COUNTER)}, **found})
    return metadata


def check_state(found: dict, expected: dict, path: Path | str) -> None:
    """Raises InputError for the first tensor that is missing, unknown or of another shape."""
    missing = [name for name in expected if name not in found and not name.endswith(COUNTER)]
    unknown = [name for name in found if name not in expected]
    if missing or unknown:
        name = (missing or unknown)[0]
        text = f'the weights file lacks "{name}"' if missing else f'the network has no "{name}"'
        more = len(missing) + len(unknown) - 1
        hint = nearest(name, unknown) if missing else "these weights belong to another model"
        raise InputError(f"{text}" + (f" (and {more} names more differ)" if more else ""), where=path, hint=hint)
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            what, allowed = f'"{name}" has shape {tuple(tensor.shape)}', f"{tuple(expected[name].shape)}, the network's"
            hint = "these weights belong to a model of other widths, input channels or classes"
            raise InputError(what, where=path, allowed=allowed, hint=hint)
