"""One experiment of a config: its parts and their defaults."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from prunescape.config.designs import Bounds, DesignTerms, arms_of
from prunescape.config.messages import TAG, level_value
from prunescape.config.models import ROUND_TO, SCORES, architecture_of, network_values
from prunescape.config.starting_weights import weights_identity
from prunescape.config.system import System
from prunescape.config.tuning import OF_RUNG, TuneTerms
from prunescape.config.types import Count, Distinct, Part, Ratio, Seed, first_repeated
from prunescape.config.verdict import Verdict
from prunescape.errors import InputError
from prunescape.space.levels import AUTO
from prunescape.space.parameters import Value, canonical
from prunescape.space.pipelines import BASES, ONE, PER_SEED, PIPELINES
from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import Setting, parameter_named, parameter_value
from prunescape.space.variants import BASE, METHODS, SCRATCH, Variant

FEWEST_AXES = 2
DRAWN = ("sampler", "trials", "ask", "eta", "brackets", "seed", "target")  # of a search
ROUNDING = 1e-9  # that a share of a whole number of settings may lose
ADAPTIVE_SHARE = 0.34  # of a grid's settings, unless another is given
RANKING_SEED = 0  # the ONE base training whose weights rank the filters of nonuniform variants, and say their widths


class Pruning(Part):
    """How filters are ranked and how far a layer may be cut (matthiesen2023, 2.2.3 and 3.2)."""

    score: Literal[SCORES] = SCORES[0]
    """Of a filter: l1_layer, its L1 norm over its layer's mean; l1, the L1 norm itself, as the thesis says.

    The others: docs/methods.md, "Scores". random is the control.
    """
    min_keep: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Smallest share of a layer's channels that is kept."""
    ranking: Literal["trained", "initial"] = "trained"
    """Whose filters are ranked: those of the base trained at the prior with seed 0, or of an untrained one."""
    round_to: Literal[ROUND_TO] = "auto"
    """Pruned widths are multiples of it; auto: of the block in which runtimes compute, if that reaches the ratio."""


class Retraining(Part):
    """How pruned networks start and are trained (docs/pipelines.md)."""

    pipelines: Distinct[Literal[tuple(PIPELINES)]] = [SCRATCH]
    """Each pruned network is a variant with each of them: scratch, from new weights; others inherit the base's."""
    epochs: Count | None = None
    """E, of pipelines that inherit trained weights: so many epochs after pruning."""
    steps: Annotated[int, Field(ge=1, le=20)] = 1
    """N, of the same pipelines: cut and trained so many times, each with E epochs, to the ratios r^(k/N)."""
    base: Literal[BASES] = ONE
    """Which base they inherit from: one, trained with seed 0; per_seed, for each cell the one with the cell's seed."""


class Export(Part):
    """Which cells are exported to ONNX."""

    best: Count = 1
    """So many of the best cells of each variant."""
    by: Literal["fp32", "int8"] = "fp32"
    """Whose accuracy ranks them; int8: of the cells within the largest threshold of the variant's best in fp32."""


class Extension(Part):
    """How the grid grows towards the optimal area (matthiesen2023, 3.3)."""

    max_rounds: Annotated[int, Field(ge=0, le=20)] = 0
    """At most so many times, two steps each; 0 leaves it as configured. Needs equally spaced axes."""


