"""The `prunescape` command: one line for wrong input, never a traceback; each command imports only what it needs."""

from importlib.metadata import version

import pandas as pd
import pytest
import torch

from prunescape.analysis.results import LANDSCAPE, result_names
from prunescape.commands.cli import main
from prunescape.store.files import read_json
from support.code import loaded_by

PRINTED = ("confidence_ellipses", "performance_risk", "best_accuracies")
OF_TRAININGS = ("efficiency", "confirmation", "system")  # need times of epochs, fresh seeds of chosen settings, records
GOOD = "model,dataset,variant,log10_lr,log10_wd,seed,top1\nm,d,base,-1,-4,0,90\nm,d,base,-1,-3,0,89.8\n"


def prune(model="resnet8", *, shape="3,8,8", ratio="0.5", method="uniform") -> list[str]:
    return ["prune", model, "--input-shape", shape, "--ratio", ratio, "--method", method, "--out", "o"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (
            ["analyze"],
            "allowed: analyse, factors, export-optuna, arms, tune, bench, prune, pdf, init, run, resume, schema, "
            'summary, verify; hint: did you mean "analyse"?',
        ),
        (["verify", "results/nothing"], "results/nothing: there is no such folder"),
        (["pdf", "results/nothing"], "results/nothing: there is no such folder"),
        (["bench", "."], "this is a folder"),
        (["analyse"], "CELLS"),
        (["analyse", "missing.csv", "--out", "out"], "missing.csv"),
        (prune("resnet9", shape="3,32,32"), "resnet"),
        (prune(shape="3,32"), "the input shape is (3, 32); allowed: channels,height,width"),
        *((prune(ratio=ratio), ratio) for ratio in ("half", "1.5", "nan")),
        (prune(method="global"), "global"),
        (["analyse", "missing.csv", "--out", "out", "--x", "seed"], "seed"),
        (["export-optuna", "missing.csv"], "--out"),
        (["export-optuna", "missing.csv", "--out", "new.db"], "missing.csv"),
        (["export-optuna", "missing.csv", "--out", "new.db", "--storage", "redis"], "redis"),
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


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD)
    (tmp_path / "file").write_text("")
    assert main(["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "file/out")]) == 2
    assert (
        capsys.readouterr().err
        == f"prunescape: error: {tmp_path / 'file/out'}: cannot be written: file is a file; allowed: a folder\n"
    )


def test_pickled_weights_of_another_model_are_refused_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": torch.zeros(3)}, "weights.pt")
    assert main([*prune(), "--weights", "weights.pt"]) == 2
    assert 'error: weights.pt: the weights file lacks "bn1.weight" (and 3' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--version"], version("prunescape")), (["resume", "--help"], "cancels what it left")]
)
def test_what_asks_for_help_gets_it(arguments, said, capsys):
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    printed = capsys.readouterr().out
    assert status == 0 and said in printed and len(printed.splitlines()) < 20


def test_analyse_writes_its_tables_and_names_them(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD)
    assert main(["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out")]) == 0
    tables = [name for name in result_names(LANDSCAPE) if name not in OF_TRAININGS]
    names = {f"{table}.{kind}" for table in tables for kind in ("parquet", "csv")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {"tables", "report.html"}
    printed = {f"{table}.{kind}" for table in PRINTED for kind in ("parquet", "csv", "md", "tex")}
    assert {path.name for path in (tmp_path / "out/tables").iterdir()} == printed
    said = capsys.readouterr().out.splitlines()
    assert "only the base has cells" in said[-2]
    assert said[-1].startswith(f"written to {tmp_path / 'out'}: report.html, tables/, and as .parquet and .csv ")
    assert said[-1].endswith(", ".join(tables))


def test_analyse_draws_judges_and_compares_as_a_study_does(tmp_path):
    """One cell per seed and variant: the contrast of two means of three fresh seeds, worked out by hand."""
    lines = [
        f"resnet56,cifar10,{variant},-1,{wd},{seed},{base + gain + 0.1 * seed}"
        for variant, base in (("base", 90), ("uniform-0.6", 80))
        for wd, gain in ((-4, 0), (-3, -2 if variant == "base" else 3))
        for seed in range(4)
    ]
    (tmp_path / "cells.csv").write_text("model,dataset,variant,log10_lr,log10_wd,seed,top1\n" + "\n".join(lines))
    out = tmp_path / "out"
    given = ["--reference", "matthiesen2023", "--figures", "--margin", "2.5", "--sigma", "0.2", "--noise", "pooled"]
    assert main(["analyse", str(tmp_path / "cells.csv"), "--out", str(out), *given]) == 0
    (verdict,) = pd.read_parquet(out / "verdicts.parquet").itertuples()
    assert (verdict.verdict, verdict.margin, verdict.gain) == ("retune", 2.5, pytest.approx(3))
    assert "93.34" in (out / "tables/best_accuracies.md").read_text(), "the thesis' baseline of ResNet-56"
    assert list((out / "figures").glob("*.svg"))
    other = ["analyse", str(tmp_path / "cells.csv"), "--out", str(out), "--thresholds", "1"]
    assert main([*other, "--reference", "matthiesen2023"]) == 2


def test_analyse_takes_other_columns(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD.replace("log10_wd", "momentum").replace("top1", "energy_j"))
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out"), "--x", "momentum"]
    assert main([*command, "--metric", "energy_j", "--minimise", "--thresholds", "0.5", "0.1"]) == 0
    roi = (tmp_path / "out" / "roi.csv").read_text().splitlines()
    assert roi[1:] == [
        '"d-m","m","d","base",0,"energy_j",0.1,-3,-1,89.8,89.8',
        '"d-m","m","d","base",0,"energy_j",0.5,-4,-1,90,90',
        '"d-m","m","d","base",0,"energy_j",0.5,-3,-1,89.8,89.8',
    ]


def test_export_optuna_names_its_file(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD)
    assert main(["export-optuna", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "cells.db")]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "cells.db")]
    assert main(["analyse", str(tmp_path / "cells.db"), "--out", str(tmp_path / "out")]) == 0


