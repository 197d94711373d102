"""What the warm process imports once for all its children. Needs torch."""

from importlib import import_module

from prunescape.training.gpu import visible_gpus


def import_for_children(*modules: str) -> None:
    """Import them here; on a host with GPUs leave it to the children: none can use one that its parent has touched.

    torch's compiler, which exporting and tracing import, may look at the GPUs when it is imported.
    """
    for module in () if visible_gpus() else modules:
        import_module(module)
