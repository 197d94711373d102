"""Tables of measurements beside latency, against figures worked out by hand and scipy."""

from dataclasses import replace

import pandas as pd
import pytest
from scipy.stats import kruskal

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.present.labels import network_title
from prunescape.present.report.table import ExperimentResults
from prunescape.present.report.target_tables import emulation_table, subnormals_kept, weights_table
from support.measurements import with_costs


def row(rank, flushed, samples, **changes):
    """Latency in seconds; the median of three samples is the middle one."""
    known = {"variant": "uniform-0.5", "target": "here", "rank": rank, "flush_to_zero": flushed, "samples": samples}
    return with_costs(**known | {"latency_relative_iqr": 0.02 * rank} | changes)


# three blocks of five samples each, whose medians stand here
KEPT = [[1.0, 2.0, 3.0], [2.0, 4.0, 5.0]]
FLUSHED = [[0.5, 1.0, 3.5], [0.9, 1.25, 1.6]]


def samples_of(medians) -> list[float]:
    return [median * scale for median in medians for scale in (0.99, 1.0, 1.0, 1.0, 1.01)]


def test_files_of_one_variant_are_compared_with_subnormals_and_without():
    """Medians 2 and 4: 100 % apart; 1 and 1.25: 25 %; gains 2 / 1 and 4 / 1.25 = 3.2.

    p by scipy, of the blocks' medians.
    """
    rows = [row(rank, False, samples_of(medians)) for rank, medians in enumerate(KEPT, 1)]
    rows += [row(rank, True, samples_of(medians)) for rank, medians in enumerate(FLUSHED, 1)]
    rows.append(row(1, False, [1.0, 1.0, 1.0], variant="base"))
    table = weights_table(pd.DataFrame(rows))
    p = [f"{kruskal(*medians).pvalue:.3f}" for medians in (KEPT, FLUSHED)]
    assert table.rows == [
        ["uniform 0.5", "here", "fp32", "1", "1", "2", "100.0", "4.0", p[0], "25.0", "4.0", p[1], "3.20"]
    ]
    assert len(table.heads) == len(table.rows[0]) == sum(columns for _, columns in table.groups)


def test_one_file_of_each_variant_makes_no_table():
    assert not weights_table(pd.DataFrame([row(1, False, [1.0, 1.0, 1.0])])).rows


def test_files_of_equal_samples_do_not_differ():
    table = weights_table(pd.DataFrame([row(rank, False, [1.0, 1.0, 1.0]) for rank in (1, 2)]))
    assert table.rows[0][6:] == ["0.0", "4.0", "1.000", "–", "–", "–", "–"]


def test_an_emulated_target_has_its_error_in_percent():
    """|2 - 3| / 2 = 50 %; memory |1000 - 1250| / 1000 = 25 %; what was not measured has a dash."""
    rows = [row(1, False, [1.0, 2.0, 3.0]), row(1, False, [1.0, 3.0, 4.0], target="small", peak_memory_bytes=1250)]
    results = ExperimentResults(DEFAULT_AXES, 0.5, pd.DataFrame(), {}, pd.DataFrame(rows), {"small": "here"})
    table = emulation_table(results)
    assert table.rows == [["uniform 0.5", "small", "here", "1", "fp32", "1", "1", "50.0", "–", "25.0", "–", "0.0"]]
    assert len(table.heads) == len(table.rows[0])
    assert not emulation_table(replace(results, emulates={})).rows


@pytest.mark.parametrize(("flushed", "left"), [([False, True], 1), ([True, True], 2), ([False, False], 2)])
def test_a_target_is_shown_as_its_runtime_computes_by_default(flushed, left):
    frame = pd.DataFrame([row(rank, flag, [1.0, 1.0, 1.0]) for rank, flag in enumerate(flushed, 1)])
    kept = subnormals_kept(frame)
    assert len(kept) == left and (kept["flush_to_zero"].nunique() == 1)


def test_a_network_is_named_by_the_titles_of_its_hyperparameters():
    assert network_title("activation=relu,dropout=0.25,kernel=3") == (
        " (activation function relu, dropout ratio 0.25, kernel size 3)"
    )
    assert network_title("") == ""
