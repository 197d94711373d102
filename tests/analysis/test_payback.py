"""After how many images the tuning of a variant is paid back, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.cost.payback import PAYBACK_COLUMNS
from prunescape.analysis.efficiency.tuning_cost import tuning_cost
from prunescape.analysis.results import Analysis
from prunescape.config.analysis import Objectives
from prunescape.present.report.price_tables import payback_table, tuning_cost_table
from support.measurements import entry, measured

OBJECTIVES = Objectives().model_dump(mode="json")
JOULES = {"energy_source": "measured"}


def trained(*rows: tuple, **columns) -> pd.DataFrame:
    """Tuning costs of cells of (variant, device, seconds)."""
    frame = pd.DataFrame(rows, columns=["variant", "device", "seconds"])
    return tuning_cost(frame.assign(experiment="e", model="m", dataset="d", stage="grid", **columns))


PRICES = trained(("base", "cpu", 9e5), ("uniform-0.5", "cpu", 1000.0), ("uniform-0.5", "cpu", 200.0))


def paid(*rows, costs=PRICES) -> list[dict]:
    analysis = Analysis.of_targets(measured(*rows), {}, OBJECTIVES, costs=costs)
    table = analysis.result("payback")
    assert list(table) == [name for name in PAYBACK_COLUMNS if name != "network"]
    return table.to_dict("records")


def test_seconds_of_training_against_seconds_of_the_target_by_hand():
    """1,200 s of a core; 8 ms for 4 images against 5 ms save 0.75 ms each: 1.6 million images. No noise, no width."""
    (row,) = paid(entry("base", 8.0, batch=4), entry("uniform-0.5", 5.0, batch=4))
    assert (row["cost"], row["resource"], row["status"], row["reason"]) == ("time", "core", "after", "")
    assert (row["price"], row["saved_per_image"]) == pytest.approx((1200.0, 0.75e-3))
    ends = [row[name] for name in ("inferences", "inferences_low", "inferences_high")]
    assert ends == pytest.approx([1.6e6] * 3)


def test_the_interval_is_that_of_the_ratio_of_times():
    """Six blocks of ratios 0.5 and 0.6 in turn; by the table `speedups`, whose ends are those of 1 / ratio."""
    ratios = np.repeat([0.5, 0.6] * 3, 5)
    rows = [entry("base", samples=[0.01] * 30), entry("uniform-0.5", samples=0.01 * ratios)]
    (row,) = paid(*rows)
    speedup = Analysis.of_targets(measured(*rows), {}, OBJECTIVES).result("speedups").iloc[0]
    low, high = (1200 / (0.01 * (1 - 1 / speedup[name])) for name in ("high", "low"))
    assert (row["inferences_low"], row["inferences_high"]) == pytest.approx((low, high))
    assert row["inferences"] == pytest.approx(1200 / (0.01 * (1 - 0.3**0.5))), "the mean ratio is sqrt(0.5 x 0.6)"
    assert low < row["inferences"] < high


def test_one_that_is_slower_never_pays_and_of_one_alike_it_is_not_shown():
    noise = np.random.default_rng(1).normal(0, 0.1, 30)
    alike = [entry("base", samples=0.01 * np.exp(noise)), entry("uniform-0.5", samples=0.01 * np.exp(-noise))]
    slower = [entry("base", 2.0), entry("uniform-0.5", 4.0)]
    for rows, verdict, status in ((alike, "not shown to differ", "not shown"), (slower, "slower", "never")):
        (row,) = paid(*rows)
        assert row["status"] == status and row["reason"].endswith(verdict) and np.isnan(row["inferences"])


def test_what_is_not_known_is_said_with_its_reason():
    two = [entry("base", 4.0), entry("uniform-0.5", 2.0)]
    few = [row | {"samples": row["samples"][:8]} for row in two]
    both = trained(("uniform-0.5", "cpu", 10.0), ("uniform-0.5", "NVIDIA X", 10.0))
    for rows, costs, words in (
        (few, PRICES, "8 repeats are too few"),
        (two, trained(("uniform-0.5", "cpu", None)), "trainings tell no hours"),
        (two, PRICES.iloc[:0], "trainings tell no hours"),
        (two, both, "do not add up"),
    ):
        (row,) = paid(*rows, costs=costs)
        assert row["status"] == "not known" and words in row["reason"] and np.isnan(row["inferences"])


def test_joules_against_joules_where_both_are_measured():
    """2 trainings of 3 epochs of 100 J; 8 images take 0.16 J and 0.10 J: 7.5 mJ saved per image, 80,000 images."""
    costs = trained(*[("uniform-0.5", "cpu", 60.0)] * 2, epochs_trained=3, epoch_joules=100.0)
    rows = [
        entry(name, 4.0, batch=8, energy_j=energy, **JOULES) for name, energy in (("base", 0.16), ("uniform-0.5", 0.1))
    ]
    row = next(row for row in paid(*rows, costs=costs) if row["cost"] == "energy")
    assert (row["price"], row["saved_per_image"], row["inferences"]) == pytest.approx((600, 0.0075, 80_000))
    assert row["status"] == "after" and np.isnan(row["inferences_low"]) and "no interval" in row["reason"]
    more = [row | {"energy_j": 0.16} for row in rows]
    assert [row["status"] for row in paid(*more, costs=costs) if row["cost"] == "energy"] == ["never"]
    estimated = [row | {"energy_source": "estimated"} for row in rows]
    for others, known in ((estimated, costs), (rows, PRICES)):
        assert [row["cost"] for row in paid(*others, costs=known)] == ["time"]


def test_the_tables_of_the_report_show_them():
    rows = [entry("base", 8.0, batch=4), entry("uniform-0.5", 5.0, batch=4), entry("nonuniform-0.5", 9.0, batch=4)]
    shown = payback_table(pd.DataFrame(paid(*rows)).rename_axis("index"))
    found = {row[1]: dict(zip(shown.heads, row, strict=True)) for row in shown.rows}
    uniform = found["uniform 0.5 fp32"]
    assert (uniform["price of tuning"], uniform["images"], uniform["95 % interval"]) == (
        "1200 s of a core",
        "1.6 × 10⁶",
        "1.6 × 10⁶",
    )
    assert found["nonuniform 0.5 fp32"]["images"] == "never" and found["nonuniform 0.5 fp32"]["price of tuning"] == "–"
    took = tuning_cost_table(PRICES)
    assert took.groups == [("", 2), ("trainings", 2), ("hours", 2)], "no watt-hours, and no part without trainings"
    assert took.rows[1] == ["uniform 0.5", "core", "2", "2", "0.333", "0.333"]
