"""What a rule's code digest notices and what it does not, on a small tree of its own and on a copy of the real one."""

import os
import re
import shutil

import pytest

from prunescape.running import code_digest as module

LOOP = '''"""A loop."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from torch.nn import functional

from prunescape import nets
from prunescape.errors import InputError, limit

if TYPE_CHECKING:
    from prunescape.unrelated import a

logger = logging.getLogger()


@dataclass(frozen=True)
class Rates:
    """Rates."""

    first: Annotated[float, limit(1)] = 0.5
    # field


def train(rate: float, momentum=0.9) -> float:
    """Train."""
    # why
    from prunescape.other_steps import step as other
    from prunescape.steps import step

    losses: list[a] = []
    if rate > limit:
        raise InputError(f"{rate} is too high")
    rate = functional.relu(step(rate, 2))
    print(f"rate {rate}")
    logger.info("rate")
    losses.append(other(rate, factor=3))
    losses.append(nets.scale(rate))
    return losses[-1]
'''
NETS = """from importlib import import_module


def scale(name):
    return import_module(f"prunescape.nets.{name}")
"""
FILES = {
    "train_cell.py": '"""A script."""\nfrom prunescape.training import loop\nimport json\n\nloop.train(1)\n',
    "prunescape/__init__.py": "",
    "prunescape/errors.py": "limit = 1\n",
    "prunescape/training/__init__.py": '"""Training."""',
    "prunescape/training/loop.py": LOOP,
    "prunescape/nets/page.j2": "a {# template #}",
    "prunescape/training/system.py": "def a(rate):\n    return rate\n",
    "prunescape/steps.py": "def step(rate, factor):\n    return rate * factor\n",
    "prunescape/other_steps.py": "def step(rate, factor):\n    return rate - factor\n",
    "prunescape/unrelated.py": "a = 1\n",
    "prunescape/nets/__init__.py": NETS,
    "prunescape/nets/one.py": "width = 16\n",
    "prunescape/nets/two.py": "width = 32\n",
}
SCRIPT, TRAINING, STEPS = "train_cell.py", "prunescape/training/loop.py", "prunescape/steps.py"


class Tree:
    """A folder of scripts and modules; the module under test looks there."""

    def __init__(self, folder):
        self.folder = folder

    def digest(self, *roots):
        """The digest of a script and an architecture, or of other roots, as a new process would find it."""
        forget()
        return module.code_digest(*(roots or ("train_cell", "prunescape.nets.one")))

    def edit(self, file, old, new):
        """Replace one piece of a file, or add to its end; fails when the piece is not there."""
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        text = path.read_text() if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)

    def move(self, old, new):
        """Give a module or a folder of modules another full name, there and wherever it is imported."""
        source, target = (self.folder.joinpath(*name.split(".")) for name in (old, new))
        ending = "" if source.is_dir() else ".py"
        target.parent.mkdir(exist_ok=True)
        (target.parent / "__init__.py").touch()
        source.with_suffix(ending).rename(target.with_suffix(ending))
        (above, name), (new_above, new_name) = old.rsplit(".", 1), new.rsplit(".", 1)
        line, new_line = f"from {above} import {name}\n", f"from {new_above} import {new_name} as {name}\n"
        for path in self.folder.rglob("*.py"):
            path.write_text(path.read_text().replace(line, new_line).replace(old, new))


