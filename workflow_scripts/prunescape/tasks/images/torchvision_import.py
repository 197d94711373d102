"""torchvision, also beside a torch that it was not compiled for.

torchvision's wheel holds operators compiled for CUDA torch; beside a CPU build they do not load and the import raises
`operator torchvision::nms does not exist`. Data sets, transforms and models need only the declarations.
"""

from types import ModuleType

SIGNATURES = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """Import torchvision, declaring its operators first where the compiled ones are missing."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        import torch

        for name, signature in SIGNATURES.items():
            torch.library.define(name, signature)
        import torchvision
    return torchvision
