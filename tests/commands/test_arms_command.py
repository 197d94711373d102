"""`prunescape arms` on a table of trials: its tables, the paper's tables, figures, and bad command lines."""

import json

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.arms.trials import ArmTerms, ranked_models
from prunescape.analysis.results import ARMS, result_names
from prunescape.commands.arms import named_columns
from prunescape.commands.cli import main, parser
from support.arms import PROPERTIES, drawn_trials

NAMED = ["--arm", "arm", "--rank-by", "train_top1", "--of", *PROPERTIES]
MEASURED = ["--by", "experiment", "--target", "target", "--precision", "precision"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")
    drawn_trials().rename(columns={"arm": "search"}).to_csv(folder / "trials.csv", index=False)
    named = ["--arm", "search", *NAMED[2:], *MEASURED]
    assert main(["arms", str(folder / "trials.csv"), *named, "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_it_writes_every_table_in_the_papers_form_too(written):
    for name in result_names(ARMS):
        assert len(pd.read_parquet(written / f"{name}.parquet")) == len(pd.read_csv(written / f"{name}.csv")) > 0
    names = {path.name for path in (written / "tables").iterdir()}
    titles = ("arms_before_optimisation", "arms_after_optimisation", "lard", "pairwise_differences")
    for name in (*titles, "arms_corrected", "arms_as_searches", "optimisation_and_device"):
        assert {f"{name}.{kind}" for kind in ("parquet", "csv", "md", "tex")} <= names


def test_the_papers_table_prints_p_or_the_size_of_the_effect(written):
    rows = pd.read_parquet(written / "arm_comparisons.parquet")
    lines = (written / "tables" / "arms_before_optimisation.md").read_text().splitlines()
    printed = next(line for line in lines if line.startswith("| kernel"))
    cells = [cell.strip() for cell in printed.split("|")[2:-1]]
    assert len(cells) == 2 * len(PROPERTIES)
    here = rows.query("target == 'server' and precision == 'fp32' and arm == 'fix:kernel'").set_index("property")
    for place, name in enumerate(PROPERTIES):
        row = here.loc[name]
        expected = row["magnitude"] if row["p_liao"] < 0.05 else f"{row['p_liao']:.3f}"
        assert cells[2 * place + 1] == expected


def test_lard_and_ks_are_printed_as_they_are_in_the_results(written):
    spread = pd.read_parquet(written / "arm_spread.parquet").query("arm == 'all' and models == 'best'")
    text = (written / "tables" / "lard.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| latency"))
    values = [float(cell) for cell in row.split("|")[2:-1]]
    expected = spread[spread["property"] == "latency_median_s"]["lard"].tolist()
    assert sorted(values) == sorted(np.round(expected, 2))


def test_figures_2_to_6_are_there_in_three_formats(written):
    index = json.loads((written / "figures" / "figures.json").read_text())
    kinds = [(figure["kind"], figure["name"]) for figure in index["figures"]]
    names = [name for _, name in kinds]
    place = "digits-server-fp32"
    assert {f"arm-scaled-all-{place}", f"arm-scaled-best-{place}"} <= set(names)  # Figures 2 and 3
    other = "digits-phone-int8"
    assert {f"arm-changes-{other}", f"arm-pairs-{other}", f"arm-scaled-best-{other}"} <= set(names)  # 4 to 6
    assert all(
        (written / "figures" / f"{name}.{kind}").stat().st_size for name in names for kind in ("html", "svg", "pdf")
    )


def test_a_table_with_one_row_per_trial_needs_no_target(tmp_path, capsys):
    table = drawn_trials().query("target == 'server' and precision == 'fp32'")
    table[["arm", "train_top1", "file_bytes"]].to_parquet(tmp_path / "runs.parquet")
    named = ["--arm", "arm", "--rank-by", "train_top1", "--of", "file_bytes"]
    assert main(["arms", str(tmp_path / "runs.parquet"), *named, "--out", str(tmp_path / "out")]) == 0
    assert "1 comparisons of arms" in capsys.readouterr().out
    names = {path.stem for path in (tmp_path / "out" / "tables").iterdir()}
    assert names == {"arms_before_optimisation", "arms_corrected", "arms_as_searches", "lard"}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["--arm", "arms", *NAMED[2:]], 'there is no column "arms"; allowed: experiment'),
        ([*NAMED, "--by", "experimint"], 'hint: did you mean "experiment"?'),
        (NAMED, "the trial 0 of the arm all is there twice"),
        ([*NAMED, *MEASURED, "--baseline", "everything"], 'no arm is called "everything"'),
        ([*NAMED, *MEASURED, "--best", "31"], "fewer than its best 31"),
        (
            [*NAMED[:4], "--of", "precision", *MEASURED],
            'the column "precision" holds "fp32", which is not a finite number',
        ),
        ([*NAMED, *MEASURED, "--standard", "server", "fp8"], "nothing was measured on server in fp8"),
        ([*NAMED, "--by", "arm"], 'the column "arm" is in --arm and in --by; hint: each needs a column of its own'),
        (["--arm", "train_top1", *NAMED[2:]], 'the column "train_top1" is in --arm and in --rank-by'),
        ([*NAMED, "--higher", "file_byte"], '"file_byte" is in --higher and not in --of'),
        ([*NAMED, *MEASURED, "--again", "all-agian"], 'no other arm is called "all-agian", the second search'),
        ([*NAMED, *MEASURED, "--again", "all"], 'no other arm is called "all", the second search'),
        ([*NAMED, "--by", "run"], "run split the table into 360 groups of one row; allowed: up to 200 groups, of two"),
        ([*NAMED, "--best", "²"], 'argument --best: "²" is not a whole number above 0'),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, capsys, named, message):
    drawn_trials().assign(run=range(360)).to_csv(tmp_path / "trials.csv", index=False)
    assert main(["arms", str(tmp_path / "trials.csv"), *named, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_arm_of_one_trial_is_to_be_left_out(tmp_path, capsys):
    table = drawn_trials().query("target == 'server' and precision == 'fp32'")
    pd.concat([table, table.head(1).assign(arm="lone")]).to_csv(tmp_path / "t.csv", index=False)
    assert main(["arms", str(tmp_path / "t.csv"), *NAMED, "--out", str(tmp_path / "out")]) == 2
    what = 'the arm "lone" has 1 trials, fewer than its best 10; hint: leave such arms out'
    assert capsys.readouterr().err == f"prunescape: error: {tmp_path / 't.csv'}, t, base: {what}\n"


def test_empty_cells_split_a_table_too_and_names_of_arms_lose_their_spaces(tmp_path):
    table = drawn_trials().query("target == 'server' and precision == 'fp32'")
    table = table.assign(arm=" " + table["arm"], model=None)
    trials = named_columns(
        table, parser().parse_args(["arms", "t.csv", *NAMED, "--by", "model", "--out", str(tmp_path)])
    )
    assert set(trials["experiment"]) == {""}
    assert set(ranked_models(trials, ArmTerms(properties=("file_bytes",)))["arm"]) == set(drawn_trials()["arm"])
