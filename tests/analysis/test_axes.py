"""Any two columns as axes and any column as metric: mirrored, negated and hand-computed tables, and one-line errors."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.axes import Axes, Axis, Metric
from prunescape.analysis.landscape.regions import ellipse_columns
from prunescape.commands.cli import main
from prunescape.errors import InputError
from support.landscapes import columns

# base within 0.001 s of its best: (5, 0.8) and (6, 0.8); there the pruned one loses 0.001 and 0.003 s to its best
LATENCIES = """model,dataset,variant,log10_batch,momentum,seed,latency_s
m,d,base,5,0.8,0,0.010
m,d,base,5,0.9,0,0.012
m,d,base,6,0.8,0,0.011
m,d,base,6,0.9,0,0.020
m,d,pruned,5,0.8,0,0.006
m,d,pruned,5,0.9,0,0.005
m,d,pruned,6,0.8,0,0.008
m,d,pruned,6,0.9,0,0.009
"""
LATENCY = columns(x="log10_batch", y="momentum", metric="latency_s", minimise=True)
LATENCY_THRESHOLDS = (0.002, 0.001)


def grid(**columns) -> pd.DataFrame:
    """Base and one pruned variant on a 7 x 7 grid with a tilted peak each."""
    axis = np.linspace(-3, 0, 7)
    lr, wd = (part.ravel() for part in np.meshgrid(axis, axis - 2))
    parts = []
    for variant, shift in (("base", 0.0), ("pruned", 0.5)):
        u, v = lr + 1.5 - shift, wd + 3.5
        top1 = 90 - u**2 - v**2 + 1.5 * u * v
        parts.append(pd.DataFrame({"variant": variant, "log10_lr": lr, "log10_wd": wd, "top1": top1}))
    return pd.concat(parts, ignore_index=True).assign(model="m", dataset="d", seed=0, **columns)


def analysed(tmp_path, frame, thresholds=(), name="out", **chosen):
    """The tables that an analysis of `frame` writes, with the columns that are `chosen`."""
    path = tmp_path / "cells.parquet"
    frame.to_parquet(path)
    written = analyse(path, tmp_path / name, **columns(**chosen), thresholds=thresholds)
    return {name: pd.read_parquet(written[f"{name}.parquet"]) for name in ("roi", "ellipses", "risk")}


def test_a_latency_by_hand(tmp_path):
    (tmp_path / "cells.csv").write_text(LATENCIES)
    written = analyse(tmp_path / "cells.csv", tmp_path / "out", **LATENCY, thresholds=LATENCY_THRESHOLDS)
    roi = pd.read_parquet(written["roi.parquet"])
    assert list(roi)[5:] == ["metric", "threshold", "log10_batch", "momentum", "score", "chosen_on"]
    assert roi["metric"].unique().tolist() == ["latency_s"]
    base = roi.query("variant == 'base'")[["threshold", "log10_batch", "momentum", "score"]].to_numpy().tolist()
    near = [[0.001, 5, 0.8, 0.010], [0.001, 6, 0.8, 0.011]]
    assert base == [*near, [0.002, 5, 0.8, 0.010], [0.002, 5, 0.9, 0.012], [0.002, 6, 0.8, 0.011]]
    risk = pd.read_parquet(written["risk.parquet"]).set_index("variant").loc["pruned"]
    assert (risk["n"], risk["best"], risk["best_log10_batch"], risk["best_momentum"]) == (2, 0.005, 5, 0.9)
    assert risk[["d_mean", "d_std", "d_rel_mean"]].tolist() == pytest.approx([0.002, 0.001, 0.4])


def test_swapped_axes_give_the_mirrored_ellipse(tmp_path):
    """Mirroring in the diagonal keeps diameters and centres and turns an angle a into 90 - a."""
    straight = analysed(tmp_path, grid())["ellipses"]
    swapped = analysed(tmp_path, grid(), x="log10_lr", y="log10_wd")["ellipses"]
    assert straight["length"].notna().all() and (straight["angle_deg"].abs() > 1).all()
    same = ["variant", "threshold", "n", "length", "width", "centre_log10_lr", "centre_log10_wd", "truncated"]
    pd.testing.assert_frame_equal(swapped[same], straight[same], rtol=1e-12)
    assert (swapped["angle_deg"] + straight["angle_deg"]).mod(180).tolist() == pytest.approx([90] * 4)


def test_minimising_a_cost_is_maximising_its_opposite(tmp_path):
    frame = grid(gain=grid()["top1"] - 87.123, cost=87.123 - grid()["top1"])
    frame.loc[3, ["gain", "cost"]] = [0.25, -0.25]
    thresholds = (0.5, 1.0)
    gain = analysed(tmp_path, frame, thresholds, "gain", metric="gain")
    cost = analysed(tmp_path, frame, thresholds, "cost", metric="cost", minimise=True)
    for name, values in (("roi", ["score", "chosen_on"]), ("ellipses", []), ("risk", ["best", "best_chosen_on"])):
        table = cost[name].assign(metric="gain", **{value: -cost[name][value] for value in values})
        pd.testing.assert_frame_equal(table, gain[name])
    negative = analysed(tmp_path, frame.assign(gain=frame["gain"] - 50), thresholds, metric="gain")
    assert (negative["risk"]["d_rel_mean"] > 0).all(), "a share of the size of the best, whatever its sign"


def test_naming_the_defaults_changes_nothing(tmp_path):
    named = analysed(tmp_path, grid(), (1.0, 0.5), "named", metric="top1")
    for name, table in analysed(tmp_path, grid(top5=99.0)).items():
        expected = table[table["metric"] == "top1"].reset_index(drop=True)
        pd.testing.assert_frame_equal(named[name], expected)


def test_top5_alone_keeps_its_chance_level(tmp_path):
    frame = grid(status="ok", classes=20).rename(columns={"top1": "top5"})
    frame.loc[0, ["top5", "status"]] = [None, "diverged"]
    roi = analysed(tmp_path, frame, (100,), metric="top5")["roi"].query("variant == 'base'")
    assert roi["score"].min() == 25 and roi["metric"].unique().tolist() == ["top5"]


def test_the_logarithm_of_a_column_is_an_axis(tmp_path):
    frame = grid(learning_rate=10 ** grid()["log10_lr"])
    taken = analysed(tmp_path, frame, name="taken", y="log10:learning_rate")
    for name, table in analysed(tmp_path, frame).items():
        renamed = table.rename(columns=lambda column: column.replace("log10_lr", "log10_learning_rate"))
        pd.testing.assert_frame_equal(taken[name], renamed)


def test_small_values_and_far_units_are_no_rounding(tmp_path):
    """numpy.cov and numpy.linalg.eigvalsh in units that bring both axes to the same size name the same ellipse."""
    points = np.random.default_rng(4).normal(size=(12, 2)) @ np.array([[1.0, 0.4], [0.0, 0.2]])
    scale = np.array([3e6, 1e-7])
    values = {"bytes": points[:, 0] * scale[0], "weight_decay": (points[:, 1] + 3) * scale[1]}
    frame = pd.DataFrame({"model": "m", "dataset": "d", "variant": "base", "seed": 0, "top1": 90.0, **values})
    chosen = {"x": "bytes", "y": "weight_decay"}
    row = analysed(tmp_path, frame, **chosen)["ellipses"].iloc[0]
    assert row["n"] == 12 and not row["collinear"]
    long, short = np.linalg.eigvalsh(np.cov(points.T) * np.outer([1, 1e-3], [1, 1e-3]))[::-1]
    far = analysed(tmp_path, frame.assign(bytes=points[:, 0], weight_decay=points[:, 1] * 1e-3), **chosen)["ellipses"]
    assert far.loc[0, ["length", "width"]].tolist() == pytest.approx([4 * long**0.5, 4 * short**0.5], rel=1e-6)
    steps = frame.assign(weight_decay=1e-10 * np.arange(12), bytes=np.arange(12) % 2)
    assert analysed(tmp_path, steps, **chosen)["roi"]["weight_decay"].nunique() == 12


def test_tiny_metrics_are_told_apart(tmp_path):
    frame = grid(energy=1e-9 * (100 - grid()["top1"]))
    percent = analysed(tmp_path, frame)
    tiny = analysed(tmp_path, frame, (0.5e-9, 1e-9), "tiny", metric="energy", minimise=True)
    setting = ["variant", "log10_wd", "log10_lr"]
    pd.testing.assert_frame_equal(tiny["roi"][setting], percent["roi"][setting])
    expected = percent["risk"]["d_mean"].tolist()
    assert (tiny["risk"]["d_mean"] * 1e9).tolist() == pytest.approx(expected)


def test_risk_is_taken_over_the_bases_smallest_region(tmp_path):
    tables = analysed(tmp_path, grid(), (3.0, 2.0))
    members = tables["roi"].query("variant == 'base' and threshold == 2")
    assert tables["risk"]["n"].tolist() == [len(members)] * 2
    meaning = pq.read_schema(tmp_path / "out" / "risk.parquet").field("n").metadata[b"meaning"].decode()
    assert "2-ROI" in meaning


def test_a_validation_split_of_the_metric_chooses(tmp_path):
    frame = pd.DataFrame({"log10_wd": [-4.0, -3.0], "log10_lr": 0.0, "loss": [0.3, 0.2], "val_loss": [0.1, 0.5]})
    frame = frame.assign(model="m", dataset="d", variant="base", seed=0)
    risk = analysed(tmp_path, frame, (0.05,), metric="loss", minimise=True)["risk"].iloc[0]
    assert (risk["best"], risk["best_chosen_on"], risk["best_log10_wd"]) == (0.3, 0.1, -4)


def test_one_row_holes_and_several_stages(tmp_path):
    frame = pd.read_csv(io.StringIO(LATENCIES))
    row = frame.query("momentum == 0.8").assign(stage="grid", round=0)
    fresh = row.assign(stage="replicate", seed=1, round=1, latency_s=0.0)
    chosen = {"x": "log10_batch", "y": "momentum", "metric": "latency_s", "minimise": True}
    roi = analysed(tmp_path, pd.concat([row, fresh]), LATENCY_THRESHOLDS, **chosen)["roi"]
    assert roi["seed"].unique().tolist() == [0] and roi["momentum"].unique().tolist() == [0.8]
    holes = analysed(tmp_path, frame.drop(index=[3, 4]), LATENCY_THRESHOLDS, **chosen)
    assert holes["risk"].set_index("variant").loc["pruned", ["n", "d_mean"]].tolist() == pytest.approx([1, 0.003])


def test_another_variant_may_be_the_base(tmp_path):
    named = analysed(tmp_path, grid().replace({"variant": {"base": "dense"}}), name="named", base="dense")
    for name, table in analysed(tmp_path, grid()).items():
        expected = table.assign(variant=table["variant"].replace("base", "dense"))
        pd.testing.assert_frame_equal(named[name], expected)


AXES = ("log10_lr", "log10_wd", "learning rate", "weight decay")
PERCENT = ("percent", "top1", "top5", "0.5-ROI")


@pytest.mark.parametrize(("metric", "words"), [(None, AXES), ("latency_s", AXES + PERCENT)])
def test_results_speak_of_the_chosen_columns_alone(tmp_path, metric, words):
    """No name and no meaning in any table may still be that of the default choice."""
    frame = pd.read_csv(io.StringIO(LATENCIES))
    frame.assign(top1=1000 * frame["latency_s"]).to_csv(tmp_path / "cells.csv", index=False)
    chosen = columns(x="log10_batch", y="momentum", metric=metric, minimise=metric is not None)
    written = analyse(tmp_path / "cells.csv", tmp_path / "out", **chosen, thresholds=LATENCY_THRESHOLDS)
    schemas = [pq.read_schema(path) for name, path in written.items() if name.endswith("parquet")]
    assert len(schemas) >= 3
    for field in (field for schema in schemas for field in schema):
        text = f"{field.name}: {field.metadata[b'meaning'].decode()}"
        assert not [word for word in words if word in text], text
    for name, path in written.items():
        assert not name.endswith("csv") or not [word for word in AXES if word in path.read_text()], name
    quantities = set(pd.read_parquet(written["spread.parquet"])["quantity"])
    assert {"centre_log10_batch", "centre_momentum"} == {name for name in quantities if name.startswith("centre")}


def test_logarithms_of_rates_are_the_default_axes(tmp_path):
    """The same tables, that of the band too, whether log10_lr and log10_wd are columns or are taken of lr and wd."""
    frame = grid(lr=10 ** grid()["log10_lr"], wd=10 ** grid()["log10_wd"])
    frame.to_parquet(tmp_path / "cells.parquet")
    given = analyse(tmp_path / "cells.parquet", tmp_path / "given")
    chosen = columns(x="log10:wd", y="log10:lr")
    taken = analyse(tmp_path / "cells.parquet", tmp_path / "taken", **chosen)
    assert list(given) == list(taken) and "band.csv" in given
    for name in (name for name in given if name.endswith("parquet")):
        pd.testing.assert_frame_equal(pd.read_parquet(taken[name]), pd.read_parquet(given[name]))


def test_verdicts_are_for_metrics_in_percent(tmp_path):
    """Their margin is in percentage points."""
    (tmp_path / "cells.csv").write_text(LATENCIES)
    assert "verdicts.csv" not in analyse(
        tmp_path / "cells.csv", tmp_path / "out", **LATENCY, thresholds=LATENCY_THRESHOLDS
    )
    grid().to_csv(tmp_path / "cells.csv", index=False)
    assert "verdicts.csv" in analyse(tmp_path / "cells.csv", tmp_path / "out")


def test_swapped_axes_swap_the_meanings():
    found = ellipse_columns(columns(x="log10_lr", y="log10_wd")["axes"])
    assert list(found)[10:13] == ["centre_log10_lr", "centre_log10_wd", "angle_deg"]
    assert "against the log10_lr axis" in found["angle_deg"][1]
    assert found["centre_log10_lr"][1] == "mean log10 of the learning rate of the ROI"


def test_an_axis_knows_its_quantity():
    assert Axis.of("log10_lr") == Axis("log10_lr", "learning rate", decades=True)
    assert Axis.of("momentum").distance == "units of momentum"
    assert Axis.of("log10_batch_size").value == "log10 of the batch size"
    assert Axis.parse("log10:batch_size").column == "batch_size"
    axes = Axes.of({"momentum": [0, 1], "log10_wd": [], "log10_lr": []})
    assert (axes.names, axes.y.name, axes.x.name) == (["log10_lr", "log10_wd", "momentum"], "log10_lr", "log10_wd")
    assert [axis.name for axis in axes.others] == ["momentum"]
    with pytest.raises(InputError, match="two axes or more"):
        Axes.of(["momentum"])


def change(**columns):
    return lambda frame: frame.assign(**columns)


BAD = {
    "unknown axis": (["--x", "log10_batc"], None, ['"log10_batc"', 'did you mean "log10_batch"?', "--x"]),
    "unknown metric": (["--metric", "latency"], None, ['"latency"', 'did you mean "latency_s"?', "--metric"]),
    "text as axis": ([], change(momentum=["low", *[0.9] * 7]), ["row 1", '"momentum"', '"low"', "number"]),
    "text as metric": ([], change(latency_s="slow"), ["row 1", '"latency_s"', '"slow"']),
    "both axes": (["--x", "momentum"], None, ['"momentum"', "two axes"]),
    "both axes, one its logarithm": (["--x", "log10:momentum"], None, ['"momentum"', "two axes"]),
    "axis and metric": (["--x", "latency_s"], None, ['"latency_s"', "axis and as the metric"]),
    "key as axis": (["--x", "seed"], None, ['"seed"', "no axis"]),
    "no logarithm": (["--x", "log10:zero"], change(zero=0), ["row 1", '"zero"', "logarithm"]),
    "too large for log10": ([], change(log10_batch=64), ["row 1", '"log10_batch"', "64", "-50 to 50"]),
    "a name that results have": (["--x", "score"], change(score=range(8)), ['"score"', "rename"]),
    "negative threshold": (["--thresholds", "-1"], None, ["-1", "0 or more"]),
    "text as threshold": (["--thresholds", "half"], None, ['"half"']),
    "no value": ([], change(latency_s=[0.01, *[None] * 7]), ["row 2", '"latency_s"', "nan"]),
    "diverged without a value": (
        [],
        change(latency_s=[0.01, None, *[0.01] * 6], status=["ok", "diverged", *["ok"] * 6], classes=10),
        ["row 2", "diverged", "no chance level"],
    ),
    "another column varies": (
        [],
        lambda frame: pd.concat([frame.assign(threads=1, p90_s=0.1), frame.assign(threads=2, p90_s=range(8))]),
        ["row 9", "twice", "momentum 0.8", "differ in threads, p90_s"],
    ),
    "two bases": (["--base", "pruned"], None, ["row 1", '"base"', '"pruned"']),
    "no base": (
        ["--base", "dens"],
        lambda frame: frame.replace({"variant": {"base": "dense"}}),
        ['"dens"', 'did you mean "dense"'],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_choice_is_one_clear_line(tmp_path, capsys, name):
    arguments, edit, parts = BAD[name]
    frame = pd.read_csv(io.StringIO(LATENCIES))
    (edit(frame) if edit else frame).to_csv(tmp_path / "cells.csv", index=False)
    command = ["analyse", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "out"), "--x", "log10_batch"]
    command += ["--y", "momentum", "--metric", "latency_s", "--minimise", "--thresholds", "0.001", *arguments]
    assert main(command) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert [part for part in parts if part not in lines[0]] == []
    assert not (tmp_path / "out").exists()


def test_thresholds_of_another_unit_must_be_said(tmp_path):
    (tmp_path / "cells.csv").write_text(LATENCIES)
    with pytest.raises(InputError, match=r"--thresholds.*0\.005 to 0\.02"):
        analyse(tmp_path / "cells.csv", tmp_path / "out", **LATENCY)
    with pytest.raises(InputError, match="--metric"):
        Metric(minimise=True)
