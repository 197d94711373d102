"""The wheel: what it holds, its core in an empty environment, and a study outside any checkout.

Building takes setuptools from PyPI, as pip does; the core is downloaded, or comes from pip's cache.
"""

import shutil
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from support.installed import build_wheel, install, run, succeed
from support.project import ROOT, Project, jobs_in, small_study

pytestmark = pytest.mark.long
TABLE = "model,dataset,variant,log10_lr,log10_wd,seed,top1\nm,d,base,-1,-4,0,90\nm,d,base,-1,-3,0,89.8\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    return install(wheel, tmp_path_factory.mktemp("environment"))


def test_a_wheel_holds_the_package_and_the_workflow_and_nothing_else(wheel):
    package = {
        path.relative_to(ROOT / "workflow_scripts") for path in (ROOT / "workflow_scripts/prunescape").rglob("*")
    }
    expected = {str(path) for path in package if path.suffix in (".py", ".j2", ".csv")}
    patterns = ("Snakefile", "rules/**/*.*", "workflow_scripts/*.py", "envs/*.yaml", "profiles/*/*", "config/**/*.*")
    workflow = {path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)}
    expected |= {f"prunescape/workflow/{path}" for path in workflow}
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_core_alone_analyses_a_table(wheel, tmp_path):
    """In an empty environment, with the versions of the lock file; torch and Snakemake are not there."""
    venv.create(tmp_path / "empty", with_pip=True)
    programs = tmp_path / "empty" / "bin"
    succeed(programs / "pip", "install", "--quiet", "-c", ROOT / "requirements.lock", wheel, cwd=tmp_path)
    installed = succeed(programs / "pip", "list", "--format", "freeze", cwd=tmp_path).lower()
    assert "pandas==" in installed and not any(f"\n{name}==" in installed for name in ("torch", "snakemake", "optuna"))
    (tmp_path / "cells.csv").write_text(TABLE)
    succeed(programs / "prunescape", "analyse", "cells.csv", "--out", "analysis", cwd=tmp_path)
    assert (tmp_path / "analysis/report.html").stat().st_size > 10_000
    refused = run(programs / "prunescape", "run", cwd=tmp_path)
    hint = "pip install 'prunescape[workflow]'"
    assert refused.stdout == f"prunescape: error: this needs snakemake, which is not installed; hint: {hint}\n"


def test_a_study_runs_outside_any_checkout(environment, tmp_path):
    """Its results are a checkout's: there nothing is left to do, and the installed files are as they were."""
    study, package = small_study(study="tiny"), next(environment.parent.glob("lib/*/site-packages/prunescape"))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    before = set(package.rglob("*.*")) - set(package.rglob("*.pyc"))
    printed = succeed(environment / "prunescape", "run", "study.yaml", "--cores", "2", cwd=tmp_path)
    assert str(package / "workflow/profiles/default") in printed
    assert f"report: {tmp_path}/results/tiny/report.html" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"study.yaml", "results", ".snakemake"}
    assert set(package.rglob("*.*")) - set(package.rglob("*.pyc")) == before
    log = next(tmp_path.glob(".snakemake/log/*.log")).read_text()
    assert sum(job.startswith("train_cell") for job in jobs_in(log)) == 4
    again = succeed(environment / "prunescape", "resume", "study.yaml", "--cores", "2", cwd=tmp_path)
    assert "Nothing to be done" in again
    checkout = Project(tmp_path / "checkout", study)
    shutil.rmtree(checkout.work)
    for name in ("results", ".snakemake"):
        shutil.copytree(tmp_path / name, checkout.work / name, symlinks=True)
    assert checkout.planned() == set()


def test_a_study_that_is_included_is_known_by_its_name(environment, tmp_path):
    planned = succeed(environment / "prunescape", "run", "retune-factors", "-n", cwd=tmp_path)
    assert "rule train_cell" in planned
    assert "results/retune-factors/" in planned
    assert not (tmp_path / "results").exists()
