"""Any classifier of timm under the name `timm:NAME`, or `timm:NAME.TAG` for one of several published weights."""

from types import ModuleType

from torch import nn

from prunescape.errors import InputError
from prunescape.models.attention import with_heads_to_cut
from prunescape.models.build import he_normal_convolutions, normal_bare_parameters
from prunescape.models.counting import first_line
from prunescape.tasks.images.torchvision_import import import_torchvision

HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def build(model: str, in_channels: int, classes: int | None, image_size=None, *, pretrained: bool = False) -> nn.Module:
    """timm's classifier for images of `image_size` (height, width), with fresh weights or the published ones.

    timm fits published weights to the input channels, the image size and the number of classes. Raises InputError for
    a model that cannot be built so, and for published weights that are neither here nor to be had.
    """
    timm, name = import_timm(), model.removeprefix("timm:")
    try:
        known = timm.models.get_pretrained_cfg(name)
    except RuntimeError as error:  # of a tag that the config cannot know
        raise InputError(f"timm does not know it ({first_line(error)})", where=model) from None
    options = {"in_chans": in_channels} | ({} if classes is None else {"num_classes": classes})
    if image_size and known is not None and known.fixed_input_size:
        options |= {"img_size": tuple(image_size)}
    if pretrained and (known is None or not known.has_weights):
        raise InputError("timm knows no published weights of it", where=model)
    if pretrained and (file := cached_file(known.hf_hub_id)):
        options |= {"pretrained_cfg_overlay": {"file": file}}
    try:
        return with_heads_to_cut(timm.create_model(name, pretrained=pretrained, **options))
    except Exception as error:  # of hubs, files and constructors, which have no common base
        what = "timm cannot load its published weights" if pretrained else "timm cannot build it so"
        hint = f"download a file of huggingface.co/{known.hf_hub_id} and give it as weights" if pretrained else ""
        raise InputError(f"{what} ({type(error).__name__}: {first_line(error)})", where=model, hint=hint) from None


def cached_file(repository: str | None) -> str | None:
    """The weights of a repository of the Hugging Face hub in its cache on this host, so that nobody asks the hub."""
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(repository, file) for file in HUB_FILES if repository)
    return next((path for path in found if isinstance(path, str)), None)


def import_timm() -> ModuleType:
    """Import timm, and before it torchvision, which it imports."""
    import_torchvision()
    import timm

    return timm


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-out, for convolutions; linear layers keep torch's default; position embeddings get std 0.02."""
    he_normal_convolutions(network, "fan_out")
    normal_bare_parameters(network)
