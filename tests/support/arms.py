"""Trials of random searches: any arms, with accuracies and properties that a test gives or that are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescape.analysis.study_tables import trials_frame

PLACES = (("server", "fp32"), ("server", "int8"), ("phone", "fp32"), ("phone", "int8"))
PROPERTIES = ("top1", "latency_median_s", "file_bytes")


def searches(arms: Mapping[str, Sequence[float]], **properties: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """One row per trial: training accuracies by arm, and each property by arm."""
    rows = []
    for arm, accuracies in arms.items():
        for trial, accuracy in enumerate(accuracies):
            told = {name: values[arm][trial] for name, values in properties.items()}
            rows.append({"arm": arm, "trial": trial, "train_top1": accuracy, **told})
    return pd.DataFrame(rows)


def drawn_trials(arms: Sequence[str] = ("all", "all-again", "fix:kernel"), trials: int = 30) -> pd.DataFrame:
    """Trials with skewed sizes and latencies, measured in two precisions on two targets (PLACES)."""
    random = np.random.default_rng(5)
    rows = []
    for arm in arms:
        for trial in range(trials):
            size = 1e4 * np.exp(random.normal(0, 0.2 if arm == "fix:kernel" else 1))
            accuracy = round(min(100, 98 + random.normal()), 1)
            for target, precision in PLACES:
                factor = (5 if target == "phone" else 1) * (random.uniform(0.4, 0.7) if precision == "int8" else 1)
                row = {"experiment": "digits", "variant": "base", "arm": arm, "trial": trial, "train_top1": accuracy}
                row |= {"target": target, "precision": precision, "top1": accuracy - 1 - (precision == "int8")}
                row |= {"latency_median_s": 1e-8 * size * factor, "file_bytes": size / (1 + 3 * (precision == "int8"))}
                rows.append(row)
    return pd.DataFrame(rows)


STUDY_ARMS = ("all", "all-again", "fix:batch_size")
STUDY_TERMS = {"e": {"rank_by": "train_top1", "best": 4, "confirm": None, "defaults": {}}}
STUDY_PLACES = (
    ("here", "fp32", 1),
    ("here", "fp32", 8),
    ("here", "int8", 1),
    ("phone", "fp32", 1),
    ("phone", "int8", 1),
)


@dataclass
class StudyOfArms:
    """A study's own tables, and by hand the flat ones of its trials, as trained and as measured."""

    cells: pd.DataFrame
    trials: pd.DataFrame
    benchmarks: pd.DataFrame
    trained: pd.DataFrame
    measured: pd.DataFrame


def study_of_arms(trials: int = 12) -> StudyOfArms:
    """Two seeds of each setting of two variants; FLOPs follow the kernel; the four best of each arm were measured.

    Trial 3 of every arm diverged with one seed, trial 4 with both: they come last. Sizes differ by network.
    """
    random = np.random.default_rng(11)
    planned = [{"experiment": "e", "arm": "default", "trial": 0, "setting": "d", "values": {"log10_lr": -1.0}}]
    tables: dict[str, list[dict]] = {"cells": [], "benchmarks": [], "trained": [], "measured": []}
    for arm in STUDY_ARMS:
        for trial in range(trials):
            values = {"log10_lr": round(random.uniform(-3, 0), 6), "kernel": int(random.choice([3, 5, 7]))}
            values["batch_size"] = 64 if arm == "fix:batch_size" else int(random.choice([16, 32, 128]))
            planned.append(
                {"experiment": "e", "arm": arm, "trial": trial, "setting": f"{arm}-{trial}", "values": values}
            )
            for variant, share in (("base", 1.0), ("uniform-0.5", 0.5)):
                _add_trial(tables, {"variant": variant, "arm": arm, "trial": trial}, values, share, random)
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    flat = frames["trained"].set_index(["variant", "arm", "trial"])
    order = flat.sort_values("score", ascending=False).groupby(["variant", "arm"]).cumcount()
    best = {key for key, place in order.items() if place < STUDY_TERMS["e"]["best"]}
    for name in ("benchmarks", "measured"):
        keys = frames[name][["variant", "arm", "trial"]].itertuples(index=False, name=None)
        frames[name] = frames[name][[key in best for key in keys]].reset_index(drop=True)
    rest = frames["trained"].merge(
        frames["measured"][["variant", "arm", "trial"]].drop_duplicates(), how="left", indicator=True
    )
    unmeasured = rest.loc[rest["_merge"] == "left_only", ["variant", "arm", "trial", "score", "flops"]]
    frames["measured"] = pd.concat([frames["measured"], unmeasured], ignore_index=True)
    frames["benchmarks"] = frames["benchmarks"].drop(columns=["arm", "trial"])
    frames["benchmarks"]["rank"] = (
        frames["benchmarks"].groupby(["variant", "network", "target", "precision", "batch"]).cumcount() + 1
    )
    return StudyOfArms(trials=trials_frame(planned), **frames)


def _add_trial(
    tables: dict[str, list[dict]], place: dict, values: dict, share: float, random: np.random.Generator
) -> None:
    """One trial of one variant: its two cells, its measurements, and its rows of the flat tables."""
    train, test = random.uniform(60, 99, 2), random.uniform(55, 95, 2)
    diverged = {3: 1, 4: 2}.get(place["trial"], 0)
    train[:diverged], test[:diverged] = 10.0, 10.0
    flops, network = int(1e6 * share * values["kernel"] ** 2), f"kernel={values['kernel']}"
    known = {"experiment": "e", "variant": place["variant"], "model": "m", "dataset": "d", "network": network, **values}
    for seed in (0, 1):
        status = "diverged" if seed < diverged else "ok"
        row = {"seed": seed, "stage": "trial", "status": status, "train_top1": train[seed], "top1": test[seed]}
        tables["cells"].append(known | row | {"flops": flops, "parameters": int(1000 * share)})
    good = train[diverged:]
    score = (good.mean() if len(good) else 0.0) - 101.0 * diverged
    tables["trained"].append(place | {"score": score, "top1": test.mean(), "flops": flops})
    for target, precision, batch in STUDY_PLACES:
        factor = (5 if target == "phone" else 1) * (random.uniform(0.4, 0.7) if precision == "int8" else 1)
        told = {"target": target, "precision": precision, "top1": test[0] - (precision == "int8")}
        told |= {"latency_median_s": 1e-9 * flops * factor * batch, "file_bytes": share * 4000.0 * values["kernel"]}
        told["encoded_bytes"] = told["file_bytes"] * random.uniform(0.8, 0.9)
        run = {"batch": batch, "threads": 1, "flush_to_zero": False, "seed": 0, "samples": [1.0]}
        tables["benchmarks"].append(known | place | told | run)
        if batch == 1:
            tables["measured"].append(place | told | {"score": score, "flops": flops})
