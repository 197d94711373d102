"""Which code a rule's script runs: its digest, blind to comments, docstrings and layout. Needs nothing."""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
PACKAGE = "prunescape"
# How a result is stored, logged or refused, and in which process it is made, never changes what it is.
STORING = (
    "errors",
    "store.exhaustion",
    "store.files",
    "models.sealed_tensors",
    "store.private_folder",
    "store.parquet",
    "training.gpu",
)
WITHOUT_INFLUENCE = frozenset(f"{PACKAGE}.{name}" for name in STORING)
PROCESSES = f"{PACKAGE}.running"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def run_jobs_with_this_code() -> None:
    """Let every process started from here import this checkout's package, the one that the digests speak of.

    Another one may be installed, and Snakemake puts a script's own folder behind installed packages.
    """
    own, others = str(SCRIPTS), os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *(path for path in others if path not in ("", own))])


@cache
def code_digest(*roots: str) -> str:
    """SHA-256 over the syntax of `roots` and of every module of ours that they reach.

    A root is a script (its name) or a module: one that is loaded by name at run time, such as an architecture.
    """
    digest = hashlib.sha256()
    for module in sorted(_reached(roots)):
        digest.update(f"\n{module}\n".encode())
        digest.update(_syntax(_file_of(module)))
        for template in _templates(_file_of(module)):
            digest.update(template.read_bytes())
    return digest.hexdigest()


def _reached(roots: tuple[str, ...]) -> set[str]:
    """The scripts and modules in `roots` and all that they import of ours, directly or not."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        path = _file_of(module)
        if module in found or path is None or module in WITHOUT_INFLUENCE or module.startswith(PROCESSES):
            continue
        found.add(module)
        waiting.extend(_imports(path))
    return found


def _templates(path: Path) -> list[Path]:
    """The templates that a package brings along; none for a plain module."""
    return sorted(path.parent.glob("*.j2")) if path.name == "__init__.py" else []


def _file_of(module: str) -> Path | None:
    """The file of a script or module of ours; None for a name that is no module (a function, another's package)."""
    path = SCRIPTS.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@cache
def _imports(path: Path) -> frozenset[str]:
    """The names under our package that a file imports anywhere, with the packages above them."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    parts = [name.split(".") for name in names if name.split(".")[0] == PACKAGE]
    return frozenset(".".join(part[:end]) for part in parts for end in range(1, len(part) + 1))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _syntax(path: Path) -> bytes:
    """The syntax tree as text: docstrings and empty fields left out, as versions of Python differ in the latter."""
    return _text(_tree(path)).encode()


def _text(node: object) -> str:
    if isinstance(node, list):
        return f"[{','.join(_text(item) for item in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, _without_docstring(node, name)) for name in node._fields]
    empty = () if isinstance(node, ast.Constant) else (None, [])
    texts = [f"{name}={_text(value)}" for name, value in fields if value not in empty]
    return f"{type(node).__name__}({','.join(texts)})"


def _without_docstring(node: ast.AST, field: str) -> object:
    value = getattr(node, field, None)
    if field == "body" and isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        return value[1:]
    return value
