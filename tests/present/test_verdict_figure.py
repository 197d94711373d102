"""The forest plot of verdicts: its data and axis by hand, and both drawings against that data."""

import numpy as np
import pandas as pd
import pytest

from prunescape.present.figures.forest_drawings import draw_forest_interactive, draw_forest_static
from prunescape.present.figures.verdict_data import verdict_figures

NAN = np.nan
# variant -> (verdict, gain, lower, upper), of a margin of 0.5
ROWS = {
    "nonuniform-0.5": ("retune", 1.5, 0.9, 2.1),
    "uniform-0.5": ("keep", 0.1, -0.2, 0.4),
    "uniform-0.25": ("inconclusive", NAN, NAN, 9.0),
    "uniform-0.1": ("inconclusive", 0.2, -20.0, NAN),
}


def verdicts(fresh=4) -> pd.DataFrame:
    """The table of one experiment, as far as the figure reads it; a variant without fresh seeds, and another metric."""
    rows = [
        {
            "variant": name,
            "verdict_bonferroni": verdict,
            "gain": gain,
            "lower_bonferroni": low,
            "upper_bonferroni": high,
        }
        for name, (verdict, gain, low, high) in ROWS.items()
    ]
    lost = {"variant": "uniform-0.05", "verdict_bonferroni": "inconclusive", "replicates_most": 0}
    table = pd.DataFrame(rows).assign(replicates_most=fresh)
    table = pd.concat([table, pd.DataFrame([lost])]).assign(metric="top1")
    known = {
        "experiment": "e",
        "margin": 0.5,
        "alpha": 0.05,
        "claims": 5,
        "noise": "two_way",
        "points": [16, 16, 15, 16, 9],
    }
    known["points"] *= 2
    return pd.concat([table, table.assign(metric="top5", gain=7.0)]).assign(**known)


def figure():
    (found,) = verdict_figures(verdicts())
    return found


def test_rows_hold_the_bounds_of_single_claims_in_the_order_of_variants():
    found = figure()
    assert (found.name, found.experiment, found.metrics) == ("verdict-e-top1", "e", ["top1"])
    shown = {row.variant: (row.verdict, row.estimate, row.lower, row.upper) for row in found.rows}
    assert list(shown) == ["uniform-0.5", "uniform-0.25", "uniform-0.1", "nonuniform-0.5"]
    for name, row in shown.items():
        assert row[0] == ROWS[name][0]
        np.testing.assert_array_equal(row[1:], ROWS[name][1:])
    assert found.without == ("uniform-0.05",) and found.caption.endswith("and so not shown: uniform 0.05.")
    assert found.rows[0].text == "uniform 0.5: keep; tuning gains at most 0.40 points, 0.10 at the tested point"
    assert (
        found.rows[2].text == "uniform 0.1: inconclusive; the gain of tuning is not bounded, 0.20 at the tested point"
    )
    assert (
        "chance of 1 % at most, the error rate of 5 % over 5 variants, if points share a shift by seed" in found.caption
    )
    assert found.points == (15, 16) and "at its 15 to 16 trained settings" in found.caption, "not of one not shown"


def test_nothing_is_drawn_without_fresh_seeds():
    assert verdict_figures(verdicts(fresh=0)) == []


def test_the_axis_holds_what_decided_and_wide_bounds_end_in_arrows():
    """Decided and gained: 0 to 1.5; the others stretch that by 2.25 above and half of it below, plus 4 % of 4.875."""
    found = figure()
    assert found.limits == pytest.approx((-1.125 - 0.195, 3.75 + 0.195))
    keep, unbounded_below, unbounded, retune = found.rows
    assert found.ends(keep) == (-0.2, 0.4) and found.beyond(keep) == (False, False)
    assert found.ends(retune) == (0.9, 2.1)
    for row in (unbounded_below, unbounded):
        assert found.ends(row) == pytest.approx(found.limits) and found.beyond(row) == (True, True)
    assert "An arrow goes on" in found.caption


def test_both_drawings_show_that_data():
    found = figure()
    page, printed = draw_forest_interactive(found), draw_forest_static(found)
    bars, gains = page.data[::2], page.data[1::2]
    for row, bar, gain in zip(found.rows, bars, gains, strict=True):
        assert tuple(bar.x) == found.ends(row) and set(bar.customdata) == {row.text}
        np.testing.assert_array_equal(gain.x, [row.estimate])
    words = [row.verdict for row in found.rows]
    assert all(f"{word}</b>" in tick for word, tick in zip(words, page.layout.yaxis.ticktext, strict=True))
    (axes,) = printed.axes
    assert [text.get_text() for text in axes.texts] == [*words, "margin 0.5"]
    segments = [part.get_segments()[0][:, 0].tolist() for part in axes.collections]
    assert segments == [pytest.approx(found.ends(row)) for row in found.rows]


def test_verdicts_differ_in_shape_fill_and_line_and_so_in_grey():
    keep, *_, retune = figure().rows
    page = draw_forest_interactive(figure())
    looks = {
        row.verdict: (gain.marker.symbol, gain.marker.color == "#ffffff", bar.line.dash)
        for row, bar, gain in zip(figure().rows, page.data[::2], page.data[1::2], strict=True)
    }
    assert looks[keep.verdict] == ("circle", False, "solid") and looks[retune.verdict] == (
        "triangle-up",
        False,
        "solid",
    )
    assert looks["inconclusive"] == ("circle", True, "dot")
