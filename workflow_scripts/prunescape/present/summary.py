"""The lines that a terminal shows at the end of a run: best cells, risks and verdicts."""

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.present.labels import axis_head
from prunescape.present.numbers import is_missing
from prunescape.present.report.verdict_text import overall_verdict, rows_with_verdict, verdict_headline


def summary_lines(risk: pd.DataFrame) -> list[str]:
    """Per experiment: the best cell (top-1 and setting) of each variant and seed, and its risk."""
    risk = risk[risk["metric"] == "top1"]
    width = max([len("variant"), *risk["variant"].str.len()])
    lines = []
    for name, rows in risk.groupby("experiment", sort=True):
        axes = best_axes(rows)
        heads = "  ".join(f"{axis_head(axis):>8}" for axis in axes)
        lines += [f"{name}: best cell per variant", f"  {'variant':{width}}  seed    top-1  {heads}  risk"]
        for row in rows.to_dict("records"):
            lost = "–" if is_missing(row["d_mean"]) else f"{row['d_mean']:.2f} points"
            setting = "  ".join(f"{row[f'best_{axis.name}']:{max(8, len(axis_head(axis)))}.2f}" for axis in axes)
            lines.append(f"  {row['variant']:{width}}  {row['seed']:4d}  {row['best']:5.2f} %  {setting}  {lost}")
    return lines


def verdict_lines(verdicts: pd.DataFrame) -> list[str]:
    """Per experiment: the verdict over all variants and one line for each; none without fresh seeds."""
    lines = []
    for name, rows in verdicts.groupby("experiment", sort=True):
        found = rows_with_verdict(rows)
        lines += [f"{name}: {text}" for text in overall_verdict(found, best_axes(rows))]
        lines += [f"  {verdict_headline(row)}" for row in found.values()]
    return lines


def best_axes(rows: pd.DataFrame) -> Axes:
    """The axes of ONE experiment, from the columns of a result table that hold the best setting."""
    columns = rows.drop(columns="best_chosen_on", errors="ignore").filter(regex="^best_")
    filled = columns.dropna(axis="columns", how="all")
    known = columns if filled.empty else filled
    return Axes.of([name.removeprefix("best_") for name in known])
