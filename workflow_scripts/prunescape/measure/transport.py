"""Measures on a target by the module of its kind: here, under limits, behind a connection, or on a Slurm node."""

from __future__ import annotations

import importlib


def measure_on(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` (agent.py says more) on `target`, the settings of one kind.

    The paths in `spec` are of this host. Only the kind's own module is loaded: an edit of another kind measures nothing
    again. Raises InputError when the target cannot be reached or the agent fails.
    """
    return importlib.import_module(f"prunescape.measure.{target['kind']}").measure(target, spec)
