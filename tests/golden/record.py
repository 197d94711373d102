"""Runs tiny studies and keeps every value that they give; tells whether two such records are equal to the last bit.

    python tests/golden/record.py OUT [--root CHECKOUT]
    python tests/golden/record.py --compare A B [--renamed OLD=NEW ...]

The package under test may be moved and renamed: nothing here imports it, results are read as files. Values that a clock
or the host decides are left out, and so are digests.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import yaml
from comparison import compare
from recorded import HOST, study_tables, write_table
from studies import STUDIES, write_images

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "envs", "profiles")


def record(out: Path, root: Path = ROOT) -> None:
    """Run every study with the workflow of the checkout `root` and write its tables as JSON below `out`."""
    if out.exists() and not (out / HOST).exists():
        sys.exit(f"{out} is no record, and a new one would replace it: name another folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / HOST).write_text(json.dumps(this_host(), indent=1) + "\n")
    for study in STUDIES:
        with tempfile.TemporaryDirectory(prefix="golden-") as folder:
            results = run_study(study, root, Path(folder))
            for name, table in study_tables(results).items():
                write_table(out / study["study"] / f"{name}.json", table)


def run_study(study: dict, root: Path, folder: Path) -> Path:
    """Run one study to its report in `folder`; gives the folder of its results. Ends the program when it fails."""
    code, work, config = folder / "code", folder / "work", folder / "study.yaml"
    for part in PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, code / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            code.mkdir(exist_ok=True)
            shutil.copy(source, code / part)
    write_images(work / "images")
    config.write_text(yaml.safe_dump(study, sort_keys=False))
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", str(code / "Snakefile")]
    words += ["--directory", str(work), "--configfile", str(config)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(code / "workflow_scripts")}
    done = subprocess.run(words, cwd=work, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"the study {study['study']} failed:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return work / "results" / study["study"]


def this_host() -> dict[str, str]:
    """What decides how this host rounds: its processor, and the versions of what computes."""
    packages = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "onnxruntime", "pandas", "pillow")
    return {"processor": processor(), **{name: version(name) for name in packages}}


def processor() -> str:
    """Name, family, model, stepping and vector instructions of the processor where Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        return platform.processor()
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    named = [told[name] for name in ("model name", "cpu family", "model", "stepping") if name in told]
    vectors = [flag for flag in told.get("flags", "").split() if flag.startswith(("avx", "amx", "fma"))]
    return " / ".join([*named, *sorted(vectors)]) or platform.processor()


def main() -> None:
    """Record or compare, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, help="folder for the record; one that is there is replaced")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose workflow runs")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two records")
    parser.add_argument("--renamed", nargs="+", default=[], metavar="OLD=NEW", help="columns or tables renamed in B")
    options = parser.parse_args()
    if options.compare:
        renamed = dict(pair.split("=", 1) for pair in options.renamed)
        sys.exit(not compare(*options.compare, renamed))
    if not options.out:
        parser.error("give OUT, or --compare A B")
    record(options.out, options.root.resolve())


if __name__ == "__main__":
    main()
