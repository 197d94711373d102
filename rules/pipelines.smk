"""What variants inherit: the paths of these weights, and what rules ask of a variant's pipeline (docs/pipelines.md).

All cells inherit from the base with seed 0, or each from the base with its own seed (`retraining.base`). A variant's plan
then says the widths alone, and each seed has a plan of its own beside it.
"""

import re
from glob import glob

from snakemake.iocontainers import Wildcards

from prunescape.config.experiment import RANKING_SEED
from prunescape.config.models import SCORES_OF_DATA
from prunescape.space.variants import BASE, INHERITING_PATTERN, INITIALISED_PATTERN, Variant

START = "start.safetensors"  # the weights that a variant inherits
TRAINED = "weights.safetensors"
STEP = f"{VARIANT}/step={{step}}"  # of pruning, but for the last, whose files are the variant's
OF_SEED = f"{VARIANT}/base={{seed}}"  # what the cells of one seed inherit from the base of that seed
REWOUND = f"{NETWORK}/variant={BASE.name}/epoch={{epoch}}.safetensors"  # what the base's weights were then
REWOUND_OF_SEED = f"{NETWORK}/variant={BASE.name}/seed={{seed}}/epoch={{epoch}}.safetensors"


def experiments_where(condition):
    """A pattern of the names of experiments of which this holds."""
    names = [name for name, experiment in STUDY.experiments.items() if condition(experiment)]
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def has_one_base(experiment):
    """Whether all cells inherit from one base."""
    return not experiment.bases_per_seed


def has_bases_per_seed(experiment):
    """Whether each cell inherits from the base with its own seed."""
    return experiment.bases_per_seed


def starts_from_weights(experiment):
    """Whether the base starts from weights that the config gives."""
    return experiment.weights is not None


def seed_of_base(wildcards):
    """The seed of the base that a job looks at."""
    return int(getattr(wildcards, "seed", RANKING_SEED))


def plans_widths_alone(wildcards):
    """Whether it is the plan of a variant that each seed is then cut by."""
    return experiment_of(wildcards).bases_per_seed and not hasattr(wildcards, "seed")


def ranks_filters(wildcards):
    """Whether a ranking of filters decides what a plan says."""
    variant = Variant.parse(wildcards.variant)
    return variant.method == "nonuniform" if plans_widths_alone(wildcards) else variant.ranks_filters


def ranks_trained_filters(wildcards):
    """Whether a variant's plan needs the base's trained weights."""
    trained = experiment_of(wildcards).pruning.ranking == "trained"
    return trained and ranks_filters(wildcards) and Variant.parse(wildcards.variant).ranks_trained_filters


def starts_from_given(wildcards):
    """Whether it is a base that starts from weights that the config gives."""
    return wildcards.variant == BASE.name and experiment_of(wildcards).weights is not None


def given_weights(wildcards):
    """Published, or the file that such a base starts from; None where it starts from new ones."""
    return experiment_of(wildcards).weights if starts_from_given(wildcards) else None


def start_of_base(wildcards):
    """The weights that such a base starts from."""
    return f"{VARIANT}/{START}".format(**{**wildcards, "variant": BASE.name})


def steps_of(wildcards):
    """How many times a variant is cut."""
    return experiment_of(wildcards).retraining.steps if Variant.parse(wildcards.variant).inherits_trained else 1


def step_of(wildcards):
    """Which of them a plan is: the variant's own is the last."""
    return int(getattr(wildcards, "step", steps_of(wildcards)))


def of_step_before(name):
    """An input function: a file of the step before; nothing for the first one."""

    def path(wildcards):
        before = step_of(wildcards) - 1
        return f"{STEP}/{name}".format(**{**wildcards, "step": before}) if before else []

    return path


def ranking_weights(wildcards):
    """What a plan ranks, if that is trained: the base or the step before. Shared file and widths speak for it.

    Or the weights that the base starts from, for which the plan speaks.
    """
    if step_of(wildcards) > 1:
        return ancient(of_step_before(TRAINED)(wildcards))
    if ranks_given_filters(wildcards):
        return ancient(start_of_base(wildcards))
    if not ranks_trained_filters(wildcards):
        return []
    cell = STUDY.ranking_cell(wildcards.experiment, network_named(wildcards), seed_of_base(wildcards))
    return ancient(cell_file(cell, "weights.safetensors"))


def ranks_given_filters(wildcards):
    """Whether a variant's plan needs the weights that the base starts from, as the config gives them."""
    experiment = experiment_of(wildcards)
    untrained = experiment.pruning.ranking == "initial" and experiment.weights is not None
    return untrained and ranks_filters(wildcards)


def ranking_source(wildcards):
    """What decides the ranking weights: new recipe, code or data plan again, a deleted record does not."""
    return SHARED if ranks_trained_filters(wildcards) else []


def looks_at_data(wildcards):
    """Whether the score that plans a variant looks at the loss of training examples."""
    score = experiment_of(wildcards).pruning.score
    return score in SCORES_OF_DATA and ranks_filters(wildcards)


def ranking_data(wildcards):
    """The prepared data set, where the score that plans a variant looks at it; the identity speaks for it."""
    return ancient(data_file(wildcards)) if looks_at_data(wildcards) else []


def has_own_plan(wildcards):
    """Whether the cells of each seed of a variant have a plan of their own, from the base of that seed."""
    return experiment_of(wildcards).bases_per_seed and Variant.parse(wildcards.variant).inherits


