"""SECURITY.md's claims: no shell, no pickle but one, no unpacking, nothing of the environment in any result."""

from __future__ import annotations

import ast
import copy
import re
import shlex
import subprocess

import numpy as np
import pytest
from PIL import Image

from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.code import calls_in
from support.project import ROOT, TINY_STUDY, Project, experiment, small_study

CODE = sorted([*(ROOT / "workflow_scripts").rglob("*.py"), *(ROOT / "slurm").rglob("*.py")])
RULES = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
ODD = """it's "odd" $(touch pwned); `touch pwned` & x"""
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "system", "popen", "getoutput", "getstatusoutput"),
    *("extractall", "extract", "unpack_archive", "unsafe_load", "full_load", "load_all", "Unpickler", "read_pickle"),
}
OWNERS = {"re", "self", "network", "nn", "torch"}  # re.compile, network.eval, torch.compile of a network
PICKLE = ("prunescape/tasks/images/readers.py", "loads")


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_no_shell_no_pickle_no_unpacking(path):
    for owner, name, node in calls_in(path):
        where = f"{path}:{node.lineno}"
        keywords = {word.arg: word.value for word in node.keywords}
        assert not (name in FORBIDDEN and owner not in OWNERS and not is_network(owner, name, node)), where
        assert "shell" not in keywords, where
        if owner in ("pickle", "torch", "marshal", "shelve", "joblib", "dill"):
            known = owner == "pickle" and str(path).endswith(PICKLE[0]) and name == PICKLE[1]
            tensors = (owner, name) == ("torch", "load") and ast.unparse(keywords["weights_only"]) == "True"
            assert name not in ("load", "loads", "open") or known or tensors, where
        if (owner, name) == ("np", "load"):
            assert isinstance(keywords.get("allow_pickle"), ast.Constant) and not keywords["allow_pickle"].value, where
        if (owner, name) == ("yaml", "load"):
            assert ast.unparse(node.args[1]) == "OnceLoader", where


def is_network(owner: str, name: str, node: ast.Call) -> bool:
    """`x.eval()` of a network takes no argument; Python's own takes one."""
    return name == "eval" and isinstance(node.func, ast.Attribute) and not node.args


def test_the_yaml_loader_is_a_safe_one():
    import yaml

    from prunescape.config.source import OnceLoader

    assert issubclass(OnceLoader, yaml.SafeLoader)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rules_run_scripts_and_no_shell(path):
    assert not re.search(r"^\s*(shell|run):|os\.system|subprocess|shell\(", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["$(touch x)", "it's", 'a"b', "a b", "a/b", "../up", "a\nb", "a;b", "{x}"])
def test_names_that_become_paths_have_a_fixed_alphabet(name):
    study = copy.deepcopy(TINY_STUDY)
    with pytest.raises(InputError, match="allowed"):
        load_study(study | {"study": name}, "config")
    study["experiments"] = {name: study["experiments"]["small"]}
    with pytest.raises(InputError, match="allowed"):
        load_study(study, "config")


def test_remote_paths_reach_a_shell_as_one_word(tmp_path):
    from prunescape.measure.ssh import _remote_path

    for path in (f"/data/{ODD}", f"~/{ODD}"):
        script = f"printf %s {_remote_path(path)}"
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"HOME": "/h"}, capture_output=True, text=True)
        assert done.stdout == path.replace("~", "/h", 1)
    assert list(tmp_path.iterdir()) == []
    assert shlex.split(_remote_path("/a b")) == ["/a b"]


@pytest.mark.long
def test_odd_folders_and_images_run_nothing_and_a_secret_shows_nowhere(tmp_path, monkeypatch):
    """A study of images with odd names, in a folder with an odd name, with a secret in the environment."""
    secret = "s3cr3t-4711"
    monkeypatch.setenv("PRUNESCAPE_TEST_TOKEN", secret)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    images = tmp_path / f"{ODD}\nimages"
    draw = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 4)):
        for label in ("$(touch pwned)", "b's"):
            folder = images / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                name = f"{number} `touch pwned` \"q\" 'q';\n.png"
                Image.fromarray(draw.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(folder / name)
    odd = {"format": "image-folder", "folder": str(images), "resize": 10, "size": 8}
    project = Project(tmp_path / "plain", small_study(experiment(dataset="odd"), datasets={"odd": odd}))
    project.work = tmp_path / ODD
    project.work.mkdir()
    output = project.run()
    assert "report.html" in output and secret not in output
    assert not list(tmp_path.rglob("pwned"))
    for path in project.work.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_checkout_whose_path_snakemake_would_misread_is_refused(tmp_path):
    project = Project(tmp_path / "a {b}", TINY_STUDY)
    done = project.snakemake("--dry-run")
    assert done.returncode != 0
    assert "error:" in done.stdout and "braces" in done.stdout and "Traceback" not in done.stdout