def test_help_and_analysis_import_no_torch(tmp_path):
    (tmp_path / "cells.csv").write_text(GOOD)
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out")]
    statements = f"from prunescape.commands.cli import main; main({command!r})"
    assert loaded_by(statements, "torch", "pandas", "optuna") == {"pandas"}


def test_analyse_tells_the_verdict_and_writes_a_page(tmp_path, capsys):
    """Three seeds, the variant 2 points better at one of two settings; its base is called dense."""
    lines = [
        f"m,d,{variant},0.1,{wd},{seed},{90 + gain + 0.1 * seed}"
        for variant in ("dense", "p<q>")
        for wd, gain in ((1e-4, 0), (1e-3, -2 if variant == "dense" else 2))
        for seed in range(4)
    ]
    (tmp_path / "cells.csv").write_text("model,dataset,variant,lr,wd,seed,top1\n" + "\n".join(lines))
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out"), "--base", "dense"]
    assert main([*command, "--sigma", "0.2", "--noise", "pooled"]) == 0
    said = capsys.readouterr().out
    assert "p<q>: retune; tuning gains 2.00 points" in said
    page = (tmp_path / "out/report.html").read_text()
    assert "p&lt;q&gt;: retune; tuning gains 2.00 points" in page and "What this cannot show" in page
    for part in ("Table <strong>cells.csv", "base (called dense), p&lt;q&gt;", "<td>retune</td>", "Performance risk"):
        assert part in page, part
    for part in ("Study <strong>", "<h3>Figures", "FLOPs of the pruned network"):
        assert part not in page, part
    assert len(page) < 60_000, "no figures, so no library that draws them"


def test_analyse_says_where_there_is_nothing_to_judge(tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(GOOD)
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out")]
    assert main([*command, "--metric", "top1", "--minimise", "--thresholds", "1"]) == 0
    assert "no verdicts and no report" in capsys.readouterr().out
    assert not (tmp_path / "out/report.html").exists()
    with (tmp_path / "cells.csv").open("a") as file:
        file.write("m,d,p,-1,-4,0,80\nm,d,p,-1,-3,0,81\n")
    assert main(command) == 0
    assert "note on p: no point has fresh seeds" in capsys.readouterr().out


def test_long_names_and_names_with_signs_have_figures_of_their_own(tmp_path):
    """A file system allows names of 255 bytes."""
    names = ["a/b", r"$\bad$" + "é" * 250]
    rows = [line.replace("m,", f"{name},", 1) for name in names for line in GOOD.splitlines()[1:]]
    (tmp_path / "cells.csv").write_text("\n".join([GOOD.splitlines()[0], *rows]))
    assert main(["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out"), "--figures"]) == 0
    pages = [path.name for path in (tmp_path / "out/figures").glob("sweep*.svg")]
    assert len(pages) == 2 and max(len(name.encode()) for name in pages) < 140
    printed = (tmp_path / "out/tables/performance_risk.md").read_text().splitlines()
    assert max(len(line) for line in printed if line.startswith("|")) < 140
    titles = [entry["title"] for entry in read_json(tmp_path / "out/figures/figures.json")["figures"]]
    assert max(map(len, titles)) < 120
