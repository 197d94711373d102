"""Cells of two experiments that differ in their score, in three pipelines, with seeds of which the first is lucky."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_AXES

RATES, SEEDS = (-2.0, -1.0, 0.0), (0, 1, 2, 3, 4)
# at each rate; the base is best at -1
MEANS = {
    ("one", "base"): (80.0, 90.0, 70.0),
    ("one", "uniform-0.5"): (70.0, 80.0, 75.0),
    ("one", "uniform-0.5-fine_tune"): (70.0, 82.0, 86.0),
    ("one", "uniform-0.5-restart"): (84.0, 87.0, 60.0),
    ("two", "base"): (80.0, 90.0, 70.0),
    ("two", "uniform-0.5"): (70.0, 80.0, 75.0),
    ("two", "uniform-0.5-fine_tune"): (60.0, 70.0, 79.0),
    ("two", "uniform-0.5-restart"): (84.0, 86.0, 60.0),
}
EPOCHS = {"base": 6, "uniform-0.5": 6, "uniform-0.5-fine_tune": 4, "uniform-0.5-restart": 4}
KNOWN = {
    "one": {"score": "l1_layer", "group": "one", "ranked": True},
    "two": {"score": "random", "group": "one", "ranked": True},
}
LIMITS = {"thresholds": (0.5, 1.0), "risk_threshold": 0.5, "axes": DEFAULT_AXES}


def noise(experiment: str, variant: str, seed: int) -> float:
    """Of a seed, the same at all settings; seed 0 is lucky."""
    rng = np.random.default_rng([seed, *experiment.encode(), *variant.encode()])
    return 3.0 if seed == 0 else rng.normal(0, 0.5)


def cells(means=MEANS, seeds=SEEDS) -> pd.DataFrame:
    rows = [
        {"experiment": experiment, "variant": variant, "log10_lr": rate, "seed": seed, "top1": mean}
        | {"epochs_trained": EPOCHS[variant]}
        for (experiment, variant), scores in means.items()
        for rate, mean in zip(RATES, scores, strict=True)
        for seed in seeds
    ]
    table = pd.DataFrame(rows).assign(model="m", dataset="d", log10_wd=-4.0, stage="grid", status="ok", round=0)
    table["top1"] += [noise(row.experiment, row.variant, row.seed) for row in table.itertuples()]
    return table.assign(top5=np.nan, val_top1=np.nan, val_top5=np.nan, select_on="test", classes=10)
