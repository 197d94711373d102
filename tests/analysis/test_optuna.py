"""Cells as Optuna studies and back, against what Optuna's own functions write, read and draw."""

import math
import sqlite3
import sys
import time
import warnings

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from optuna.visualization import plot_contour, plot_param_importances, plot_slice

from prunescape.analysis.analyse import analyse
from prunescape.analysis.axes import DEFAULT_METRIC, Metric
from prunescape.analysis.read_cells import read_cells
from prunescape.analysis.sources.optuna_export import create_study, export_optuna, trial_table, trials_by_study
from prunescape.analysis.sources.optuna_storage import load_optuna, read_trials
from prunescape.commands.cli import main
from prunescape.errors import InputError
from support.landscapes import AXES, columns

KINDS = ("sqlite", "journal")
TABLES = ("roi", "ellipses", "risk")


def cells(**columns) -> pd.DataFrame:
    """Base and one pruned variant in two seeds on a 7 x 7 grid, with a diverged corner and one fresh seed."""
    rng = np.random.default_rng(5)
    axis = np.round(np.arange(-3, 0.1, 0.5), 1)
    variant, seed, lr, wd = (part.ravel() for part in np.meshgrid([0, 1], [0, 1], axis, axis - 2, indexing="ij"))
    top1 = 92 - (lr + 1 - variant / 2) ** 2 - (wd + 4) ** 2 / 2 + rng.normal(0, 0.1, len(lr))
    frame = pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "seed": seed, "top1": top1, "top5": 99 - top1 / 50})
    frame = frame.assign(model="m", dataset="d", variant=np.where(variant, "uniform-0.5", "base"), classes=20)
    frame["status"] = np.where((lr == 0) & (wd > -2.6), "diverged", "ok")
    fresh = frame.iloc[[24]].assign(stage="replicate", round=1, seed=7)
    frame = pd.concat([frame.assign(stage="grid", round=0), fresh], ignore_index=True)
    return frame.assign(select_on="test", val_top1=100 - frame["top1"] / 2, **columns)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "cells.parquet"
    cells().to_parquet(path)
    return path


def url(path) -> str:
    return f"sqlite:///{path}"


def results(source, out, **more) -> dict[str, pd.DataFrame]:
    written = analyse(source, out, **more)
    return {name: pd.read_parquet(written[f"{name}.parquet"]) for name in TABLES}


@pytest.mark.parametrize("kind", KINDS)
def test_cells_come_back_from_a_storage(table, tmp_path, kind):
    storage = export_optuna(table, tmp_path / "cells.db", kind=kind)
    before = storage.read_bytes()
    found = results(storage, tmp_path / "back")
    for name, expected in results(table, tmp_path / "straight").items():
        assert len(expected)
        pd.testing.assert_frame_equal(found[name], expected, rtol=1e-9, atol=1e-9)
    assert storage.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*cells*")) == ["cells.db", "cells.parquet"]


def test_a_storage_holds_what_optuna_itself_would_have_written(table, tmp_path):
    """`Study.add_trials` of Optuna, too slow for thousands of trials, is the witness."""
    storage = url(export_optuna(table, tmp_path / "cells.db"))
    witness, known = InMemoryStorage(), read_cells(table)
    trials_of = trials_by_study(trial_table(known, AXES, DEFAULT_METRIC, "base"), AXES, DEFAULT_METRIC)
    for name, trials in trials_of.items():
        create_study(witness, name, trials[0].user_attrs, DEFAULT_METRIC).add_trials(trials)
    assert optuna.get_all_study_names(storage) == ["d-m/base", "d-m/uniform-0.5"]
    for name in optuna.get_all_study_names(witness):
        ours, theirs = (optuna.load_study(study_name=name, storage=place) for place in (storage, witness))
        assert (ours.direction, ours.user_attrs, ours.metric_names) == (theirs.direction, theirs.user_attrs, ["top1"])
        for ours_is, theirs_is in zip(ours.trials, theirs.trials, strict=True):
            for what in ("number", "state", "values", "params", "distributions", "user_attrs"):
                assert getattr(ours_is, what) == getattr(theirs_is, what)


