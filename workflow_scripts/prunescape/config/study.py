"""From a config to a checked study: an unknown key or an impossible value is one line."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from prunescape.config.analysis import AnalysisTerms, Objectives
from prunescape.config.cluster import Cluster
from prunescape.config.datasets import identity_options, resolve_options
from prunescape.config.designs import ALL
from prunescape.config.experiment import RANKING_SEED, Experiment
from prunescape.config.experiment_checks import check_experiment
from prunescape.config.long_numbers import refuse_long_numbers
from prunescape.config.messages import input_error, refuse_switches
from prunescape.config.models import architecture_of
from prunescape.config.recipe_checks import check_precision
from prunescape.config.system_checks import check_settled
from prunescape.config.targets import Target
from prunescape.config.tuning import CHEAPEST, VARIANT
from prunescape.config.tuning_checks import check_search
from prunescape.config.types import CountOrAuto, Name, Part
from prunescape.errors import InputError, located, nearest
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting, parameter_value
from prunescape.space.variants import BASE

DEFAULT_NETWORK = Setting(())
INT8 = "int8"


class Study(Part):
    """All experiments of one config, with the data sets and targets they use."""

    study: Name
    """Name of the folder under results/."""
    reference: Literal["matthiesen2023"] | None = None
    """A work whose published values stand beside ours in the tables, for the models it studied."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where cells are trained; not part of a cell's identity."""
    cells_per_gpu: CountOrAuto = "auto"
    """Cells of one variant that train together on a GPU; auto: all that cores and memory allow; 1: each alone."""
    datasets: dict[Name, dict[str, Any]] = {}
    """Options per data set; one that is left out has its defaults."""
    experiments: Annotated[dict[Name, Experiment], Field(min_length=1)]
    """By name: one model on one data set each."""
    targets: dict[Name, Target] = {}
    """By name: where exported models are measured (docs/targets.md)."""
    inference_first: bool | None = None
    """Measure every variant before it is trained; left out, where objectives limit more than accuracy."""
    analysis: AnalysisTerms = AnalysisTerms()
    objectives: Objectives = Objectives()
    cluster: Cluster = Cluster()

    def ranking_cell(self, experiment: str, network: Setting = DEFAULT_NETWORK, seed: int = RANKING_SEED) -> Cell:
        """The base at the prior whose trained weights rank the filters: one designated training of each network.

        Where each cell inherits from the base with its own `seed`, one of each seed.
        """
        setting = self.experiments[experiment].prior_setting.changed(network)
        return Cell(experiment, BASE, setting, seed)

    @property
    def measures_first(self) -> bool:
        """Whether the targets measure every variant with untrained weights, before and beside the trainings."""
        asked = self.objectives.limits_architectures if self.inference_first is None else self.inference_first
        return asked and bool(self.targets)

    @property
    def measures_int8(self) -> bool:
        """Whether some target measures models in int8."""
        return INT8 in self.precisions()

    def precisions(self) -> list[str]:
        """The precisions that some target measures: what is exported."""
        return sorted({precision for target in self.targets.values() for precision in target.precisions})

    def target_settings(self, name: str, experiment: str) -> dict[str, Any]:
        """A target's settings with every default filled in, as plain values.

        Weights of several cells are compared with subnormal numbers kept and flushed to zero, unless a target sets it.
        """
        settings = self.targets[name].model_dump(mode="json")
        if settings["flush_to_zero"] is None:
            settings["flush_to_zero"] = [False, True] if self.experiments[experiment].exported > 1 else [False]
        return {"name": name, **settings}

    def dataset_options(self, name: str) -> dict[str, Any]:
        """The options of a data set with its name and every default filled in."""
        return resolve_options(name, self.datasets.get(name, {}))

    def used_datasets(self) -> list[str]:
        """The names of the data sets that some experiment uses."""
        return sorted({experiment.dataset for experiment in self.experiments.values()})

    def priors(self) -> dict[str, dict[str, Any]]:
        """The prior of every experiment, by hyperparameter of its grid."""
        return {name: experiment.prior_setting.values for name, experiment in sorted(self.experiments.items())}

    def analysis_terms(self) -> dict[str, Any]:
        """What the analysis of landscapes has to know beside the cells, as plain values with sorted keys."""
        experiments = {
            name: {
                "axes": list(experiment.axes),
                "recipe": [experiment.declared_recipe.get(key) for key in ("batch_size", "momentum")],
                "verdict": experiment.verdict_terms,
                **({} if experiment.most_settings is None else {"grid": experiment.grid_values}),
            }
            for name, experiment in sorted(self.experiments.items())
            if experiment.has_grid
        }
        thresholds = {"risk_threshold": self.analysis.risk_threshold, "thresholds": sorted(self.analysis.thresholds)}
        compared = {"retraining": self.retraining_terms()} if self.compares_pipelines else {}
        return {"experiments": experiments} | thresholds | compared

    def retraining_terms(self) -> dict[str, dict[str, Any]]:
        """What the comparison of pipelines has to know of each experiment with a grid, as plain values.

        `score` ranks its filters, those of a trained base where it is `ranked`; `between` are epochs between its cuts.
        Experiments with the same `group`, the first of them by name, share everything but the score, and so can be
        compared. `base` is there where each seed inherits from a base of its own.
        """
        groups: dict[str, str] = {}
        return {
            name: {
                "score": experiment.pruning.score,
                "ranked": experiment.pruning.ranking == "trained",
                "between": (experiment.retraining.steps - 1) * (experiment.retraining.epochs or 0),
                "group": groups.setdefault(experiment.but_for_the_score, name),
                **({"base": experiment.retraining.base} if experiment.bases_per_seed else {}),
            }
            for name, experiment in sorted(self.experiments.items())
            if experiment.has_grid
        }

    @property
    def compares_pipelines(self) -> bool:
        """Whether some network is cut by several scores, or trained in several pipelines."""
        groups = [terms["group"] for terms in self.retraining_terms().values()]
        several = any(len(each.retraining.pipelines) > 1 for each in self.experiments.values() if each.has_grid)
        return several or len(set(groups)) < len(groups)

    def trial_terms(self) -> dict[str, dict[str, Any]]:
        """What the analysis of trials has to know beside the cells, of each experiment with a space, as plain values.

        `rank_by` is the column by which settings are the best, `best` their number in each arm and variant, `confirm`
        the terms of a confirmation or None; `defaults` has the default value of each hyperparameter that varies.
        """
        return {
            name: experiment.design.model_dump(include={"rank_by", "best", "confirm"})
            | {"defaults": {key: parameter_value(key, text) for key, text in experiment.search_space.defaults.items()}}
            for name, experiment in sorted(self.experiments.items())
            if experiment.design.has_space
        }

    def tuning_terms(self) -> dict[str, dict[str, Any]]:
        """What the analysis of searches has to know, of each experiment with one, as plain values."""
        floor = {"accuracy_floor": self.objectives.accuracy_floor}
        terms = {name: experiment.tuning_terms for name, experiment in sorted(self.experiments.items())}
        return {name: each | floor for name, each in terms.items() if each is not None}

    @property
    def compares_arms(self) -> bool:
        """Whether some design has another arm beside the one that varies all."""
        of_spaces = [each for each in self.experiments.values() if each.design.has_space]
        return any(ALL in arms and len(arms) > 1 for arms in (each.trial_terms["arms"] for each in of_spaces))

    def summary(self) -> dict[str, Any]:
        """The study as plain JSON values, keys sorted, defaults spelled out, without what decides only how jobs run."""
        content = self.model_dump(mode="json", exclude={"cluster", "cells_per_gpu"})
        for name, experiment in self.experiments.items():
            for key in ("system", "weights"):  # a study without them says nothing of them
                if content["experiments"][name][key] is None:
                    del content["experiments"][name][key]
            content["experiments"][name] |= {
                "recipe": experiment.declared_recipe,
                "network": experiment.network_values,
                "variants": [variant.name for variant in experiment.all_variants],
                "grid": experiment.grid_values,
                "design": experiment.design.model_dump(mode="json") | {"space": experiment.space_values},
                "prior": self.priors()[name],
            }
            if experiment.tune is None:  # a study without a search says nothing of one
                del content["experiments"][name]["tune"]
            else:
                content["experiments"][name]["design"]["space"] = {}
                searched = experiment.space_values | experiment.tune.system
                content["experiments"][name]["tune"]["space"] = searched | {VARIANT: experiment.searched_variants}
        content["datasets"] = {name: identity_options(self.dataset_options(name)) for name in self.used_datasets()}
        content["measures_first"] = self.measures_first
        if self.measures_int8:
            content["measures_int8"] = True
        if trials := self.trial_terms():
            content["trials"] = trials
        if self.compares_pipelines:
            content["compares_pipelines"] = True
        return json.loads(json.dumps(content, sort_keys=True))


