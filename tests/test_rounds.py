"""Rounds: which way a grid grows, where each cell belongs, and Snakemake really running them to the report."""

import json

import numpy as np
import pandas as pd
import pytest

from prunescape.cells import BASE, Cell
from prunescape.errors import InputError
from prunescape.landscape.extension import extended_axes
from prunescape.rounds import Places, Round, present_rounds, read_round

AXES = {"log10_lr": ["-2.0", "-1.5", "-1.0"], "log10_wd": ["-4.0", "-3.5", "-3.0"]}


def landscape(peak_lr, peak_wd, axes=AXES, **columns) -> pd.DataFrame:
    """A cone of known peak: 4 points lost per decade of distance."""
    wd, lr = (part.ravel() for part in np.meshgrid(*(np.array(axes[name], float) for name in ("log10_wd", "log10_lr"))))
    score = 95 - 4 * np.hypot(lr - peak_lr, wd - peak_wd)
    key = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "seed": 0, "metric": "top1"}
    frame = pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "score": score, "chosen_on": score, "status": "ok"})
    return frame.assign(**key | columns)


@pytest.mark.parametrize(
    ("peak", "lr", "wd"),
    [
        ((-1.5, -3.5), (0, 0), (0, 0)),
        ((-1.0, -3.5), (0, 2), (0, 0)),
        ((-2.0, -4.0), (2, 0), (2, 0)),
        ((-1.5, -2.9), (0, 0), (0, 2)),
    ],
    ids=["inside", "top edge", "corner", "beyond"],
)
def test_an_edge_with_a_good_point_moves_out_two_steps(peak, lr, wd):
    wider = extended_axes(AXES, landscape(*peak))
    for name, (below, above) in (("log10_lr", lr), ("log10_wd", wd)):
        first, last = float(AXES[name][0]), float(AXES[name][-1])
        assert np.allclose(np.array(wider[name], float), np.arange(first - 0.5 * below, last + 0.5 * above + 0.1, 0.5))


def test_one_variant_or_seed_moves_the_edge_for_all():
    rows = pd.concat([landscape(-1.5, -3.5), landscape(-1.0, -3.5, variant="uniform-0.5", seed=1)])
    assert extended_axes(AXES, rows)["log10_lr"] == [*AXES["log10_lr"], "-0.5", "0.0"]


def test_bounds_stop_an_edge_and_diverged_cells_do_not_move_one():
    axes = {"log10_lr": ["0.0", "0.5"], "log10_wd": ["-4.0"]}
    assert extended_axes(axes, landscape(0.5, -4.0, axes)) == {"log10_lr": ["0.0", "0.5", "1.0"], "log10_wd": ["-4.0"]}
    assert extended_axes(AXES, landscape(-1.0, -3.0, status="diverged")) == AXES
    assert extended_axes(AXES, landscape(-1.0, -3.0).iloc[:0]) == AXES


def test_a_round_is_read_as_it_was_written(tmp_path):
    planned = Round(2, False, {"e": AXES}, {"grid": [Cell("e", BASE, "-1.0", "-4.0", 3)]})
    path = tmp_path / "round=2.json"
    path.write_text(json.dumps(planned.content()))
    assert read_round(path) == planned
    missing = tmp_path / "round=3.json"
    assert present_rounds([path, missing, path]) == [planned]
    path.write_text(json.dumps(planned.content()).replace("log10_lr=-1.0", "log10_lr=abc"))
    with pytest.raises(InputError, match="no path of a cell"):
        read_round(path)


def test_every_cell_has_its_place():
    kept = Cell("e", BASE, "-1.0", "-4.0", 1)
    added = Cell("e", BASE, "0.5", "-4.0", 0)
    places = Places({"e": [0]}, [Round(1, False, {}, {"grid": [added]}), Round(2, True, {}, {"replicate": [kept]})])

    def place(lr, wd, seed):
        return places.of({"experiment": "e", "variant": "base", "log10_lr": lr, "log10_wd": wd, "seed": seed})

    assert place(-1.0, -4.0, 0) == ("grid", 0)
    assert place(0.5, -4.0, 0) == ("grid", 1)
    assert place(-1.0, -4.0, 1) == ("replicate", 2)
    assert place(-1.0, -3.0, 1) == ("pilot", 0)
