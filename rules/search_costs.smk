"""The variants of searches, untrained -> what inference with them and training them costs, where an objective asks."""

from prunescape.config.tuning import ACCURACY, RATIOS, TUNE_V2
from prunescape.designs.proposals import configurations

TRAINING_MEASURED = f"{UNTRAINED}/training={{batch_size}}.json"
# of the models that a search asks for the latency of, and deploys: the first that its target lists
SEARCH_PRECISIONS = {name: STUDY.targets[plan.tuning["target"]].precisions[0] for name, plan in SEARCHES.items()}


def searched_widths(experiment):
    """The plans of the variants of a search that bounds their FLOPs; small, compared by content."""
    terms = SEARCHES[experiment].tuning
    bounded = terms["bound"] and terms["bound"]["flops"] is not None
    return [searched_file(experiment, name, "widths.json") for name in terms["variants"] if bounded]


def searched_costs(experiment):
    """What its target measured of the untrained variants of a search that asks for their latency."""
    terms = SEARCHES[experiment].tuning
    bounded = terms["bound"] and terms["bound"]["latency_ms"] is not None
    unaware = terms["objective"] == ACCURACY or terms["strategy"] == TUNE_V2
    asked = bounded or not unaware
    pattern = UNTRAINED_MEASURED.replace(f"{VARIANT}/", "").format(target=terms["target"])
    return [searched_file(experiment, name, pattern) for name in terms["variants"] if asked]


def measured_trainings(experiment):
    """The wildcards of each variant and batch size of a search whose objective asks what their training takes."""
    terms = SEARCHES[experiment].tuning
    if terms["objective"] not in RATIOS:
        return []
    pairs = itertools.product(terms["variants"], STUDY.experiments[experiment].values_of("batch_size"))
    known = {"experiment": experiment, "network": ""}
    return [known | {"variant": variant, "batch_size": size} for variant, size in pairs]


def searched_speeds(experiment):
    """What was measured of them."""
    return [TRAINING_MEASURED.format(**known) for known in measured_trainings(experiment)]


def present_costs():
    """The files that costs of variants are read from, as far as they are there, and each search's precision."""
    kinds = {"widths": searched_widths, "measured": searched_costs, "trained": searched_speeds}
    files = {
        kind: [path for name in SEARCHES for path in files_of(name) if os.path.exists(path)]
        for kind, files_of in kinds.items()
    }
    return files | {"precisions": SEARCH_PRECISIONS}


def configurations_of(experiment):
    """The configurations of system parameters that a search by tune_v2 chooses among; one without any for others."""
    return [dict(each) for each in configurations(SEARCHES[experiment].tuning["system"])]


def training_bench_threads(wildcards):
    """All cores of this run, so that no other job of it slows the training down; on a cluster those of a cell."""
    here = workflow.is_main_process and workflow.resource_settings.cores
    return here or cell_threads(wildcards)


def training_bench_digest(wildcards):
    """The digest of the code that measures a training, with the task and the architecture that it loads by name."""
    return digest_with_architecture("measure_training", *task_modules("task", [experiment_of(wildcards)]))(wildcards)


def searched_file(experiment, variant, name):
    """A file in the folder of a variant of a search."""
    return f"{VARIANT}/{name}".format(experiment=experiment, network="", variant=variant)
