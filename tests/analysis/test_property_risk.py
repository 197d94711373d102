"""Regions and risks of properties over exported cells, against the estimators of landscapes and figures by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import risk, risk_points
from prunescape.analysis.results import Analysis
from prunescape.present.report.recommendation_tables import property_risk_table
from prunescape.present.report.target_sentences import quantised_sentences
from support.measurements import entry, measured

FLOAT = (99.0, 98.75, 98.5, 98.0)  # of four cells, the best first
INT8 = (96.0, 98.0, 98.5, 98.25)


def rows(int8=INT8, **more):
    """Four exported cells in fp32 and int8; those in int8 have 100, 101, 102 and 103 kB when encoded."""
    return [
        entry(rank=place + 1, top1=top1, precision=name, encoded_bytes=(400 if name == "fp32" else 100 + place) * 1000)
        | more
        for name, values in (("fp32", FLOAT), ("int8", int8))
        for place, top1 in enumerate(values)
    ]


def risks(*given, **chosen) -> pd.DataFrame:
    analysis = Analysis.of_targets(measured(*given), {}, {}, **chosen)
    return analysis.result("property_risk").set_index(["precision", "property"])


def landscape_risk() -> pd.DataFrame:
    """What the landscape's estimators give where fp32 is the base and int8 a variant, at a grid of four settings."""
    cells = pd.DataFrame(
        {
            **{"experiment": "e", "model": "m", "dataset": "d", "seed": 0, "metric": "top1", "status": "ok"},
            "variant": np.repeat(["base", "int8"], 4),
            "log10_lr": [0.0, 0.0, 1.0, 1.0] * 2,
            "log10_wd": [0.0, 1.0] * 4,
            "score": [*FLOAT, *INT8],
            "chosen_on": [*FLOAT, *INT8],
        }
    )
    roi = regions(cells, DEFAULT_AXES, (0.5,))
    return risk(cells, risk_points(cells, roi, DEFAULT_AXES, 0.5), DEFAULT_AXES).set_index("variant")


def test_the_estimators_are_those_of_a_landscape():
    found, expected = risks(*rows()).loc[("int8", "top1")], landscape_risk()
    for name in ("n", "best", "d_mean", "d_std", "d_median"):
        assert found[name] == pytest.approx(expected.loc["int8", name])
    assert found["d_float"] == pytest.approx(expected.loc["base", "d_mean"])


def test_figures_by_hand():
    """Good in fp32: 99, 98.75, 98.5; in int8 these stay 2.5, 0.5 and 0 under 98.5."""
    found = risks(*rows()).loc[("int8", "top1")]
    assert found[["cells", "n", "n_own", "shared"]].tolist() == [4, 3, 3, 2]
    assert found[["best", "best_rank", "float_rank"]].tolist() == [98.5, 3, 1]
    assert found[["d_mean", "d_median", "d_float", "d_chosen"]].tolist() == pytest.approx([1.0, 0.5, 0.25, 2.5])
    assert found["correlation"] == pytest.approx(spearmanr(FLOAT, INT8).statistic)
    assert found["whole"]


def test_a_size_counts_in_percent_above_the_smallest():
    found = risks(*rows()).loc[("int8", "encoded_bytes")]
    assert found[["n", "n_own", "shared", "best"]].tolist() == [3, 1, 1, 100_000]
    assert found["d_mean"] == pytest.approx((0 + 1 + 2) / 3)
    same = risks(*rows()).loc[("fp32", "encoded_bytes")]
    assert same["d_mean"] == 0 and np.isnan(same["correlation"]), "all are equally large"


def test_the_threshold_is_the_study_s():
    assert risks(*rows(), risk_threshold=0.25).loc[("int8", "top1"), "n"] == 2
    wide = risks(*rows(), risk_threshold=5.0).loc[("int8", "top1")]
    assert wide["n"] == 4 and not wide["whole"], "there may be more cells as good"


def test_ranks_in_int8_break_no_tie_of_fp32_and_tell_of_no_left_out_cell():
    """Cells in the order of int8, as `by: int8` exports them: the two best in fp32 lose 0 and 1 point there."""
    int8, float_top1 = (98.5, 98.0, 97.5, 97.0), (99.0, 98.0, 99.0, 98.75)
    ordered = [row | {"top1": float_top1[row["rank"] - 1]} if row["precision"] == "fp32" else row for row in rows(int8)]
    found = risks(*ordered).loc[("int8", "top1")]
    assert found["d_chosen"] == pytest.approx(0.5) and found["float_rank"] == 1
    assert found["n"] == 3 and not found["whole"]


def test_what_is_not_there_has_no_row():
    """A variant with one exported cell, an accuracy that a target cannot tell, a size that it does not know."""
    assert risks(entry(), entry(precision="int8")).empty
    untested = [row | {"top1": None} for row in rows()]
    assert risks(*untested).empty
    unsized = [{name: value for name, value in row.items() if name != "encoded_bytes"} for row in rows()]
    assert set(risks(*unsized).reset_index()["property"]) == {"top1", "latency_median_s"}


def sentence_of(*given) -> str:
    (sentence,) = quantised_sentences(risks(*given).reset_index(), 0.5)
    return sentence


def test_the_report_answers_for_the_quantised_network():
    lost = sentence_of(*rows())
    assert "In int8 on target t the good settings of base do not all hold" in lost
    assert "the 3 cells within 0.5 points of the best in fp32 stay 1.00 points on average under the best of 4" in lost
    assert "in fp32 0.25; the best one in fp32 2.50." in lost
    kept = sentence_of(*rows(int8=[value - 3 for value in FLOAT]))
    assert "the good settings of base need not be tuned again" in kept
    assert "More cells" not in kept
    few = [row for row in rows() if row["rank"] < 3]
    assert sentence_of(*few).endswith("More cells than were exported may be as good in fp32.")


def test_the_table_shows_every_property_but_what_defines_the_region():
    table = property_risk_table(risks(*rows()).reset_index())
    assert len(table.rows) == 5, "three properties in two precisions, without accuracy in fp32"
    twice = property_risk_table(risks(*rows(), *rows(batch=8)).reset_index())
    assert len(twice.rows) == 7, "a batch more is two latencies more"
