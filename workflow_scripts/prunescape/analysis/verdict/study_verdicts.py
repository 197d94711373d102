"""A study's verdicts and the points that need fresh seeds for them, each experiment on its terms. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prunescape.analysis.cells_table import long_scores
from prunescape.analysis.verdict.screening import claim_count, kept_points
from prunescape.analysis.verdict.verdicts import VERDICT_COLUMNS, verdicts

if TYPE_CHECKING:
    import pandas as pd

Terms = dict[str, dict[str, Any]]
ANY = "*"
METRIC = "top1"  # the metric whose verdict decides where fresh seeds go


def judge_study(cells: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The verdict on every pruned variant, as `VERDICT_COLUMNS`; `cells` as `read_cells` gives them.

    `terms` holds for each experiment margin, alpha, alpha_screen and sigma (see study.Verdict), under `ANY` for those
    that it does not name; what it lacks takes the defaults. All pruned variants of the study share the error rate of
    claims about single ones.
    """
    import pandas as pd

    rows = long_scores(cells)
    claims = claim_count(rows[rows["variant"] != "base"])
    tables = [
        verdicts(part, claims=claims, **_chosen(terms, name, ("margin", "alpha", "alpha_screen", "sigma")))
        for name, part in rows.groupby("experiment", sort=True)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(VERDICT_COLUMNS))


def points_to_replicate(cells: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The settings that need fresh seeds: experiment, variant, log10_lr, log10_wd, in_base_roi; one row each.

    Those that top-1 needs, for claims about single variants. Experiments without replicates in `terms` have none.
    """
    import pandas as pd

    rows = long_scores(cells)
    rows = rows[rows["metric"] == METRIC]
    claims = claim_count(rows[rows["variant"] != "base"])
    wanted = {name: rows[rows["experiment"] == name] for name, plan in terms.items() if plan["replicates"]}
    tables = [
        kept_points(part, claims=claims, **_chosen(terms, name, ("margin", "alpha_screen", "sigma")))
        for name, part in wanted.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _chosen(terms: Terms, experiment: str, names: tuple[str, ...]) -> dict[str, Any]:
    given = terms.get(experiment, terms.get(ANY, {}))
    return {name: given[name] for name in names if name in given}
