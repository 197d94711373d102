"""Every table that says what the seeds of a study tell, with its columns. Needs pandas, scipy and pingouin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.landscape.regions import THRESHOLDS
from prunescape.analysis.landscape.risk import risk_points
from prunescape.analysis.landscape.risk_tests import RISK_TEST_COLUMNS, risk_tests
from prunescape.analysis.seeds.membership import MEMBERSHIP_COLUMNS, membership
from prunescape.analysis.seeds.shift import SHIFT_COLUMNS, shift
from prunescape.analysis.seeds.similarity import SIMILARITY_COLUMNS, similarity
from prunescape.analysis.seeds.spread import SPREAD_COLUMNS, spread

if TYPE_CHECKING:
    import pandas as pd

SEED_TABLES = {
    "membership": MEMBERSHIP_COLUMNS,
    "spread": SPREAD_COLUMNS,
    "shift": SHIFT_COLUMNS,
    "similarity": SIMILARITY_COLUMNS,
    "risk_tests": RISK_TEST_COLUMNS,
}


def seed_tables(
    scores: pd.DataFrame,
    roi: pd.DataFrame,
    ellipses: pd.DataFrame,
    risk: pd.DataFrame,
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> dict[str, pd.DataFrame]:
    """The tables that `SEED_TABLES` names, of the landscapes in `scores` as `table.scores` gives them.

    `roi`, `ellipses` and `risk` are what the functions of these names make of them. With other `thresholds` than those
    in percentage points, only the tables that know no unit.
    """
    found = {
        "spread": spread(ellipses, risk),
        "shift": shift(roi, ellipses),
        "risk_tests": risk_tests(risk_points(scores, roi, base_threshold=thresholds[0])),
    }
    if thresholds == THRESHOLDS:
        found |= {"membership": membership(scores, roi), "similarity": similarity(scores)}
    return found
