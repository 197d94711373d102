"""Without the extra `workflow`: what analyses and measures works, what trains says in one line how to install it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from prunescape.commands.extras import OF_UNIX, PACKAGES
from support.onnx_files import write_product
from support.project import SCRIPTS
from support.searches import curve_rows, drawn_scores, write_study

# the light commands run in one process, which imports everything once
RUN = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from prunescape.commands.cli import main
sys.platform = {platform!r}  # Python's own modules are loaded by now
for command in {commands!r}:
    try:
        status = main(command.split())
    except SystemExit as end:
        status = end.code or 0
    if status:
        sys.exit(f"{{command}}: status {{status}}")
"""
TRAINING = sorted(PACKAGES)
LIGHT = (
    "schema",
    "analyse cells.csv --out analysis",
    "factors cells.csv --of top1 --out factors",
    "arms cells.csv --arm arm --rank-by top1 --of top1 --out arms",
    "tune --replay study --searches 20 --strategies grid random --out searches",
    "bench product.onnx --repeats 2",
    "verify study",
    "init own",
    "--help",
    *(f"{name} --help" for name in ("analyse", "factors", "arms", "tune", "bench", "summary", "prune", "resume")),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table of cells, the tables of a study, and an ONNX file."""
    folder = tmp_path_factory.mktemp("light")
    random, lines = np.random.default_rng(0), ["model,dataset,variant,log10_lr,log10_wd,seed,arm,top1"]
    for variant, lr, wd, seed in np.ndindex(2, 3, 3, 3):
        name, arm = ("base", "half")[variant], "all" if seed else "all-again"
        lines.append(f"m,d,{name},{lr - 2},{wd - 4},{seed},{arm},{90 - lr - wd + random.normal():.2f}")
    (folder / "cells.csv").write_text("\n".join(lines))
    write_study(folder / "study", curve_rows(drawn_scores(settings=9)))
    write_product(str(folder / "product.onnx"), np.ones((4, 3), dtype=np.float32))
    return folder


def run(folder, *commands, absent=TRAINING, platform=sys.platform) -> subprocess.CompletedProcess[str]:
    """Run commands of `prunescape` in one process where some modules are `absent`."""
    code = RUN.format(absent=set(absent), platform=platform, commands=commands)
    environment = {"PYTHONPATH": str(SCRIPTS), "PATH": "", "MPLCONFIGDIR": str(folder)}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)


def test_tables_are_analysed_and_models_measured(folder):
    done = run(folder, *LIGHT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[: done.stdout.index("\n}\n") + 2])["title"] == "prunescape"
    written = ("analysis/report.html", "factors/factors.html", "arms/arm_comparisons.csv", "searches/replay.csv")
    assert all((folder / name).stat().st_size for name in written)
    assert "product.onnx: threads 1, batch 1:" in done.stdout


PRUNE = "prune resnet8 --input-shape 3,32,32 --ratio 0.5 --method uniform --out pruned"
HINT = "is not installed; hint: pip install 'prunescape[workflow]'"


@pytest.mark.parametrize(("command", "package"), [(PRUNE, "torch"), ("resume", "snakemake")])
def test_what_trains_says_what_to_install(command, package, folder):
    said = run(folder, command).stderr.splitlines()
    assert said[0] == f"prunescape: error: this needs {package}, which {HINT}"


ANALYSIS = ("analyse cells.csv --out windows", "bench product.onnx --repeats 2", "init windows", "verify study")


def test_the_modules_that_windows_lacks_are_not_needed_for_that(folder):
    done = run(folder, *ANALYSIS, absent=(*TRAINING, *OF_UNIX))
    assert done.returncode == 0, done.stderr
    summary = run(folder, "summary study", absent=(*TRAINING, *OF_UNIX)).stderr
    assert "there is no report yet" in summary


@pytest.mark.parametrize("command", [PRUNE, "resume", "run"])
def test_on_windows_it_says_wsl(command, folder):
    said = run(folder, command, absent=OF_UNIX, platform="win32").stderr.splitlines()
    hint = "on Windows, install and run prunescape in WSL"
    assert said[0] == f"prunescape: error: this needs Linux or macOS; hint: {hint}"
