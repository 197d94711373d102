"""`prunescape factors`: one line for wrong input, tables from CSV, Parquet and Optuna, and what it finds in each."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prunescape.analysis.factors.choice import found_factors
from prunescape.analysis.factors.columns import TABLES
from prunescape.analysis.factors.factor_tables import tables_of
from prunescape.analysis.factors.question import Question, prepared_runs, read_runs
from prunescape.analysis.study_tables import IDENTITY_COLUMNS, RECORD_COLUMNS
from prunescape.commands.cli import main
from prunescape.errors import InputError
from support.code import loaded_by
from support.exports import ray, wandb


def runs(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"optimiser": rng.choice(["adam", "sgd"], rows), "dropout": rng.uniform(0, 0.5, rows)})
    frame["twin"] = frame["optimiser"].map({"adam": "a", "sgd": "s"})
    frame["double"] = 2 * frame["dropout"] + 1
    frame["decay"] = rng.choice([0.0, 0.1, 0.01], rows)
    frame["top1"] = 90 + frame["dropout"] + rng.normal(0, 0.1, rows)
    frame["loss"] = np.where(np.arange(rows) == 3, np.nan, 0.5 + rng.random(rows))
    frame["latency_s"] = np.where(np.arange(rows) == 7, 0.0, 0.01)
    frame["noted"] = [*map(str, rng.random(rows - 1).round(6)), "oops"]
    frame["huge"] = np.where(np.arange(rows) == 5, 1e200, np.arange(rows) % 7 + 1.0)
    frame["log10:x"] = rng.random(rows)
    return frame.assign(note="x", one=1, host=[f"h{number}" for number in range(rows)])


GOOD = ["--of", "top1", "--factors", "optimiser", "dropout"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--of", "top2"], 'there is no column "top2"; allowed: optimiser, dropout'),
        (["--of", "top2"], 'did you mean "top1"?'),
        ([*GOOD, "--by", "optimizer"], 'there is no column "optimizer"'),
        ([*GOOD[:3], "drop_out"], 'did you mean "dropout"?'),
        (["--of", "top1", "--factors", "one", "dropout"], 'the factor "one" has one level, 1'),
        (["--of", "note"], 'row 1 after the header: the column "note" holds "x", which is not a finite number'),
        (["--of", "loss"], "row 4 after the header"),
        (["--of", "loss"], "hint: --leave-out-missing leaves such rows out of this response"),
        (["--of", "log10:latency_s", *GOOD[2:]], 'the column "latency_s" holds 0, which has no logarithm'),
        (["--of", "top1", "--factors", "optimiser", "twin", "dropout"], 'no rows tell apart "optimiser" and "twin"'),
        (["--of", "top1", "--factors", "dropout", "double"], '"dropout" and "double": perfectly confounded'),
        (["--of", "top1", "--factors", "host"], "60 rows are too few for 60 coefficients; allowed: 61 rows or more"),
        (["--of", "top1", "--factors", "dropout", "dropout"], 'the factor "dropout" is named twice'),
        (["--of", "top1", "--factors", "top1"], 'the column "top1" is in --of and in --factors'),
        ([*GOOD, "--types", "dropout=continous"], "continuous, log10, levels, categorical, switch"),
        ([*GOOD, "--types", "optimiser=continuous"], '"sgd" is no number, so the column is not continuous'),
        ([*GOOD, "--types", "decays=levels"], '"decays" is no factor here'),
        ([*GOOD, "--types", "dropout"], '"dropout" is not NAME=VALUE'),
        (["--of", "top1", "--factors", "log10:decay"], "0 has no logarithm"),
        (
            [*GOOD, "--reference", "optimiser=adem"],
            'no level "adem"; allowed: adam, sgd; hint: did you mean "adam"?',
        ),
        ([*GOOD, "--reference", "dropout=0.1"], '"dropout" is continuous and has no reference level'),
        ([*GOOD, "--with", "variant"], 'there is no column "variant"'),
        ([*GOOD, "--with", "optimiser"], 'no level "base"; allowed: adam, sgd; hint: --base names another'),
        ([*GOOD, "--with", "one", "--base", "1"], 'the column "one" has no other level than 1'),
        ([*GOOD, "--margin", "-1"], "the margin -1 is no change of an effect"),
        ([*GOOD, "--studies", "s"], "only an Optuna storage has studies"),
        (GOOD[2:], "--of"),
        (["--of", "top1", "--by", "top1"], 'the column "top1" is in --of and in --by'),
        (
            [*GOOD[:3], "optimiser", "--by", "dropout"],
            "dropout split the table into 60 groups of one row; allowed: up to",
        ),
        ([*GOOD, "--by", "log10:decay"], 'there is no column "log10:decay"'),
        (
            ["--of", "top1", "--factors", "noted", "dropout"],
            'the column "noted" holds "oops" among numbers; hint: mend these values, or --types noted=categorical',
        ),
        (
            ["--of", "huge"],
            'the column "huge" holds 1e+200, too large for sums of squares; hint: leave the row out, or',
        ),
        (["--of", "top1", "--factors", "huge"], '"huge" holds 1e+200, too large for sums of squares'),
        (
            ["--of", "top1", "--factors", "x", "y"],
            'there is no column "x"; allowed: optimiser, dropout, twin, double, decay, top1',
        ),
        (["--of", "top1", "--factors", "log10:x"], 'hint: rename the column "log10:x"'),
        (
            ["--of", "top1", "--factors", "optimiser", "twin", "dropout", "double"],
            '"optimiser" and "twin"; nor "dropout" and "double": perfectly confounded; hint: leave one of each of them',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_input_is_one_line(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs().to_csv("runs.csv", index=False)
    assert main(["factors", "runs.csv", *arguments, "--out", "out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("prunescape: error: ") and said in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "asked", "said"),
    [
        ([[1], [2]] * 20, {"by": ("odd",)}, 'the column "odd" holds lists or records; allowed: one value in each row'),
        ([[1], [2]] * 20, {"factors": ("odd",)}, 'the column "odd" holds lists or records'),
        ([*np.linspace(0, 1, 39).tolist(), np.inf], {}, '"odd" holds inf, which is not a finite number'),
        ([True, False] * 20, {"kinds": {"odd": "continuous"}}, '"True" is no number, so the column is not continuous'),
    ],
)
def test_odd_columns_are_one_line(values, asked, said):
    frame = pd.DataFrame({"odd": values, "dropout": np.linspace(0, 1, 40) ** 2, "top1": np.arange(40.0)})
    with pytest.raises(InputError) as caught:
        tables_of(prepared_runs(frame, "t.parquet", Question(("top1",), **asked)))
    assert said in str(caught.value)


TIMES = pd.date_range("2026-01-01", periods=40)


@pytest.mark.parametrize(("values", "value"), [(TIMES, "2026-01-01 00:00:00"), (TIMES - TIMES[0], "0 days 00:00:00")])
def test_a_time_is_no_response(values, value):
    frame = pd.DataFrame({"odd": values, "dropout": np.linspace(0, 1, 40) ** 2})
    with pytest.raises(InputError) as caught:
        prepared_runs(frame, "t.parquet", Question(("odd",)))
    what = f'the column "odd" holds {value}, a time and no number'
    assert str(caught.value) == f"t.parquet, row 1 after the header: {what}; hint: give seconds or days as a number"


def test_a_thousand_groups_are_refused_at_once():
    frame = pd.DataFrame({"k": np.repeat(np.arange(1000), 30) / 7, "dropout": np.arange(30_000) % 11.0})
    frame["top1"] = np.random.default_rng(0).normal(size=30_000)
    with pytest.raises(InputError) as caught:
        prepared_runs(frame, "t.csv", Question(("top1",), by=("k",)))
    what, hint = "k split the table into 1000 groups of 30 rows", "is it a number that varies from run to run?"
    assert str(caught.value) == f"t.csv: {what}; allowed: up to 200 groups, of two rows or more; hint: {hint}"


def test_a_text_among_numbers_is_named_where_factors_are_found():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"lr": [*map(str, np.tile(np.arange(19) / 10, 2)), "n/k", "n/k"], "top1": rng.normal(size=40)})
    notes = prepared_runs(frame, "t.csv", Question(("top1",))).notes
    assert 'the column "lr" holds "n/k" among numbers, so its values are categories' in notes


def test_decimals_of_a_database_are_numbers(tmp_path):
    decimals = pa.array([Decimal(f"{number % 13}.5") for number in range(60)])
    table = pa.Table.from_pandas(runs()[["optimiser", "top1"]]).append_column("price", decimals)
    pq.write_table(table, tmp_path / "t.parquet")
    found = read_runs(tmp_path / "t.parquet", Question(("top1",)))
    assert [(factor.name, factor.kind) for factor in found.factors] == [
        ("optimiser", "categorical"),
        ("price", "continuous"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("größe,top1\n1,2\n", "the file cannot be read as CSV ('utf-8' codec can't decode byte 0xf6 in position 2"),
        ("size,top1\ngroß,2\nklein,3\n", 'the column "size" holds text that is no UTF-8; allowed: a Parquet file'),
    ],
)
def test_a_csv_that_is_no_utf8_is_one_line(text, said, tmp_path):
    (tmp_path / "t.csv").write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        read_runs(tmp_path / "t.csv", Question(("top1",)))
    assert str(caught.value).startswith(f"{tmp_path / 't.csv'}: {said}")


def test_infinity_among_few_levels_is_a_level():
    frame = pd.DataFrame({"patience": [1.0, np.inf] * 20, "top1": np.random.default_rng(0).normal(size=40)})
    effects = tables_of(prepared_runs(frame, "t.parquet", Question(("top1",)))).tables["effects"]
    assert effects[["level", "reference"]].to_numpy().tolist() == [["inf", "1"]]


def test_variant_and_seed_are_found_below_prefixes():
    """Ray writes config/variant and config/seed: settings of two seeds are pairs of base and variant."""
    runs = prepared_runs(ray(), "ray.csv", Question(("top1",)))
    assert [factor.name for factor in runs.factors] == ["config/lr", "config/weight_decay", "variant"]
    found = tables_of(runs).tables["interactions"]
    assert found["paired"].all() and (found["n"] == 9).all()


def test_it_loads_no_torch(tmp_path):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    command = ["factors", str(tmp_path / "runs.csv"), *GOOD, "--out", str(tmp_path / "out")]
    statements = f"from prunescape.commands.cli import main; main({command!r})"
    assert loaded_by(statements, "torch", "optuna", "sklearn") == {"sklearn"}


def test_nothing_to_explain_with_is_said():
    frame = pd.DataFrame({"top1": [1.0, 2.0], "loss": [1.0, 2.0], "run_id": ["a", "b"]})
    with pytest.raises(InputError, match="no column varies that looks like a hyperparameter; hint: name the factors"):
        prepared_runs(frame, "t.csv", Question(("top1",)))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (ray(), ["config/lr", "config/weight_decay", "config/variant"]),
        (wandb(), ["lr", "weight_decay", "variant"]),
        (runs(), ["optimiser", "dropout", "twin", "double", "decay", "huge"]),
    ],
)
def test_factors_are_found_in_tables_of_others(frame, expected):
    found = found_factors(frame, ["top1"], [])
    assert sorted(found) == sorted(expected)


def test_factors_of_our_own_cells_are_hyperparameters_and_the_variant():
    names = [*IDENTITY_COLUMNS, *RECORD_COLUMNS, "log10_lr", "batch_size"]
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in names})
    assert found_factors(frame, ["top1"], []) == ["variant", "precision", "log10_lr", "batch_size"]


def test_tables_have_their_columns_and_the_terminal_says_what_was_found(tmp_path, capsys):
    frame = pd.concat([runs().assign(variant=name) for name in ("base", "uniform-0.5")])
    frame["seed"] = 0
    frame.to_parquet(tmp_path / "runs.parquet")
    command = ["factors", str(tmp_path / "runs.parquet"), "--of", "loss", "log10:top1", "--leave-out-missing"]
    given = ["--factors", "optimiser", "dropout", "variant", "decay", "--out", str(tmp_path / "out")]
    assert main([*command, *given]) == 0
    assert "loss: 2 of 120 rows without a value are left out" in capsys.readouterr().err
    for name, columns in TABLES.items():
        schema = pq.read_schema(tmp_path / "out" / f"{name}.parquet")
        assert schema.names == list(columns) and all(field.metadata[b"meaning"] for field in schema)
        assert (
            len(pd.read_csv(tmp_path / "out" / f"{name}.csv"))
            == pq.read_metadata(tmp_path / "out" / f"{name}.parquet").num_rows
        )
    fit = pd.read_parquet(tmp_path / "out" / "fit.parquet")
    assert fit[["response", "n"]].to_numpy().tolist() == [["loss", 118], ["log10:top1", 120]]


def test_an_optuna_storage_is_read_trial_by_trial(tmp_path):
    """What Optuna wrote itself; its own value and parameters become columns."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{tmp_path / 's.db'}"
    study = optuna.create_study(storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(0))

    def objective(trial):
        kind = trial.suggest_categorical("optimiser", ["adam", "sgd"])
        return trial.suggest_float("lr", 1e-4, 1e-1, log=True) + (kind == "sgd")

    study.optimize(objective, 30)
    assert main(["factors", str(tmp_path / "s.db"), "--of", "value", "--out", str(tmp_path / "out")]) == 0
    rows = pd.read_csv(tmp_path / "out" / "effects.csv").set_index("factor")
    assert rows.index.tolist() == ["optimiser", "lr"]
    assert abs(rows.loc["optimiser", "estimate"]) == pytest.approx(1, abs=0.05)
