"""What searches with budgets cost and find, compared on real trainings (edgetune2022, 4 and 5): digits, small ResNets.

`python benchmarks/compare_searches.py FOLDER` runs all ways to search on the same draws, one repeat per seed, in one
process; what FOLDER has is not trained again. Tuning time is the images that all trials of a search train on × the
seconds per image that were measured before. Comparisons are paired by repeat: means, or geometric means of ratios, with
95 % intervals (Student's t). `--places N` simulates N searches for the cheapest model instead, drawn from one pool of
trained settings, with and without whole trainings of other variants where there is no winner. Prints tables in
Markdown. No energy: that takes a counter.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import pandas as pd
import torch
from searched_digits import SPACE, WORKERS, Workplace
from verdict_tables import markdown

from prunescape.analysis.search.budgets import passes_of
from prunescape.analysis.seeds.spread import t_interval
from prunescape.designs import winner as decisions
from prunescape.designs.plan import Plan
from prunescape.designs.search_rounds import Entry, SearchRound
from prunescape.designs.tuning import trial_cell
from prunescape.store.files import read_json

OTHER_VARIANTS = decisions.other_variants
DRAWN = 8  # trials of simulated searches, and their settings
POOL = {"log10_lr": [-1.5, -1.0, -0.5], "log10_wd": [-4.0, -3.0], "batch_size": [16, 64]}


def seconds_of(place: Workplace, budget: dict[str, Any], entry: Entry, before: Entry | None = None) -> float:
    """Seconds of a trial's training on its rung, from its images and the measured seconds per image.

    `budget` has the terms of the search. The training goes on from the rung `before`, or begins anew.
    """
    values, variant = entry.cell.setting.values, entry.cell.variant.name
    passes, cost = passes_of(budget, variant, values), place.costs[variant]
    passes -= before.cell.setting.stop if before else 0
    return passes * cost.trained * cost.training[values["batch_size"], entry.configuration].seconds


def seconds_of_all(place: Workplace, plan: Plan, entries: list[Entry]) -> float:
    """The same of all trainings of a search."""
    rungs = {(entry.bracket, entry.trial, entry.rung): entry for entry in entries if entry.cell.setting.stop}
    before = [rungs.get((entry.bracket, entry.trial, entry.rung - 1)) for entry in entries]
    return sum(seconds_of(place, plan.tuning["budget"], *pair) for pair in zip(entries, before, strict=True))


def found(place: Workplace, plan: Plan, rounds: list[SearchRound], *, tuned: bool = True) -> dict[str, Any]:
    """What a search cost, and what its winner reaches; `tuned` says whether threads and batch of inference are."""
    entries = [entry for planned in rounds for entry in planned.entries]
    known = {"seconds": seconds_of_all(place, plan, entries), "trainings": len(entries)}
    winner = rounds[-1].winner
    if winner is None:
        return known
    record = read_json(place.record(winner))
    known |= {"val": 100 * record["val_correct"] / record["val_tested"], "variant": winner.variant.name}
    latency = 1000 * place.latency(winner.variant.name, tuned=tuned)
    return known | {"test": 100 * record["correct"] / record["tested"], "latency": latency}


def budgets(min_epochs: int, min_share: float) -> dict[str, dict[str, Any]]:
    """The keys of `budget` of every kind, by its name."""
    epochs, share = {"min_epochs": min_epochs}, {"min_share": min_share}
    return {
        "epochs": {"kind": "epochs"} | epochs,
        "epochs, continued": {"kind": "epochs", "schedule": "whole"} | epochs,
        "dataset": {"kind": "dataset"} | share,
        "multi": {"kind": "multi"} | epochs | share,
    }


def ways(place: Workplace, floor: float) -> dict[str, dict[str, Any]]:
    """The keys of `tune` of every way to search, by its name."""
    return {
        "tune_v1": {"strategy": "tune_v1"},
        "tune_v2": {
            "strategy": "tune_v2",
            "objective": "ratio_time",
            "space": SPACE | {"workers": list(WORKERS)},
        },
        "hierarchical": {"strategy": "hierarchical"},
        "onefold, cheapest": {"objective": "cheapest", "floor": floor},
        "onefold, ratio_time": {"objective": "ratio_time"},
        "constrained": {"strategy": "constrained", "bound": {"flops": place.costs["uniform-0.5"].flops}},
    }


def run(place: Workplace, repeats: int, searches: dict[str, dict[str, Any]], **common: Any) -> pd.DataFrame:
    """One row per repeat and search: what it cost and found; `common` has the keys that all searches have."""
    rows = []
    for repeat in range(repeats):
        for name, keys in searches.items():
            tuned = not keys.get("strategy", "").startswith("tune_v")
            plan = place.plan(seed=repeat, **common | keys)
            rows.append({"repeat": repeat, "way": name} | found(place, plan, place.search(plan), tuned=tuned))
            print(repeat, name, round(rows[-1]["seconds"], 1), file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def interval_text(values: np.ndarray, form: str, *, ratio: bool = False) -> str:
    """Mean of paired differences, or geometric mean of paired ratios, with its 95 % interval."""
    values = np.log(values) if ratio else values
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return "–"
    ends = t_interval(values.mean(), values.std(ddof=1), len(values))
    mean, low, high = (np.exp(each) if ratio else each for each in (values.mean(), *ends))
    text = f"{mean:{form}}" if np.ptp(values) == 0 else f"{mean:{form}} ({low:{form}} to {high:{form}})"
    return text if len(values) > 1 else "–"


def compared(table: pd.DataFrame, first: str) -> pd.DataFrame:
    """Every way beside the `first` one, repeat by repeat."""
    by = {name: table.pivot(index="repeat", columns="way", values=name) for name in ("seconds", "test", "latency")}
    rows = {}
    for way in table["way"].unique():
        own = table[table["way"] == way]
        rows[way] = {
            "trainings": f"{own['trainings'].mean():.1f}",
            "tuning time, s": f"{own['seconds'].mean():.1f}",
            f"tuning time / {first}": interval_text(
                (by["seconds"][way] / by["seconds"][first]).to_numpy(), ".2f", ratio=True
            ),
            "test accuracy, %": f"{own['test'].mean():.1f}",
            f"points against {first}": interval_text((by["test"][way] - by["test"][first]).to_numpy(), "+.1f"),
            "latency, ms per image": f"{own['latency'].mean():.3f}",
            f"latency / {first}": interval_text(
                (by["latency"][way] / by["latency"][first]).to_numpy(), ".2f", ratio=True
            ),
            "winners": ", ".join(f"{count} {name}" for name, count in own["variant"].value_counts().items()),
        }
    return pd.DataFrame(rows).T.rename_axis("way")


def at_equal_accuracy(
    place: Workplace, repeats: int, asked: float, searches: dict[str, dict[str, Any]], nested: tuple[int, ...]
) -> pd.DataFrame:
    """What each budget costs until a winner has `asked` percent of the validation images right, of `nested` trials."""
    costs: dict[str, list[pd.Series]] = {name: [] for name in searches}
    for name, keys in searches.items():
        for trials in nested:
            table = run(place, repeats, {name: keys}, trials=trials)
            reached = table.set_index("repeat")["seconds"].where(table.set_index("repeat")["val"] >= asked)
            costs[name].append(reached)
    first = {name: pd.concat(each, axis=1).bfill(axis=1).iloc[:, 0] for name, each in costs.items()}
    base = first["epochs"]
    rows = {
        name: {
            "repeats that reach it": f"{seconds.notna().sum()} of {repeats}",
            "tuning time, s": f"{seconds.mean():.1f}",
            "tuning time / epochs": interval_text((seconds / base).to_numpy(), ".2f", ratio=True),
        }
        for name, seconds in first.items()
    }
    return pd.DataFrame(rows).T.rename_axis("budget")


# name, trials, and whether variants without a whole training get one where there is no winner
RULES = (("no", DRAWN, False), ("no, with half as many trials more", DRAWN + DRAWN // 2, False), ("yes", DRAWN, True))


def simulated(place: Workplace, searches: int, floors: list[float]) -> pd.DataFrame:
    """How often a search for the cheapest model has no winner though one of its trials would have been it."""
    rows = []
    for floor in floors:
        for name, trials, whole in RULES:
            decisions.other_variants = OTHER_VARIANTS if whole else lambda *_: []
            plan = place.plan(objective="cheapest", floor=floor, trials=trials, space=POOL)
            drawn = (replace(plan, tuning=plan.tuning | {"seed": seed}) for seed in range(searches))
            results = [one_search(place, each, floor) for each in drawn]
            table = pd.DataFrame(results)
            able = table[table["could"]]
            rows.append(
                {
                    "floor, %": f"{floor:g}",
                    "other variants": name,
                    "searches with a trial that reaches it": f"{len(able)} of {searches}",
                    "no winner, % of these": f"{100 * (1 - able['won'].mean()):.1f}",
                    "no winner, % of all": f"{100 * (1 - table['won'].mean()):.1f}",
                    "latency / that of the fastest that reaches it": f"{able.loc[able['won'], 'slower'].mean():.2f}",
                    "passes of the data": f"{table['passes'].mean():.1f}",
                }
            )
    return pd.DataFrame(rows).set_index("floor, %")


def one_search(place: Workplace, plan: Plan, floor: float) -> dict[str, Any]:
    """One search on settings of the pool, which are all trained with one seed."""
    rounds = place.search(plan)
    entries = [entry for planned in rounds for entry in planned.entries]
    whole = [trial_cell(plan, entry.proposal, place.epochs) for entry in rounds[0].entries]
    place.train(whole)
    able = [cell for cell in whole if 100 * place.observed[cell].accuracy >= floor]
    fastest = min((place.costs[cell.variant.name].seconds for cell in able), default=np.nan)
    winner = rounds[-1].winner
    slower = place.costs[winner.variant.name].seconds / fastest if winner else np.nan
    passes = sum(entry.cell.setting.values.get("epochs", place.epochs) for entry in entries)
    return {"could": bool(able), "won": winner is not None, "slower": slower, "passes": passes}


def main() -> None:
    """Search, or simulate searches, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where all that is trained and measured stays")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=int, default=6, help="of each search")
    parser.add_argument("--epochs", type=int, default=6, help="of a whole training")
    parser.add_argument("--images", type=int, default=250, help="that a whole training sees per epoch")
    parser.add_argument("--min-epochs", type=int, default=1, help="of the first rung")
    parser.add_argument("--min-share", type=float, default=0.3, help="of the images, on the first rung")
    parser.add_argument("--floor", type=float, default=80.0, help="percent of the validation images")
    parser.add_argument("--places", type=int, help="so many simulated searches, instead of the comparisons")
    parser.add_argument("--floors", type=float, nargs="+", default=[70, 80, 85], help="of the simulated searches")
    given = parser.parse_args()
    torch.set_num_threads(1)
    place = Workplace(given.folder, given.epochs, given.images)
    if given.places:
        print(markdown(simulated(place, given.places, given.floors)))
        return
    kinds = budgets(given.min_epochs, given.min_share)
    common = {"trials": given.trials, "budget": kinds["epochs"]}
    print(markdown(compared(run(place, given.repeats, ways(place, given.floor), **common), "tune_v1")), "\n")
    searches = {name: {"budget": budget} for name, budget in kinds.items()}
    print(markdown(compared(run(place, given.repeats, searches, trials=given.trials), "epochs")), "\n")
    nested = (given.trials // 2, given.trials)
    print(markdown(at_equal_accuracy(place, given.repeats, given.floor, searches, nested)))


if __name__ == "__main__":
    main()
