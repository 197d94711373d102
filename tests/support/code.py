"""What code calls, and what a new Python loads when it runs some."""

import ast
import subprocess
import sys
from pathlib import Path

from support.project import SCRIPTS


def calls_in(path: Path) -> list[tuple[str, str, ast.Call]]:
    """(owner, name, node) of every call in a file: os.system gives os, system."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            owner = getattr(getattr(function, "value", None), "id", "") if isinstance(function, ast.Attribute) else ""
            found.append((owner, name, node))
    return found


def loaded_by(statements: str, *modules: str) -> set[str]:
    """Which of `modules` a new Python has loaded after these statements of ours."""
    code = f"import sys; {statements}; print(); print(*({set(modules)!r} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())
