"""What a command says where the workflow's packages, or the functions of Unix, are not here."""

import sys
from importlib.util import find_spec

from prunescape.errors import InputError

WORKFLOW = "pip install 'prunescape[workflow]'"
# what the extra `workflow` installs, by the names that it is imported by, and by the package's where they differ
PACKAGES = {
    "onnxscript": "onnxscript",
    "safetensors": "safetensors",
    "snakemake": "snakemake",
    "torch": "torch",
    "torch_pruning": "torch-pruning",
    "torchvision": "torchvision",
}
OF_UNIX = ("fcntl", "pwd", "resource")  # modules of Python that Windows lacks


def require_workflow(*modules: str) -> None:
    """Raise InputError where what trains cannot run: on Windows, or without one of these `modules`."""
    if sys.platform == "win32":
        raise _needs_unix()
    for module in modules:
        if find_spec(module) is None:
            raise _not_installed(module)


def lacking(error: ModuleNotFoundError) -> InputError | None:
    """What to install where the workflow's packages are missing; None when something else is."""
    module = (error.name or "").split(".")[0]
    if module in OF_UNIX:
        return _needs_unix()
    return _not_installed(module) if module in PACKAGES else None


def _not_installed(module: str) -> InputError:
    return InputError(f"this needs {PACKAGES[module]}, which is not installed", hint=WORKFLOW)


def _needs_unix() -> InputError:
    return InputError("this needs Linux or macOS", hint="on Windows, install and run prunescape in WSL")
