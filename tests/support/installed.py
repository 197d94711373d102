"""The wheel of this checkout, and environments that have it installed. Building takes setuptools from PyPI."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from support.project import ROOT, WORKFLOW_PARTS

METADATA = ("MANIFEST.in", "README.md", "LICENSE", "pyproject.toml", "setup.py")
JUNK = ("results/x/report.html", ".snakemake/log/x.log", "build/lib/prunescape/old.py", "config/notes.txt")


def run(*command: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command without this checkout on Python's path; what it printed is one text."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
    printed = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=environment, **printed)


def succeed(*command: object, cwd: Path, **more: str) -> str:
    """What a command printed that ended well; the test fails with it otherwise."""
    done = run(*command, cwd=cwd, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


def build_wheel(folder: Path) -> Path:
    """The wheel of a copy of this checkout in which people have worked."""
    source, ignored = folder / "source", shutil.ignore_patterns("*.egg-info")
    for part in (*WORKFLOW_PARTS, *METADATA):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=ignored)
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, source / part)
    for file in JUNK:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).touch()
    succeed(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "wheel", source, cwd=source)
    return next((folder / "wheel").glob("*.whl"))


def install(wheel: Path, folder: Path) -> Path:
    """The programs of an environment with the wheel, and with this one's other packages instead of a second torch."""
    venv.create(folder, with_pip=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))  # without this one's editable prunescape
    succeed(folder / "bin/pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    return folder / "bin"
