"""What happens to channels in operations without weights: one rule per operation that lets them through.

A rule (trace, args, kwargs, output) returns the channels of `output`, or None where they do not pass as they are. A
tensor given as `input=` is the first of `args`.
"""

from dataclasses import dataclass

import numpy as np
import torch

# operations that treat every channel alike and apart: what passes them stays the same channel
CHANNELWISE = (
    *("relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "silu", "gelu", "elu", "selu", "celu"),
    *("leaky_relu", "tanh", "mish", "softplus", "logsigmoid", "threshold", "clamp", "neg", "abs", "exp", "sqrt"),
    *("square", "dropout", "dropout2d", "alpha_dropout", "feature_dropout", "clone", "contiguous", "detach", "to"),
    *("float", "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool2d"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "interpolate", "pad"),
)
OPAQUE = -1


@dataclass(frozen=True)
class Channels:
    """What stands along the axis `dim` of a tensor: the number of a traced channel, or OPAQUE."""

    dim: int
    ids: np.ndarray


def tensors_in(*values) -> list[torch.Tensor]:
    """The tensors among arguments or results, lists and tuples included."""
    found = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += tensors_in(*value)
        elif isinstance(value, dict):
            found += tensors_in(*value.values())
    return found


def unchanged(trace, args, kwargs, output) -> Channels | None:
    tensors = tensors_in(args, kwargs)
    return trace.known.get(tensors[0]) if len(tensors) == 1 else None


def after_product(trace, args, kwargs, output) -> Channels | None:
    """A gate of one value per channel (squeeze-and-excitation) ties its channels to those it scales."""
    factors = [tensor for tensor in tensors_in(args, kwargs) if tensor.numel() > 1]
    known = [trace.known[tensor] for tensor in factors if tensor in trace.known]
    if len(known) == 1:
        others = [tensor for tensor in factors if tensor not in trace.known]
        same = all(t.dim() == output.dim() and t.shape[known[0].dim] == 1 for t in others)
        return known[0] if same else None
    if len(known) != 2 or known[0].dim != known[1].dim or len(known[0].ids) != len(known[1].ids):
        return None
    if OPAQUE in known[0].ids or OPAQUE in known[1].ids:
        return None
    trace.tie(known[0].ids, known[1].ids)
    return known[0]


def after_concatenation(trace, args, kwargs, output) -> Channels | None:
    """Channels beside each other keep their numbers; tensors without known channels fill their places with OPAQUE."""
    parts = args[0] if args else kwargs["tensors"]
    dim = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % output.dim()
    if any(trace.known[part].dim != dim for part in parts if part in trace.known):
        return None
    unknown = [np.full(part.shape[dim], OPAQUE) for part in parts]
    pairs = zip(parts, unknown, strict=True)
    return Channels(dim, np.concatenate([trace.known[p].ids if p in trace.known else filler for p, filler in pairs]))


def after_mean(trace, args, kwargs, output) -> Channels | None:
    """A mean or maximum over other axes than that of the channels."""
    entering = trace.known.get(args[0])
    dims = args[1] if len(args) > 1 else kwargs.get("dim")
    if entering is None or dims is None:
        return None
    reduced = {d % args[0].dim() for d in (dims if isinstance(dims, list | tuple) else [dims])}
    lost = 0 if output.dim() == args[0].dim() else sum(d < entering.dim for d in reduced)
    return None if entering.dim in reduced else Channels(entering.dim - lost, entering.ids)


def after_flattening(trace, args, kwargs, output) -> Channels | None:
    """(n, C, H, W) to (n, C H W): channel c becomes H W neighbours; or only axes of size 1 come and go."""
    entering, before = trace.known.get(args[0]), args[0].shape
    if entering is None or entering.dim != 1 or output.dim() < 2 or output.shape[0] != before[0]:
        return None
    if output.dim() == 2:
        return Channels(1, np.repeat(entering.ids, before[2:].numel()))
    return entering if output.shape == before or before[2:].numel() == output.shape[2:].numel() == 1 else None


def after_permutation(trace, args, kwargs, output) -> Channels | None:
    """The channels' axis moves."""
    entering = trace.known.get(args[0])
    dims = kwargs.get("dims", args[1:])
    dims = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    order = [d % output.dim() for d in dims]
    return Channels(order.index(entering.dim), entering.ids) if entering and order else None


def after_attention(trace, args, kwargs, output) -> Channels | None:
    """Queries, keys and values (models/attention.py): channels of one place in them go together, whole heads at a time.

    `trace.heads` gets the layer that produces them with the width of a head and the FLOPs of the products: q k^T and
    that with v take 2 x tokens^2 multiply-accumulates per channel.
    """
    entering, (qkv, head_width, *_) = trace.known.get(args[0]), args
    owners = set() if entering is None or OPAQUE in entering.ids else {trace.owner[c] for c in entering.ids}
    if len(owners) != 1 or entering.dim != qkv.dim() - 1:
        return None
    queries, keys, values = entering.ids.reshape(3, -1)
    trace.tie(queries, keys)
    trace.tie(queries, values)
    trace.heads[owners.pop()] = (head_width, 4 * output.numel() * qkv.shape[-2])
    return Channels(output.dim() - 1, queries)


RULES = {
    **dict.fromkeys(CHANNELWISE, unchanged),
    **dict.fromkeys(("mul", "imul", "rmul"), after_product),
    **dict.fromkeys(("cat", "concat", "concatenate"), after_concatenation),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze"), after_flattening),
    "mean": after_mean,
    "amax": after_mean,
    "permute": after_permutation,
    "attend": after_attention,
}
