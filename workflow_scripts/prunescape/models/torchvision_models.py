"""Any classifier of torchvision under the name `torchvision:NAME`."""

from torch import nn

from prunescape.errors import InputError, nearest
from prunescape.models.build import he_normal_convolutions, normal_bare_parameters
from prunescape.tasks.images.torchvision_import import import_torchvision

AUXILIARY_HEADS = ("AuxLogits", "aux1", "aux2")


def build(model: str, in_channels: int, classes: int | None) -> nn.Module:
    """torchvision's classifier with fresh weights, without auxiliary heads.

    Only the training of GoogLeNet and Inception uses these. Raises InputError for an unknown name or images without
    three channels.
    """
    models = import_torchvision().models
    name, names = model.removeprefix("torchvision:"), models.list_models(module=models)
    if name not in names:
        allowed = "torchvision:NAME, NAME from torchvision.models.list_models(module=torchvision.models)"
        raise InputError(f'torchvision has no classifier "{name}"', allowed=allowed, hint=nearest(name, names))
    if in_channels != 3:
        raise InputError(f"{model} takes images with 3 channels, not {in_channels}", allowed="input shape 3,H,W")
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network = models.get_model(name, weights=None, num_classes=classes or 1000, **options)
    for head in AUXILIARY_HEADS:
        if hasattr(network, head):
            setattr(network, head, None)
    network.aux_logits = False
    return network


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-out, for convolutions; linear layers keep torch's default; position embeddings get std 0.02."""
    he_normal_convolutions(network, "fan_out")
    normal_bare_parameters(network)