class Steps(Part):
    """Equally spaced values around the prior."""

    step: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
    """Distance of neighbours."""
    size: Annotated[int, Field(ge=1, le=99)]
    """Number of values."""

    def around(self, prior: str) -> list[str]:
        """The values, lowest first; an even size has one more below the prior than above."""
        step, first = Decimal(canonical(self.step)), -(self.size // 2)
        return [canonical(Decimal(prior) + step * (first + index)) for index in range(self.size)]


def _axes_of(grid: Any) -> Any:
    return grid["axes"] if isinstance(grid, Mapping) and set(grid) == {"axes"} else grid


STEPS, VALUES = f"{TAG}steps", f"{TAG}values"
KIND = Discriminator(lambda values: STEPS if isinstance(values, dict | Steps) else VALUES)
Values = Annotated[Annotated[Steps, Tag(STEPS)] | Annotated[Distinct[Any], Tag(VALUES)], KIND]
Grid = Annotated[dict[str, Values], BeforeValidator(_axes_of), Field(min_length=FEWEST_AXES)]


class Experiment(Part):
    """One model on one data set with its variants and its design: a grid, or a space of hyperparameters."""

    model: str
    """One of ours, torchvision:NAME (3 channels), timm:NAME, or package.module:factory of your own (docs/models.md)."""
    dataset: str
    """One of ours, or an image folder's name from `datasets`."""
    recipe: Recipe
    network: dict[str, Any] = {}
    """Hyperparameters of the network that are not to be the model's defaults."""
    weights: Annotated[str, Field(min_length=1)] | None = None
    """What the base starts from instead of new weights: published, or a file of weights (docs/models.md)."""
    variants: dict[Literal[METHODS], Distinct[Ratio]]
    """By method, the shares of FLOPs that are KEPT; the unpruned base is always among the variants."""
    pruning: Pruning = Pruning()
    retraining: Retraining = Retraining()
    prior: dict[str, Any] = {}
    """The setting that the base is known to train well with: a point of the grid, or the defaults of the space.

    What neither varies holds for all cells.
    """
    grid: Grid = {}
    """Two or more hyperparameters: their values, or steps around the prior; or the same below the key `axes`."""
    seeds: Distinct[Seed] = [RANKING_SEED]
    """One training per setting and seed."""
    design: DesignTerms = DesignTerms()
    tune: TuneTerms | None = None
    """Instead of a grid or a design: a search for the one model to deploy on a target (docs/search.md)."""
    extension: Extension = Extension()
    verdict: Verdict = Verdict()
    system: System | None = None
    """System parameters that are found while training (docs/system.md)."""
    select_on: Literal["test", "validation"] = "test"
    """The split on which the best setting is chosen; test reports the score."""
    export: Export = Export()

    @property
    def architecture(self) -> str:
        """The module of the room `models` that builds the model."""
        return architecture_of(self.model)

    @property
    def weights_identity(self) -> str | None:
        """What identifies the weights that the base starts from; None without any."""
        return None if self.weights is None else weights_identity(self.model, self.weights)

    @property
    def all_variants(self) -> list[Variant]:
        """The base, then every pruned variant by method, falling ratio and pipeline."""
        pruned = [(method, ratio) for method in METHODS for ratio in self.variants.get(method, [])]
        ordered = sorted(pruned, key=lambda item: (METHODS.index(item[0]), -float(item[1])))
        pipelines = sorted(self.retraining.pipelines, key=list(PIPELINES).index)
        return [BASE, *(Variant(*item, pipeline) for item in ordered for pipeline in pipelines)]

    @property
    def but_for_the_score(self) -> str:
        """What experiments have to share so that their scores can be compared, as text."""
        known = {
            "data": [self.model, self.dataset, self.select_on],
            "recipe": [self.declared_recipe, self.network_values, self.prior_setting.values],
            "cuts": self.pruning.model_dump(exclude={"score"}),
            "inherited": [self.retraining.epochs, self.retraining.base],
            "settings": self.grid_values,
        }
        return json.dumps(known, sort_keys=True)

    @property
    def verdict_terms(self) -> dict[str, Any]:
        """The terms of the verdicts; the fresh seeds are the next ones after those of the grid."""
        return self.verdict.terms(max(self.seeds) + 1)

    @cached_property
    def axes(self) -> dict[str, list[str]]:
        """The values of every axis of the configured grid as their texts, lowest first, by name."""
        return {name: axis_texts(name, self.grid[name], self.prior_text(name)) for name in sorted(self.grid)}

    @property
    def most_settings(self) -> int | None:
        """How many settings of the grid each variant is trained at, at most; None for all of them."""
        if self.design.kind != "adaptive":
            return None
        return math.floor((self.design.share or ADAPTIVE_SHARE) * self.grid_size + ROUNDING)

    @property
    def grid_values(self) -> dict[str, list[Any]]:
        """The values of the configured grid by axis."""
        return {name: self.values_of(name) for name in self.axes}

    @property
    def grid_size(self) -> int:
        """The settings of the configured grid."""
        return math.prod(map(len, self.axes.values()))

    @property
    def space(self) -> dict[str, Any]:
        """The hyperparameters that vary in the space of a design or of a search, as configured; empty for a grid."""
        return self.tune.hyperparameters if self.tune else self.design.space

    @property
    def has_grid(self) -> bool:
        """Whether the settings come from a grid: neither a design nor a search has a space."""
        return self.tune is None and not self.design.has_space

    @cached_property
    def search_space(self) -> SearchSpace:
        """The space of a design or a search that has one."""
        levels, bounds = {}, {}
        for name, values in sorted(self.space.items()):
            if isinstance(values, Bounds):
                bounds[name] = [parameter_named(name).text(value) for value in (values.low, values.high)]
            else:
                levels[name] = level_texts(name, values)
        defaults = {name: self.prior_text(name) or "" for name in (*levels, *bounds)}
        named = {other for name in defaults for other in conditions_of(name)} - set(defaults)
        return SearchSpace(levels, bounds, defaults, {name: self._shared_value(name) for name in sorted(named)})

    def _shared_value(self, name: str) -> Any:
        """The value that all cells have of a hyperparameter."""
        shared = self.declared_recipe
        return shared[name] if name in shared else parameter_value(name, self.prior_text(name))

    @property
    def space_values(self) -> dict[str, Any]:
        """The levels of the space by hyperparameter, lowest first, or its bounds as `low` and `high`."""
        space = self.search_space
        levels = {name: sorted(PARAMETERS[name].value(text) for text in texts) for name, texts in space.levels.items()}
        bounds = {name: [PARAMETERS[name].value(text) for text in ends] for name, ends in space.bounds.items()}
        return levels | {name: {"low": low, "high": high} for name, (low, high) in bounds.items()}

    @property
    def trial_terms(self) -> dict[str, Any] | None:
        """What the trials of a design with a space follow from, as JSON values; None for a grid."""
        design, space = self.design, self.search_space
        if not design.has_space:
            return None
        chosen = design.model_dump(include={"kind", "trials", "seed", "rank_by", "best", "confirm"})
        arms = arms_of(design, space.dimensions)
        return chosen | {"space": space.content, "arms": arms, "ranked": self.ranks_trained_filters}

    @property
    def searched_variants(self) -> list[str]:
        """The names of the variants among which a search looks."""
        names = [variant.name for variant in self.all_variants]
        return names if self.tune is None else self.tune.variants or names

    @property
    def whole_epochs(self) -> dict[str, int]:
        """The epochs of a whole training of each variant of a search: E of those that inherit trained weights."""
        recipe, after_pruning = self.declared_recipe["epochs"], self.retraining.epochs
        inheriting = {name: Variant.parse(name).inherits_trained for name in self.searched_variants}
        return {name: after_pruning if inherits else recipe for name, inherits in inheriting.items()}

    @property
    def cuts_epochs(self) -> bool:
        """Whether a search has trainings with fewer epochs than a whole one, not only its beginnings."""
        return self.tune is not None and self.tune.budget.schedule == OF_RUNG and "epochs" in self.tune.budget.least

    @property
    def tuning_terms(self) -> dict[str, Any] | None:
        """What the trials and rungs of a search follow from, as JSON values; None without one."""
        if self.tune is None:
            return None
        chosen = self.tune.model_dump(include={*DRAWN, "objective", "strategy", "bound"})
        whole = {"epochs": self.whole_epochs, "data_share": self.declared_recipe["data_share"]}
        budget = self.tune.budget.model_dump() | {"whole": whole}
        trained = any(Variant.parse(name).ranks_trained_filters for name in self.searched_variants)
        ranked = trained and self.pruning.ranking == "trained"
        searched = {"space": self.search_space.content, "variants": self.searched_variants, "ranked": ranked}
        searched |= {
            "system": dict(sorted(self.tune.system.items())),
            "batch_size": self.declared_recipe.get("batch_size"),
        }
        return chosen | searched | {"budget": budget}

    @property
    def ranks_trained_filters(self) -> bool:
        """Whether the weights of a trained base decide which filters some variant keeps."""
        return self.pruning.ranking == "trained" and any(each.ranks_trained_filters for each in self.all_variants)

    @property
    def bases_per_seed(self) -> bool:
        """Whether each cell inherits from the base with its own seed."""
        return self.retraining.base == PER_SEED

    @property
    def rewound_to(self) -> int:
        """The epoch to whose weights `rewind_weights` goes back: T − E, of the base at the prior."""
        return int(self.prior_text("epochs")) - (self.retraining.epochs or 0)

    @property
    def exported(self) -> int:
        """How many cells of each variant, or of each arm of it, are exported."""
        return self.design.best if self.design.has_space else self.export.best

    @property
    def prior_setting(self) -> Setting:
        """The prior as a point of the grid, or the default setting of the space; of a search what has a default."""
        if self.design.has_space:
            return self.search_space.default
        if self.tune:
            texts = {name: self.prior_text(name) for name in self.space}
            return Setting.of({name: text for name, text in texts.items() if text is not None})
        return Setting.of({name: self.prior_text(name) for name in self.axes})

    @property
    def settled_values(self) -> dict[str, list[Any]]:
        """The values of system parameters that are settled once for all cells, by name."""
        return {} if self.system is None else self.system.settled_values

    @property
    def given_precision(self) -> str | None:
        """The precision that prior or recipe gives; None where it varies."""
        return None if "precision" in self.space else self.prior.get("precision", self.recipe.precision)

    @property
    def declared_recipe(self) -> dict[str, Any]:
        """What all cells share, keys sorted: recipe and prior without the hyperparameters that vary."""
        prior = {name: parameter_value(name, value) for name, value in self.prior.items()}
        shared = asdict(self.recipe) | prior | ({"precision": AUTO} if "precision" in self.settled_values else {})
        varied = self.axes.keys() | self.space.keys()
        return {name: value for name, value in sorted(shared.items()) if name not in varied}

    @cached_property
    def network_values(self) -> dict[str, Value]:
        """Every hyperparameter of the network by name, as all cells have it whose setting gives none; keys sorted."""
        return network_values(self.model, self.network)

    @property
    def ranking_examples(self) -> dict[str, Any]:
        """Which training examples a score that looks at the loss sees, and how they are scaled: as at the prior."""
        recipe = asdict(self.recipe) | {name: parameter_value(name, value) for name, value in self.prior.items()}
        return {name: recipe[name] for name in ("data_share", "partition", "scaling")}

    @property
    def declared_network(self) -> dict[str, Value]:
        """The hyperparameters of the network that all cells share: those that do not vary; keys sorted."""
        varied = self.axes.keys() | self.space.keys()
        return {name: value for name, value in self.network_values.items() if name not in varied}

    def values_of(self, name: str) -> list[Any]:
        """Every value that some cell may have of a hyperparameter; of one within bounds the lowest and the highest.

        Of what the budget of a search cuts, it is the least and the whole; a beginning of a whole training has that.
        Epochs are the recipe's, which no budget cuts where all variants inherit trained weights.
        """
        uncut = name == "epochs" and all(Variant.parse(each).inherits_trained for each in self.searched_variants)
        cuts = self.tune and self.tune.budget.schedule == OF_RUNG and not uncut
        if cuts and name in (cut := self.tune.budget.least):
            return sorted({cut[name], self.declared_recipe[name]})
        space = self.search_space
        texts = self.axes.get(name) or space.levels.get(name) or space.bounds.get(name)
        shared = self.declared_recipe | self.network_values
        return [shared[name]] if texts is None else [PARAMETERS[name].value(text) for text in texts]

    def section_of(self, name: str) -> str:
        """The key of the experiment below which a hyperparameter of the recipe is given."""
        if name in self.space:
            return "tune.space" if self.tune else "design.space"
        return "grid" if name in self.grid else "prior" if name in self.prior else "recipe"

    def prior_text(self, name: str) -> str | None:
        """The prior's value of a hyperparameter; None where neither prior, recipe nor network has one."""
        value = self.prior.get(name, getattr(self.recipe, name, self.network_values.get(name)))
        return None if value is None else parameter_named(name).text(value)


def axis_texts(name: str, values: Steps | list[Any], prior: str | None) -> list[str]:
    """The values of one axis as their texts, lowest first; raises InputError for an impossible or repeated one."""
    parameter = parameter_named(name)
    if not parameter.numeric:
        allowed = ", ".join(other for other, found in PARAMETERS.items() if found.numeric)
        raise InputError(f"the values of {name} are no numbers and span no axis", allowed=allowed)
    if isinstance(values, Steps):
        if prior is None:
            raise InputError("steps need a prior to lie around", hint=f"give prior.{name}, or list the values")
        values = values.around(prior)
    texts = [parameter.text(value) for value in values]
    refuse_repeated(texts)
    return sorted(texts, key=float)


def level_texts(name: str, values: list[Any]) -> list[str]:
    """The levels of a space as their texts, sorted; raises InputError for an impossible or repeated one."""
    texts = [parameter_named(name).text(level_value(name, value)) for value in values]
    refuse_repeated(texts)
    return sorted(texts)


def refuse_repeated(texts: list[str]) -> None:
    """Raise InputError for a value that is there twice."""
    repeated = first_repeated(texts)
    if repeated is not None:
        raise InputError(f"{repeated} is given more than once", allowed="each value once")


def conditions_of(name: str) -> list[str]:
    """The hyperparameters on whose values it depends whether this one acts, and those on which they depend."""
    direct = [other for other, _ in PARAMETERS[name].meaning.when]
    return [*direct, *(deeper for other in direct if other in PARAMETERS for deeper in conditions_of(other))]
