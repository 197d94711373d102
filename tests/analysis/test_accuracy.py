"""Intervals of accuracies against published values and statsmodels; what a precision changes, by hand."""

import json
from base64 import b64encode

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from prunescape.analysis.cost.accuracy import (
    CHANGE_COLUMNS,
    FROM_COUNTS,
    FROM_TORCH,
    PAIRED,
    paired_interval,
    unpaired_interval,
    wilson_interval,
    with_precision_change,
)
from prunescape.analysis.cost.recommendation import recommend
from prunescape.analysis.intervals import NORMAL_QUANTILE
from prunescape.analysis.search.deployment import change_from_float
from support.measurements import entry, measured


def table_of(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of two models on the same images, by how many both, the first, the second or neither gets right."""
    counts = (both, first, second, neither)
    return tuple(np.repeat(np.array(right, bool), counts) for right in ([1, 1, 0, 0], [1, 0, 1, 0]))


def test_the_normal_quantile_is_that_of_scipy_to_six_decimals():
    assert round(float(norm.ppf(0.975)), 6) == NORMAL_QUANTILE


@pytest.mark.parametrize(("correct", "tested"), [(588, 600), (600, 600), (0, 50), (1, 10)])
def test_wilsons_interval_is_that_of_statsmodels(correct, tested):
    low, high = proportion_confint(correct, tested, method="wilson")
    assert wilson_interval(100 * correct / tested, tested) == pytest.approx((100 * low, 100 * high))
    assert np.isnan(wilson_interval(98.0, float("nan"))).all() and np.isnan(wilson_interval(float("nan"), 5)).all()


def test_the_unpaired_interval_is_newcombes_as_statsmodels_has_it():
    low, high = confint_proportions_2indep(588, 600, 594, 600, method="newcomb", compare="diff")
    assert unpaired_interval(98.0, 99.0, 600) == pytest.approx((100 * low, 100 * high), rel=1e-4)


def test_the_paired_interval_is_that_of_bonett_and_price():
    """The R package contingencytables (Fagerland and others) gives -0.1195 to -0.0032 for 59, 6, 16, 80 (Cavo 2012)."""
    assert paired_interval(*table_of(59, 6, 16, 80)) == pytest.approx((-11.95, -0.32), abs=0.005)


@pytest.mark.parametrize(
    ("lost", "gained", "expected"),
    [(0.03, 0.01, 0.9555), (0.01, 0.01, 0.9708), (0.002, 0.0, 0.9999), (0.01, 0.0, 0.9355)],
)
def test_how_often_the_paired_interval_holds_the_true_change(lost, gained, expected):
    """Of 600 images, by the probabilities of all counts; the last is the worst that docs/recommendations.md names."""
    held = 0.0
    for more in range(25):
        for fewer in range(60):
            low, high = paired_interval(*table_of(600 - more - fewer, more, fewer, 0))
            if low <= 100 * (gained - lost) <= high:
                held += binom.pmf(more, 600, gained) * binom.pmf(fewer, 600 - more, lost / (1 - gained))
    assert held == pytest.approx(expected, abs=1e-4)


def packed(right: np.ndarray) -> dict:
    return {"top1": 100 * right.mean(), "tested": len(right), "correct_bits": np.packbits(right).tobytes()}


def changes(*rows) -> dict[str, dict]:
    table = with_precision_change(measured(*rows)).drop_duplicates("precision").set_index("precision")
    return table[list(CHANGE_COLUMNS)].to_dict("index")


def test_a_precision_is_paired_with_fp32_image_by_image():
    """500 images: fp32 gets 480 right, int8 loses 12 of these and gains 2: 94 %, 2 points less."""
    chosen, whole = table_of(468, 2, 12, 18)
    found = changes(entry("base", **packed(whole)), entry("base", 2.0, precision="int8", **packed(chosen)))
    values = [found["int8"][name] for name in list(CHANGE_COLUMNS)[:4]]
    assert values == pytest.approx([96.0, -2.0, *paired_interval(chosen, whole)])
    assert found["int8"]["change_by"] == PAIRED and found["fp32"]["change_by"] == ""
    assert (found["fp32"]["float_top1"], found["fp32"]["top1_change"]) == (96.0, 0.0)
    assert np.isnan(found["fp32"]["change_low"])


def test_a_deployment_tells_what_its_table_tells():
    """From what the target measured, with outcomes in base64, and for a reader of JSON."""
    rows = {name: packed(right) for name, right in zip(("int8", "fp32"), table_of(468, 2, 12, 18), strict=True)}
    known = {"cell": 1, "correct_torch": 480}
    models = [
        {**known, **row, "precision": name, "correct_bits": b64encode(row["correct_bits"]).decode()}
        for name, row in rows.items()
    ]
    told = change_from_float(models[0], {"models": models})
    table = changes(entry("base", **rows["fp32"]), entry("base", 2.0, precision="int8", **rows["int8"]))
    assert json.loads(json.dumps(told)) == table["int8"]
    assert change_from_float(models[1], {"models": models})["change_low"] is None
    assert change_from_float(models[0], {"models": models[:1]})["change_by"] == FROM_TORCH


def test_without_outcomes_counts_must_do_and_torch_stands_in_for_fp32():
    int8 = entry("base", 2.0, top1=97.0, precision="int8", correct_torch=591)
    counted = changes(entry("base", top1=98.0), int8)["int8"]
    assert counted["change_by"] == FROM_COUNTS and counted["top1_change"] == -1.0
    assert (counted["change_low"], counted["change_high"]) == pytest.approx(unpaired_interval(97.0, 98.0, 600))
    alone = changes(int8)["int8"]
    assert (alone["change_by"], alone["float_top1"], alone["top1_change"]) == (FROM_TORCH, 98.5, -1.5)
    for unknown in (entry("base", precision="int8", top1=97.0), entry("base", precision="int8", top1=None)):
        assert pd.isna(changes(unknown)["int8"]["float_top1"]) and changes(unknown)["int8"]["change_by"] == ""


def test_another_variant_or_target_is_no_reference():
    here = [entry("base", 4.0, top1=98.0), entry("uniform-0.5", 2.0, top1=97.0, precision="int8")]
    there = [entry("uniform-0.5", 3.0, top1=99.0, target="u")]
    best = recommend(measured(*here, *there), {}).set_index(["target", "objective"])
    assert best.loc[("t", "latency"), ["variant", "precision"]].tolist() == ["uniform-0.5", "int8"]
    assert pd.isna(best.loc[("t", "latency"), "float_top1"]) and best.loc[("u", "latency"), "float_top1"] == 99.0
