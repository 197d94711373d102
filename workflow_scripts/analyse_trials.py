"""Analyse the trials of designs with a space: the best settings of each arm and variant, and their confirmation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def analyse_trials(terms: dict[str, dict[str, Any]], files: dict[str, str]) -> None:
    """As `analyse.analyse_trials` with its paths in `files`; the warm process of a run imports it once."""
    from prunescape.analysis import analyse

    analyse.analyse_trials(terms, **files)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.analyse")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        analyse_trials,
        log=snakemake.log[0],
        terms=snakemake.params.terms,
        files={
            "cells": snakemake.input.cells,
            "trials": snakemake.input.trials,
            "benchmarks": snakemake.input.benchmarks,
            "out": str(Path(snakemake.output.tables[0]).parent),
        },
    )
