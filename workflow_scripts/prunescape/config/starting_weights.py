"""The weights that a base starts from, where it does not start from new ones: published weights, or a file."""

import os
from importlib.metadata import version

from prunescape.config.models import TIMM, TORCHVISION
from prunescape.errors import InputError, nearest
from prunescape.store.files import file_digest

PUBLISHED = "published"
SAFETENSORS, PICKLED = (".safetensors",), (".pt", ".pth")
FORMATS = f"{PUBLISHED}, or a file that ends in {', '.join([*SAFETENSORS, *PICKLED])}"


def check_weights(model: str, weights: str) -> None:
    """Raise InputError for published weights of a model that has none, and for a file that is missing or unknown."""
    if weights == PUBLISHED:
        if not model.startswith((TORCHVISION, TIMM)):
            what, hint = f"nobody publishes weights of {model}", "give a file of weights, or leave this key out"
            raise InputError(what, allowed="a file; published for torchvision:NAME and timm:NAME", hint=hint)
        return
    if not weights.endswith((*SAFETENSORS, *PICKLED)):
        raise InputError(f'"{weights}" is no file of weights', allowed=FORMATS, hint=nearest(weights, [PUBLISHED]))
    if not os.path.isfile(weights):  # which takes a name that is too long for one that is not there
        raise InputError(f"there is no file {weights}", allowed=FORMATS, hint="paths start at the working folder")


def weights_identity(model: str, weights: str) -> str:
    """What identifies them before they are read: a file its content, published ones the library that names them.

    What was read in the end has its digest in widths.json. Raises InputError as `check_weights`.
    """
    check_weights(model, weights)
    if weights == PUBLISHED:
        library = model.partition(":")[0]
        return f"{PUBLISHED} {library} {version(library)}"
    try:
        return file_digest(weights)
    except OSError as error:
        raise InputError(f"{weights} cannot be read ({error.strerror})") from None
