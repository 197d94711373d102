"""Tables as sweep services export them: unfinished runs, and the best setting run again with other seeds."""

import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.read_cells import read_cells
from prunescape.errors import InputError
from support.landscapes import full_grid


def landscape() -> pd.DataFrame:
    """Base and one pruned variant, best at different points of the same grid."""
    parts = []
    for variant, shift in (("base", 0.0), ("uniform-0.5", 0.4)):
        wd, lr = full_grid(size=5)
        part = pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "top1": 90 - 3 * (lr - shift) ** 2 - (wd + shift) ** 2})
        parts.append(part.assign(model="m", dataset="d", variant=variant, seed=0))
    return pd.concat(parts, ignore_index=True)


def write(folder, frame, name="cells.csv"):
    frame.to_csv(folder / name, index=False)
    return folder / name


@pytest.mark.parametrize(
    ("column", "finished", "crashed"),
    [("State", "finished", "crashed"), ("state", "COMPLETE", "PRUNED"), ("trial_status", "TERMINATED", "ERROR")],
    ids=["W&B", "Optuna", "Ray"],
)
def test_unfinished_runs_are_left_out_and_counted(tmp_path, capsys, column, finished, crashed):
    frame = landscape()
    states = [crashed if row in (3, 5) else finished for row in range(len(frame))]
    known = read_cells(write(tmp_path, frame.assign(**{column: states})))
    assert len(known) == len(frame) - 2 and set(known[column]) == {finished}
    said = capsys.readouterr().err
    assert f"column {column}: runs that are not finished are left out: 2 {crashed.lower()}" in said


def test_a_row_is_still_named_by_its_place_in_the_file(tmp_path):
    frame = landscape().assign(State="finished")
    frame.loc[0, "State"] = "crashed"
    frame["top1"] = frame["top1"].astype("object")
    frame.loc[4, "top1"] = "high"
    with pytest.raises(InputError, match="row 5 after the header"):
        read_cells(write(tmp_path, frame))


def test_where_nothing_finished_there_is_nothing_to_analyse(tmp_path):
    with pytest.raises(InputError, match="no run is finished: 50 crashed"):
        read_cells(write(tmp_path, landscape().assign(State="crashed")))


def test_a_state_of_another_kind_leaves_nothing_out(tmp_path, capsys):
    frame = landscape().assign(state="Oregon")
    assert len(read_cells(write(tmp_path, frame))) == len(frame) and not capsys.readouterr().err


def test_the_best_setting_run_again_is_no_landscape(tmp_path, capsys):
    """The results are those of the same table with a column that says which cells are fresh seeds."""
    frame = landscape()
    best = frame.loc[frame.groupby("variant")["top1"].idxmax()]
    again = [best.assign(seed=seed, top1=best["top1"] - 0.1 * seed) for seed in range(1, 6)]
    table = pd.concat([frame, *again], ignore_index=True)
    said = table.assign(stage=["grid"] * len(frame) + ["replicate"] * (len(table) - len(frame)))
    folders = [tmp_path / "unsaid", tmp_path / "said"]
    analyse(write(tmp_path, table), folders[0])
    assert "10 seeds of a variant have few settings and count as fresh seeds" in capsys.readouterr().err
    analyse(write(tmp_path, said, "said.csv"), folders[1])
    assert not capsys.readouterr().err
    for name in ("risk", "spread", "shift", "verdicts"):
        unsaid, known = (pd.read_parquet(folder / f"{name}.parquet") for folder in folders)
        pd.testing.assert_frame_equal(unsaid, known)
    assert set(pd.read_parquet(folders[0] / "risk.parquet")["seed"]) == {0}


@pytest.mark.parametrize("variants", [["dense", "p"], ["Unpruned", "p"], ["alone"]])
def test_which_variant_may_be_the_base_is_said(tmp_path, variants):
    frame = landscape()
    frame["variant"] = frame["variant"].map({"base": variants[0], "uniform-0.5": variants[-1]})
    frame = frame if len(variants) > 1 else frame.iloc[:25]
    with pytest.raises(InputError, match=f'no cell has the variant "base"; hint: --base {variants[0]}$'):
        read_cells(write(tmp_path, frame))
    with pytest.raises(InputError, match="--base NAME, the unpruned model's; the variants are a, b"):
        read_cells(write(tmp_path, landscape().replace({"base": "a", "uniform-0.5": "b"})))
