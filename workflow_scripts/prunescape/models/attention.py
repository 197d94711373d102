"""Self-attention whose heads can be cut: their number follows from the widths of its layers.

timm's and torchvision's vision transformers get it in place of their own, which fix that number when they are built.
"""

import sys
from types import ModuleType

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import handle_torch_function, has_torch_function_unary


def attend(
    qkv: torch.Tensor, head_width: int, q_norm, k_norm, *, mask=None, causal: bool = False, dropout: float = 0.0
) -> torch.Tensor:
    """Attention of (n, tokens, 3 x heads x `head_width`) queries, keys and values; gives (n, tokens, heads x width).

    softmax(q k^T / sqrt(head_width)) v of every head (Vaswani et al., 2017, Eq 1). `q_norm` and `k_norm` normalise the
    queries and keys of a head. One operation for those that follow tensors, as pruning does.
    """
    options = {"mask": mask, "causal": causal, "dropout": dropout}
    if has_torch_function_unary(qkv):
        return handle_torch_function(attend, (qkv,), qkv, head_width, q_norm, k_norm, **options)
    q, k, v = qkv.unflatten(-1, (3, -1, head_width)).permute(2, 0, 3, 1, 4).unbind(0)
    q, k = q_norm(q), k_norm(k)
    attended = scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal)
    return attended.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """timm's Attention with the names of its weights, but with as many heads as its layers are wide."""

    def __init__(self, qkv: nn.Linear, proj: nn.Linear, head_width: int) -> None:
        super().__init__()
        self.head_width = head_width
        self.qkv, self.proj = qkv, proj
        self.q_norm, self.k_norm, self.norm = nn.Identity(), nn.Identity(), nn.Identity()
        self.attn_drop, self.proj_drop = nn.Dropout(0.0), nn.Dropout(0.0)

    def forward(self, x: torch.Tensor, attn_mask: torch.Tensor | None = None, is_causal: bool = False) -> torch.Tensor:
        """Attention of tokens (n, tokens, width) to each other."""
        dropout = self.attn_drop.p if self.training else 0.0
        options = {"mask": attn_mask, "causal": is_causal, "dropout": dropout}
        x = attend(self.qkv(x), self.head_width, self.q_norm, self.k_norm, **options)
        return self.proj_drop(self.proj(self.norm(x)))


class OfEncoderBlock(SelfAttention):
    """The same with the arguments and results of torch's MultiheadAttention, as torchvision's EncoderBlock has them."""

    def forward(self, query: torch.Tensor, key, value, need_weights: bool = False) -> tuple[torch.Tensor, None]:
        return super().forward(query), None


def with_heads_to_cut(network: nn.Module) -> nn.Module:
    """Give `network`, in place, attention whose heads can be cut, where it has timm's or torchvision's."""
    timms, torchvisions = _loaded("timm.layers.attention"), _loaded("torchvision.models.vision_transformer")
    for module in [*network.modules()]:
        for name, part in module.named_children():
            if timms and type(part) is timms.Attention and part.gate is None:
                setattr(module, name, _of_timm(part))
            elif torchvisions and type(module) is torchvisions.EncoderBlock and type(part) is nn.MultiheadAttention:
                setattr(module, name, _of_torch(part))
    return network


def _loaded(name: str) -> ModuleType | None:
    """A module, if something imported it: a network has its layers only then."""
    return sys.modules.get(name)


def _of_timm(theirs: nn.Module) -> SelfAttention:
    ours = SelfAttention(theirs.qkv, theirs.proj, theirs.head_dim)
    for name in ("q_norm", "k_norm", "norm", "attn_drop", "proj_drop"):
        setattr(ours, name, getattr(theirs, name))
    return ours.train(theirs.training)


def _of_torch(theirs: nn.MultiheadAttention) -> OfEncoderBlock:
    width = theirs.embed_dim
    qkv, proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
    with torch.no_grad():
        qkv.weight.copy_(theirs.in_proj_weight)
        qkv.bias.copy_(theirs.in_proj_bias)
        proj.weight.copy_(theirs.out_proj.weight)
        proj.bias.copy_(theirs.out_proj.bias)
    ours = OfEncoderBlock(qkv, proj, theirs.head_dim)
    ours.attn_drop = nn.Dropout(theirs.dropout)
    return ours.train(theirs.training)


THEIR_NAMES = {"in_proj_weight": "qkv.weight", "in_proj_bias": "qkv.bias", "out_proj.": "proj."}


def with_our_names(state: dict[str, torch.Tensor], network: nn.Module) -> dict[str, torch.Tensor]:
    """Weights under torch's names of MultiheadAttention, by those that the layers here have."""
    replaced = [f"{name}." for name, module in network.named_modules() if isinstance(module, OfEncoderBlock)]
    return {_our_name(name, replaced): tensor for name, tensor in state.items()}


def _our_name(name: str, replaced: list[str]) -> str:
    layer = next((layer for layer in replaced if name.startswith(layer)), None)
    if layer is None:
        return name
    own = name.removeprefix(layer)
    theirs = next((start for start in THEIR_NAMES if own.startswith(start)), None)
    return name if theirs is None else layer + THEIR_NAMES[theirs] + own.removeprefix(theirs)
