"""Gets a target measured, by its kind: here, held to less, behind a connection, or on a node of Slurm's."""

from __future__ import annotations

from prunescape.bench.local import run_agent


def measure_on(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` (agent.py says more) on `target`, the settings of one kind (targets.py).

    The paths in `spec` are of this host. Raises InputError when the target cannot be had or the agent fails.
    """
    return KINDS[target["kind"]](target, spec)


def _on_this_host(target: dict, spec: dict) -> dict:
    return run_agent(spec)


KINDS = {"local": _on_this_host}
