"""A study whose original files are downloaded: what the terminal and the log say, what fails, and what runs again."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from prunescape.config.originals import MNIST_FILES
from support.project import Project, experiment, small_study
from support.web_server import running_site

ORIGINALS = "workflow_scripts/prunescape/config/originals.py"
LOG = "results/tiny/data/mnist.log"


def idx(array: np.ndarray) -> bytes:
    """A gzipped idx file of unsigned bytes, as MNIST's authors describe it."""
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def small_files() -> dict[str, bytes]:
    """40 and 20 images of noise in MNIST's four files."""
    draw, files = np.random.default_rng(0), {}
    for split, count in (("train", 40), ("t10k", 20)):
        files[f"{split}-images-idx3-ubyte.gz"] = idx(draw.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        files[f"{split}-labels-idx1-ubyte.gz"] = idx(np.arange(count, dtype=np.uint8) % 10)
    return files


@pytest.fixture
def project(tmp_path):
    """A study of MNIST in a checkout whose published files are small ones."""
    project = Project(tmp_path, study())
    for name, content in small_files().items():
        project.edit(ORIGINALS, MNIST_FILES[name], hashlib.md5(content).hexdigest())
    return project


def study(**options):
    return small_study(experiment(dataset="mnist"), datasets={"mnist": options} if options else {})


def test_a_download_is_seen_resumed_and_no_part_of_the_data(project):
    folder = project.work / "data" / "mnist"
    with running_site() as site:
        for name, content in small_files().items():
            site.page(f"/{name}", content, statuses=[404] if name.startswith("t10k-labels") else [])
        page = site.pages["/train-images-idx3-ubyte.gz"]
        page.breaks.append(10_000)
        project.configure(study(url=site.address))
        failed = project.snakemake("--until", "prepare_data")
        assert failed.returncode != 0 and "Traceback" not in (project.work / LOG).read_text()
        last = (project.work / LOG).read_text().splitlines()[-1]
        assert last.startswith("error: data/mnist: t10k-labels-idx1-ubyte.gz cannot be downloaded")
        assert last in failed.stdout
        assert page.requests == ["", "bytes=10000-"] and len(list(folder.iterdir())) == 3
        printed = project.run("--until", "prepare_data")
    line = f"t10k-labels-idx1-ubyte.gz: from {site.address}/t10k-labels-idx1-ubyte.gz"
    assert line in printed and line in (project.work / LOG).read_text()
    assert len(page.requests) == 2, "what was whole is not downloaded again"
    project.configure(study(folder=str(folder), download=False, url="https://example.org/mnist/"))
    assert not {job for job in project.planned("--until", "prepare_data") if job.startswith("prepare_data")}


def test_a_folder_that_lacks_files_is_refused_before_anything_runs(project):
    (project.work / "mine").mkdir()
    project.configure(study(folder="mine"))
    done = project.snakemake("--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "error: mine: original files are missing: train-images-idx3-ubyte.gz, " in done.stdout
