"""Layers that hyperparameters of a network choose: activation, pooling, dropout (liao2022, Table 2)."""

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def activation_layer(name: str) -> nn.Module:
    """The activation function of this name."""
    return ACTIVATIONS[name]()


def image_pooling(name: str) -> nn.Module:
    """Pooling of feature maps (n, c, h, w) by `max` or `avg` over 2x2 pixels, `globalmax` or `globalavg` over all.

    A row or column that is left over makes a window of its own, so that maps of a single pixel pass, too.
    """
    if name == "max":
        return nn.MaxPool2d(2, ceil_mode=True)
    if name == "avg":
        return nn.AvgPool2d(2, ceil_mode=True)
    return nn.AdaptiveMaxPool2d(1) if name == "globalmax" else nn.AdaptiveAvgPool2d(1)


def dropout_layer(ratio: float) -> nn.Module:
    """Dropout of this share of the inputs; with 0 a layer that draws no random number."""
    return nn.Dropout(ratio) if ratio else nn.Identity()
