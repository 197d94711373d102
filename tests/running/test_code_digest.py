"""What a rule's code digest notices and what it does not, on a small tree of its own."""

import os

import pytest

from prunescape.running import code_digest as module

FILES = {
    "train_cell.py": '"""A script."""\nfrom prunescape.training import loop\nimport json\n',
    "prunescape/__init__.py": "",
    "prunescape/errors.py": "limit = 1\n",
    "prunescape/training/__init__.py": "",
    "prunescape/training/loop.py": (
        '"""A loop."""\n\nfrom prunescape.errors import limit\n\n\ndef train(rate: float) -> float:\n'
        '    """Train."""\n    # why\n    from prunescape.steps import step\n\n    return step(rate, 2)\n'
    ),
    "prunescape/training/page.j2": "a {# template #}",
    "prunescape/steps.py": "def step(rate, factor):\n    return rate * factor\n",
    "prunescape/unrelated.py": "a = 1\n",
    "prunescape/nets/__init__.py": "",
    "prunescape/nets/one.py": "width = 16\n",
    "prunescape/nets/two.py": "width = 32\n",
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """The small tree, standing where the real scripts stand; gives a function that edits a file and digests."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "SCRIPTS", tmp_path)

    def digest(file="train_cell.py", old="", new="", architecture="prunescape.nets.one"):
        path = tmp_path / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)
        for cached in (module.code_digest, module._tree, module._syntax):
            cached.cache_clear()
        found = module.code_digest("train_cell", architecture)
        path.write_text(text)
        return found

    yield digest
    for cached in (module.code_digest, module._tree, module._syntax):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train_cell.py", "A script", "Another script"),
        ("prunescape/training/loop.py", '"""Train."""', '"""Train it."""'),
        ("prunescape/training/loop.py", '    """Train."""\n', ""),
        ("prunescape/training/loop.py", "# why", "# therefore"),
        ("prunescape/training/loop.py", "return step(rate, 2)", "return step(\n        rate,\n        2,\n    )"),
        ("prunescape/unrelated.py", "a = 1", "a = 2"),
        ("prunescape/nets/two.py", "32", "64"),
        ("prunescape/errors.py", "limit = 1", "limit = 2"),
    ],
)
def test_what_cannot_change_a_result_changes_no_digest(tree, file, old, new):
    assert tree(file, old, new) == tree()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train_cell.py", "import json", "import json, math"),
        ("prunescape/training/loop.py", "step(rate, 2)", "step(rate, 3)"),
        ("prunescape/training/loop.py", "step(rate, 2)", "step(rate, None)"),
        ("prunescape/training/__init__.py", "", "x = 1\n"),
        ("prunescape/training/page.j2", "template", "page"),
        ("prunescape/steps.py", "rate * factor", "rate + factor"),
        ("prunescape/nets/one.py", "16", "8"),
    ],
)
def test_what_can_change_a_result_changes_the_digest(tree, file, old, new):
    assert tree(file, old, new) != tree()


def test_empty_constants_differ_from_each_other(tree):
    digests = {tree("prunescape/steps.py", "rate * factor", value) for value in ("None", "''", "0", "False", "[]")}
    assert len(digests) == 5


def test_each_architecture_has_its_own_digest(tree):
    assert tree(architecture="prunescape.nets.one") != tree(architecture="prunescape.nets.two")


@pytest.mark.parametrize("before", ["", "/elsewhere", "{own}:/elsewhere"])
def test_jobs_import_this_checkouts_package_first(monkeypatch, before):
    monkeypatch.setenv("PYTHONPATH", before.format(own=module.SCRIPTS))
    module.run_jobs_with_this_code()
    others = ["/elsewhere"] if "elsewhere" in before else []
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(module.SCRIPTS), *others]
