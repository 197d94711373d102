"""Makes `import torchvision` work beside a torch it was not compiled for. Call it before the import.

torchvision's wheel holds operators compiled for CUDA torch; beside a CPU build they do not load and the import raises
`operator torchvision::nms does not exist`. Data sets, transforms and models need only the declarations.
"""

import torch

SIGNATURES = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def declare_missing_operators() -> None:
    """Import torchvision, declaring its operators first where the compiled ones are missing. A second call is free."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name, signature in SIGNATURES.items():
            torch.library.define(name, signature)