def test_a_trial_says_all_about_its_cell(table, tmp_path):
    study = optuna.load_study(study_name="d-m/base", storage=url(export_optuna(table, tmp_path / "cells.db")))
    trials = study.trials_dataframe()
    assert len(trials) == 2 * 49 + 1 and set(trials["state"]) == {"COMPLETE"}
    assert trials["value_top1"].tolist() == trials["user_attrs_top1"].tolist()
    diverged = trials[trials["user_attrs_status"] == "diverged"]
    assert len(diverged) == 4 and set(diverged["value_top1"]) == {5.0} and set(diverged["user_attrs_top5"]) == {25.0}
    fresh = trials[trials["user_attrs_stage"] == "replicate"].iloc[0]
    assert fresh[["user_attrs_seed", "user_attrs_round", "user_attrs_classes"]].tolist() == [7, 1, 20]
    assert fresh[["user_attrs_model", "user_attrs_variant"]].tolist() == ["m", "base"]
    assert trials["params_learning_rate"].agg(["min", "max"]).tolist() == [0.001, 1.0]
    distribution = study.trials[0].distributions["weight_decay"]
    assert (distribution.low, distribution.high, distribution.log) == (1e-5, 1e-2, True)
    assert set(trials["user_attrs_select_on"]) == {"test"} and "user_attrs_val_top5" not in trials


def test_optunas_own_plots_draw_learning_rate_against_weight_decay(table, tmp_path):
    study = optuna.load_study(study_name="d-m/base", storage=url(export_optuna(table, tmp_path / "cells.db")))
    contour = plot_contour(study)
    assert {contour.layout.xaxis.title.text, contour.layout.yaxis.title.text} == {"learning_rate", "weight_decay"}
    assert contour.layout.xaxis.type == contour.layout.yaxis.type == "log"
    assert {trace.type for trace in contour.data} == {"contour", "scatter"}
    slices = plot_slice(study)
    assert [len(trace.x) for trace in slices.data] == [99, 99]
    assert set(plot_param_importances(study).data[0].y) == {"learning_rate", "weight_decay"}


def test_optuna_goes_on_with_an_exported_study(table, tmp_path):
    study = optuna.load_study(study_name="d-m/base", storage=url(export_optuna(table, tmp_path / "cells.db")))
    study.optimize(lambda trial: trial.suggest_float("learning_rate", 1e-3, 1, log=True), n_trials=1)
    assert study.trials[-1].number == 99 and study.best_value == cells().query("variant == 'base'")["top1"].max()


def foreign(path, direction="minimize", trials=20):
    """A study as Optuna users have one: its own names, a pruned and a failed trial, no user attributes."""
    study = optuna.create_study(
        storage=url(path), study_name="base", direction=direction, sampler=optuna.samplers.RandomSampler(0)
    )

    def objective(trial):
        lr, alpha = (trial.suggest_float(name, 1e-4, 1, log=True) for name in ("lr", "alpha"))
        if trial.number == 3:
            raise optuna.TrialPruned
        loss = (math.log10(lr) + 1) ** 2 + (math.log10(alpha) + 2) ** 2
        return float("nan") if trial.number == 5 else loss

    study.optimize(objective, n_trials=trials)
    return study


def test_a_storage_that_optuna_made(tmp_path, capsys):
    study = foreign(tmp_path / "search.db")
    chosen = columns(x="log10:alpha", metric="value", minimise=True)
    tables = results(tmp_path / "search.db", tmp_path / "out", **chosen, thresholds=(0.5, 1.0))
    errors = capsys.readouterr().err.splitlines()
    warning = [line for line in errors if line.startswith("warning: ")]
    assert len(warning) == 1 and "1 fail, 1 pruned" in warning[0]
    complete = study.get_trials(states=[TrialState.COMPLETE])
    near = [trial for trial in complete if trial.value <= study.best_value + 1]
    roi = tables["roi"].query("threshold == 1")
    expected = sorted((math.log10(trial.params["alpha"]), math.log10(trial.params["lr"])) for trial in near)
    np.testing.assert_allclose(roi[["log10_alpha", "log10_lr"]], expected, atol=1e-9)
    assert roi["score"].min() == study.best_value
    assert roi.loc[roi.index[0], ["experiment", "model", "variant"]].tolist() == ["search", "unknown", "base"]


