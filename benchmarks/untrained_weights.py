"""Does inference with untrained weights cost what it costs with trained ones? The paper assumes it (edgetune2022, 3.1).

Every variant of a finished study is exported with fresh weights and measured in turns with its trained model, in one
process: so the host's drift meets both alike. Printed are the percent error of latency, peak memory and sizes, the rank
correlation of latencies over the variants, and how many trainings a limit on latency would have spared, judged by
either.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from prunescape.analysis.cost.comparisons import compare
from prunescape.analysis.cost.property_tables import percent_error
from prunescape.analysis.read_cells import variant_order
from prunescape.deploy.export_untrained import export_untrained
from prunescape.measure.files import bench_files, target_named

UNTRAINED, TRAINED = "untrained", "trained"


def models_of(experiment: Path, data: Path, precision: str, out: Path) -> dict[tuple[str, str], Path]:
    """The ONNX files of each variant of an experiment's folder, by variant and weights; those untrained are made."""
    files = {}
    for folder in sorted(experiment.glob("variant=*"), key=lambda path: variant_order(path.name.partition("=")[2])):
        variant = folder.name.partition("=")[2]
        made, given = out / variant, {"data": str(data), "identity": str(data.with_suffix(".json"))}
        export_untrained([precision], widths=str(folder / "widths.json"), **given, out=str(made))
        ending = "" if precision == "fp32" else f".{precision}"
        files[variant, UNTRAINED] = made / f"{precision}.onnx"
        files[variant, TRAINED] = folder / f"onnx/rank-1{ending}.onnx"
    return files


def measured(files: dict[tuple[str, str], Path], arguments) -> pd.DataFrame:
    """What each file costs at each batch size, by variant and weights, all of them in turns."""
    target = target_named(None, None) | {"batch": arguments.batch, "threads": arguments.threads}
    target |= {"repeats": arguments.repeats, "chunk_seconds": arguments.chunk_seconds}
    names = {str(path): key for key, path in files.items()}
    found = bench_files(list(files.values()), target)
    rows = [dict(zip(("variant", "weights"), names[entry["id"]], strict=True)) | entry for entry in found["latency"]]
    return pd.DataFrame(rows)


def print_errors(table: pd.DataFrame) -> None:
    """One line per variant, batch and number of threads."""
    print(f"{'variant':16} threads batch  untrained, ms  trained, ms  error, %  ratio, 95 % interval  memory error, %")
    for (threads, batch), here in table.groupby(["threads", "batch"]):
        rows = here.set_index(["variant", "weights"])
        for variant in here["variant"].unique():
            before, after = rows.loc[(variant, UNTRAINED)], rows.loc[(variant, TRAINED)]
            pair = compare(np.log(np.array(before["samples_s"]) / np.array(after["samples_s"])))
            error = percent_error(after["median_s"], before["median_s"])
            memory = percent_error(after["peak_memory_bytes"], before["peak_memory_bytes"])
            print(
                f"{variant:16} {threads:7} {batch:5}  {1e3 * before['median_s']:13.4f}  {1e3 * after['median_s']:11.4f}"
                f"  {error:8.2f}  {pair.ratio:.3f} ({pair.low:.3f} to {pair.high:.3f})  {memory:10.2f}"
            )


def print_ranks(table: pd.DataFrame, cells: pd.DataFrame) -> None:
    """Spearman's correlation over the variants, and what limits between two variants' latencies would have spared."""
    trainings = cells["variant"].value_counts()
    for (threads, batch), here in table.groupby(["threads", "batch"]):
        times = here.pivot(index="variant", columns="weights", values="median_s").sort_values(UNTRAINED)
        correlation = spearmanr(times[UNTRAINED], times[TRAINED]).statistic
        print(f"\nthreads {threads}, batch {batch}: rank correlation over {len(times)} variants {correlation:.2f}")
        for low, high in zip(times[UNTRAINED][:-1], times[UNTRAINED][1:], strict=True):
            limit = (low + high) / 2
            out, wrong = times.index[times[UNTRAINED] > limit], times.index[times[TRAINED] > limit]
            agrees = "as trained weights say" if set(out) == set(wrong) else f"trained weights say {', '.join(wrong)}"
            spared = int(trainings.reindex(out).sum())
            print(
                f"  limit {1e3 * limit:.4f} ms: spares {spared} of {len(cells)} trainings ({', '.join(out)}); {agrees}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/STUDY of a finished study that was exported")
    parser.add_argument("--experiment", help="by default the first one")
    parser.add_argument("--precision", default="fp32", help="one that the study exported")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--chunk-seconds", type=float, default=0.1)
    arguments = parser.parse_args()
    cells = pd.read_parquet(arguments.results / "cells.parquet", columns=["experiment", "variant", "dataset"])
    name = arguments.experiment or cells["experiment"].iloc[0]
    cells = cells[cells["experiment"] == name]
    data = arguments.results / f"data/{cells['dataset'].iloc[0]}.npz"
    with tempfile.TemporaryDirectory() as out:
        files = models_of(arguments.results / f"experiment={name}", data, arguments.precision, Path(out))
        table = measured(files, arguments)
    print_errors(table)
    print_ranks(table, cells)


if __name__ == "__main__":
    main()
