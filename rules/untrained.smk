"""The paths of what is measured of untrained variants, and what of it comes before any training."""

import os
import sys

from snakemake.iocontainers import Wildcards

from prunescape.running.early_checks import HERE
from prunescape.running.restoring import is_restoring, status_alone

UNTRAINED = f"{VARIANT}/untrained"
UNTRAINED_MODELS = f"{UNTRAINED}/models/export.json"
UNTRAINED_MEASURED = f"{UNTRAINED}/measured={{target}}.json"
MEASURED_BEFORE = "results/.architectures"  # by content, of all studies


def measured_architectures():
    """The wildcards of the measurements of all untrained variants of all networks."""
    variants = [known for experiment in sorted(STUDY.experiments) for known in planned_variants(experiment)]
    return [known | {"target": target} for known in variants for target in sorted(STUDY.targets)]


def architecture_files(wildcards=None):
    """What every target measured of them."""
    return [UNTRAINED_MEASURED.format(**known) for known in measured_architectures()]


def waiting_here():
    """What targets on this host have not measured, of variants that need no training to be planned."""
    for known in measured_architectures():
        planned = os.path.exists(f"{VARIANT}/widths.json".format(**known))
        ready = planned or not ranks_trained_filters(Wildcards(fromdict=known))
        path = UNTRAINED_MEASURED.format(**known)
        if ready and STUDY.targets[known["target"]].kind in HERE and not os.path.exists(path):
            yield path


def measure_first(arguments, known):
    """Measure these in a run of their own with the `arguments` of this one, before any training.

    A measurement takes all cores: beside trainings, which start whenever one core is free, it would come last. When it
    fails it is tried again in this run, like any measurement.
    """
    waiting = list(waiting_here()) if STUDY.measures_first and missing_cells() else []
    if waiting and not is_restoring():
        print(f"note: measured before any training: {len(waiting)} untrained variants on targets here", file=sys.stderr)
        if not known.dryrun:
            status_alone([*arguments, "--", *waiting], folder=workflow.rundir)
