"""`prunescape bench` on models that were not trained here. Needs onnxruntime."""

import json

import numpy as np
import pytest
import yaml

from prunescape.commands.cli import main
from support.good_config import GOOD
from support.onnx_files import write_product

QUICK = ["--repeats", "2"]
TARGET = {"threads": [1], "batch": [2], "repeats": 2, "chunk_seconds": 0.0, "warmups": 0}


@pytest.fixture
def files(tmp_path):
    ones = np.ones((3, 2), np.float32)
    return {
        "free": write_product(tmp_path / "free.onnx", ones),
        "fixed": write_product(tmp_path / "fixed.onnx", ones, batch=8, opset=13),
        "future": write_product(tmp_path / "future.onnx", ones, opset=999),
    }


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(GOOD | {"targets": {"quick": TARGET, "bound": {"kind": "slurm"}}}))
    return str(path)


def test_every_setting_as_json_and_what_does_not_run_with_its_reason(files, study, capsys):
    """The target's own settings stand unless the command line says otherwise."""
    settings = ["--threads", "1", "2", "--batch", "1", "8"]
    assert main(["bench", *files.values(), "--target", "quick", "--configfile", study, *settings, "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    settings = {(entry["id"], entry["threads"], entry["batch"]) for entry in found["latency"]}
    free, fixed = ({(files["free"], t, b) for t in (1, 2) for b in (1, 8)}, {(files["fixed"], t, 8) for t in (1, 2)})
    assert settings == free | fixed
    assert all(len(entry["samples_s"]) == 2 for entry in found["latency"])
    assert f"{files['fixed']}: not run with batch 1: its input input takes batches of 8 only" in said.err
    assert any(line.startswith(f"{files['future']}: not run: ") for line in said.err.splitlines())


def test_for_a_person_one_line_per_setting(files, study, capsys):
    assert main(["bench", files["free"], "--target", "quick", "--configfile", study]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith(f"{files['free']}: threads 1, batch 2: ")
    assert " ms, IQR " in lines[1] and lines[1].endswith(" MB")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.onnx"], "nowhere.onnx: the file is missing"),
        (["FUTURE"], "future.onnx: the model cannot be loaded"),
        (["FREE", "--target", "quik", "--configfile", "STUDY"], 'did you mean "quick"?'),
        (["FREE", "--target", "quick"], "--target and --configfile go together"),
        (["FREE", "--target", "bound", "--configfile", "STUDY"], "targets.bound: this job was not started by Slurm"),
        (["FREE", "--threads", "0"], "is not a whole number above 0"),
        (["FREE", "--provider", "AbacusProvider"], "onnxruntime here has no AbacusProvider"),
    ],
)
def test_what_cannot_be_measured_is_one_line(files, study, capsys, monkeypatch, arguments, words):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    known = {name.upper(): path for name, path in files.items()} | {"STUDY": study}
    assert main(["bench", *(known.get(part, part) for part in arguments), *QUICK]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("prunescape: error: ")]
    assert len(told) == 1 and words in told[0]


def test_repeats_share_a_line_per_configuration(files, capsys):
    assert main(["bench", str(files["free"]), "--threads", "1", "--batch", "1", "8", "--repeats", "12"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "repeat" in line]
    assert said == [f"threads 1, batch {batch}: 1 of 12 repeats" for batch in (1, 8)]
