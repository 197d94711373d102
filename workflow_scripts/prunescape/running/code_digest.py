"""A digest of the code that decides a rule's result: without module names, descriptions, logging, layout.

Imports are absolute, and nothing decides a result inside a bare `print`, nor under the name `system`: neutral system
parameters (space/system_parameters.py) change no bit, and tests hold them to it.
"""

import ast
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from prunescape.running.workflow_files import PACKAGE as PACKAGE_FOLDER
from prunescape.running.workflow_files import SCRIPTS

PACKAGE = "prunescape"
MODULES = PACKAGE_FOLDER.parent  # in a checkout the scripts are in the same folder
# How a result is stored, logged or refused, which values exist, and in which process it is made, never changes it.
STORING = (
    "errors",
    "config.models",  # what a job needs of it, defaults of networks and scores, is in its params
    "store.exhaustion",
    "store.files",
    "models.sealed_tensors",
    "space.levels",
    "space.pipelines",
    "space.variants",
    "store.tables",
    "training.gpu",
)
WITHOUT_INFLUENCE = frozenset(f"{PACKAGE}.{name}" for name in STORING)
# packages and modules that only say how and where a result is made
PROCESSES = tuple(f"{PACKAGE}.{name}" for name in ("running", "training.system", "tasks.system"))
FULL_NAME = re.compile(rf"{PACKAGE}(?:\.\w+)*")
LOGGING = re.compile(r"print|warnings\.warn|(?:.*\.)?logg(?:er|ing)\.\w+")
LEFT_OUT = frozenset({"annotation", "ctx", "returns"})
SYSTEM = "system"  # the parameter, keyword or field that hands neutral system parameters on
OF_SYSTEM = re.compile(rf"(?:.*\.)?{SYSTEM}\.[\w.]+")
NOTHING = "[]"  # the text of a module without statements


def run_jobs_with_this_code() -> None:
    """Let every process started from here import this workflow's scripts, and a checkout's own package.

    An installed package is found as any: were its folder named too, jobs would look there before Python's own modules.
    """
    ours, others = str(SCRIPTS), os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([ours, *(path for path in others if path not in ("", ours))])


@cache
def code_digest(*roots: str) -> str:
    """SHA-256 over the set of contents of `roots` and of every module of ours that they reach.

    A root is a script (its name) or a module: one that is loaded by name at run time, such as an architecture.
    The content of a module is its syntax without import statements, docstrings, log lines, the annotations of
    functions and variables, and the texts of errors. Annotations of a class's fields count by the names in them, so
    not by bounds and allowed values: these only refuse a value. Every imported name is written in full, as in
    `torch.nn.functional`, and the name of a module of ours is replaced by a hash of its content. So a moved or
    renamed module changes nothing, but the same name imported from another module does. Raises ValueError for a root
    that does not exist.
    """
    contents = {content for module in _reached(roots) for content in _contents(module)}
    return hashlib.sha256("\n".join(sorted(contents - {NOTHING})).encode()).hexdigest()


def _reached(roots: tuple[str, ...]) -> set[str]:
    """The scripts and modules in `roots` and all that they import of ours, directly or not."""
    missing = [root for root in roots if _file_of(root) is None]
    if missing:
        raise ValueError(f"no script or module is called {missing[0]}")
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in found and _decides(module):
            found.add(module)
            waiting.extend(_imports(module))
    return found


def _decides(module: str) -> bool:
    return module not in WITHOUT_INFLUENCE and not f"{module}.".startswith(tuple(f"{name}." for name in PROCESSES))


@cache
def _file_of(module: str) -> Path | None:
    """The file of a script or module of ours; None for a name that is no module (a function, another's package)."""
    parts = module.split(".")
    path = (MODULES if parts[0] == PACKAGE else SCRIPTS).joinpath(*parts)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@cache
