"""What decides each job's result besides its inputs: settings and code digests.

Keys are sorted: params compare by their text.
"""

import hashlib
import re
from functools import cache

from prunescape.config.datasets import identity_options, is_image_folder, source_digest, task_of
from prunescape.config.models import code_identity
from prunescape.config.targets import OF_UNTRAINED, REACHED_BY, REMOTE
from prunescape.space.cells import spells_out
from prunescape.space.levels import LOADED, loaded_module
from prunescape.space.pipelines import plan_pipeline
from prunescape.space.variants import BASE, SCRATCH, Variant
from prunescape.designs.trials import plan_trials
from prunescape.designs.tuning import parts_of_rungs

# some experiment asks for the fastest precision, or number of threads, or memory format
PROBED = any(
    experiment.declared_recipe.get("precision") == "auto" or experiment.settled_values
    for experiment in STUDY.experiments.values()
)


def task_modules(part, experiments):
    """One module of the task of each of `experiments`: they are loaded by name."""
    tasks = sorted({task_of(STUDY.dataset_options(experiment.dataset)) for experiment in experiments})
    return [f"prunescape.tasks.{task}.{part}" for task in tasks]


def digest_with_architecture(*roots):
    """A params function: the digest of code with the ONE architecture module that the job's model needs.

    With it goes what identifies the code of a model that is not ours.
    """

    def digest(wildcards):
        experiment = experiment_of(wildcards)
        ours = code_digest(*roots, f"prunescape.models.{experiment.architecture}")
        others = code_identity(experiment.model)
        return hashlib.sha256(f"{ours} {others}".encode()).hexdigest() if others else ours

    return digest


def training_digest(wildcards):
    """The digest of the training code with the modules that are loaded by name: task, architecture, default levels."""
    experiment = experiment_of(wildcards)
    default = [loaded_module(name, experiment.prior_text(name)) for name in LOADED]
    modules = (*task_modules("task", [experiment]), *filter(None, default))
    settled = sorted(experiment.settled_values)
    if not settled:
        return digest_with_architecture("train_cell", *modules)(wildcards)
    digest = digest_with_architecture("train_cell", "prunescape.training.numerics", *modules)(wildcards)
    return hashlib.sha256(f"{digest} {settled}".encode()).hexdigest()


@cache
def level_digests(experiment):
    """The digest of the code of each level of an experiment's space that is loaded by name, but for the defaults.

    All cells share the defaults, at which the filters of nonuniform variants are ranked. By `NAME=LEVEL`.
    """
    known = STUDY.experiments[experiment]
    levels = [(name, level) for name in LOADED for level in known.values_of(name) if level != known.prior_text(name)]
    modules = {f"{name}={level}": loaded_module(name, level) for name, level in levels}
    return {level: code_digest(module) for level, module in modules.items() if module}


def cell_level_digests(wildcards):
    """Those of one cell: a level more or less, or its code, leaves cells without it alone."""
    digests = level_digests(wildcards.experiment)
    if not digests:
        return {}
    setting = cell_content(wildcards)["setting"]
    own = [f"{name}={level}" for name, level in sorted(setting.items())]
    return {level: digests[level] for level in own if level in digests}


def export_digest(wildcards):
    """The digest of the exporting code with the ONE task and architecture that the job loads by name."""
    experiment = experiment_of(wildcards)
    modules = (module for part in ("prepared", "exported") for module in task_modules(part, [experiment]))
    return digest_with_architecture("export_onnx", *modules)(wildcards)


def data_params(wildcards):
    """What decides the prepared data: the options and the original files' content, not the folder they lie in."""
    options = STUDY.dataset_options(wildcards.dataset)
    return identity_options(options) | {"sources": source_digest(options)}


def cell_content(wildcards):
    """The cell of a job as plain values; a setting that its path names by a digest is looked up among all cells."""
    path = CELL_PATH.format(**wildcards)
    if spells_out(path):
        return Cell.parse(path).content
    return Cell.from_content({**wildcards, "setting": setting_named(wildcards)}).content


