"""Every pair of pipelines and scores of a cut: the difference over fresh seeds, its interval, a corrected test."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import holm
from prunescape.analysis.pipelines.candidates import CUT_COLUMNS, LEVEL, Candidate, tested
from prunescape.analysis.verdict.contrasts import estimate_gains
from prunescape.config.noises import CONTRAST, WELCH

HIGHER, LOWER, UNDECIDED = "higher", "lower", "not shown to differ"
PIPELINE, SCORE, BOTH = "pipeline", "score", "both"

PIPELINE_TEST_COLUMNS: dict[str, tuple[str, str]] = {
    **CUT_COLUMNS,
    "pipeline": ("string", "how the pruned network starts and is trained"),
    "score": ("string", "what ranks filters; empty where it decides neither widths nor weights, or is not known"),
    "pipeline_other": ("string", "the pipeline that it is compared with"),
    "score_other": ("string", "the score of that"),
    "differ_in": ("string", "pipeline, score, or both"),
    "pairs": ("int64", "fresh seeds that both have"),
    "difference": ("float64", "mean top-1 - that of the other, percentage points"),
    "low": ("float64", "lower end of its 95 % interval, of this pair alone"),
    "high": ("float64", "upper end of that interval; null where the noise is not known"),
    "noise": ("string", "where the standard error comes from, as in verdicts: contrast, pooled, welch or two_way"),
    "p": ("float64", "two-sided p of the t test that they do not differ; null where the noise is not known"),
    "p_holm": ("float64", "the same corrected (Holm) over all pairs of experiments with these axes at this choice"),
    "verdict": ("string", "higher or lower (p_holm under 5 %), or not shown to differ"),
    "equal_epochs": ("bool", "both are known to train as many epochs after pruning"),
    "equal_totals": ("bool", "both are known to train as many epochs with those of the base that they need"),
}


def pipeline_tests(found: Sequence[Candidate]) -> pd.DataFrame:
    """PIPELINE_TEST_COLUMNS for every pair of `candidates` of a cut at the same choice of settings.

    Differences and standard errors are those of verdicts (`estimate_gains`), with the noise that the experiments agree
    on, by default the differences seed by seed; the other candidates of the cut tell noise where it is a common one.
    """
    rows: list[dict] = []
    for _, together in groupby(found, key=lambda each: tuple(each.place.values())):
        rows += _of_cut(list(together))
    table = pd.DataFrame(rows, columns=[name for name in PIPELINE_TEST_COLUMNS if name not in ("p_holm", "verdict")])
    corrected = table.groupby("choice")["p"].transform(lambda values: holm(list(values)))
    shown = np.where(table["difference"] > 0, HIGHER, LOWER)
    table = table.assign(p_holm=corrected, verdict=np.where(corrected < LEVEL, shown, UNDECIDED))
    return table[list(PIPELINE_TEST_COLUMNS)]


def _of_cut(together: Sequence[Candidate]) -> list[dict]:
    """The pairs of ONE cut at one choice, the one that stands first in the order of pipelines against the other."""
    scores = pd.DataFrame([each.fresh for each in together]).to_numpy(float)
    noises = {each.noise for each in together}
    noise = noises.pop() if len(noises) == 1 else CONTRAST
    rows = []
    for second in range(1, len(together)):
        estimates = estimate_gains(scores, np.arange(len(together)) == second, noise=noise)
        rows += [
            _pair(together[first], together[second])
            | {"pairs": int((~np.isnan(scores[[first, second]])).all(axis=0).sum())}
            | tested(estimates, first)
            | {"noise": WELCH if estimates.welch else noise}
            for first in range(second)
        ]
    return rows


def _pair(one: Candidate, other: Candidate) -> dict:
    """What names a pair, and whether both cost as many epochs."""
    differ = PIPELINE if one.score == other.score else SCORE if one.pipeline == other.pipeline else BOTH
    return {
        **one.place,
        **{"pipeline": one.pipeline, "score": one.score},
        **{"pipeline_other": other.pipeline, "score_other": other.score, "differ_in": differ},
        "equal_epochs": one.epochs_trained == other.epochs_trained,
        "equal_totals": one.epochs_total == other.epochs_total,
    }
