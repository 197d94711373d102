"""Names of files made from a user's texts fit the 255 bytes of a file system and stay apart."""

import os
import random
import string

import pytest

from prunescape.commands.arguments import folder
from prunescape.errors import InputError
from prunescape.present.figures.figure import file_name
from prunescape.store.files import is_path, short_name, whole_file
from support.project import Project, experiment


@pytest.mark.parametrize("letter", ["x", "é", "漢"], ids=ascii)
def test_long_names_are_shortened_and_stay_apart(tmp_path, letter):
    names = [short_name(letter * 300 + end) for end in ("a", "b")]
    assert len(set(names)) == 2 and all(len(name.encode()) <= 200 for name in names)
    for name in names:
        with whole_file(tmp_path / f"{name}.fragment.html") as temporary:
            temporary.write_text("x")
    assert len(os.listdir(tmp_path)) == 2


def test_a_path_may_have_no_longer_name_than_the_system_takes(tmp_path):
    """Of names in a folder that is there, the system itself is the judge."""
    most = os.pathconf(tmp_path, "PC_NAME_MAX")
    assert is_path(f"{tmp_path}/{'a' * most}") and is_path(f"missing/{'a' * most}/b")
    for name in ("a" * (most + 1), "é" * (most // 2 + 1)):
        with pytest.raises(OSError, match="File name too long"):
            (tmp_path / name).touch()
        for place in (tmp_path / name, f"{tmp_path}/missing/{name}/b", f"missing/{name}"):
            assert not is_path(str(place))
            with pytest.raises(InputError, match=r"is no path; allowed: the path of a folder$"):
                folder(str(place))
    assert not is_path("a\0b") and not is_path("a/" * os.pathconf(tmp_path, "PC_PATH_MAX"))


def test_names_that_fit_stay_and_changed_ones_are_marked():
    assert short_name("experiment=e,variant=base") == "experiment=e,variant=base"
    assert file_name("landscape", "d-m", "top1") == "landscape-d-m-top1"
    changed = [file_name("risk", name) for name in ("d/m", "d m", "d-m")]
    assert len(set(changed)) == 3 and all(name.startswith("risk-d-m") for name in changed)


@pytest.mark.long
def test_a_study_of_the_longest_names_runs(tmp_path):
    """100 letters each, as the config allows, and four axes of long numbers."""
    letters = random.Random(1)  # repeated letters are a period to Snakemake
    study, name, target = ("".join(letters.choices(string.ascii_lowercase, k=100)) for _ in range(3))
    prior = {"log10_lr": -1.12345678901, "log10_wd": -4.12345678901, "momentum": 0.91234567890123, "decay": 0.112345678}
    grid = {axis: [value] for axis, value in prior.items()}
    recipe = {"epochs": 1, "batch_size": 50, "schedule": "step", "milestones": []}
    experiments = {name: experiment(variants={"uniform": [0.512345]}, prior=prior, grid=grid, recipe=recipe)}
    data, targets = {"digits": {"train": 100, "test": 50}}, {target: {"repeats": 3, "chunk_seconds": 0.01}}
    project = Project(tmp_path, {"study": study, "datasets": data, "experiments": experiments, "targets": targets})
    done = project.snakemake()
    assert done.returncode == 0, done.stdout
    assert (project.work / "results" / study / "report.html").exists()