def test_trials_alike_are_seeds_and_named_ones_keep_theirs(tmp_path):
    study = optuna.create_study(storage=url(tmp_path / "a.db"), study_name="base")
    for value in (1.0, 2.0):
        study.enqueue_trial({"lr": 0.1, "wd": 0.01})
        study.optimize(
            lambda trial, v=value: (
                v + 0 * trial.suggest_float("lr", 0.1, 1, log=True) * trial.suggest_float("wd", 0.01, 1, log=True)
            ),
            n_trials=1,
        )
    rows = read_cells(tmp_path / "a.db", metric=Metric("value", minimise=True))
    assert rows[["log10_lr", "log10_wd", "seed", "value"]].to_numpy().tolist() == [[-1, -2, 0, 1], [-1, -2, 1, 2]]


def test_lists_among_a_parameters_choices_are_compared_by_their_text(tmp_path):
    """Optuna stores them, with a warning (its issue 2341)."""
    study = optuna.create_study(storage=url(tmp_path / "search.db"), study_name="base")
    for layers in ([64, 32], [64, 32], [16]):
        study.enqueue_trial({"lr": 0.1, "wd": 0.01, "layers": layers})
    with warnings.catch_warnings(action="ignore"):
        study.optimize(
            lambda trial: (
                trial.suggest_float("lr", 0.01, 1)
                + trial.suggest_float("wd", 0.01, 1)
                + len(trial.suggest_categorical("layers", ([64, 32], [16])))
            ),
            n_trials=3,
        )
    found = read_trials(tmp_path / "search.db", metric=Metric("value", minimise=True))
    assert found["seed"].tolist() == [0, 1, 0] and found["value"].tolist() == pytest.approx([2.11, 2.11, 1.11])


def test_trials_that_differ_in_a_list_are_told_apart_with_a_way_out(tmp_path):
    study = optuna.create_study(storage=url(tmp_path / "search.db"), study_name="base")
    for layers in ("[64, 32]", "[16]"):
        study.enqueue_trial({"lr": 0.1, "wd": 0.01, "layers": layers})
    study.optimize(
        lambda trial: (
            trial.suggest_float("lr", 0.01, 1)
            + trial.suggest_float("wd", 0.01, 1)
            + len(trial.suggest_categorical("layers", ("[64, 32]", "[16]")))
        ),
        n_trials=2,
    )
    with pytest.raises(InputError, match=r"differ in layers: keep the rows of one value of each; trials_dataframe\(\)"):
        read_cells(tmp_path / "search.db", metric=Metric("value", minimise=True))


def test_a_study_knows_its_direction(tmp_path):
    foreign(tmp_path / "search.db", trials=1)
    chosen = {"x": "log10:alpha", "metric": "value"}
    with pytest.raises(InputError, match=r'"base" "value" is minimised.*--minimise'):
        analyse(tmp_path / "search.db", tmp_path / "out", **columns(**chosen), thresholds=(1.0,))
    foreign(tmp_path / "other.db", direction="maximize", trials=1)
    with pytest.raises(InputError, match="maximised"):
        analyse(tmp_path / "other.db", tmp_path / "out", **columns(**chosen, minimise=True), thresholds=(1.0,))


def test_several_objectives_are_several_columns(tmp_path):
    study = optuna.create_study(storage=url(tmp_path / "a.db"), study_name="base", directions=["maximize", "minimize"])
    study.optimize(lambda trial: (trial.suggest_float("lr", 0.1, 0.1), 3.0), n_trials=1)
    assert read_trials(tmp_path / "a.db")[["values_0", "values_1"]].to_numpy().tolist() == [[0.1, 3.0]]
    with pytest.raises(InputError, match="minimised"):
        read_trials(tmp_path / "a.db", metric=Metric("values_1"))


