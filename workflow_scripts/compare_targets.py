"""Compare the exported models on their targets: recommendations, fronts, scenarios, speed-ups, properties."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def compare_targets(objectives: dict[str, Any], *, risk_threshold: float, files: dict[str, str | None]) -> None:
    """As `analyse.compare_targets` with its paths in `files`; the warm process of a run imports it once."""
    from prunescape.analysis import analyse

    analyse.compare_targets(objectives, **files, risk_threshold=risk_threshold)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.analyse")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        compare_targets,
        log=snakemake.log[0],
        objectives=snakemake.params.objectives,
        risk_threshold=snakemake.params.risk_threshold,
        files={
            "cells": snakemake.input.cells,
            "benchmarks": snakemake.input.benchmarks,
            "architectures": next(iter(snakemake.input.architectures), None),
            "out": str(Path(snakemake.output.tables[0]).parent),
        },
    )
