"""torchvision's vision transformers under the name `torchvision:vit_NAME`, for square images of any size."""

from torch import nn

from prunescape.errors import InputError
from prunescape.models.attention import with_heads_to_cut
from prunescape.models.build import he_normal_convolutions, normal_bare_parameters
from prunescape.tasks.images.torchvision_import import import_torchvision


def build(model: str, in_channels: int, classes: int | None, image_size=None) -> nn.Module:
    """torchvision's vision transformer for images of `image_size` (height, width), by default 224, with fresh weights.

    Raises InputError for images that are not square, of other than three channels, or no multiple of the patches.
    """
    models, name = import_torchvision().models, model.removeprefix("torchvision:")
    height, width = image_size or (224, 224)
    if in_channels != 3 or height != width:
        what = f"{model} takes square images with 3 channels, not {in_channels} of {height} x {width}"
        raise InputError(what, allowed="input shape 3,S,S")
    try:
        network = models.get_model(name, weights=None, num_classes=classes or 1000, image_size=height)
    except AssertionError:
        patch = name.rpartition("_")[2]
        raise InputError(f"{model} takes images whose side is a multiple of its patches, {patch} pixels") from None
    return with_heads_to_cut(network)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-out, for convolutions; linear layers keep torch's default; position embeddings get std 0.02."""
    he_normal_convolutions(network, "fan_out")
    normal_bare_parameters(network)
