"""Gets a target measured, by its kind: here, held to less, behind a connection, or on a node of Slurm's."""

from __future__ import annotations

import os

from prunescape.bench import adb, emulated, local, ssh
from prunescape.errors import InputError


def measure_on(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` (agent.py says more) on `target`, the settings of one kind (targets.py).

    The paths in `spec` are of this host. Raises InputError when the target cannot be had or the agent fails.
    """
    return KINDS[target["kind"]](target, spec)


def _on_this_host(target: dict, spec: dict) -> dict:
    return local.run_agent(spec)


def _on_a_node(target: dict, spec: dict) -> dict:
    if "SLURM_JOB_ID" not in os.environ:
        what, hint = "this job was not started by Slurm", "run snakemake with a profile whose executor is slurm"
        raise InputError(what, where=f"targets.{target['name']}", hint=hint)
    return local.run_agent(spec)


KINDS = {
    "local": _on_this_host,
    "slurm": _on_a_node,
    "ssh": ssh.run_agent,
    "emulated": emulated.run_agent,
    "adb": adb.run_agent,
}
