"""The part of the report about an experiment with a search: what it found, what its rungs cost, its trials."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.search.objectives import CHEAPEST
from prunescape.analysis.search.tuning_tables import CUT
from prunescape.present.labels import experiment_title, hyperparameter_title, variant_title
from prunescape.present.numbers import counted, is_missing, number, short
from prunescape.present.report.answer import Answer
from prunescape.present.report.findings import ExperimentFindings
from prunescape.present.report.recommendation_tables import comparison_tables
from prunescape.present.report.setup import Pairs, plain, run_pairs
from prunescape.present.report.table import ExperimentResults, Table, make_table
from prunescape.present.report.target_tables import measured_tables
from prunescape.space.recipe import PARAMETERS

SAMPLERS = {
    "tpe": "a tree-structured Parzen estimator (Optuna) proposes trials, in batches, from those before",
    "random": "trials are drawn at random",
    "grid": "trials are all combinations of levels",
}
LIMITS = (
    "The winner is the best of noisy trainings with one seed each: its validation accuracy is too high by luck. Its "
    "test accuracy is free of that, as nothing was chosen by it.",
    "A trial that an early rung left behind may have been the best with a whole training: how well early rungs rank, "
    "`prunescape tune --replay` tells on a finished grid (docs/search.md).",
)
FLOOR = (
    "The winner is the fastest of those whose validation accuracy reaches the floor. That favours one that is there by "
    "luck: whether it keeps the floor, its test accuracy tells."
)
ANEW = "Each rung trains anew."
CONTINUED = "Survivors go on from where the rung before left them."
FIRST = 20  # trials that the table shows


def tuning_section(name: str, plan: Mapping[str, Any], results: ExperimentResults) -> dict[str, Any]:
    """An experiment with a search on the page; no findings where no trial of it is finished."""
    title = experiment_title(plan["model"], plan["dataset"])
    known = {"name": name, "title": title, "plan": search_pairs(plan), "has_landscape": False}
    if results.cells.empty or results.tables["tuning"].empty:
        return {**known, "findings": None, "run": []}
    found = results.tables["tuning"].iloc[0]
    trials, rungs = results.tables["tuning_trials"], results.tables["tuning_rungs"]
    tables = [rungs_table(rungs), trials_table(trials), *measured_tables(results), *comparison_tables(results.tables)]
    return {
        **known,
        "findings": ExperimentFindings([], [], search_limits(found.objective)),
        "answer": Answer(
            [winner_sentence(found), cost_sentence(found, rungs, continues=bool(trials["continued_from"].any()))]
        ),
        "run": run_pairs(results.cells, None),
        "tables": [table for table in tables if table.rows],
    }


def search_limits(objective: str) -> list[str]:
    """What a search with this objective cannot show."""
    return [*LIMITS, FLOOR] if objective == CHEAPEST else list(LIMITS)


def search_pairs(plan: Mapping[str, Any]) -> Pairs:
    """What the config asked of the experiment, as the study's summary spells it out."""
    tune = plan["tune"]
    most = "up to " * (tune["brackets"] > 1)  # Hyperband says how many each bracket has
    trials = "" if tune["trials"] is None else f", {most}{counted(tune['trials'], 'trial')}"
    halving = f"each rung promotes one of {tune['eta']:g}, {counted(tune['brackets'], 'bracket')}"
    space = {searched(key): values for key, values in sorted(tune["space"].items())}
    return [
        ("model", str(plan["model"])),
        ("data set", str(plan["dataset"])),
        ("search", f"{SAMPLERS[tune['sampler']]}{trials}; {halving}"),
        ("objective", f"{tune['objective']}, strategy {tune['strategy']}{bound_text(tune['bound'])}"),
        ("budget", plain(tune["budget"])),
        *((key, ends(values)) for key, values in space.items()),
        ("target", tune["target"]),
        ("seed", str(plan["seeds"][0])),
        ("recipe", plain(plan["recipe"])),
        ("pruning", plain(plan["pruning"])),
    ]


def bound_text(bound: Mapping[str, Any] | None) -> str:
    """The bound of a constrained search; empty without one."""
    return f", {plain({name: limit for name, limit in bound.items() if limit is not None})}" if bound else ""


def searched(name: str) -> str:
    """A hyperparameter, or the variant, for a reader."""
    return hyperparameter_title(name) if name in PARAMETERS else name


def ends(values: Any) -> str:
    """Levels or bounds for a reader."""
    if isinstance(values, dict):
        return f"{short(values['low'])} to {short(values['high'])}"
    return plain(values)


def cost_sentence(found: Any, rungs: pd.DataFrame, *, continues: bool) -> str:
    """What the search cost beside whole trainings of all its trials, some of which may continue on a later rung."""
    share, trials, cells = found.spent / found.whole, int(found.trials), int(found.cells)
    return (
        f"{counted(trials, 'trial')} on {counted(len(rungs), 'rung')} took {counted(cells, 'training')} and "
        f"{number(found.spent, 1)} passes of the training data: {number(100 * share, 0)} % of what as many whole "
        f"trainings take. {CONTINUED if continues else ANEW}"
    )


def winner_sentence(found: Any) -> str:
    """The winner, or that there is none."""
    if is_missing(found.variant):
        return f"No winner, and nothing is deployed: {found.reason}."
    winner = f"Winner: {variant_title(found.variant)}, {found.setting}"
    right = (
        f"{number(found.top1, 2)} % of the test images are right, and {number(found.val_top1, 2)} % of the validation"
    )
    return f"{winner}: {right} images, by which it was chosen. It stands in deploy/ for the target {found.target}."


def rungs_table(rungs: pd.DataFrame) -> Table:
    """What every rung had, and kept."""
    several = rungs["bracket"].nunique() > 1
    columns = {
        **({"bracket": "bracket"} if several else {}),
        "rung": "rung",
        "epochs": "epochs",
        "share of data": ("data_share", 2),
        "trials": "trials",
        "promoted": "promoted",
        "diverged": "diverged",
        "best, validation %": ("best", 2),
        "median": ("median", 2),
        "passes of the data": ("spent", 1),
    }
    return make_table("Rungs", list(rungs.itertuples()), columns, ["Rungs and brackets count from 0."])


def trials_table(trials: pd.DataFrame) -> Table:
    """The furthest trials, each on its last rung."""
    last = trials.sort_values(["rung", "place"], ascending=[False, True]).drop_duplicates(["bracket", "trial"])
    names = [name for name in PARAMETERS if name in last and name not in CUT]
    varied = [name for name in names if last[name].notna().any()]
    columns = {
        "trial": "trial",
        "variant": lambda row: variant_title(row.variant),
        **{hyperparameter_title(name): (lambda row, name=name: short(getattr(row, name))) for name in varied},
        "last rung": "rung",
        **({"system parameters": "configuration"} if last["configuration"].any() else {}),
        **({"ratio": ("ratio", 4)} if last["ratio"].notna().any() else {}),
        "place there": "place",
        "validation %": ("val_top1", 2),
        "test %": ("top1", 2),
        "winner": lambda row: "yes" if row.winner else "",
    }
    notes = [f"The {FIRST} that came furthest, of {len(last)}; all are in tuning_trials."] if len(last) > FIRST else []
    return make_table("Trials", list(last.head(FIRST).itertuples()), columns, notes)
