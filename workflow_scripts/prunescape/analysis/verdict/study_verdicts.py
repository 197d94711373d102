"""A study's verdicts and the points that need fresh seeds for them, each experiment on its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prunescape.analysis.axes import DEFAULT_METRIC, Axes, Metric
from prunescape.analysis.cells_table import long_scores
from prunescape.analysis.verdict.screening import claim_count, kept_points
from prunescape.analysis.verdict.verdicts import verdict_columns, verdicts

if TYPE_CHECKING:
    import pandas as pd

Terms = dict[str, dict[str, Any]]
ANY = "*"
METRIC = "top1"  # the metric whose verdict decides where fresh seeds go


def judge_study(
    cells: pd.DataFrame,
    axes: Axes,
    terms: Terms,
    risk_threshold: float,
    metric: Metric = DEFAULT_METRIC,
    claims: int | None = None,
) -> pd.DataFrame:
    """The verdict on every pruned variant, as `verdict_columns`; `cells` as `read_cells` gives them.

    `terms` holds for each experiment margin, alpha, alpha_screen and sigma (see config/experiment.py), under `ANY` for
    those that it does not name; what it lacks takes the defaults. All pruned variants of the study share the error rate
    of claims about single ones: `claims` of them, by default those in `cells`.
    """
    import pandas as pd

    rows = long_scores(cells, axes, metric)
    claims = claims or claim_count(rows[rows["variant"] != "base"])
    names = ("margin", "alpha", "alpha_screen", "sigma")
    tables = [
        verdicts(part, axes, risk_threshold, claims=claims, **_chosen(terms, name, names))
        for name, part in rows.groupby("experiment", sort=True)
    ]
    columns = list(verdict_columns(axes, risk_threshold))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def points_to_replicate(
    cells: pd.DataFrame, axes: Axes, terms: Terms, risk_threshold: float, claims: int | None = None
) -> pd.DataFrame:
    """The settings that need fresh seeds: experiment, variant, the axes and in_base_roi, one row each.

    Those that top-1 needs, for claims about single variants, `claims` of them in the study. Experiments without
    replicates in `terms` have none.
    """
    import pandas as pd

    rows = long_scores(cells, axes)
    rows = rows[rows["metric"] == METRIC]
    claims = claims or claim_count(rows[rows["variant"] != "base"])
    names = ("margin", "alpha_screen", "sigma")
    tables = [
        kept_points(
            rows[rows["experiment"] == name], axes, risk_threshold, claims=claims, **_chosen(terms, name, names)
        )
        for name, plan in terms.items()
        if plan["replicates"]
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _chosen(terms: Terms, experiment: str, names: tuple[str, ...]) -> dict[str, Any]:
    known = terms.get(experiment, terms.get(ANY, {}))
    return {name: known[name] for name in names if name in known}
