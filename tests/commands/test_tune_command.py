"""`prunescape tune --replay` on a study's folder made by hand: tables, figures, words, and bad command lines."""

import json

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.results import RESULTS, SEARCH, result_names
from prunescape.commands.cli import main
from prunescape.store.tables import read_table
from support.searches import curve_rows, drawn_scores, write_study

QUICK = ["--searches", "60", "--tpe-searches", "4"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    scores = drawn_scores(settings=9)
    rows = [curve_rows(scores), curve_rows(scores - 1, variant="uniform-0.5")]
    return write_study(folder, pd.concat(rows))


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["tune", "--replay", str(study), *QUICK, "--out", str(out)]) == 0
    return out


def test_it_writes_both_tables_with_their_schemas(written):
    for name in result_names(SEARCH):
        columns = RESULTS[name].columns()
        table = read_table(written / f"{name}.parquet")
        assert table.column_names == list(columns)
        assert all(table.schema.field(name).metadata[b"meaning"] for name in columns)
        assert len(pd.read_csv(written / f"{name}.csv")) == len(table) > 0
    replay = pd.read_parquet(written / "replay.parquet")
    assert (
        replay.groupby("variant")["strategy"].unique().map(list).tolist()
        == [["grid", "random", "halving", "hyperband", "tpe"]] * 2
    )
    assert replay.query("strategy == 'random'")["trials"].tolist() == [4, 8] * 2
    assert (
        replay.query("strategy == 'halving' and trials == 8")["parameters"].iloc[0] == "eta 2, linear: 8@1 4@2 2@3 1@10"
    )
    rungs = pd.read_parquet(written / "rungs.parquet")
    assert rungs["epoch"].tolist() == list(range(1, 11)) * 2


def test_equal_scores_less_a_point_have_equal_regret(written):
    """The second variant scores one point less everywhere; only diverged or relative scores would differ."""
    replay = pd.read_parquet(written / "replay.parquet")
    base, pruned = (replay[replay["variant"] == name]["regret"].to_numpy() for name in ("base", "uniform-0.5"))
    assert base == pytest.approx(pruned, abs=1e-9)


def test_the_figure_is_there_in_three_formats(written):
    index = json.loads((written / "figures" / "figures.json").read_text())
    assert [(figure["kind"], figure["name"]) for figure in index["figures"]] == [("search", "search-e")]
    assert all((written / "figures" / f"search-e.{kind}").stat().st_size for kind in ("html", "svg", "pdf"))


def test_equal_seeds_print_and_write_the_same(study, tmp_path, capsys):
    printed = []
    for name in ("a", "b"):
        assert main(["tune", "--replay", str(study), *QUICK, "--out", str(tmp_path / name)]) == 0
        printed.append(capsys.readouterr().out.splitlines()[:-1])
    assert printed[0] == printed[1]
    for name in ("replay.parquet", "rungs.parquet", "figures/search-e.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_it_says_in_words_what_was_found(study, capsys):
    assert main(["tune", "--replay", str(study), "--strategies", "grid", "random", "halving", *QUICK[:2]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("e, base: 9 settings, 3 seeds each; regret in points of test_top1, chosen by test_top1")
    assert [line.split()[0] for line in lines[2:7]] == ["grid", "random", "random", "halving", "halving"]
    assert lines[8].startswith("base: the whole grid takes 90 epochs and misses the best by ")
    assert "Halving from 8 settings" in lines[8]
    assert not any("written to" in line for line in lines)


def test_halving_that_early_epochs_mislead_is_named(tmp_path, capsys):
    """Settings rank the other way until epoch 6, so halving must lose against training all to the end."""
    level, sign = np.arange(8.0), np.where(np.arange(10) < 5, -1.0, 1.0)
    scores = 80 + np.repeat((level[:, None] * sign)[None], 2, axis=0)
    write_study(tmp_path, curve_rows(scores))
    assert main(["tune", "--replay", str(tmp_path), "--strategies", "random", "halving", *QUICK[:2]]) == 0
    words = capsys.readouterr().out.splitlines()[-1]
    assert "correlates with the last one by −1.00 over all settings" in words
    assert "Halving from 8 settings loses 7.00 points against training all of them to the end" in words
    assert "Its early rungs drop settings that end well: begin later (--min-epochs)" in words


def test_a_column_of_training_may_choose(study, capsys):
    assert main(["tune", "--replay", str(study), "--rank-by", "train_loss", "--strategies", "grid"]) == 0
    assert "regret in points of test_top1, chosen by train_loss" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--eta", "1"], "--eta: 1 cannot be used; allowed: above 1"),
        (["--min-epochs", "0"], "--min-epochs: 0 cannot be used; allowed: 1 to the epochs of a training"),
        (["--min-epochs", "11"], "--min-epochs: 11 epochs are no part of a training; allowed: 1 to 10"),
        (["--brackets", "5"], "--brackets: 5 brackets are not what the rungs give; allowed: 1 to 4"),
        (["--trials", "10"], "--trials: 10 trials are more than the settings of e, base; allowed: 1 to 9"),
        (
            ["--strategies", "halvign"],
            'there is no "halvign"; allowed: grid, random, halving, hyperband, tpe; hint: did',
        ),
        (["--of", "top1"], "argument --of: invalid choice: 'top1'"),
        (["--min-epochs", "two"], "argument --min-epochs: invalid int value: 'two'"),
        (["--searches", "20001"], "--searches: 20001 cannot be used; allowed: 1 to 20000"),
        (["--out", __file__], "test_tune_command.py is a file; allowed: a folder"),
        (["--searches", "0"], 'argument --searches: "0" is not a whole number above 0'),
    ],
)
def test_bad_arguments_are_one_line(study, arguments, said, capsys):
    assert main(["tune", "--replay", str(study), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("prunescape: error: ")
    assert error.count("\n") == 1
    assert said in error


def test_without_a_study_to_replay_it_says_what_is_missing(capsys):
    assert main(["tune"]) == 2
    assert "the following arguments are required: --replay" in capsys.readouterr().err


def test_without_optuna_tpe_is_left_out_with_a_note_and_refused_where_it_is_asked_for(study, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    monkeypatch.setattr("prunescape.analysis.search.tpe.find_spec", lambda name: None)
    assert main(["tune", "--replay", str(study), "--searches", "20"]) == 0
    said = capsys.readouterr()
    assert "note: tpe is left out: optuna is not installed; pip install 'prunescape[optuna]'" in said.err
    assert "\ntpe" not in said.out
    assert main(["tune", "--replay", str(study), "--strategies", "tpe"]) == 2
    assert "the strategy tpe needs optuna, which is not installed" in capsys.readouterr().err
