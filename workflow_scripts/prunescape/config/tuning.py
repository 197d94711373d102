"""The key `tune` of an experiment: a search with budgets, whose rungs train only what is promising (edgetune2022)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from prunescape.config.designs import Range
from prunescape.config.types import Count, Name, Part, Seed
from prunescape.space.system_parameters import NEUTRAL

VARIANT = "variant"  # in a space: which variants are searched
BESIDE_SEARCH = ("grid", "design", "extension", "verdict", "select_on", "export")  # keys that a search leaves no use
CUT = ("epochs", "data_share")  # hyperparameters that a budget decides
TPE, RANDOM, GRID = SAMPLERS = ("tpe", "random", "grid")
CHEAPEST, ACCURACY, RATIO_TIME, RATIO_ENERGY = OBJECTIVES = ("cheapest", "accuracy", "ratio_time", "ratio_energy")
RATIOS = (RATIO_TIME, RATIO_ENERGY)
ONEFOLD, HIERARCHICAL, TUNE_V1, TUNE_V2, CONSTRAINED = STRATEGIES = (
    *("onefold", "hierarchical", "tune_v1", "tune_v2", "constrained"),
)
RANKED_BY = dict.fromkeys((HIERARCHICAL, TUNE_V1, CONSTRAINED), (ACCURACY,)) | {ONEFOLD: OBJECTIVES, TUNE_V2: RATIOS}
OF_RUNG, OF_WHOLE = SCHEDULES = ("rung", "whole")
EPOCHS, DATASET, MULTI = BUDGETS = ("epochs", "dataset", "multi")


class Budget(Part):
    """How much of a whole training a trial gets on each rung (edgetune2022, 4.3, Algorithm 2)."""

    kind: Literal[BUDGETS] = EPOCHS
    """What is cut: epochs; dataset, the share of the training examples; multi, both at once."""
    min_epochs: Count = 1
    """Epochs of the first rung, for epochs and multi."""
    min_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the training examples on the first rung, for dataset and multi."""
    growth: Literal["linear", "doubling"] = "linear"
    """linear: once, twice, three times the first rung; doubling: twice the rung before."""
    schedule: Literal[SCHEDULES] = OF_RUNG
    """What the learning rate's schedule is laid over: rung, the epochs of each rung, which trains anew.

    whole: the whole training, of which a rung is the beginning, so that survivors go on; for epochs only.
    """

    @model_validator(mode="after")
    def _schedule_of_its_kind(self) -> Self:
        if self.schedule == OF_WHOLE and self.kind != EPOCHS:
            what = f"a rung of {self.kind} has fewer examples, so it is no beginning of a whole training"
            raise ValueError(f"{what}; allowed: schedule: {OF_RUNG}; hint: or kind: {EPOCHS}")
        return self

    @property
    def least(self) -> dict[str, int | float]:
        """What the first rung has of each hyperparameter that is cut."""
        epochs = {} if self.kind == DATASET else {"epochs": self.min_epochs}
        return epochs if self.kind == EPOCHS else epochs | {"data_share": self.min_share}


class Bound(Part):
    """What the variants of a constrained search keep, known before any training."""

    latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most milliseconds per image on the target, as its threads and batches run it fastest."""
    flops: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most FLOPs of one image: 2 x multiply-accumulates."""

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.latency_ms is None and self.flops is None:
            raise ValueError("it bounds nothing; allowed: latency_ms, flops, or both")
        return self


class TuneTerms(Part):
    """A search for one variant and setting to deploy, instead of a grid or a design (docs/search.md)."""

    space: dict[str, Range]
    """By hyperparameter: its levels, or its bounds. `variant` lists the variants; left out, all of the experiment.

    With tune_v2 values of workers, prefetch and affinity too.
    """
    sampler: Literal[SAMPLERS] = TPE
    """How trials are drawn: tpe, by a model of those before (needs optuna); random; grid, every combination."""
    trials: Count | None = None
    """Settings of the first bracket; of Hyperband at most so many, as its budgets say how many. Left out for a grid."""
    ask: Count = 8
    """Trials that tpe proposes at once: it has learnt from all before them."""
    eta: Annotated[float, Field(gt=1, le=1000, allow_inf_nan=False)] = 2.0
    """A rung promotes one of so many trials."""
    brackets: Count = 1
    """1: successive halving. More: Hyperband, whose later brackets begin later and with fewer trials."""
    budget: Budget = Budget()
    objective: Literal[OBJECTIVES] = CHEAPEST
    """cheapest: least latency among trials that reach objectives.accuracy_floor; accuracy, whatever it costs.

    ratio_time: (seconds of training + of inference with the test images) / accuracy; ratio_energy: the same in joules.
    """
    strategy: Literal[STRATEGIES] = ONEFOLD
    """onefold: all at once (edgetune2022, 4.1); all others but tune_v2 search by accuracy.

    hierarchical chooses threads and batch of inference after that, tune_v1 leaves the first of the target, constrained
    searches among the variants that keep `bound`. tune_v2 takes system parameters of training for hyperparameters, and
    ranks by training alone / accuracy.
    """
    bound: Bound | None = None
    """Of a constrained search."""
    target: Name
    """One of `targets`: where the winner is measured."""
    seed: Seed = 0
    """Of the draws."""

    @model_validator(mode="after")
    def _trials_of_its_sampler(self) -> Self:
        if self.sampler == GRID and self.trials is not None:
            raise ValueError(
                f"a grid takes every combination, and trials is {self.trials}; allowed: no trials; "
                "hint: remove trials, or set sampler: random"
            )
        if self.sampler == GRID and self.brackets > 1:
            raise ValueError("a grid has one bracket, as no later one could draw other settings; allowed: brackets: 1")
        if self.sampler != TPE and "ask" in self.model_fields_set:
            raise ValueError(
                f"{self.sampler} draws all trials at once, and ask is {self.ask}; allowed: ask with sampler: tpe; "
                "hint: remove ask"
            )
        if self.sampler == GRID and "seed" in self.model_fields_set:
            raise ValueError("a grid draws nothing, and a seed is given; allowed: no seed; hint: remove seed")
        if self.sampler != GRID and self.trials is None:
            raise ValueError(f"{self.sampler} needs a number of trials; allowed: 2 or more; hint: trials: 32")
        if self.trials == 1:
            raise ValueError("one trial has no other to be better than; allowed: trials of 2 or more; hint: trials: 32")
        return self

    @model_validator(mode="after")
    def _objective_of_its_strategy(self) -> Self:
        allowed = RANKED_BY[self.strategy]
        if self.objective not in allowed:
            what = f"{self.strategy} does not rank trials by {self.objective}"
            raise ValueError(f"{what}; allowed: objective: {' or '.join(allowed)}; hint: or strategy: onefold")
        if (self.strategy == CONSTRAINED) != (self.bound is not None):
            missing = "constrained needs a bound" if self.bound is None else f"{self.strategy} has no bound"
            raise ValueError(f"{missing}; allowed: bound with strategy: constrained")
        return self

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The space without the variants and the system parameters."""
        return {name: values for name, values in self.space.items() if name not in (VARIANT, *NEUTRAL)}

    @property
    def system(self) -> dict[str, Any]:
        """The values of each system parameter in the space; they change no bit of what a training learns."""
        return {name: self.space[name] for name in NEUTRAL if name in self.space}

    @property
    def variants(self) -> list[str]:
        """The variants that the space lists; empty where it lists none."""
        listed = self.space.get(VARIANT, [])
        return [str(name) for name in listed] if isinstance(listed, list) else []
