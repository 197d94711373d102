"""Whether one group of models performs otherwise than another, and by how much (liao2022, 4.1.2). Needs scipy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cost.rivals import holm

if TYPE_CHECKING:
    import pandas as pd

# |delta| from which an effect is small, medium, large
MAGNITUDES = ((0.474, "large"), (0.33, "medium"), (0.147, "small"), (0.0, "negligible"))


@dataclass(frozen=True)
class GroupDifference:
    """`p` is two-sided; `p_liao` is the paper's. `delta` > 0: the first group's values are mostly the larger ones."""

    u: float
    p: float
    p_liao: float
    delta: float
    magnitude: str


def compare_groups(first: np.ndarray, second: np.ndarray) -> GroupDifference:
    """Mann–Whitney U and Cliff's delta of two groups of values, at least one each.

    p: two-sided; exact for groups of up to 8 without ties, else the normal approximation with continuity correction.
    p_liao: half of that approximation, whatever the size: what liao2022's Tables 3 and 6 hold (largest value 0.500).
    The paper corrects for nothing; `compare_all` has corrected values beside.
    """
    from scipy.stats import mannwhitneyu

    first, second = np.asarray(first, dtype="float64"), np.asarray(second, dtype="float64")
    exact = mannwhitneyu(first, second, alternative="two-sided", method="auto")
    if len(np.unique(np.concatenate([first, second]))) == 1:  # no rank differs: scipy divides by zero here
        return GroupDifference(float(exact.statistic), 1.0, 0.5, 0.0, magnitude(0.0))
    asymptotic = mannwhitneyu(first, second, alternative="two-sided", method="asymptotic", use_continuity=True)
    delta = 2 * float(exact.statistic) / (len(first) * len(second)) - 1
    return GroupDifference(
        float(exact.statistic), float(exact.pvalue), float(asymptotic.pvalue) / 2, delta, magnitude(delta)
    )


def compare_all(pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """One row per pair of groups: its name, the fields of GroupDifference, and p corrected over all of them (Holm)."""
    import pandas as pd

    found = [{"name": name, **asdict(compare_groups(*groups))} for name, groups in pairs.items()]
    table = pd.DataFrame(found, columns=["name", *(field.name for field in fields(GroupDifference))])
    return table.assign(p_holm=holm(table["p"].tolist()))


def magnitude(delta: float) -> str:
    """negligible under 0.147, small under 0.33, medium under 0.474, else large, by |delta|."""
    return next(word for least, word in MAGNITUDES if abs(delta) >= least)
