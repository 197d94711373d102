"""What pipelines need: pruned networks, weights to inherit, epochs; and what may not vary beside them."""

from dataclasses import asdict

from prunescape.config.experiment import Experiment
from prunescape.errors import InputError
from prunescape.space.pipelines import PIPELINES
from prunescape.space.recipe import Recipe
from prunescape.space.variants import FROM_TRAINED, INHERITING, SCRATCH

# hyperparameters that decide nothing of a pipeline's training, whose schedule is its own (space/pipelines.py)
IDLE = {
    "fine_tune": ("warmup_epochs",),
    "rewind_rate": ("warmup_epochs",),
    "rewind_weights": ("warmup_epochs",),
    **dict.fromkeys(("restart", "cyclic"), ("epochs", "warmup_epochs", "schedule", "decay", "decay_rate", "power")),
}


def check_retraining(experiment: Experiment, where: str) -> None:
    """Raise InputError, below the key `where`, for pipelines that cannot be had or whose cells would be copies."""
    _check_pipelines(experiment, where)
    _check_bases(experiment, where)
    _check_given_weights(experiment, where)
    _check_rewinding(experiment, where)
    _check_varied(experiment, where)
    _check_ends(experiment, where)


def _check_pipelines(experiment: Experiment, where: str) -> None:
    """Whether the pipelines have pruned networks to train, weights to inherit and as many epochs as they take."""
    pipelines, epochs = experiment.retraining.pipelines, experiment.retraining.epochs
    inheriting = [name for name in pipelines if name in FROM_TRAINED]
    where_epochs, where_pipelines = f"{where}.retraining.epochs", f"{where}.retraining.pipelines"
    if pipelines != [SCRATCH] and not experiment.variants:
        raise InputError("no network is pruned", where=where_pipelines, hint="give variants some ratios")
    if inheriting and epochs is None:
        hint = "give the number of epochs after pruning"
        raise InputError(f"{inheriting[0]} needs this key, which is missing", where=where_epochs, hint=hint)
    if epochs is not None and not inheriting:
        hint = f"remove it, or give retraining.pipelines one of {', '.join(FROM_TRAINED)}"
        raise InputError("no pipeline inherits trained weights", where=where_epochs, hint=hint)
    if experiment.retraining.steps > 1 and not inheriting:
        hint = f"remove it, or give retraining.pipelines one of {', '.join(FROM_TRAINED)}"
        raise InputError("no pipeline inherits trained weights", where=f"{where}.retraining.steps", hint=hint)
    if inheriting and experiment.pruning.ranking != "trained":
        what = f"{inheriting[0]} inherits the weights of the trained base"
        raise InputError(what, where=f"{where}.pruning.ranking", allowed="trained", hint="remove this key")


def _check_bases(experiment: Experiment, where: str) -> None:
    """Whether, with a base for each seed, some pipeline inherits weights, by a single cut."""
    if not experiment.bases_per_seed:
        return
    place = f"{where}.retraining.base"
    if not set(experiment.retraining.pipelines) & set(INHERITING):
        hint = f"remove it, or give retraining.pipelines one of {', '.join(INHERITING)}"
        raise InputError("no pipeline inherits weights", where=place, hint=hint)
    if experiment.retraining.steps > 1:
        what = f"a base for each seed is cut once, and retraining.steps is {experiment.retraining.steps}"
        raise InputError(what, where=place, allowed="one", hint="or remove retraining.steps")
    if experiment.tune:
        raise InputError("a search trains each trial once, with one seed", where=place, allowed="one")


def _check_given_weights(experiment: Experiment, where: str) -> None:
    """Refuse pipelines that go back before the end of the base's training where that starts from given weights."""
    known = {name: PIPELINES[name] for name in experiment.retraining.pipelines}
    early = [name for name, each in known.items() if each.start == "initial" or each.earlier]
    if experiment.weights is not None and early:
        what = f"{early[0]} goes back to weights of a base that starts from new ones"
        hint = f"remove this key, or {early[0]} from retraining.pipelines"
        raise InputError(what, where=f"{where}.weights", hint=hint)


def _check_rewinding(experiment: Experiment, where: str) -> None:
    """Whether the recipe has the epochs that are trained again, and they begin after its warm-up or with it."""
    pipelines, epochs = experiment.retraining.pipelines, experiment.retraining.epochs
    place = f"{where}.retraining.epochs"
    fewest = min(_recipe_epochs(experiment))
    rewinding = [name for name in pipelines if name.startswith("rewind")]
    if rewinding and epochs > fewest:
        what = f"{rewinding[0]} trains the last {epochs} epochs of the recipe again, which has {fewest}"
        raise InputError(what, where=place, allowed=f"1 to {fewest}")
    warmup = int(experiment.prior_text("warmup_epochs"))
    if "rewind_weights" in pipelines and 0 < experiment.rewound_to < warmup:
        whole = experiment.rewound_to + epochs
        what = f"rewind_weights goes back to epoch {experiment.rewound_to}, into the {warmup} epochs of warm-up"
        raise InputError(what, where=place, allowed=f"{whole}, or at most {whole - warmup}")


def _recipe_epochs(experiment: Experiment) -> list[int]:
    """The epochs of the recipes whose schedules pipelines look at: no budget of a search cuts these."""
    return [experiment.declared_recipe["epochs"]] if experiment.tune else experiment.values_of("epochs")


def _check_varied(experiment: Experiment, where: str) -> None:
    """Refuse what varies and decides nothing of a pipeline's training: its cells would be copies of each other."""
    for pipeline in experiment.retraining.pipelines:
        idle = [name for name in IDLE.get(pipeline, ()) if name in {**experiment.axes, **experiment.space}]
        if pipeline == "rewind_weights" and experiment.rewound_to == 0:
            idle = []  # initial weights warm up
        if idle:
            what = f"{pipeline} trains alike with every value of {idle[0]}"
            hint = f"leave it out, or {pipeline} out of retraining.pipelines"
            raise InputError(what, where=f"{where}.{experiment.section_of(idle[0])}.{idle[0]}", hint=hint)


def _check_ends(experiment: Experiment, where: str) -> None:
    """Refuse numbers of epochs at which the schedule ends alike, for pipelines that train by its end alone."""
    counts, last = _recipe_epochs(experiment), experiment.retraining.epochs
    decisive = {"fine_tune": 1, "rewind_rate": last, "rewind_weights": last}  # so many epochs at the schedule's end
    shared = asdict(experiment.recipe) | experiment.declared_recipe
    for pipeline in (name for name in experiment.retraining.pipelines if name in decisive):
        for schedule in experiment.values_of("schedule"):
            known: dict[tuple[float, ...], int] = {}
            for count in counts:
                recipe = Recipe(**shared | {"epochs": count, "schedule": schedule})
                end = tuple(recipe.rate_factor(epoch) for epoch in range(count - decisive[pipeline], count))
                if end in known:
                    what = f"{pipeline} trains alike after {known[end]} and {count} epochs of schedule {schedule}"
                    hint = f"leave one out, or {pipeline} out of retraining.pipelines"
                    raise InputError(what, where=f"{where}.{experiment.section_of('epochs')}.epochs", hint=hint)
                known[end] = count
