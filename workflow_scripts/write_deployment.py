"""Write down the model that a search found for its target, beside its ONNX file."""

import os
import shutil
from pathlib import Path

from prunescape.analysis.search.deployment import DEFAULT_SYSTEM, deployment, measured_model
from prunescape.designs.search_rounds import read_search_round
from prunescape.errors import InputError
from prunescape.running.job_log import job_log
from prunescape.store.files import read_json, whole_file, write_json


def write_deployment(
    last: Path,
    *,
    exports: list[Path],
    benchmark: Path,
    identity: Path,
    data: Path,
    out: Path,
    model: Path,
    strategy: str,
) -> None:
    """Write `out` (JSON, see analysis/search/deployment.py) and copy the winner of the decision `last` to `model`.

    `exports` has the winner's export.json, `benchmark` what its target measured. Raises InputError for a search without
    a winner, and a winner that its target did not run.
    """
    planned = read_search_round(last)
    if planned.winner is None:
        what = f"the search of {planned.experiment} has no winner: {planned.reason}"
        hint = "widen tune.space, or ask for less in objectives.accuracy_floor"
        raise InputError(what, where=last, hint=hint)
    measured = read_json(benchmark, "target", "models", "latency", "environment")
    file = exports[0].parent / measured_model(planned.winner, measured)["file"]
    with whole_file(model) as copied:
        shutil.copyfile(file, copied)
    known = read_json(identity, "task")
    place = os.path.relpath(data, out.parent)
    told = {"onnx": model.name, "task": known["task"], "data": place, "default_system": strategy in DEFAULT_SYSTEM}
    write_json(out, deployment(planned.winner, measured, **told))


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_deployment(
            Path(snakemake.input.decisions[-1]),
            exports=[Path(path) for path in snakemake.input.exports],
            benchmark=Path(snakemake.input.benchmark),
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.params.data),
            strategy=snakemake.params.strategy,
            out=Path(snakemake.output.deployment),
            model=Path(snakemake.output.model),
        )
