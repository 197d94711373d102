"""The study's config, read and checked before anything else. Every job parses this file: it imports no torch."""

import gc
import sys

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")

from prunescape.config.source import read_config
from prunescape.config.study import load_study
from prunescape.designs.rounds import study_plans
from prunescape.designs.trials import check_trials
from prunescape.designs.tuning import check_searches
from prunescape.errors import InputError

# Planning makes millions of objects that live to its end: Python looks for garbage among them less often.
gc.set_threshold(200_000, 50, 100)
DEFAULT_CONFIG = f"{workflow.basedir}/config/config.yaml"

try:
    if set("{}") & set(str(workflow.basedir)):
        what, hint = "Snakemake would take the braces in this path for wildcards", "move the checkout"
        raise InputError(what, where=workflow.basedir, hint=hint)
    for file in workflow.configfiles or [DEFAULT_CONFIG]:
        read_config(file)
except InputError as error:
    sys.exit(f"error: {error}")

# A study's file stands alone: given with --configfile, it is never merged with the default's experiments.
if not workflow.configfiles:

    configfile: DEFAULT_CONFIG


try:
    SOURCE = ", ".join(str(file) for file in workflow.configfiles)
    STUDY = load_study(config, SOURCE)
    ALL_PLANS = study_plans(STUDY, SOURCE)
    PLANS = {name: plan for name, plan in ALL_PLANS.items() if plan.tuning is None}
    SEARCHES = {name: plan for name, plan in ALL_PLANS.items() if plan.tuning is not None}
    if workflow.is_main_process:
        check_trials(PLANS, SOURCE)
        check_searches(SEARCHES, SOURCE)
except InputError as error:
    sys.exit(f"error: {error}")
