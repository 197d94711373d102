"""A digest of the code that a rule's script runs, blind to comments, docstrings and layout. Needs nothing."""

import ast
import hashlib
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
PACKAGE = "prunescape"
# How a result is stored, logged or refused never changes what it is.
WITHOUT_INFLUENCE = frozenset(f"{PACKAGE}.{name}" for name in ("errors", "files", "joblog"))
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_digest(script: str, *modules: str) -> str:
    """SHA-256 over the syntax of workflow_scripts/`script`.py and of every module of ours that it reaches.

    Modules loaded by name at run time (an architecture, for one) are given in `modules`.
    """
    digest = hashlib.sha256(_syntax(SCRIPTS / f"{script}.py"))
    for module in sorted(_reached(SCRIPTS / f"{script}.py", modules)):
        digest.update(f"\n{module}\n".encode())
        digest.update(_syntax(_file_of(module)))
    return digest.hexdigest()


def _reached(script: Path, modules: tuple[str, ...]) -> set[str]:
    """The modules of ours that `script` imports, directly or not, and `modules` with theirs."""
    found: set[str] = set()
    waiting = [*_imports(script), *modules]
    while waiting:
        module = waiting.pop()
        path = _file_of(module)
        if module in found or module in WITHOUT_INFLUENCE or path is None:
            continue
        found.add(module)
        waiting.extend(_imports(path))
    return found


def _file_of(module: str) -> Path | None:
    """The file of a module of ours; None for a name that is no module (a function, another's package)."""
    path = SCRIPTS.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _imports(path: Path) -> set[str]:
    """The names under our package that a file imports anywhere, with the packages above them."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    parts = [name.split(".") for name in names if name.split(".")[0] == PACKAGE]
    return {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}


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