def test_other_axes_and_a_minimised_metric(tmp_path):
    frame = cells(momentum=0.9 + cells()["log10_wd"] / 100, energy=cells()["top1"] * -2)
    frame.drop(columns=["log10_wd", "top1"]).to_csv(tmp_path / "cells.csv", index=False)
    chosen = columns(x="momentum", metric="energy", minimise=True)
    storage = export_optuna(tmp_path / "cells.csv", tmp_path / "cells.db", **chosen)
    study = optuna.load_study(study_name="d-m/base", storage=url(storage))
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    assert study.best_value == frame.query("variant == 'base'")["energy"].min()
    assert not study.trials[0].distributions["momentum"].log
    found = results(storage, tmp_path / "back", **chosen, thresholds=(1.0, 2.0))
    straight = results(tmp_path / "cells.csv", tmp_path / "straight", **chosen, thresholds=(1.0, 2.0))
    for name, expected in straight.items():
        pd.testing.assert_frame_equal(found[name], expected, rtol=1e-9, atol=1e-9)


def test_models_that_share_an_experiment_have_studies_of_their_own(tmp_path):
    two = pd.concat([cells(), cells(model="n")]).assign(experiment="e")
    two.to_parquet(tmp_path / "cells.parquet")
    storage = export_optuna(tmp_path / "cells.parquet", tmp_path / "cells.db")
    names = ["e/m/d/base", "e/m/d/uniform-0.5", "e/n/d/base", "e/n/d/uniform-0.5"]
    assert optuna.get_all_study_names(url(storage)) == names


def test_a_path_may_hold_any_character(table, tmp_path):
    storage = export_optuna(table, tmp_path / "a b" / "ä?{x}#%20.db")
    assert len(read_trials(storage)) == len(cells())


def test_thousands_of_trials_take_seconds(tmp_path):
    lr, wd = (part.ravel() for part in np.meshgrid(np.linspace(-3, 0, 60), np.linspace(-5, 0, 50)))
    frame = pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "top1": 90.0, "seed": 0, "variant": "base"})
    frame.assign(model="m", dataset="d").to_parquet(tmp_path / "cells.parquet")
    started = time.perf_counter()
    export_optuna(tmp_path / "cells.parquet", tmp_path / "cells.db")
    assert time.perf_counter() - started < 20, "Optuna's own loop would take a minute for 3,000"


def damaged(path):
    no_trials(path)
    path.write_bytes(path.read_bytes()[:5000])


def another_database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table cells (top1 real)")


def no_trials(path):
    optuna.create_study(storage=url(path), study_name="base")


def a_parameter_of_zero(path):
    study = optuna.create_study(storage=url(path), study_name="base")
    study.optimize(lambda trial: trial.suggest_float("lr", 0.0, 0.0) + trial.suggest_float("wd", 0.1, 1), n_trials=1)


def a_damaged_journal(path):
    path.write_text('{"op_code":0,"worker_id":"w","study_name":"s"}\n{"op_code"\n{"op_code"\n')


STORAGES = {
    damaged: "malformed",
    another_database: "no storage of Optuna's",
    no_trials: "no complete trial",
    a_parameter_of_zero: 'study "base", trial 0: the column "lr" holds 0',
    a_damaged_journal: "cannot read",
}