def forget():
    """Let the module read all files again."""
    for cached in vars(module).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def use(monkeypatch, scripts, modules=None):
    """Let the module read scripts, and modules of the package, in other folders."""
    monkeypatch.setattr(module, "SCRIPTS", scripts)
    monkeypatch.setattr(module, "MODULES", modules or scripts)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    use(monkeypatch, tmp_path)
    yield Tree(tmp_path)
    forget()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the real scripts and modules."""
    shutil.copytree(module.SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    use(monkeypatch, tmp_path / "scripts")
    yield Tree(tmp_path / "scripts")
    forget()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SCRIPT, "A script", "Another script"),
        (SCRIPT, "import json", "import json, math"),
        ("prunescape/training/__init__.py", "Training", "How one trains"),
        ("prunescape/rooms/__init__.py", "", "x = 1\n"),
        ("prunescape/unrelated.py", "a = 1", "a = 2"),
        ("prunescape/nets/two.py", "32", "64"),
        ("prunescape/errors.py", "limit = 1", "limit = 2"),
        (TRAINING, '"""Train."""', '"""Train it."""'),
        (TRAINING, '    """Train."""\n', ""),
        (TRAINING, "# why", "# therefore"),
        (TRAINING, "step(rate, 2)", "step(\n        rate,\n        2,\n    )"),
        (TRAINING, "from torch.nn import functional", "import torch.nn.functional as functional"),
        (TRAINING, "import InputError, limit", "import limit, InputError"),
        (TRAINING, 'print(f"rate {rate}")', 'print("at", rate, flush=True)'),
        (TRAINING, '    print(f"rate {rate}")\n', ""),
        (TRAINING, 'logger.info("rate")', 'logger.warning("the rate")'),
        (TRAINING, "is too high", "is above the limit"),
        (TRAINING, "rate: float, momentum=0.9) -> float", "rate: int, momentum: float = 0.9)"),
        (TRAINING, "losses: list[a]", "losses: list[float]"),
        (TRAINING, "losses: list[a]", "losses"),
        (TRAINING, "limit(1)", "limit(2)"),
        (TRAINING, "= 0.5\n", '= 0.5\n    """Of a step."""\n'),
        (TRAINING, "    # field", "    system: a | None = None"),
        (TRAINING, "momentum=0.9)", "momentum=0.9, *, system=None)"),
        (TRAINING, "factor=3", "factor=3, system=nets.scale(rate)"),
        (TRAINING, "    losses.append(nets", "    rate.system.note(losses)\n    losses.append(nets"),
        (
            TRAINING,
            "    losses.append(nets",
            "    from prunescape.training.system import a\n    a(rate)\n    losses.append(nets",
        ),
        ("prunescape/training/system.py", "return rate", "return None"),
        (TRAINING, "    from prunescape.unrelated import a", "    from prunescape.nets.two import width as a"),
    ],
)
def test_what_cannot_change_a_result_changes_no_digest(tree, file, old, new):
    before = tree.digest()
    tree.edit(file, old, new)
    assert tree.digest() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SCRIPT, "import json", "import json\nimport prunescape.unrelated"),
        ("prunescape/training/__init__.py", "", "\nx = 1\n"),
        ("prunescape/nets/page.j2", "template", "page"),
        ("prunescape/nets/one.py", "16", "8"),
        (STEPS, "rate * factor", "rate + factor"),
        (TRAINING, "step(rate, 2)", "step(rate, 3)"),
        (TRAINING, "step(rate, 2)", "step(2, rate)"),
        (TRAINING, "step(rate, 2)", "step(rate, None)"),
        (TRAINING, "momentum=0.9", "momentum=0.8"),
        (TRAINING, "momentum=0.9", "momentum"),
        (TRAINING, "factor=3", "other=3"),
        (TRAINING, "relu(step(rate, 2))", "relu(rate)"),
        (TRAINING, "rate > limit", "rate >= limit"),
        (TRAINING, "rate > limit", "not rate > limit"),
        (TRAINING, "raise InputError", "return InputError"),
        (TRAINING, "raise InputError", "raise limit"),
        (TRAINING, "frozen=True", "frozen=False"),
        (TRAINING, "@dataclass(frozen=True)\n", ""),
        (TRAINING, "= 0.5", "= 0.4"),
        (TRAINING, "first: Annotated[float", "first: Annotated[int"),
        (TRAINING, "    # field", "    systems: a | None = None"),
        (TRAINING, "factor=3", "factor=3, systems=1"),
        (TRAINING, "losses.append(other", "losses.systems.append(other"),
        (TRAINING, "momentum=0.9)", "momentum=0.9, *, systems=None)"),
        (TRAINING, "momentum=0.9)", "momentum=0.9, system=None)"),
        (TRAINING, "rate > limit", "rate > rate.system.limit()"),
        (TRAINING, "def train", "@nets.scale\ndef train"),
        (TRAINING, "losses[-1]", "losses[0]"),
        (TRAINING, "from torch.nn import functional", "from torch import functional"),
        (TRAINING, "from prunescape.steps import step", "from prunescape.other_steps import step"),
        (TRAINING, "from prunescape.steps import step", "from prunescape.steps import other_step as step"),
        (TRAINING, "import InputError, limit", "import InputError, upper as limit"),
        (
            TRAINING,
            "    losses.append(other(rate, factor=3))\n    losses.append(nets.scale(rate))\n",
            "    losses.append(nets.scale(rate))\n    losses.append(other(rate, factor=3))\n",
        ),
    ],
)
def test_what_can_change_a_result_changes_the_digest(tree, file, old, new):
    before = tree.digest()
    tree.edit(file, old, new)
    assert tree.digest() != before


@pytest.mark.parametrize(
    ("old", "new", "architecture"),
    [
        ("prunescape.steps", "prunescape.updates", "prunescape.nets.one"),
        ("prunescape.steps", "prunescape.training.steps", "prunescape.nets.one"),
        ("prunescape.steps", "prunescape.updates.steps", "prunescape.nets.one"),
        ("prunescape.training.loop", "prunescape.looping", "prunescape.nets.one"),
        ("prunescape.training", "prunescape.learning", "prunescape.nets.one"),
        ("prunescape.nets", "prunescape.models", "prunescape.models.one"),
    ],
)
def test_a_moved_or_renamed_module_changes_no_digest(tree, old, new, architecture):
    before = tree.digest()
    tree.move(old, new)
    assert tree.digest("train_cell", architecture) == before


def test_two_modules_that_change_places_change_the_digest(tree):
    before, folder = tree.digest(), tree.folder / "prunescape"
    one, other = (folder / name for name in ("steps.py", "other_steps.py"))
    texts = one.read_text(), other.read_text()
    other.write_text(texts[0])
    one.write_text(texts[1])
    assert tree.digest() != before


def test_empty_constants_differ_from_each_other(tree):
    digests = set()
    for old, new in zip(("rate * factor", "None", "''", "0", "False"), ("None", "''", "0", "False", "[]"), strict=True):
        tree.edit(STEPS, old, new)
        digests.add(tree.digest())
    assert len(digests) == 5


def test_each_architecture_has_its_own_digest(tree):
    assert tree.digest("train_cell", "prunescape.nets.one") != tree.digest("train_cell", "prunescape.nets.two")


def test_a_root_that_does_not_exist_is_refused(tree):
    with pytest.raises(ValueError, match=r"prunescape\.nets\.three"):
        tree.digest("train_cell", "prunescape.nets.three")


def test_what_has_no_influence_exists():
    assert all(module._file_of(name) for name in (*module.WITHOUT_INFLUENCE, *module.PROCESSES))


def test_the_digests_of_all_scripts_differ():
    scripts = [path.stem for path in module.SCRIPTS.glob("*.py")]
    assert len({module.code_digest(script) for script in scripts}) == len(scripts)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prunescape.training.step", "prunescape.training.stepping"),
        ("prunescape.store.records", "prunescape.training.values"),
        ("prunescape.space.cells", "prunescape.space.points"),
        ("prunescape.tasks", "prunescape.learning"),
    ],
)
def test_a_module_of_the_package_may_move(package, old, new):
    before = package.digest("train_cell"), package.digest("prepare_data"), package.digest("plan_variant")
    package.move(old, new)
    assert (package.digest("train_cell"), package.digest("prepare_data"), package.digest("plan_variant")) == before


@pytest.mark.parametrize(
    ("folder", "name", "old", "new"),
    [
        ("training/optimisers", "sgd", "SGD", "Other"),
        ("training/losses", "poisson", "EPSILON).log", "EPSILON).log2"),
        ("tasks/images/augmentations", "mixup", "0.2", "0.3"),
        ("training/internal", "int8_aware", "SHARE = 0.01", "SHARE = 0.02"),
    ],
)
def test_each_level_that_is_loaded_by_name_has_its_own_digest(package, folder, name, old, new):
    """A new one, and its name among the levels, retrains nothing that another trained; a changed one does."""
    place, module = package.folder / "prunescape" / folder, f"prunescape.{folder.replace('/', '.')}"
    roots = "train_cell", f"{module}.{name}", "prunescape.tasks.images.task"
    before, others = package.digest(*roots), package.digest(*roots[::2])
    text = (place / f"{name}.py").read_text()
    (place / "other.py").write_text(text.replace(old, new))
    package.edit("prunescape/space/levels.py", '"sgd", ', '"sgd", "other", ')
    assert package.digest(*roots) == before
    assert package.digest(roots[0], f"{module}.other", roots[2]) not in (before, others)
    package.edit(f"prunescape/{folder}/{name}.py", old, new)
    assert package.digest(*roots) != before and package.digest(*roots[::2]) == others


def test_a_new_model_or_score_plans_and_trains_nothing_again(package):
    scripts = ("plan_variant", "train_cell", "plan_round", "choose_exports", "collect_study")
    before = [package.digest(script) for script in scripts]
    package.edit(
        "prunescape/config/models.py", '"image_cnn": "image_cnn"', '"other": "image_cnn", "image_cnn": "image_cnn"'
    )
    package.edit("prunescape/config/models.py", '"random")', '"random", "other")')
    assert [package.digest(script) for script in scripts] == before


def test_a_new_pipeline_plans_and_trains_nothing_again(package):
    before = package.digest("train_cell"), package.digest("plan_variant")
    package.edit(
        "prunescape/space/pipelines.py",
        '    "restart": ',
        '    "other": Pipeline(lambda _: "recipe"),\n    "restart": ',
    )
    assert (package.digest("train_cell"), package.digest("plan_variant")) == before


def test_a_mended_description_of_a_column_changes_only_the_table_that_holds_it(package):
    others = ("train_cell", "analyse_cells", "export_onnx")
    before, table = [package.digest(script) for script in others], package.digest("collect_study")
    package.edit("prunescape/analysis/study_tables.py", "number of classes", "how many classes there are")
    assert [package.digest(script) for script in others] == before
    assert package.digest("collect_study") != table


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (
            "space/recipe.py",
            'Meaning("momentum", "linear", stackable=True, when=VELOCITY)] = 0.9',
            'Meaning("momentum", "linear", stackable=True, when=VELOCITY)] = 0.8',
        ),
        ("training/optimisers/sgd.py", '"dampening": 0', '"dampening": 0.1'),
        ("training/optimisers/sgd.py", "    @torch.no_grad()\n", ""),
        ("training/step.py", ".backward()", ".backward(retain_graph=True)"),
        ("tasks/classification.py", "network.eval()", "network.train()"),
        ("pruning/retraining.py", "range(recipe.epochs)", "range(1, recipe.epochs)"),
        ("models/build.py", "torch.manual_seed(seed)", "torch.manual_seed(seed + 1)"),
    ],
)
def test_an_edited_training_changes_the_digest_of_training(package, file, old, new):
    roots = "train_cell", "prunescape.training.optimisers.sgd", "prunescape.tasks.images.task"
    before = package.digest(*roots)
    package.edit(f"prunescape/{file}", old, new)
    assert package.digest(*roots) != before


def test_an_installed_workflow_has_the_digests_of_a_checkout(package, tmp_path, monkeypatch):
    """There the scripts are below the package, so a study goes on with either and trains nothing again."""
    roots = ("train_cell", "prunescape.tasks.images.task", "write_report")
    before = package.digest(*roots)
    scripts = tmp_path / "site-packages" / "prunescape" / "workflow" / "workflow_scripts"
    shutil.copytree(tmp_path / "scripts" / "prunescape", scripts.parents[1])
    shutil.copytree(tmp_path / "scripts", scripts, ignore=shutil.ignore_patterns("prunescape"))
    use(monkeypatch, scripts, tmp_path / "site-packages")
    assert package.digest(*roots) == before


def test_nothing_reads_the_annotations_of_functions():
    """Else they would decide: digests leave them out. The recipe reads those of its fields, which a digest has."""
    readers = re.compile(r"get_type_hints|__annotations__|get_annotations|singledispatch|validate_call")
    found = {path.name for path in module.SCRIPTS.rglob("*.py") if readers.search(path.read_text())}
    assert found == {"recipe.py"}


@pytest.mark.parametrize("before", ["", "/elsewhere", "{own}:/elsewhere"])
def test_jobs_import_this_checkouts_package_first(monkeypatch, before):
    monkeypatch.setenv("PYTHONPATH", before.format(own=module.SCRIPTS))
    module.run_jobs_with_this_code()
    others = ["/elsewhere"] if "elsewhere" in before else []
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(module.SCRIPTS), *others]
