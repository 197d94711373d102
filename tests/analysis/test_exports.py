"""Tables as other programs export them end in the numbers of the plain table, or in one line that names the way out."""

import optuna
import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.axes import Metric
from prunescape.errors import InputError
from support import exports
from support.landscapes import columns

TABLES = ("roi", "ellipses", "risk", "verdicts", "spread", "shift")


def results(path, out, names=TABLES, **chosen) -> dict[str, pd.DataFrame]:
    written = analyse(path, out, **chosen)
    return {name: pd.read_parquet(written[f"{name}.parquet"]) for name in names}


@pytest.fixture
def plain(tmp_path) -> dict[str, pd.DataFrame]:
    """The results of the same runs with log10_lr and log10_wd as columns, on which the numbers rest."""
    frame = exports.runs()
    exact = {"log10_lr": {0.001: -3, 0.01: -2, 0.1: -1}, "log10_wd": {1e-5: -5, 1e-4: -4, 1e-3: -3}}
    logs = {"log10_lr": frame["lr"].map(exact["log10_lr"]), "log10_wd": frame["weight_decay"].map(exact["log10_wd"])}
    frame.assign(**logs).drop(columns=["lr", "weight_decay"]).to_parquet(tmp_path / "plain.parquet")
    return results(tmp_path / "plain.parquet", tmp_path / "plain")


def test_the_plain_table_has_what_was_put_in(plain):
    """The variant is best one step higher; at the base's best it loses 2 (0.6^2 - 0.4^2) points by construction."""
    risk = plain["risk"].query("seed == 0").set_index("variant")
    assert risk.loc["base", ["best_log10_lr", "best_log10_wd"]].tolist() == [-2, -4]
    assert risk.loc["uniform-0.5", "best_log10_lr"] == -1
    assert risk.loc["uniform-0.5", "d_mean"] == pytest.approx(2 * (0.6**2 - 0.4**2))


SAVED = {
    "W&B": lambda path: exports.wandb().to_csv(path, index=False),
    "W&B, every text quoted": lambda path: exports.wandb().to_csv(path, index=False, quoting=2),
    "Ray Tune": lambda path: exports.ray().to_csv(path),
    "sheet": lambda path: path.write_text(exports.sheet(exports.runs(), "."), newline=""),
    "sheet, names with spaces": lambda path: path.write_text(
        exports.runs().to_csv(index=False).replace(",", ", "), newline=""
    ),
}


@pytest.mark.parametrize("name", SAVED)
def test_an_export_gives_the_numbers_of_the_plain_table(tmp_path, plain, capsys, name):
    SAVED[name](tmp_path / "runs.csv")
    for table, found in results(tmp_path / "runs.csv", tmp_path / "out").items():
        pd.testing.assert_frame_equal(found, plain[table])
    said = capsys.readouterr().err
    assert "log10_lr from log10 of lr, log10_wd from log10 of weight_decay" in said
    assert ("runs that are not finished are left out: 1 crashed, 1 running" in said) == name.startswith("W&B")


def optuna_study(folder):
    """The runs as trials with user attributes, one of them pruned; gives the study."""
    study = optuna.create_study(storage=f"sqlite:///{folder / 'a.db'}", study_name="sweep", direction="maximize")
    for run in exports.runs().to_dict("records"):
        study.enqueue_trial({name: run[name] for name in ("lr", "weight_decay")}, user_attrs=run)
    study.enqueue_trial({"lr": 0.1, "weight_decay": 1e-3})

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-3, 0.1, log=True)
        trial.suggest_float("weight_decay", 1e-5, 1e-3, log=True)
        trial.report(12.0, step=1)
        if "top1" not in trial.user_attrs:
            raise optuna.TrialPruned
        assert lr == trial.user_attrs["lr"]
        return trial.user_attrs["top1"]

    study.optimize(objective, n_trials=len(exports.runs()) + 1)
    return study


@pytest.mark.parametrize("with_index", [True, False])
def test_trials_as_csv_give_the_numbers_of_their_storage(tmp_path, plain, capsys, with_index):
    trials = optuna_study(tmp_path).trials_dataframe()
    trials.drop(columns=["user_attrs_lr", "user_attrs_weight_decay"]).to_csv(tmp_path / "a.csv", index=with_index)
    for table, found in results(tmp_path / "a.csv", tmp_path / "out").items():
        pd.testing.assert_frame_equal(found, plain[table])
    assert "column state: runs that are not finished are left out: 1 pruned" in capsys.readouterr().err
    chosen = {"metric": Metric("value"), "thresholds": (0.5, 1.0), "names": ("roi", "risk", "spread")}
    stored = results(tmp_path / "a.db", tmp_path / "stored", **chosen)
    for table, found in results(tmp_path / "a.csv", tmp_path / "csv", **chosen).items():
        pd.testing.assert_frame_equal(found, stored[table].assign(experiment=found["experiment"]))


