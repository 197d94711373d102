"""What tables of runs hold that is no landscape: runs that did not finish, and the best setting run again."""

import sys
from pathlib import Path

import pandas as pd

from prunescape.analysis.axes import GROUP, Axes
from prunescape.errors import InputError
from prunescape.store.records import REPLICATE

# the columns of a run's state in exports of W&B, Optuna, Ray and MLflow, and what they call a run that reached its end
STATE_COLUMNS = ("state", "trial_status", "run_state")
FINISHED = ("finished", "complete", "completed", "terminated", "success", "succeeded", "ok")
UNFINISHED = ("crashed", "failed", "fail", "error", "killed", "pruned", "running", "waiting", "pending", "preempted")
STEPS = ("epoch", "step", "_step", "iteration", "training_iteration", "global_step")  # columns of logs of a training
LEAST_SHARE = 0.5  # of the settings of a variant's fullest seed


def without_unfinished(cells: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """A copy without the runs whose state says that they did not finish; these are counted on standard error.

    The last score of a run that crashed or was pruned is not that of a whole training. A column that holds no known
    state is something else. Raises InputError when none finished.
    """
    for name in [column for column in cells if str(column).lower().replace(" ", "_") in STATE_COLUMNS]:
        states = cells[name].astype("str").str.strip().str.lower().fillna("unknown")
        if states.isin([*FINISHED, *UNFINISHED]).any():
            return _finished(cells, states, f"{path}, column {name}")
    return cells.copy()


def _finished(cells: pd.DataFrame, states: pd.Series, where: str) -> pd.DataFrame:
    kept, others = cells[states.isin(FINISHED)].copy(), states[~states.isin(FINISHED)]
    counts = ", ".join(f"{count} {state}" for state, count in others.value_counts().items())
    if kept.empty and len(cells):
        raise InputError(f"no run is finished: {counts}", where=where)
    if len(others):
        print(f"warning: {where}: runs that are not finished are left out: {counts}", file=sys.stderr)
    return kept


def mark_fresh_seeds(cells: pd.DataFrame, axes: Axes, path: Path | str) -> pd.DataFrame:
    """The cells with stage `replicate` for seeds that have under half the settings of their variant's fullest seed.

    They are usually the best setting run again. As a landscape of its own such a seed would have its only cell for its
    best, and lose nothing.
    """
    keys = [*GROUP, "variant"]
    settings = cells.groupby([*keys, "seed"], sort=False)[axes.names[0]].transform("size")
    fullest = settings.groupby([cells[name] for name in keys]).transform("max")
    few = settings < LEAST_SHARE * fullest
    if not few.any():
        return cells
    seeds = cells.loc[few, [*keys, "seed"]].drop_duplicates()
    what = f"{len(seeds)} seeds of a variant have few settings and count as fresh seeds, not as landscapes"
    print(f"warning: {path}: {what}; a column stage (grid, replicate) says it yourself", file=sys.stderr)
    return cells.assign(stage=cells["stage"].mask(few, REPLICATE))