def load_study(config: dict[str, Any], source: str = "config") -> Study:
    """The study of a config that was read from `source`; raises InputError with file, key, value, what is allowed."""
    refuse_switches(config, source)
    refuse_long_numbers(config, source)
    try:
        study = Study.model_validate(dict(config))
    except ValidationError as error:
        raise input_error(error, Study, source) from None
    if study.inference_first and not study.targets:
        what, hint = "there is no target to measure variants on", "add one to targets, or remove this key"
        raise InputError(what, where=f"{source}: inference_first", hint=hint)
    for name in study.datasets:
        located(f"{source}: datasets.{name}", study.dataset_options, name)
    for name, target in study.targets.items():
        _check_emulated(study, target, f"{source}: targets.{name}")
    for name, experiment in study.experiments.items():
        where = f"{source}: experiments.{name}"
        located(f"{where}.model", architecture_of, experiment.model)
        check_experiment(experiment, located(f"{where}.dataset", study.dataset_options, experiment.dataset), where)
        check_precision(experiment, study.device, where)
        _check_export(study, experiment, where)
        check_settled(experiment.system, experiment.given_precision, study.device, f"{where}.system")
        if experiment.tune:
            options = study.dataset_options(experiment.dataset)
            check_search(experiment, options, study.targets, f"{where}.tune")
            if experiment.tune.objective == CHEAPEST and study.objectives.accuracy_floor is None:
                what, hint = "the cheapest model of all is one that learnt nothing", "or set tune.objective: accuracy"
                allowed = "objectives.accuracy_floor, percent of the validation examples"
                raise InputError(what, where=f"{where}.tune.objective", allowed=allowed, hint=hint)
    return study


def _check_export(study: Study, experiment: Experiment, where: str) -> None:
    """Cells ranked in int8 must be exported in it, and their test images are what they are ranked by."""
    if experiment.export.by != INT8:
        return
    if not study.measures_int8:
        what, hint = "no target measures int8, in which cells are to be ranked", "add it to the precisions of a target"
        raise InputError(what, where=f"{where}.export.by", hint=hint)
    if experiment.select_on != "test":
        what = "cells are ranked in int8 by the test examples, and settings are chosen by validation examples"
        raise InputError(what, where=f"{where}.export.by", allowed="fp32", hint="or set select_on: test")


def _check_emulated(study: Study, target: Target, where: str) -> None:
    known = getattr(target, "emulates", None)
    if known is not None and (known not in study.targets or study.targets[known].kind == "emulated"):
        allowed = ", ".join(name for name, other in study.targets.items() if other.kind != "emulated")
        hint = nearest(known, allowed.split(", ")) or "add the target that it stands for, or leave emulates out"
        raise InputError(f"{known} is no target to emulate", where=f"{where}.emulates", allowed=allowed, hint=hint)
