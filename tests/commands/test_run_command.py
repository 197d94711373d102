"""What `prunescape run` makes of a command line: where the workflow lies, which study, what is left out."""

from pathlib import Path

import pytest

from prunescape.commands import runs
from prunescape.commands.runs import snakemake_command
from prunescape.errors import InputError
from support.project import ROOT

SNAKEFILE = ("--snakefile", str(ROOT / "Snakefile"))
ALL = ("--cores", "all")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder outside any checkout, with two configs."""
    monkeypatch.chdir(tmp_path)
    for name in ("study.yaml", "study.json"):
        (tmp_path / name).touch()
    return tmp_path


def words(*arguments):
    """What follows `python -m snakemake`."""
    return tuple(snakemake_command(list(arguments))[3:])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), (*SNAKEFILE, *ALL)),
        (("study.yaml",), (*SNAKEFILE, *ALL, "--configfile", "study.yaml")),
        (("study.json",), (*SNAKEFILE, *ALL, "--configfile", "study.json")),
        (("results/digits/manifest.json",), (*SNAKEFILE, *ALL, "results/digits/manifest.json")),
        (("-n", "study.yaml", "cells"), (*SNAKEFILE, *ALL, "-n", "cells", "--configfile", "study.yaml")),
        (("study.yaml", "-c2"), (*SNAKEFILE, "-c2", "--configfile", "study.yaml")),
        (("digits",), (*SNAKEFILE, *ALL, "--configfile", str(ROOT / "config/config.yaml"))),
        (("liao2022",), (*SNAKEFILE, *ALL, "--configfile", str(ROOT / "config/studies/liao2022.yaml"))),
        (("results/digits/report.html",), (*SNAKEFILE, *ALL, "results/digits/report.html")),
        (("--snakefile", "own/Snakefile", "-j3"), ("--snakefile", "own/Snakefile", "-j3")),
        (("--configfile", "study.yaml"), (*SNAKEFILE, *ALL, "--configfile", "study.yaml")),
        (("--profile", "slurm"), (*SNAKEFILE, "--profile", str(ROOT / "profiles/slurm"))),
        (("--profile=slurm", "-n"), (*SNAKEFILE, f"--profile={ROOT / 'profiles/slurm'}", "-n")),
        (("--profile", "own"), (*SNAKEFILE, "--profile", "own")),
    ],
    ids=" ".join,
)
def test_what_is_left_out_is_filled_in(arguments, expected, elsewhere):
    assert words(*arguments) == expected


def test_a_profile_of_the_folder_itself_comes_first(elsewhere):
    Path("slurm").mkdir()
    assert words("--profile", "slurm") == (*SNAKEFILE, "--profile", "slurm")


def test_in_a_checkout_its_own_files_are_run(tmp_path, monkeypatch):
    (tmp_path / "workflow_scripts" / "prunescape").mkdir(parents=True)
    (tmp_path / "config/studies").mkdir(parents=True)
    for file in ("Snakefile", "config/studies/own.yaml"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    assert words("own", "-c1") == ("-c1", "--configfile", str(tmp_path / "config/studies/own.yaml"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fashon-mnist",), r'there is no study "fashon-mnist"; allowed: .*digits, .*did you mean "fashion-mnist"'),
        (("studdy.yaml",), "studdy.yaml: there is no such config"),
        (("own/studdy.json",), "own/studdy.json: there is no such config"),
        (("digits", "study.yaml"), "more than one study is named: digits, study.yaml"),
        (("digits", "--configfile", "study.yaml"), "more than one study is named: digits, study.yaml"),
        (("study.yaml", "study.yaml"), "more than one study is named: study.yaml, study.yaml"),
        (("study.yaml", "tuen"), 'there is no study "tuen"; .*did you mean "tune"'),
        (("--cores", "x"), "number of cores .*; allowed: all, or a number from 1"),
        (("--cores=-1",), "--cores: -1 cannot be used"),
        (("--cors", "3"), "unrecognized arguments: --cors; hint: snakemake --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_arguments_are_one_line(arguments, said, elsewhere):
    with pytest.raises(InputError, match=said):
        words(*arguments)


def test_slurm_without_its_plugin_says_what_to_install(elsewhere, monkeypatch):
    absent = "snakemake_executor_plugin_slurm"
    monkeypatch.setattr(runs, "find_spec", lambda name: None if name == absent else name)
    with pytest.raises(InputError, match=r"pip install 'prunescape\[slurm\]'"):
        words("--profile", "slurm")