def of_plan(name):
    """An input function: a file of the plan by which a cell trains, of its variant or of one seed of that."""
    return lambda wildcards: f"{OF_SEED if has_own_plan(wildcards) else VARIANT}/{name}".format(**wildcards)


def inherited_weights(wildcards):
    """The weights from which a cell's training starts, where it does not start from new ones."""
    return ancient(of_plan(START)(wildcards)) if starts_from_file(wildcards) else []


def starts_from_file(wildcards):
    """Whether a variant starts from weights: inherited ones, or those given to the base."""
    return Variant.parse(wildcards.variant).inherits or starts_from_given(wildcards)


def rewound_weights(wildcards):
    """The base's weights at the epoch to which a variant rewinds, as the step before left them; no initial ones."""
    epoch = experiment_of(wildcards).rewound_to
    if not Variant.parse(wildcards.variant).rewinds or plans_widths_alone(wildcards):
        return []
    if step_of(wildcards) > 1:
        return ancient(of_step_before(START)(wildcards))
    if epoch == 0:
        return []
    of_base = REWOUND_OF_SEED if has_own_plan(wildcards) else REWOUND
    return ancient(of_base.format(**wildcards, epoch=epoch))


def checkpoint_of(weights):
    """A params function: where a training of such weights leaves what it needs to go on after an interruption."""
    return lambda wildcards: state_file(weights.format(**wildcards))


def rewinds_weights(experiment):
    """Whether some variant of an experiment goes back to weights that a training passed through."""
    known = STUDY.experiments[experiment]
    return known.rewound_to > 0 and any(variant.rewinds for variant in known.all_variants)


def rewound_trainings(experiment):
    """The wildcards of the trainings of an experiment that end at the epoch to which all cells of its variants rewind."""
    known = STUDY.experiments[experiment]
    if known.bases_per_seed or not rewinds_weights(experiment):
        return []
    shared = {"experiment": experiment, "epoch": known.rewound_to}
    return [shared | {"network": network} for network in networks_of(experiment)]


def rewound_paths(experiment):
    """The weights that they leave."""
    return [REWOUND.format(**known) for known in rewound_trainings(experiment)]


def rewinding_folders(experiment):
    """The folders of the variants that inherit them."""
    known = planned_variants(experiment)
    return [VARIANT.format(**each) for each in known if Variant.parse(each["variant"]).rewinds]


def planned_steps(experiment):
    """The wildcards of all steps of the variants of an experiment but the last ones, in order."""
    known = STUDY.experiments[experiment]
    cut = [each for each in planned_variants(experiment) if Variant.parse(each["variant"]).inherits_trained]
    return [each | {"step": step} for step in range(1, known.retraining.steps) for each in cut]


def step_paths(experiment):
    """The files that they leave."""
    files = ("widths.json", START, TRAINED)
    return [f"{STEP}/{name}".format(**known) for known in planned_steps(experiment) for name in files]


def inherited_paths(experiment):
    """The weights that variants of an experiment start from, but for those of single seeds."""
    known = [Wildcards(fromdict=each) for each in planned_variants(experiment)]
    starting = [each for each in known if starts_from_file(each) and not has_own_plan(each)]
    return [f"{VARIANT}/{START}".format(**each) for each in starting]


def inherited_files():
    """Those of every experiment, and what they were cut from."""
    made = (rewound_paths, step_paths, inherited_paths)
    return [path for name in sorted(STUDY.experiments) for paths in made for path in paths(name)]


def seed_cuts(cells):
    """The wildcards of what is cut for one seed, so that some of `cells` inherit from the base of that seed."""
    cuts = dict.fromkeys(
        (cell.experiment, cell.setting.network_path, cell.variant.name, str(cell.seed))
        for cell in cells
        if STUDY.experiments[cell.experiment].bases_per_seed and cell.variant.inherits
    )
    return [dict(zip(("experiment", "network", "variant", "seed"), cut, strict=True)) for cut in cuts]


def seed_starts(cells):
    """The wildcards of the trainings that end at the epoch to which some of these cuts rewind."""
    rewinding = [cut for cut in seed_cuts(cells) if Variant.parse(cut["variant"]).rewinds]
    places = dict.fromkeys((cut["experiment"], cut["network"], cut["seed"]) for cut in rewinding)
    return [
        {"experiment": experiment, "network": network, "seed": seed, "epoch": STUDY.experiments[experiment].rewound_to}
        for experiment, network, seed in places
        if rewinds_weights(experiment)
    ]


def seed_plans(cells):
    """The plans of these cuts."""
    return [f"{OF_SEED}/widths.json".format(**known) for known in seed_cuts(cells)]


def seed_files(cells):
    """All files that cuts and trainings of single seeds leave."""
    weights = [f"{OF_SEED}/{START}".format(**known) for known in seed_cuts(cells)]
    return [*(REWOUND_OF_SEED.format(**known) for known in seed_starts(cells)), *seed_plans(cells), *weights]


def plan_files(experiment):
    """The plan by which cells train, by the path of the variant; `{seed}` stands in it for the cell's own."""
    known = [Wildcards(fromdict=each | {"seed": "{seed}"}) for each in planned_variants(experiment)]
    return {VARIANT_PATH.format(**each): of_plan("widths.json")(each) for each in known}


def seed_plans_there(experiment):
    """The plans of single seeds that are there, whatever is planned."""
    patterns = [path for path in plan_files(experiment).values() if "{seed}" in path]
    return [path for pattern in patterns for path in sorted(glob(pattern.format(seed="*")))]
