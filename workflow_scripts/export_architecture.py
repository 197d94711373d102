"""Export one variant with untrained weights, so that targets can measure it before it is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import run_job


def export_architecture(precisions: list[str], files: dict[str, Any]) -> None:
    """As `export_untrained` with its paths in `files`; the warm process of a run imports it once."""
    from prunescape.deploy.export_untrained import export_untrained

    export_untrained(precisions, **files)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other variants need too, in the process that will fork them; onnxruntime would start threads."""
    from prunescape.training.gpu import EXPORTER, import_for_children

    import_for_children("prunescape.deploy.export_untrained", *EXPORTER)


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        export_architecture,
        log=snakemake.log[0],
        precisions=snakemake.params.precisions,
        files={
            "widths": snakemake.input.widths,
            "identity": snakemake.input.identity,
            "data": snakemake.input.data,
            "out": str(Path(snakemake.output.exported).parent),
            "folder": snakemake.params.folder,
        },
    )