def ranking_content(wildcards):
    """The base at the prior that ranks filters, as plain values."""
    return STUDY.ranking_cell(wildcards.experiment, network_named(wildcards), seed_of_base(wildcards)).content


def step_content(wildcards):
    """What trains a step of pruning: its variant at the prior with the base's seed."""
    return ranking_content(wildcards) | {"variant": wildcards.variant}


def recipe_params(wildcards):
    """What all cells share, with every default spelled out, keys sorted: parameters compare by their text."""
    return experiment_of(wildcards).declared_recipe


def network_params(wildcards):
    """The hyperparameters of the network that all cells share."""
    return experiment_of(wildcards).declared_network


def batch_sizes(wildcards):
    """Every batch size that some cell has."""
    experiment = experiment_of(wildcards)
    if "batch_size" not in experiment.design.space:
        return sorted(experiment.values_of("batch_size"))
    return sorted({trial.setting.values["batch_size"] for trial in plan_trials(PLANS[wildcards.experiment])})


def parts_params(wildcards):
    """Every partition and share of the training data that some cell has."""
    values_of = experiment_of(wildcards).values_of
    search = SEARCHES.get(wildcards.experiment)
    shares = values_of("data_share") if search is None else parts_of_rungs(search)
    return [(partition, share) for partition in values_of("partition") for share in shares]


def probe_params(wildcards):
    """The unpruned network, and what a probe of the fastest precision trains it with."""
    experiment = experiment_of(wildcards)
    network = {"architecture": experiment.architecture, "model": experiment.model}
    network |= {"hyperparameters": experiment.network_values}
    return network | {"device": STUDY.device, "prior": experiment.prior_setting.training.values}


def settle_params(wildcards):
    """The values of system parameters that change how sums are rounded; no more threads than this run has cores."""
    values = dict(experiment_of(wildcards).settled_values)
    cores = workflow.resource_settings.cores if workflow.is_main_process else None
    if cores and "threads" in values:
        values["threads"] = list(dict.fromkeys(min(count, cores) for count in values["threads"]))
    return values


def plan_params(wildcards):
    """What to cut, and how: only what decides this variant, so that a new score leaves the base and uniform alone."""
    experiment, variant = experiment_of(wildcards), Variant.parse(wildcards.variant)
    plan = {"architecture": experiment.architecture, "method": variant.method, "model": experiment.model}
    if variant != BASE:
        plan |= {"min_keep": experiment.pruning.min_keep, "ratio": variant.ratio}
        block = experiment.pruning.round_to
        plan |= {"round_to": block} if block != 1 else {}  # widths of single channels stay the plans that they were
    if steps_of(wildcards) > 1:
        plan |= {"step": [step_of(wildcards), steps_of(wildcards)]}
    if ranks_filters(wildcards):
        ranking = "trained" if ranks_trained_filters(wildcards) else "initial"
        plan |= {"ranking": ranking, "score": experiment.pruning.score}
    if variant.pipeline != SCRATCH:
        options = {"epochs": experiment.retraining.epochs, "rewound_to": experiment.rewound_to}
        options |= {"cut": experiment.cuts_epochs}
        plan |= {"pipeline": plan_pipeline(variant.pipeline, **options)}
    if experiment.weights is not None and (variant == BASE or ranks_filters(wildcards)):
        plan |= {"weights": experiment.weights_identity}
    if looks_at_data(wildcards):
        plan |= {"examples": experiment.ranking_examples}
    if experiment.network_values:
        own = network_named(wildcards).values
        plan |= {"network": dict(sorted((experiment.network_values | own).items()))}
    return dict(sorted(plan.items()))


def seed_cut_params(wildcards):
    """What decides which filters of its own base a seed keeps; how many, the variant's plan says."""
    left_out = ("method", "min_keep", "pipeline", "ratio", "round_to")
    known = {name: value for name, value in plan_params(wildcards).items() if name not in left_out}
    return dict(sorted((known | {"seed": seed_of_base(wildcards)}).items()))