def without_seeds(path):
    exports.wandb().drop(columns="seed").to_csv(path, index=False)


def some_seeds(path):
    frame = exports.wandb().reset_index(drop=True)
    frame.assign(seed=frame["seed"].where(frame.index != 7)).to_csv(path, index=False)


def seed_twice(path):
    exports.runs().assign(seed=0, Created=range(36)).to_csv(path, index=False)


def every_iteration(path):
    frame = exports.ray()
    early = frame.assign(training_iteration=1, top1=20.0)
    pd.concat([early, frame]).to_csv(path, index=False)


def failed_trial(path):
    frame = exports.ray()
    frame.assign(top1=frame["top1"].where(frame.index != 4)).to_csv(path, index=False)


def fractions(path):
    frame = exports.wandb()
    frame.assign(top1=frame["top1"] / 100).to_csv(path, index=False)


def binary(start):
    return lambda path: path.write_bytes(start + b"\0\1" * 50)


DEAD_ENDS = {
    "no seed": (without_seeds, ['the column "seed" is missing', 'add the column "seed"']),
    "a seed is missing": (some_seeds, ["row 8", '"seed" holds nan', "seeds number the runs of one setting"]),
    "a run twice": (seed_twice, ["row 10", "twice", "runs differ by their seed"]),
    "every iteration": (every_iteration, ["twice", "one log, by training_iteration: keep the last of each run"]),
    "a failed trial": (failed_trial, ["row 5", '"top1" holds nan', "leave out a run that did not end"]),
    "a log without settings": (
        lambda path: exports.ray_log().to_csv(path, index=False),
        ['the log of a run, by "training_iteration"? A table has one row per run, with its settings'],
    ),
    "records as text": (
        lambda path: exports.wandb_api().to_csv(path),
        ['"summary" holds records: pandas.json_normalize makes a column'],
    ),
    "fractions": (fractions, ["no top1 is above 0.9", "multiply fractions by 100"]),
    "decimal commas": (
        lambda path: path.write_text(exports.sheet(exports.runs(), ","), newline=""),
        ['"lr" holds "0,001"', "a decimal point instead of the comma: 0.001"],
    ),
    "percent signs": (
        lambda path: exports.runs().assign(top1="90.1 %").to_csv(path, index=False),
        ['"90.1 %"', "without its unit: 90.1"],
    ),
    "workbook": (binary(b"PK\3\4"), ["save the sheet of the workbook as CSV UTF-8"]),
    "UTF-16": (lambda path: path.write_text(exports.runs().to_csv(), encoding="utf-16"), ["UTF-16", "CSV UTF-8"]),
    "JSON": (lambda path: exports.runs().to_json(path, orient="records", lines=True), ["pandas.read_json"]),
    "two nested": (
        lambda path: exports.ray().rename(columns={"config/lr": "config/a/lr"}).to_csv(path, index=False),
        ['the column "log10_lr" is missing', "--y chooses another"],
    ),
}


@pytest.mark.parametrize("name", DEAD_ENDS)
def test_a_dead_end_names_the_way_out(tmp_path, name):
    save, parts = DEAD_ENDS[name]
    save(tmp_path / "runs.csv")
    with pytest.raises(InputError) as raised:
        analyse(tmp_path / "runs.csv", tmp_path / "out")
    said = str(raised.value)
    assert "\n" not in said and [part for part in parts if part not in said] == [], said


def test_any_nested_column_can_be_an_axis(tmp_path, plain):
    exports.ray().rename(columns={"config/lr": "config/opt/lr"}).to_csv(tmp_path / "runs.csv", index=False)
    found = results(tmp_path / "runs.csv", tmp_path / "out", **columns(y="log10:config/opt/lr"))["risk"]
    expected = plain["risk"].rename(columns={"best_log10_lr": "best_log10_config/opt/lr"})
    pd.testing.assert_frame_equal(found[sorted(found)], expected[sorted(expected)])
