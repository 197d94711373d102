"""Export the best cells of one variant to ONNX, each checked against torch on real images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import run_job


def export_onnx(export: dict[str, Any], files: dict[str, Any]) -> None:
    """As `export_best` with its paths in `files`; the warm process of a run imports it once."""
    from prunescape.deploy.export_best import export_best

    export_best(export, **files)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other variants need too, in the process that will fork them; onnxruntime would start threads."""
    from prunescape.training.gpu import EXPORTER, import_for_children

    import_for_children("prunescape.deploy.export_best", *EXPORTER)


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        export_onnx,
        log=snakemake.log[0],
        export=snakemake.params.export,
        files={
            "widths": snakemake.input.widths,
            "records": list(snakemake.input.records),
            "weights": list(snakemake.input.weights),
            "identity": snakemake.input.identity,
            "data": snakemake.input.data,
            "out": str(Path(snakemake.output.exported).parent),
            "folder": snakemake.params.folder,
        },
    )
