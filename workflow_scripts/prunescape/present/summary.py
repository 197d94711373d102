"""The few lines of text that a terminal shows at the end of a run. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import SETTING, scores
from prunescape.analysis.landscape.regions import best_cells

if TYPE_CHECKING:
    import pandas as pd


def summary_lines(cells: pd.DataFrame, risk: pd.DataFrame) -> list[str]:
    """Per experiment: the best cell (top-1, learning rate, weight decay) of each variant and seed, and its risk.

    `cells` as `read_cells` and `risk` as `risk.risk` give them; a variant without a base has no risk to show.
    """
    best = best_cells(scores(cells))
    best = best[best["metric"] == "top1"]
    keys = ["experiment", "variant", "seed"]
    risks = risk[risk["metric"] == "top1"].set_index(keys)["d_mean"].to_dict()
    width = max([len("variant"), *best["variant"].str.len()])
    lines = []
    for name, rows in best.groupby("experiment", sort=True):
        lines += [f"{name}: best cell per variant", f"  {'variant':{width}}  seed    top-1  log10 lr  log10 wd  risk"]
        for row in rows.itertuples():
            lost = risks.get((name, row.variant, row.seed))
            shown = "–" if lost is None or lost != lost else f"{lost:.2f} points"
            setting = "  ".join(f"{getattr(row, axis):8.2f}" for axis in SETTING)
            lines.append(f"  {row.variant:{width}}  {row.seed:4d}  {row.score:5.2f} %  {setting}  {shown}")
    return lines
