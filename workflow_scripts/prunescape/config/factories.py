"""Models of the user's own code, named `package.module:factory`: where their sources lie, and what identifies them.

Nothing is imported here: every job reads the config, and the user's code may take seconds to import.
"""

import ast
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from prunescape.errors import InputError, nearest

LIBRARIES = ("torchvision", "timm")  # NAME:MODEL is no factory of theirs (config/models.py)
INSTALLED = ("site-packages", "dist-packages")  # what a folder of installed packages is called
# the versions that stand in the records of cells: no cell of any model is trained again for a new one
NOT_COUNTED = ("numpy", "torch", "torchvision", "prunescape")


def check_factory(model: str) -> None:
    """Raise InputError unless the module of `package.module:factory` is there and names the factory.

    It must be Python, as all modules of the user's own that it imports.

    What a module gets by `import *`, or makes while it is imported, is seen only when the network is built.
    """
    module, _, name = model.partition(":")
    spec = find_module(module)
    if spec is None:
        what = f'there is no module "{module}" in {Path.cwd()}, nor an installed one'
        raise InputError(what, hint=_meant(module, name) or "run from the folder that holds it, or install it")
    if spec.origin is None:
        what = f'"{module}" is a folder without __init__.py, which names nothing'
        raise InputError(what, hint=f"name a module in it, {module}.MODULE:{name}")
    if spec.origin.endswith(".py") and not is_library(spec):
        names = _top_level_names(_parsed(Path(spec.origin)))
        if names is not None and name not in names:
            raise InputError(f'"{module}" ({spec.origin}) has no callable "{name}"', hint=nearest(name, names))
    for _ in _reached(module):
        pass  # what it imports is parsed


def _meant(module: str, name: str) -> str:
    """What was meant by a module that is not there: that of a file, or a library whose models have other names."""
    if module.endswith(".py"):
        return f'did you mean "{module.removesuffix(".py")}:{name}"?'
    near = get_close_matches(module.casefold(), LIBRARIES, n=1, cutoff=0.8)
    return f'did you mean "{near[0]}:{name}"?' if near else ""


def factory_identity(model: str) -> str:
    """A digest of what a factory's network follows from: own source files by content, libraries by name and version.

    Own are files outside the folders of installed packages: the factory's module, the packages above it, and whatever
    these import, directly or not, anywhere in them. Raises InputError as `check_factory`.
    """
    check_factory(model)
    found = sorted(_parts(model.partition(":")[0]))
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _parts(module: str) -> Iterator[str]:
    """One text per source file or library that a module reaches."""
    first = module.partition(".")[0]
    for name, spec in _reached(module):
        package = name.partition(".")[0]
        if is_library(spec):
            yield from _library(package) if package == first or package not in NOT_COUNTED else ()
        else:
            yield from _own(name, spec)


def _reached(module: str) -> Iterator[tuple[str, ModuleSpec]]:
    """A module and all that it imports, directly or not, with the packages above them; but nothing of libraries."""
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        spec = find_module(name) if name not in seen else None
        seen.add(name)
        if spec is None or _is_pythons(spec):
            continue
        yield name, spec
        waiting += [] if is_library(spec) else _imported(name, spec)
        waiting += [name.rpartition(".")[0]] if "." in name else []


def _own(name: str, spec: ModuleSpec) -> Iterator[str]:
    if spec.origin and Path(spec.origin).is_file():
        yield f"{name} {hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()}"


@cache
def _library(package: str) -> tuple[str, ...]:
    """Name and version of the distributions that have this package; the one of its name, if there is one."""
    try:
        return (f"{package} {version(package)}",)
    except PackageNotFoundError:  # a look at every file of every distribution takes seconds
        names = packages_distributions().get(package, ())
        return tuple(f"{name} {version(name)}" for name in sorted(set(names)))


def find_module(name: str) -> ModuleSpec | None:
    """Where a module is, first in the working folder; None where there is none. Imports no package above it."""
    places: list[str] | None = [os.getcwd(), *sys.path]
    spec = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:end]), places)
        places = None if spec is None else [*(spec.submodule_search_locations or [])]
        if not places:
            return spec if end == len(parts) else None
    return spec


def is_library(spec: ModuleSpec) -> bool:
    """Whether a module is an installed package's."""
    return any(set(Path(place).parts) & set(INSTALLED) for place in _places(spec))


def _is_pythons(spec: ModuleSpec) -> bool:
    standard = Path(sysconfig.get_paths()["stdlib"])
    return not is_library(spec) and any(standard in Path(place).parents for place in _places(spec))


def _places(spec: ModuleSpec) -> list[str]:
    return [spec.origin] if spec.origin else [*(spec.submodule_search_locations or [])]


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:  # the last two where it is nested too deep
        line = f"line {error.lineno}: " if getattr(error, "lineno", None) else ""
        reason = getattr(error, "msg", "") or str(error) or "nested too deep"
        raise InputError(f"{file} is no Python ({line}{reason})") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from None


def _imported(name: str, spec: ModuleSpec) -> list[str]:
    """The modules that a source file may import: of `from a import b` both a and a.b."""
    if not spec.origin or not spec.origin.endswith(".py"):
        return []
    found = []
    above = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    for node in ast.walk(_parsed(Path(spec.origin))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = above.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(filter(None, [package, node.module]))
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return [module for module in found if module]


def _top_level_names(tree: ast.Module) -> list[str] | None:
    """The names that a module binds outside functions and classes; None where it may have others."""
    found = []
    for node in _outside_functions(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
    return None if {"*", "__getattr__"} & {*found} else found


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _outside_functions(part)
