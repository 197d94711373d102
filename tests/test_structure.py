"""The house keeps its order: imports point down, torch stays in its rooms, pins agree, scripts and rules match."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from prunescape.commands.extras import PACKAGES

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow_scripts"
PACKAGE = SCRIPTS / "prunescape"
# From the ground up, as docs and README name the rooms: a module may import its own room and those below it.
ROOMS = (
    *("errors", "store", "space", "config", "tasks", "models", "pruning", "training", "deploy", "measure"),
    *("analysis", "designs", "present", "running", "commands"),
)
TORCH_ROOMS = ("tasks/", "models/", "pruning/", "training/", "deploy/")


def room_of(module: str) -> int:
    """The place of a module's room (dotted, without the package's name), counted from the ground."""
    return ROOMS.index(module.split(".")[0])


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for name in imports_of(path):
        if name.startswith("prunescape."):
            other = name.removeprefix("prunescape.")
            assert room_of(other) <= room_of(own), f"{own} imports {other}, which is above it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_torch_stays_in_its_rooms(path):
    if not str(path.relative_to(PACKAGE)).startswith(TORCH_ROOMS):
        assert not {name.split(".")[0] for name in imports_of(path)} & {"torch", "torchvision", "torch_pruning"}


def test_every_rule_has_the_script_of_its_name_and_no_script_imports_another():
    rules = [rule for file in sorted((ROOT / "rules").glob("*.smk")) for rule in scripts_of_rules(file)]
    assert rules
    assert all(rule == script for rule, script in rules), rules
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    assert {script for _, script in rules} == scripts
    for path in SCRIPTS.glob("*.py"):
        assert not imports_of(path) & scripts


def scripts_of_rules(file: Path) -> list[tuple[str, str]]:
    """(rule, script) for every rule of a file that runs a script."""
    blocks = re.split(r"^(?:rule|checkpoint) ", file.read_text(), flags=re.MULTILINE)[1:]
    names = [(block.split(":", 1)[0], re.search(r"workflow_scripts/(\w+)\.py", block)) for block in blocks]
    return [(rule, script[1]) for rule, script in names if script]


def test_the_snakefile_stays_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60


def pins() -> dict[str, str]:
    """The exact version of each package in the lock file."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda file: file.stem)
def test_conda_environments_pin_what_the_lock_file_pins(file):
    pip = next(item["pip"] for item in yaml.safe_load(file.read_text())["dependencies"] if isinstance(item, dict))
    assert pip
    assert set(pip) <= {f"{name}=={version}" for name, version in pins().items()}


def requirements() -> list[Requirement]:
    """Everything that pyproject.toml asks for, its own extras left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [requirement for requirement in map(Requirement, asked) if requirement.name != "prunescape"]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_every_dependency_has_bounds_and_the_lock_file_a_version_within(requirement):
    assert {part.operator for part in requirement.specifier} in ({">=", "<"}, {">="}, {"=="})  # packaging counts years
    assert pins()[requirement.name] in requirement.specifier


def test_the_lock_file_pins_each_package_once_and_exactly():
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line) for line in lines)
    assert lines == sorted(lines)
    assert len(pins()) == len(lines)


def test_what_a_missing_package_is_called_agrees_with_the_extra():
    """The one line that names the extra `workflow` knows everything in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {Requirement(line).name for line in project["optional-dependencies"]["workflow"]}
    assert set(PACKAGES.values()) == extra


def test_no_two_files_of_tests_have_one_name():
    """pytest imports them by name, and stops at the second."""
    names = [path.name for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    assert [name for name in set(names) if names.count(name) > 1] == []
