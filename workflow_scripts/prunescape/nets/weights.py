"""Reads and writes a network's weights as safetensors. Needs torch and safetensors."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from prunescape.errors import InputError, nearest
from prunescape.files import whole_file

AUXILIARY_HEADS = ("AuxLogits.", "aux1.", "aux2.")  # only the training of GoogLeNet and Inception uses them
COUNTER = "num_batches_tracked"  # absent from many exported files, and without effect on the output


def save_weights(network: nn.Module, path: Path | str, metadata: dict[str, str] | None = None) -> None:
    """Write all parameters and statistics, contiguous and unshared, with text metadata."""
    state = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
    with whole_file(path) as temporary:
        save_file(state, temporary, metadata=metadata)


def load_weights(network: nn.Module, path: Path | str) -> dict[str, str]:
    """Load the weights of `path` into `network`; returns the file's metadata.

    Raises InputError when the file is missing, damaged, or its names or shapes are not the network's.
    """
    wanted = network.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if not name.startswith(AUXILIARY_HEADS)]  # noqa: SIM118
            found = {name: file.get_tensor(name) for name in names}
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise InputError("the weights file is missing", where=path) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"the weights file cannot be read as safetensors ({error})", where=path) from None
    check_state(found, wanted, path)
    network.load_state_dict({**{name: wanted[name] for name in wanted if name.endswith(COUNTER)}, **found})
    return metadata


def check_state(found: dict, wanted: dict, path: Path | str) -> None:
    """Raises InputError for the first tensor that is missing, unknown or of another shape."""
    missing = [name for name in wanted if name not in found and not name.endswith(COUNTER)]
    unknown = [name for name in found if name not in wanted]
    if missing or unknown:
        name = (missing or unknown)[0]
        text = f'the weights file lacks "{name}"' if missing else f'the network has no "{name}"'
        more = len(missing) + len(unknown) - 1
        hint = nearest(name, unknown) if missing else "these weights belong to another model"
        raise InputError(f"{text}" + (f" (and {more} names more differ)" if more else ""), where=path, hint=hint)
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            raise InputError(
                f'"{name}" has shape {tuple(tensor.shape)}',
                where=path,
                allowed=f"{tuple(wanted[name].shape)}, the network's",
                hint="these weights belong to a model of other widths, input channels or classes",
            )
