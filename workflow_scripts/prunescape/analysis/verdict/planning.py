"""Which fresh seeds the verdicts of a study need next."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.verdict.screening import SURFACE, check_levels, screen
from prunescape.analysis.verdict.stage_two import Design, judge_looks, surfaces


def wanted_cells(rows: pd.DataFrame, axes: Axes, risk_threshold: float, design: Design, claims: int) -> pd.DataFrame:
    """The cells that the next step of every pruned variant's looks needs and that are not trained: key, axes and seed.

    `rows` is the long table of `screening` in ONE metric. The looks are those at the corrected level of `claims` claims
    about single variants. A variant whose verdict is decided, futile or at its last look needs none; one without a
    base, trained at none of Θ_b, or all of whose cells diverged has no looks. Raises InputError for impossible levels.
    """
    check_levels(design.margin, design.sigma, design.alpha_screen, design.alpha)
    points = screen(rows, axes, risk_threshold, sigma=design.sigma, seeds=design.first_seeds)
    wanted = []
    lost = points.groupby(SURFACE, sort=False)["diverged"].transform("all")
    for _, surface in surfaces(rows, axes, points[(points["k"] > 0) & ~lost].reset_index(drop=True), design):
        state = judge_looks(surface, design, claims).outcome.state
        place, seed = np.nonzero(state.used & ~surface.trained)
        cells = surface.points.iloc[place][[*SURFACE, *axes.names]]
        wanted.append(cells.assign(seed=np.asarray(design.fresh_seeds, int)[seed]))
    return pd.concat(wanted, ignore_index=True) if wanted else pd.DataFrame(columns=[*SURFACE, *axes.names, "seed"])
