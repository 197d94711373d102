"""How a study was run, as the report says it."""

import pandas as pd
import pytest

from prunescape.analysis.axes import Axes
from prunescape.present.labels import variant_title
from prunescape.present.report.setup import pipelines_text, plain, round_pairs


@pytest.mark.parametrize(
    ("retraining", "text"),
    [
        ({"pipelines": ["scratch"], "epochs": None}, "scratch"),
        (
            {"pipelines": ["fine_tune"], "epochs": 2, "steps": 3},
            "fine-tune; 2 epochs on inherited weights after each of 3 cuts",
        ),
        ({"pipelines": ["scratch", "fine_tune"], "epochs": 1}, "scratch, fine-tune; 1 epoch on inherited weights"),
        (
            {"pipelines": ["init"], "epochs": None, "base": "per_seed"},
            "init; each seed inherits from the base with that seed",
        ),
    ],
)
def test_pipelines_are_named_with_the_epochs_after_pruning(retraining, text):
    assert pipelines_text(retraining) == text


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("base", "base"),
        ("uniform-0.5", "uniform 0.5"),
        ("uniform-0.5-rewind_rate", "uniform 0.5 (rewind-rate)"),
        ("my-own-name", "my own-name"),
    ],
)
def test_variants_are_titled_with_their_pipeline(name, title):
    assert variant_title(name) == title


def test_values_that_were_left_open_are_not_listed():
    assert plain({"kind": "random", "trials": None, "space": {}, "flip": False, "milestones": []}) == (
        "kind random; flip off; milestones none"
    )


def test_the_grid_is_told_where_it_grew():
    rows = [(0, "grid", -1.0), (0, "grid", 0.0), (1, "grid", -0.5), (2, "replicate", 0.0), (3, "grid", 1.0)]
    cells = pd.DataFrame(rows, columns=["round", "stage", "log10_lr"]).assign(momentum=0.9)
    reach = "grid: log10 learning rate {}, momentum 0.9 to 0.9"
    assert round_pairs(cells, Axes.of(["log10_lr", "momentum"])) == [
        ("configured grid", f"2 cells; {reach.format('−1 to 0')}"),
        ("round 1, grid", "1 cell"),
        ("round 2, fresh seeds", "1 cell"),
        ("round 3, grid", f"1 cell; {reach.format('−1 to 1')}"),
    ]
