"""The forest plot of hyperparameters after pruning: its data by hand, and the drawing against it."""

import pandas as pd
import pytest

from prunescape.present.figures.again_data import MOST_ROWS, again_figures
from prunescape.present.figures.forest_drawings import draw_forest_interactive, draw_forest_static

# (hyperparameter, largest change, 95 % bound, verdict), of a margin of 0.5 points
ROWS = [
    ("batch_size", 0.1, 0.3, "may stay"),
    ("momentum", 2.0, 2.6, "look again"),
    ("log10_lr", 0.6, 0.9, "inconclusive"),
    ("schedule", 3.0, 4.0, "look again"),
]


def interactions(rows=ROWS) -> pd.DataFrame:
    """The table of one experiment, as far as the figure reads it; another response, and one that was not tested."""
    table = pd.DataFrame(rows, columns=["factor", "largest", "bound", "verdict"]).assign(response="top1")
    lost = table[:1].assign(bound=float("nan"))
    other = table.assign(response="log10:epoch_seconds", largest=9.0)
    known = {"experiment": "e", "by": "", "with": "variant", "other": "uniform-0.5", "base": "base", "margin": 0.5}
    return pd.concat([table, other, lost]).assign(**known)


def test_rows_stand_by_verdict_then_by_the_size_of_the_change():
    (figure,) = again_figures(interactions())
    assert [(row.factor, row.word) for row in figure.rows] == [
        ("schedule", "look again"),
        ("momentum", "look again"),
        ("log10 learning rate", "inconclusive"),
        ("batch size", "may stay"),
    ]
    assert [row.look for row in figure.rows] == ["retune", "retune", "inconclusive", "keep"]
    assert [(row.lower, row.estimate, row.upper) for row in figure.rows][:2] == [(0.0, 3.0, 4.0), (0.0, 2.0, 2.6)]
    assert figure.rows[3].text == "batch size, uniform 0.5: may stay; the effect changes by 0.10 points, 0.30 at most"
    assert (figure.name, figure.experiment, figure.margin) == ("again-e-top1", "e", 0.5)
    assert figure.limits == pytest.approx((-0.16, 4.16)), "from 0 to 4 and 4 % of that on both sides"


def test_of_many_the_smallest_changes_are_left_to_the_table():
    many = [("batch_size", 0.01 * place, 9.0, "inconclusive") for place in range(MOST_ROWS + 3)]
    (figure,) = again_figures(interactions(many))
    assert len(figure.rows) == MOST_ROWS and "3 smaller changes are in the table only" in figure.caption
    assert min(row.estimate for row in figure.rows) == pytest.approx(0.03)


def test_both_drawings_show_that_data():
    (figure,) = again_figures(interactions())
    page, printed = draw_forest_interactive(figure), draw_forest_static(figure)
    assert [tuple(trace.x) for trace in page.data[::2]] == [figure.ends(row) for row in figure.rows]
    assert page.layout.yaxis.ticktext[0].startswith("schedule<br>")
    assert page.layout.yaxis.ticktext[0].endswith("uniform 0.5: look again</b>")
    assert [text.get_text() for text in printed.axes[0].texts[:-1]] == [row.word for row in figure.rows]


def test_no_interactions_make_no_figure():
    assert again_figures(interactions().iloc[:0]) == []