def _imports(module: str) -> frozenset[str]:
    """The modules of ours that a module imports anywhere, with the packages above them."""
    parts = [_split(name)[0].split(".") for name in _read(module)[1] if FULL_NAME.fullmatch(name)]
    above = {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    return frozenset(name for name in above if _file_of(name))


def _split(name: str) -> tuple[str, str]:
    """A full name as the module of ours that it begins with and the rest, as `prunescape.nets.build` and `.rebuild`."""
    module = name
    while module and _file_of(module) is None:
        module = module.rpartition(".")[0]
    return module, name[len(module) :]


@cache
def _contents(module: str) -> tuple[str, ...]:
    """The content of a module, and the templates in the folder of a package."""
    path = _file_of(module)
    templates = sorted(path.parent.glob("*.j2")) if path.name == "__init__.py" else []
    return (_with_modules(_read(module)[0], _identity), *(template.read_text() for template in templates))


@cache
def _identity(module: str) -> str:
    """What replaces the name of a module of ours: a hash of its syntax, in which no module has a name."""
    syntax = _with_modules(_read(module)[0], lambda _: "") if _decides(module) else ""
    return hashlib.sha256(syntax.encode()).hexdigest()


def _with_modules(text: str, write: Callable[[str], str]) -> str:
    """`text` with every name of a module of ours as `write` gives it."""

    def written(found: re.Match[str]) -> str:
        module, rest = _split(found[0])
        return write(module) + rest

    return FULL_NAME.sub(written, text)


@cache
def _read(module: str) -> tuple[str, frozenset[str]]:
    """The syntax of a module as text, with imported names in full, and these names.

    What only a type checker sees is left out. A name that is imported from several places stands for all of them.
    """
    tree, names = ast.parse(_file_of(module).read_text()), {}
    tree.body = [part for part in tree.body if getattr(getattr(part, "test", None), "id", None) != "TYPE_CHECKING"]
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            above = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                names.setdefault(alias.asname or alias.name, set()).add(above + alias.name)
    text = _Writer({name: "|".join(sorted(full)) for name, full in names.items()}).text(tree.body)
    return text, frozenset().union(*names.values())


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        for part in getattr(node, field, ()):
            yield part
            yield from _statements(part)


class _Writer:
    """Writes parts of a module's syntax tree as text; `names` holds its imported names in full."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def text(self, node: object) -> str:
        """Any part; empty for a statement that decides nothing."""
        return WRITERS.get(type(node), _Writer.whole)(self, node)

    def whole(self, node: object) -> str:
        """A node with its fields but the empty ones, in which versions of Python differ."""
        if not isinstance(node, ast.AST):
            return repr(node)
        texts = [(name, self.text(getattr(node, name, None))) for name in node._fields if name not in LEFT_OUT]
        fields = [f"{name}={text}" for name, text in texts if text not in ("None", NOTHING)]
        return f"{type(node).__name__}({','.join(fields)})"

    def sequence(self, nodes: list) -> str:
        return f"[{','.join(filter(None, map(self.text, nodes)))}]"

    def expression(self, node: ast.Expr) -> str:
        """An expression as a statement, but for a docstring, a log line and a call of what is called `system`."""
        if isinstance(node.value, ast.Constant):
            return ""
        called = self.text(node.value.func) if isinstance(node.value, ast.Call) else ""
        return "" if LOGGING.fullmatch(called) or OF_SYSTEM.fullmatch(called) else self.whole(node)

    def annotated(self, node: ast.AnnAssign) -> str:
        return "" if _of_system(node) else self.whole(ast.Assign(targets=[node.target], value=node.value))

    def call(self, node: ast.Call) -> str:
        keywords = [keyword for keyword in node.keywords if keyword.arg != SYSTEM]
        return self.whole(ast.Call(func=node.func, args=node.args, keywords=keywords))

    def parameters(self, node: ast.arguments) -> str:
        """The parameters of a function; `system` is one that is given by its name."""
        kept = [place for place, parameter in enumerate(node.kwonlyargs) if parameter.arg != SYSTEM]
        only = {name: [getattr(node, name)[place] for place in kept] for name in ("kwonlyargs", "kw_defaults")}
        return self.whole(ast.arguments(**dict(ast.iter_fields(node)) | only))

    def class_definition(self, node: ast.ClassDef) -> str:
        """A class with the annotations of its fields, which dataclasses and pydantic read."""
        fields = [part.annotation for part in node.body if isinstance(part, ast.AnnAssign) and not _of_system(part)]
        return self.whole(node) + ",".join(map(self.mentioned, fields))

    def mentioned(self, node: ast.AST) -> str:
        """The names in a part of the tree."""
        parts = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
        return " ".join(part.attr if isinstance(part, ast.Attribute) else self.text(part) for part in parts)


def _of_system(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id == SYSTEM


WRITERS: dict[type, Callable[[_Writer, Any], str]] = {
    list: _Writer.sequence,
    ast.Constant: lambda _, node: f"({node.value!r})",
    ast.Name: lambda writer, node: writer.names.get(node.id, node.id),
    ast.Attribute: lambda writer, node: f"{writer.text(node.value)}.{node.attr}",
    ast.Expr: _Writer.expression,
    ast.ClassDef: _Writer.class_definition,
    ast.AnnAssign: _Writer.annotated,
    ast.Call: _Writer.call,
    ast.arguments: _Writer.parameters,
    ast.Raise: lambda writer, node: f"Raise({writer.mentioned(node)})",
    **dict.fromkeys((ast.Import, ast.ImportFrom, ast.Pass), lambda *_: ""),
}
