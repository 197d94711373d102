"""What a recipe's hyperparameters cannot be beside each other, and what the device of a study does not have."""

from importlib.util import find_spec
from typing import Any

from prunescape.config.experiment import Experiment
from prunescape.errors import InputError
from prunescape.space.parameters import Parameter
from prunescape.space.recipe import PARAMETERS, Recipe

NO_DEFAULT = ("epochs", "batch_size", "log10_lr", "log10_wd")
ONLY_ON_A_GPU = {
    "tf32": "only NVIDIA's GPUs have tf32",
    "fp16": "torch's fp16 takes sixty times as long as fp32 on a CPU",
}
OF_RUNGS = "each rung of the search has all of it: raise tune.budget.min_epochs, or set tune.budget.schedule: whole"


def check_recipe(experiment: Experiment, where: str) -> None:
    """Raise InputError, below the key `where`, for hyperparameters that do not fit together in any cell."""
    _check_milestones(experiment, f"{where}.recipe.milestones")
    warmup, fewest = max(experiment.values_of("warmup_epochs")), min(experiment.values_of("epochs"))
    if warmup > fewest:
        what, hint = f"a warm-up of {warmup} epochs is longer than a training", "warm up over fewer, or train longer"
        hint = OF_RUNGS if _cuts(experiment, warmup) else hint
        place = f"{where}.{experiment.section_of('warmup_epochs')}.warmup_epochs"
        raise InputError(what, where=place, allowed=f"0 to {fewest}", hint=hint)
    if "ftrl" in experiment.values_of("optimiser") and find_spec("pytorch_optimizer") is None:
        hint = "install it with `pip install 'prunescape[ftrl]'`, or take another optimiser"
        place = f"{where}.{experiment.section_of('optimiser')}.optimiser"
        raise InputError("ftrl needs the package pytorch-optimizer", where=place, hint=hint)
    if "int8_aware" in experiment.values_of("internal") and experiment.architecture == "text_lstm":
        what, hint = "an LSTM cannot be trained with int8_aware", "take int8_after, which quantises its weights"
        place = f"{where}.{experiment.section_of('internal')}.internal"
        raise InputError(what, where=place, allowed="none, compiled, int8_after", hint=hint)
    _refuse_what_does_not_act(experiment, where)


def check_parts(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Raise InputError where images to validate on are missing, or held out twice, for data of these `options`."""
    partitions = experiment.values_of("partition")
    drawn = [partition for partition in partitions if partition != "none"]
    if drawn and options["validation"]:
        what = f"{drawn[0]} holds images out, and so does datasets.{options['name']}.validation"
        place = f"{where}.{experiment.section_of('partition')}.partition"
        raise InputError(what, where=place, allowed="one of both", hint="set validation: 0")
    if experiment.select_on == "validation" and not options["validation"] and "none" in partitions:
        hint = hold_out_hint(experiment, options)
        raise InputError("nothing is held out for validation", where=f"{where}.select_on", hint=hint)


def hold_out_hint(experiment: Experiment, options: dict[str, Any]) -> str:
    """How examples are held out in all cells, where in some they are not; data of these `options` have no validation.

    A partition and a validation split never go together.
    """
    if experiment.values_of("partition") != ["none"]:
        return "leave none out of partition, of which nothing is held out"
    return f"give datasets.{options['name']} the option `validation`, a number of training examples to hold out"


def check_precision(experiment: Experiment, device: str, where: str) -> None:
    """Raise InputError for a precision that the `device` (cpu or cuda) of a study cannot train in."""
    precisions = [name for name in experiment.values_of("precision") if name in ONLY_ON_A_GPU]
    if device == "cpu" and precisions:
        name = precisions[0]
        what, hint = f"a CPU has no {name}", f"set device: cuda; {ONLY_ON_A_GPU[name]}"
        place = f"{where}.{experiment.section_of('precision')}.precision"
        raise InputError(what, where=place, allowed="fp32, bf16, fp64, auto", hint=hint)


def _cuts(experiment: Experiment, needed: int) -> bool:
    """Whether a search cuts trainings that would have as many epochs as are needed."""
    fewest = min(experiment.values_of("epochs"))
    return experiment.cuts_epochs and fewest < needed <= experiment.declared_recipe["epochs"]


def _check_milestones(experiment: Experiment, where: str) -> None:
    milestones, fewest = list(experiment.recipe.milestones), min(experiment.values_of("epochs"))
    schedules = experiment.values_of("schedule")
    if milestones and "step" not in schedules:
        what, hint = f"a {schedules[0]} schedule has no milestones", "remove them, or use schedule: step"
        raise InputError(what, where=where, hint=hint)
    if milestones != sorted(set(milestones)) or any(epoch >= fewest for epoch in milestones):
        allowed, hint = f"rising epochs below {fewest}", OF_RUNGS if _cuts(experiment, max(milestones) + 1) else ""
        raise InputError(f"{milestones} cannot be reached in order", where=where, allowed=allowed, hint=hint)


def _refuse_what_does_not_act(experiment: Experiment, where: str) -> None:
    """Refuse what changes nothing in any cell: an axis, or a value that is not the default."""
    for name, parameter in PARAMETERS.items():
        given, place = _given(experiment, name)
        for other, levels in parameter.meaning.when if given else ():
            values = experiment.values_of(other)
            if not set(values) & set(levels):
                raise _without_effect(parameter, other, values, levels, f"{where}.{place}")


def _given(experiment: Experiment, name: str) -> tuple[bool, str]:
    """Whether an experiment sets a hyperparameter to other than its default, and below which key."""
    if name in experiment.axes:
        return True, f"grid.{name}"
    if name not in Recipe.__dataclass_fields__ or name in NO_DEFAULT:
        return False, ""
    default = Recipe.__dataclass_fields__[name].default
    return experiment.values_of(name) != [default], f"{experiment.section_of(name)}.{name}"


def _without_effect(parameter: Parameter, other: str, values: list, levels: tuple[Any, ...], where: str) -> InputError:
    what = f"{parameter.name} has no effect with {other} {' and '.join(map(str, values))}"
    hint = f"remove it; it acts with {other} {', '.join(map(str, levels))}"
    return InputError(what, where=where, hint=hint)
