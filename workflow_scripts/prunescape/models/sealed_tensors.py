"""Tensors with text metadata in one safetensors file that notices a changed byte.

safetensors has no checksum: a flipped bit in a weight is another weight. The seal is a SHA-256 over the names, types,
shapes, bytes and metadata of everything in the file; it stands in the file's metadata.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from prunescape.errors import InputError
from prunescape.store.files import AGAIN, whole_file

OTHERS = (
    "get the file again; for a .pt or .pth file: safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW)"
)
SEALED = "prunescape"  # the one key of the file's metadata: with more, safetensors writes them in no fixed order


def write_tensors(
    path: Path | str, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write `tensors` of any type and device and text `metadata` to `path`, sealed; equal content gives equal bytes."""
    kept = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    texts = dict(metadata or {})
    sealed = json.dumps({"metadata": texts, "sha256": _digest(kept, texts)}, sort_keys=True)
    with whole_file(path) as temporary:
        save_file(kept, temporary, metadata={SEALED: sealed})


def read_tensors(path: Path | str, *, ours: bool = True) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and metadata that `write_tensors` wrote to `path`.

    A file that is not `ours` needs no seal, but one that it has must fit. Raises InputError that names the file when it
    is missing, damaged, or has no seal.
    """
    hint = AGAIN if ours else OTHERS
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
        sealed = json.loads(metadata[SEALED]) if SEALED in metadata else None
    except FileNotFoundError:
        raise InputError("the file is missing", where=path) from None
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"the file cannot be read as safetensors ({error})", where=path, hint=hint) from None
    if sealed is None and not ours:
        return tensors, metadata
    if sealed is None:
        raise InputError("the file has no checksum: damaged, or of another version", where=path, hint=hint)
    if not isinstance(sealed, dict) or sealed.get("sha256") != _digest(tensors, sealed.get("metadata")):
        raise InputError("the file is damaged: its content is not that of its checksum", where=path, hint=hint)
    return tensors, sealed["metadata"]


def _digest(tensors: Mapping[str, torch.Tensor], metadata: object) -> str:
    described = [[name, str(tensors[name].dtype), list(tensors[name].shape)] for name in sorted(tensors)]
    digest = hashlib.sha256(json.dumps([described, metadata], sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
