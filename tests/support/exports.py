"""One landscape as W&B, Optuna, Ray Tune and spreadsheets export it, with the columns and signs that each writes.

Headers follow W&B's "CSV export" of a runs table, `Study.trials_dataframe().to_csv()`, Ray Tune's
`ResultGrid.get_dataframe().to_csv()` and `progress.csv`, and a German Excel's "CSV UTF-8".
"""

import numpy as np
import pandas as pd

RATES, DECAYS = (0.001, 0.01, 0.1), (1e-5, 1e-4, 1e-3)
KEYS = ["model", "dataset", "variant", "seed"]


def runs() -> pd.DataFrame:
    """Plain columns: base and one pruned variant, two seeds, 3 x 3 settings."""
    rows = [
        (variant, seed, lr, wd, 90 - 2 * (a - 1 - shift) ** 2 - (b - 1) ** 2 + 0.1 * seed * (a - b))
        for variant, shift in (("base", 0.0), ("uniform-0.5", 0.6))
        for seed in (0, 1)
        for a, lr in enumerate(RATES)
        for b, wd in enumerate(DECAYS)
    ]
    frame = pd.DataFrame(rows, columns=["variant", "seed", "lr", "weight_decay", "top1"])
    return frame.assign(model="resnet20", dataset="cifar10")


def _started(count: int) -> pd.Series:
    return pd.Series(pd.date_range("2024-05-01 10:11:12.345", periods=count, freq="97s"))


def wandb() -> pd.DataFrame:
    """A runs table: names, states, time stamps; a crashed run with its last value, a running one without."""
    frame = runs()
    table = frame.assign(
        Name=[f"swift-sweep-{number}" for number in range(len(frame))],
        State="finished",
        Notes="-",
        User="lab",
        Tags="",
        Created=_started(len(frame)).dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        Runtime=np.arange(100, 100 + len(frame)),
        Sweep="k3x9",
        **{"optimizer.name": "sgd", "test/loss": 0.5, "_step": 30},
    )
    first = table.iloc[[0, 1]].assign(State=["crashed", "running"], top1=[12.0, None], Name="lost")
    names = ["Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep"]
    return pd.concat([first, table])[[*names, *(name for name in table if name not in names)]]


def wandb_api() -> pd.DataFrame:
    """What the export example of W&B's documentation makes of `api.runs`: records as text."""
    frame = runs()
    config = frame[[*KEYS, "lr", "weight_decay"]].to_dict("records")
    summary = [{"top1": value, "_step": 30} for value in frame["top1"]]
    return pd.DataFrame({"summary": summary, "config": config, "name": "swift"})


def ray() -> pd.DataFrame:
    """A row per trial, the last result, with its config under `config/`."""
    frame = runs()
    table = pd.DataFrame({"top1": frame["top1"], "timestamp": 1714558272, "done": True, "training_iteration": 30})
    table["trial_id"] = [f"a1b2c_{number:05d}" for number in range(len(frame))]
    table["date"] = _started(len(frame)).dt.strftime("%Y-%m-%d_%H-%M-%S")
    config = frame.drop(columns="top1").add_prefix("config/")
    return table.assign(time_total_s=61.5, pid=4711, hostname="lab", node_ip="10.0.0.1").join(config)


def ray_log() -> pd.DataFrame:
    """The `progress.csv` of one trial: a row per iteration, without its config."""
    done = np.arange(1, 6)
    return pd.DataFrame({"top1": 50.0 + done, "training_iteration": done, "trial_id": "a1b2c_00000", "pid": 4711})


def sheet(frame: pd.DataFrame, decimal: str) -> str:
    """CSV as a spreadsheet saves it: semicolons, a mark at the start, an empty column and empty rows at the end."""
    text = frame.to_csv(index=False, sep=";", decimal=decimal, lineterminator="\r\n")
    lines = [f"{line};;" for line in text.splitlines()]
    return "\ufeff" + "\r\n".join([*lines, ";" * lines[0].count(";"), ""])
