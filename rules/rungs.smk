"""Searches with budgets: finished rungs -> the next one, and at last the winner -> what is deployed on its target.

Each experiment with a search has a chain of rounds of its own: `snakemake tune` trains nothing else, and no search waits
for another, nor for a landscape.
"""

from functools import cache

from prunescape.config.tuning import ACCURACY, RATIOS, TUNE_V2
from prunescape.designs import ranking
from prunescape.designs.proposals import configurations
from prunescape.designs.tuning import present_search_rounds, read_search_round

RUNG = f"{RESULTS}/rounds/{EXPERIMENT_PATH}/round={{round}}.json"
TRAINING_MEASURED = f"{UNTRAINED}/training={{batch_size}}.json"
DEPLOYED = f"{RESULTS}/deploy/{{deployed}}.json"


def deployed_names():
    """The experiment of each file that is deployed, by the file's name: that of its target, where one search has it."""
    targets = {name: plan.tuning["target"] for name, plan in SEARCHES.items()}
    shared = [target for target in targets.values() if [*targets.values()].count(target) > 1]
    return {f"{target}-{name}" if target in shared else target: name for name, target in targets.items()}


DEPLOYMENTS = deployed_names()
# of the models that a search asks for the latency of, and deploys: the first that its target lists
SEARCH_PRECISIONS = {name: STUDY.targets[plan.tuning["target"]].precisions[0] for name, plan in SEARCHES.items()}


@cache
def rung_in(path, written):
    """The round in a file that was written at that time."""
    return read_search_round(path)


def rungs_before(experiment, number=None):
    """The rounds of a search that come before round `number`, or all of them; Snakemake waits for each."""
    rungs = []
    while len(rungs) + 1 != number and not (rungs and rungs[-1].last):
        path = checkpoints.plan_rung.get(experiment=experiment, round=len(rungs) + 1).output.plan
        rungs.append(rung_in(path, Path(path).stat().st_mtime_ns))
    return rungs


def present_rungs(experiment):
    """The rounds of a search that are planned by now."""
    return present_search_rounds(RUNG.replace("{experiment}", experiment))


def present_cells():
    """Every cell of the study that is planned by now."""
    searched = [cell for name in SEARCHES for cell in search_cells(name, present_rungs(name))]
    return [*cells_with(present_rounds(ROUND)), *searched]


def rung_files(experiment, rungs):
    """The files of these rounds of a search."""
    return [RUNG.format(experiment=experiment, round=planned.number) for planned in rungs]


def trained_cells(rungs):
    """The cells of the trials of these rounds of a search, each once."""
    return list(dict.fromkeys(cell for planned in rungs for cell in planned.cells))


def search_cells(experiment, rungs):
    """Those, and the base that filters are ranked by, if any are."""
    return list(dict.fromkeys([*trained_cells(rungs), *ranking.first_cells(SEARCHES[experiment])]))


def winners(rungs):
    """The winner of a search whose last round is among these, in a list; empty without one."""
    return [planned.winner for planned in rungs if planned.winner is not None]


def winner_exports(rungs):
    """What a winner exports, as a list of paths."""
    return [f"{RESULTS}/{winner.variant_path}/onnx/export.json" for winner in winners(rungs)]


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


def deployment_files():
    """What every search deploys."""
    return expand(DEPLOYED, deployed=sorted(DEPLOYMENTS))


def found_deployments():
    """The same of searches that found a winner."""
    found = [name for name, experiment in sorted(DEPLOYMENTS.items()) if winners(rungs_before(experiment))]
    return expand(DEPLOYED, deployed=found)


def missing_deployments():
    """What is not deployed yet."""
    return [path for path in deployment_files() if not os.path.exists(path)]


def deployed_target(wildcards):
    """What was measured of the winner on the target that it is deployed on."""
    experiment = DEPLOYMENTS[wildcards.deployed]
    return f"{EXPERIMENT}/target={{target}}.json".format(
        experiment=experiment, target=SEARCHES[experiment].tuning["target"]
    )


checkpoint plan_rung:
    """Decide from the trials of one search so far which ones to train next, and on which budget."""
    input:
        records=lambda wildcards: cell_files(
            "record.json", trained_cells(rungs_before(wildcards.experiment, int(wildcards.round)))
        ),
        earlier=lambda wildcards: expand(RUNG, experiment=wildcards.experiment, round=range(1, int(wildcards.round))),
        widths=lambda wildcards: searched_widths(wildcards.experiment),
        measured=lambda wildcards: searched_costs(wildcards.experiment),
        trained=lambda wildcards: searched_speeds(wildcards.experiment),
    output:
        plan=RUNG,
    log:
        f"{RESULTS}/rounds/{EXPERIMENT_PATH}/round={{round}}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        plan=lambda wildcards: ALL_PLAN_PARAMS[wildcards.experiment],
        precision=lambda wildcards: SEARCH_PRECISIONS[wildcards.experiment],
        code=code_digest("plan_rung"),
    script:
        "../workflow_scripts/plan_rung.py"


if workflow.is_main_process and "tune" in sys.argv[1:] and not SEARCHES:
    sys.exit(f"error: {SOURCE}: no experiment has a search; hint: give one a section `tune` (docs/search.md)")
