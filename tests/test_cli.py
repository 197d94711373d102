"""The `prunescape` command: one line for wrong input, never a traceback; each command imports only what it needs."""

import subprocess
import sys

import pytest

from prunescape.cli import main

GOOD = "model,dataset,variant,log10_lr,log10_wd,seed,top1\nm,d,base,-1,-4,0,90\nm,d,base,-1,-3,0,89.8\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["analyze"], "analyze"),
        (["analyse"], "CELLS"),
        (["analyse", "missing.csv", "--out", "out"], "missing.csv"),
        (
            ["prune", "resnet9", "--input-shape", "3,32,32", "--ratio", "0.5", "--method", "uniform", "--out", "o"],
            "resnet",
        ),
        (["prune", "resnet8", "--input-shape", "3,32", "--ratio", "0.5", "--method", "uniform", "--out", "o"], "3,32"),
        (
            ["prune", "resnet8", "--input-shape", "3,8,8", "--ratio", "half", "--method", "uniform", "--out", "o"],
            "half",
        ),
        (["prune", "resnet8", "--input-shape", "3,8,8", "--ratio", "1.5", "--method", "uniform", "--out", "o"], "1.5"),
        (["prune", "resnet8", "--input-shape", "3,8,8", "--ratio", "nan", "--method", "uniform", "--out", "o"], "nan"),
        (
            ["prune", "resnet8", "--input-shape", "3,8,8", "--ratio", "0.5", "--method", "global", "--out", "o"],
            "global",
        ),
        (["summary", "results/nothing"], "results/nothing"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_wrong_input_is_one_line_and_status_2(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("prunescape: error: ")
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_analyse_writes_its_tables_and_names_them(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD)
    assert main(["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out")]) == 0
    names = {"roi.parquet", "roi.csv", "ellipses.parquet", "ellipses.csv", "risk.parquet", "risk.csv"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert len(capsys.readouterr().out.splitlines()) == len(names)


def test_help_and_analysis_import_no_torch(tmp_path):
    (tmp_path / "cells.csv").write_text(GOOD)
    program = (
        "import sys; from prunescape.cli import main; main(sys.argv[1:]);"
        "print(sorted({'torch', 'pandas'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out")]
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip() == "['pandas']"
