"""Measures on the node that Slurm gave to this job; the rule asks Slurm for it."""

import os

from prunescape.errors import InputError
from prunescape.measure import local


def measure(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` on this node; raises InputError outside of a Slurm job."""
    if "SLURM_JOB_ID" not in os.environ:
        what, hint = "this job was not started by Slurm", "run snakemake with a profile whose executor is slurm"
        raise InputError(what, where=f"targets.{target['name']}", hint=hint)
    return local.run_agent(spec)
