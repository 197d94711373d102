"""Models of the user's own code, named `package.module:factory`: where their sources lie, and what identifies them.

Nothing is imported here: every job reads the config, and the user's code may take seconds to import.
"""

import ast
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from prunescape.errors import InputError, nearest

INSTALLED = ("site-packages", "dist-packages")  # what a folder of installed packages is called
# the versions that stand in the records of cells: no cell of any model is trained again for a new one
NOT_COUNTED = ("numpy", "torch", "torchvision", "prunescape")


def check_factory(model: str) -> None:
    """Raise InputError unless the module of `package.module:factory` is there and names the factory.

    What a module gets by `import *`, or makes while it is imported, is seen only when the network is built.
    """
    module, _, name = model.partition(":")
    spec = find_module(module)
    if spec is None:
        what = f'there is no module "{module}" in {Path.cwd()}, nor an installed one'
        raise InputError(what, hint="run from the folder that holds it, or install it")
    if spec.origin is None or not spec.origin.endswith(".py") or is_library(spec):
        return
    names = _top_level_names(_parsed(Path(spec.origin)))
    if names is not None and name not in names:
        raise InputError(f'"{module}" ({spec.origin}) has no callable "{name}"', hint=nearest(name, names))


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
    waiting, seen, first = [module], set(), module.partition(".")[0]
    while waiting:
        name = waiting.pop()
        spec = find_module(name) if name not in seen else None
        seen.add(name)
        if spec is None or _is_pythons(spec):
            continue
        package = name.partition(".")[0]
        if is_library(spec):
            yield from _library(package) if package == first or package not in NOT_COUNTED else ()
        else:
            yield from _own(name, spec)
            waiting += _imported(name, spec)
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
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"line {line}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"{file} is no Python ({place})") from None
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