@pytest.mark.parametrize("make", STORAGES, ids=lambda make: make.__name__)
def test_a_bad_storage_is_one_clear_line(tmp_path, make, capsys):
    make(tmp_path / "a.db")
    capsys.readouterr()
    command = ["analyse", str(tmp_path / "a.db"), "--out", str(tmp_path / "out")]
    assert main([*command, "--metric", "value", "--minimise", "--thresholds", "1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "a.db" in lines[0] and STORAGES[make] in lines[0]
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_stays(table, tmp_path):
    (tmp_path / "cells.db").write_text("mine")
    with pytest.raises(InputError, match=r"cells\.db: the file is there already"):
        export_optuna(table, tmp_path / "cells.db")
    assert (tmp_path / "cells.db").read_text() == "mine"


def test_a_failed_export_leaves_nothing(table, tmp_path, monkeypatch):
    monkeypatch.setattr("prunescape.analysis.sources.optuna_export.add_at_once", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_optuna(table, tmp_path / "new" / "cells.db")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(InputError, match="cannot be written"):
        export_optuna(table, table / "cells.db")


@pytest.mark.parametrize(("x", "metric"), [("learning_rate", None), ("log10_loss", "loss")])
def test_a_parameter_has_a_name_of_its_own(tmp_path, x, metric):
    other = cells()["log10_wd"] + 9
    cells(learning_rate=other, log10_loss=other, loss=other).to_parquet(tmp_path / "cells.parquet")
    with pytest.raises(InputError, match="a parameter cannot be called"):
        export_optuna(tmp_path / "cells.parquet", tmp_path / "a.db", **columns(x=x, metric=metric))


def test_without_optuna_the_extra_is_named(table, tmp_path, monkeypatch):
    storage = export_optuna(table, tmp_path / "cells.db")
    monkeypatch.setitem(sys.modules, "optuna", None)
    for function in (load_optuna, lambda: export_optuna(table, tmp_path / "b.db"), lambda: read_trials(storage)):
        with pytest.raises(InputError, match=r"pip install 'prunescape\[optuna\]'"):
            function()
    analyse(table, tmp_path / "out")


def with_a_smoke_test(path):
    """Two studies with lr and wd, and one that has lr alone."""
    for name in ("base", "pruned", "smoke test"):
        study = optuna.create_study(storage=url(path), study_name=name, direction="maximize")
        parameters = ("lr", "wd")[: 1 if name == "smoke test" else 2]
        study.optimize(lambda trial, names=parameters: sum(trial.suggest_float(x, 0.1, 1) for x in names), n_trials=3)
    return path


def test_studies_can_be_chosen_and_an_absent_parameter_is_said_to_be_absent(tmp_path, capsys):
    path, chosen = with_a_smoke_test(tmp_path / "several.db"), ["--metric", "value", "--thresholds", "0.5"]
    command = ["analyse", str(path), "--out", str(tmp_path / "out"), *chosen]
    capsys.readouterr()
    assert main(command) == 2
    said = capsys.readouterr().err
    assert 'study "smoke test", trial 0: there is no parameter "wd"; hint: --studies "base" "pruned"' in said
    assert "nan" not in said
    assert main([*command, "--studies", "pruned", "base"]) == 0
    assert set(pd.read_parquet(tmp_path / "out/risk.parquet")["variant"]) == {"base", "pruned"}
    for arguments, part in ((["base", "smoke"], 'no study "smoke"'), (["smoke test"], 'column "log10_wd" is missing')):
        assert main([*command, "--studies", *arguments]) == 2
        assert part in capsys.readouterr().err
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "a.csv")
    assert main(["analyse", str(tmp_path / "a.csv"), *command[2:], "--studies", "base"]) == 2
    assert "only an Optuna storage has studies" in capsys.readouterr().err


def test_a_parameter_that_no_study_always_has_is_said_so(tmp_path):
    """A conditional space: the hint cannot be another choice of studies."""
    study = optuna.create_study(storage=url(tmp_path / "a.db"), study_name="base", direction="maximize")
    study.optimize(
        lambda trial: trial.suggest_float("lr", 0.1, 1) + (trial.suggest_float("wd", 0.1, 1) if trial.number else 0),
        n_trials=2,
    )
    with pytest.raises(InputError, match='trial 0: there is no parameter "wd"; hint: every study has such trials'):
        read_cells(tmp_path / "a.db", metric=Metric("value"))


def test_a_weight_decay_of_0_is_0_in_a_storage(tmp_path):
    frame = cells(weight_decay=10 ** cells()["log10_wd"].round(9))[:98].drop(columns="log10_wd")
    frame["weight_decay"] = frame["weight_decay"].where(frame["weight_decay"] > 2e-5, 0.0)
    frame.to_parquet(tmp_path / "cells.parquet")
    chosen = columns(x="log10:weight_decay")
    chosen["axes"] = chosen["axes"].with_zeros({"weight_decay": 1e-6})
    storage = export_optuna(tmp_path / "cells.parquet", tmp_path / "cells.db", **chosen)
    trials = optuna.load_study(study_name="d-m/base", storage=url(storage)).trials_dataframe()
    found, expected = (np.unique(values) for values in (trials["params_weight_decay"], frame["weight_decay"]))
    assert found[0] == 0 and found.tolist() == pytest.approx(expected.tolist())
