"""Trials of random searches: any arms, with accuracies and properties that a test gives or that are drawn."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

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