def plan_digest(wildcards):
    """The digest of the planning code; the base keeps all its widths, so little of it matters there."""
    base = Variant.parse(wildcards.variant) == BASE and not starts_from_given(wildcards)
    roots = ("prunescape.models.counting",) if base else ("plan_variant",)
    return digest_with_architecture(*roots)(wildcards)


def export_params(wildcards):
    """How many cells of a variant are exported, in which precisions, and by what they rank; of trials the chosen ones."""
    experiment = experiment_of(wildcards)
    export = {"best": experiment.exported, "precisions": STUDY.precisions()}
    if experiment.design.has_space:
        return export | {"rank_by": experiment.design.rank_by}
    if experiment.export.by == "int8":
        export |= {"by": "int8", "threshold": max(STUDY.analysis.thresholds)}
    return export | {"select_on": experiment.select_on}


def scaling_params(wildcards):
    """How the inputs of cells whose setting does not say it are scaled."""
    return experiment_of(wildcards).declared_recipe.get("scaling", "standard")


def explain_digest(wildcards):
    """The digest of the code that explains what int8 costs, with the ONE task that it loads by name."""
    modules = (module for part in ("prepared", "exported") for module in task_modules(part, [experiment_of(wildcards)]))
    return code_digest("explain_int8", *modules)


def target_params(wildcards):
    """A target's name and settings, but for how it is reached, and what only untrained variants are measured at."""
    settings = STUDY.target_settings(wildcards.target, wildcards.experiment)
    left_out = (*REACHED_BY, *OF_UNTRAINED)
    return dict(sorted((name, value) for name, value in settings.items() if name not in left_out))


def untrained_target_params(wildcards):
    """The same for untrained variants: their weights are those of no cell, and no score is taken from them."""
    settings = STUDY.target_settings(wildcards.target, wildcards.experiment)
    settings |= {"flush_to_zero": settings["flush_to_zero"][:1], "dataset_passes": 0}
    return dict(sorted((name, value) for name, value in settings.items() if name not in REACHED_BY))


def architecture_params(wildcards):
    """What a table calls an architecture."""
    names = {"experiment": wildcards.experiment, "network": network_named(wildcards).network_text}
    return names | {"variant": wildcards.variant}


def reached_by(wildcards):
    """How a target is reached."""
    settings = STUDY.target_settings(wildcards.target, wildcards.experiment)
    return {name: settings[name] for name in REACHED_BY if name in settings}


def bench_digest(wildcards):
    """The digest of the measuring code with the ONE module that reaches this kind of target."""
    kind = STUDY.targets[wildcards.target].kind
    modules = ("prunescape.measure.agent", f"prunescape.measure.{kind}")
    return code_digest("benchmark_target", *modules, *task_modules("prepared", [experiment_of(wildcards)]))


def untrained_export_digest(wildcards):
    """The digest of the code that exports untrained variants, with the task and architecture that it loads by name."""
    modules = (module for part in ("prepared", "exported") for module in task_modules(part, [experiment_of(wildcards)]))
    return digest_with_architecture("export_architecture", *modules)(wildcards)


def architecture_digest(wildcards):
    """The digest of the code that measures them on this kind of target."""
    modules = ("prunescape.measure.agent", f"prunescape.measure.{STUDY.targets[wildcards.target].kind}")
    return code_digest("measure_architecture", *modules, *task_modules("prepared", [experiment_of(wildcards)]))


def targets_pattern(remote):
    """A pattern of the names of the targets that are driven from here over a connection, or of all others."""
    names = [name for name, target in STUDY.targets.items() if (target.kind in REMOTE) == remote]
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


def bench_threads(wildcards):
    """All of this run's, so that no other job of it shares the host; on a cluster as many as are measured."""
    target = STUDY.targets[wildcards.target]
    submitted = target.kind == "slurm" or not (workflow.is_main_process and workflow.resource_settings.cores)
    return max(target.threads) if submitted else workflow.resource_settings.cores
