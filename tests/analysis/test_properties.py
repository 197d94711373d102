"""The statistics of liao2022 against the paper's own tables, scipy, numpy and tables worked out by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from prunescape.analysis.cost.property_tables import (
    CORRELATION_COLUMNS,
    PROPERTY_COLUMNS,
    correlation,
    correlation_table,
    lard,
    lard_printed,
    pairwise_changes,
    pairwise_differences,
    pairwise_test,
    property_table,
    relative_difference,
)
from prunescape.store.tables import write_result
from support.measurements import entry, measured

# liao2022, Table 4: LARD of inference latency and model size, standard and optimised, of the four subjects
TABLE_4 = [0.30, 5.01, 0.74, 10.53, 2.28, 8.62, 3.40, 7.74, 5.93, 6.61, 44.26, 41.62, 28.63, 30.09, 7.35, 7.1]


def test_lard_is_what_the_papers_table_4_holds():
    """5.3: "the highest inference speed is only 30 % faster than ... the lowest", then "501 %": 1.30 and 6.01 times.
    The printed formula divides by the worst: it cannot reach 14 of the 16 values."""
    for value in TABLE_4:
        assert lard([1.0, 1 + value, 1 + value / 2]) == pytest.approx(value)
        assert lard_printed([1.0, 1 + value]) == pytest.approx(value / (1 + value))
    assert sum(value > 1 for value in TABLE_4) == 14 and lard_printed([1.0, 1e9]) < 1
    assert lard([20.0, 26.0]) == pytest.approx(0.30)


def test_accuracys_worst_is_its_smallest():
    """Table 4, accuracy: best 0.78, worst 0.77 of CNN image classification would be 0.01 in both forms."""
    assert lard_printed([0.77, 0.78], higher_is_better=True) == lard([0.77, 0.78]) == pytest.approx(0.01 / 0.77)


def test_lard_by_hand():
    assert lard([4.0, 2.0, 3.0]) == 1


def test_relative_and_pairwise_differences_by_hand():
    """Standard 10, 20, 40; optimised 5, 20, 10. Pairs: (10 − 20)/20 = −0.5, (10 − 40)/40 = −0.75, (20 − 40)/40 = −0.5;
    after: −0.75, −0.5, 1.0."""
    standard, optimised = [10, 20, 40], [5, 20, 10]
    assert relative_difference(standard, optimised).tolist() == [-0.5, 0.0, -0.75]
    assert pairwise_differences(standard).tolist() == [-0.5, -0.75, -0.5]
    assert pairwise_changes(standard, optimised).tolist() == [-0.25, 0.25, 1.5]
    assert len(pairwise_differences(np.arange(1, 11))) == 45  # liao2022, 4.2.2: 10 models have 45 pairs


def test_the_pairwise_test_is_scipys():
    random = np.random.default_rng(0)
    standard, optimised = random.uniform(1, 2, 10), random.uniform(1, 9, 10)
    pairs = list(itertools.combinations(range(10), 2))
    before, after = ([(v[a] - v[b]) / v[b] for a, b in pairs] for v in (standard, optimised))
    expected = ks_2samp(before, after)
    assert pairwise_test(standard, optimised) == pytest.approx((expected.statistic, expected.pvalue))
    assert np.isnan(pairwise_test([1.0], [2.0])).all()


def test_pearson_is_numpys():
    random = np.random.default_rng(0)
    first = random.normal(size=12)
    second = first + random.normal(size=12)
    assert correlation(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert np.isnan(correlation([1, 2], [1, 2])) and np.isnan(correlation([1, 2, 3], [5, 5, 5]))


def models():
    names = ("base", "uniform-0.5", "uniform-0.25")
    costs = {"fp32": ((40, 98, 400), (20, 97, 200), (10, 96, 100)), "int8": ((10, 97, 100), (20, 97, 50), (5, 90, 25))}
    return measured(
        *(
            entry(name, ms, precision=precision, top1=top1, kb=kb)
            for precision, each in costs.items()
            for name, (ms, top1, kb) in zip(names, each, strict=True)
        )
    )


FLOPS = {("e", "", "base"): 4e6, ("e", "", "uniform-0.5"): 2e6, ("e", "", "uniform-0.25"): 1e6}


def test_the_table_of_properties_by_hand():
    """Latency in fp32 40, 20, 10: LARD 3, printed 0.75; int8 against it −0.75, 0, −0.5, median −0.5."""
    table = property_table(models(), FLOPS).set_index(["precision", "property"])
    fp32, int8 = (table.loc[(name, "latency_median_s")] for name in ("fp32", "int8"))
    columns = ["models", "lowest", "highest", "lard", "lard_printed", "pairs"]
    assert fp32[columns].tolist() == [3, 0.01, 0.04, 3, 0.75, 0]
    assert (int8["pairs"], int8["relative_median"]) == (3, pytest.approx(-0.5))
    expected = ks_2samp([1.0, 3.0, 1.0], [-0.5, 1.0, 3.0])  # by fp32 accuracy: base, uniform-0.5, uniform-0.25
    assert (int8["ks"], int8["ks_p"]) == pytest.approx((expected.statistic, expected.pvalue))
    changes = np.subtract([-0.5, 1.0, 3.0], [1.0, 3.0, 1.0])
    assert int8[["delta_median", "delta_furthest"]].tolist() == pytest.approx([np.median(changes), changes[1]])
    assert table.loc[("int8", "flops"), "relative_median"] == 0
    assert ("fp32", "energy_j") not in table.index


def test_correlations_by_hand_have_no_p():
    table = correlation_table(models(), FLOPS).query("precision == 'fp32'").set_index(["first", "second"])
    assert table.loc[("latency_median_s", "file_bytes"), "r"] == pytest.approx(1)
    assert not {"p", "p_holm"} & set(CORRELATION_COLUMNS)
    r = np.corrcoef([98, 97, 96], [4, 2, 1])[0, 1]
    assert table.loc[("top1", "flops"), "r"] == pytest.approx(r)


def test_empty_and_single_models(tmp_path):
    one = models().iloc[:1]
    single = property_table(one, {})
    assert (single["lard"] == 0).all() and "flops" not in set(single["property"])
    assert correlation_table(one, {})["r"].isna().all()
    both = ((property_table, PROPERTY_COLUMNS), (correlation_table, CORRELATION_COLUMNS))
    for function, columns in both:
        write_result(function(one.iloc[:0], {}), columns, parquet=tmp_path / "e.parquet", csv=tmp_path / "e.csv")
        write_result(function(models(), FLOPS), columns, parquet=tmp_path / "t.parquet", csv=tmp_path / "t.csv")
        assert len(pd.read_parquet(tmp_path / "e.parquet")) == 0 < len(pd.read_parquet(tmp_path / "t.parquet"))
