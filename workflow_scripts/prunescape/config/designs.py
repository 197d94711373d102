"""The key `design` of an experiment: which settings are trained, of a grid or of a space of hyperparameters."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from prunescape.config.messages import TAG
from prunescape.config.noises import MOST_SEEDS
from prunescape.config.types import Count, Distinct, Part, Seed

GRID_KINDS = ("grid", "adaptive")
SPACE_KINDS = ("random", "balanced", "factorial")
ALL, AGAIN, FIX, FIX_DIMENSION = "all", "all-again", "fix:", "fix-dimension:"
LIAO2022 = "liao2022"  # short for the arms of that paper (4.1.2) and a second search
CHOSEN = ("rank_by", "best", "confirm")
# the keys of each kind of design
KEYS = {
    "grid": (),
    "adaptive": ("share",),
    "random": ("trials", "seed", "space", "arms", *CHOSEN),
    "balanced": ("trials", "seed", "space", "arms", *CHOSEN),
    "factorial": ("space", *CHOSEN),
}
SHARE_HINT = "allowed: a share with kind: adaptive; hint: set kind: adaptive, or remove share"


class Bounds(Part):
    """The lowest and the highest value of a hyperparameter; any between them may be drawn, uniformly on its scale."""

    low: Any
    """The lowest value."""
    high: Any
    """The highest value."""


class Confirmation(Part):
    """A round after all trials: the best settings of each variant, trained with fresh seeds."""

    first: Count
    """So many of the best settings."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    """Fresh seeds of each."""


def _arms_of(arms: Any) -> Any:
    if isinstance(arms, list) and LIAO2022 in arms and len(arms) > 1:
        raise ValueError(f"{LIAO2022} stands for arms of its own; allowed: arms: {LIAO2022}, or a list without it")
    return [arms] if arms == LIAO2022 else arms


BOUNDS, VALUES = f"{TAG}bounds", f"{TAG}values"
KIND = Discriminator(lambda values: BOUNDS if isinstance(values, dict | Bounds) else VALUES)
Range = Annotated[Annotated[Bounds, Tag(BOUNDS)] | Annotated[Distinct[Any], Tag(VALUES)], KIND]


class DesignTerms(Part):
    """Which settings are trained, of a grid or of a space of hyperparameters (docs/landscapes.md, docs/designs.md)."""

    kind: Literal[(*GRID_KINDS, *SPACE_KINDS)] = "grid"
    """Of a grid: grid, every setting; adaptive, a share that finished cells choose.

    Of a space, the same settings for every variant: random; balanced, every level equally often, and pairs of levels as
    nearly as possible; factorial, all combinations.
    """
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of an adaptive design: the most of the grid's settings that each variant gets."""
    trials: Count | None = None
    """Settings of each arm of a random or balanced design."""
    seed: Seed = 0
    """Of the draws of a random or balanced design."""
    space: dict[str, Range] = {}
    """By hyperparameter: its levels, or its bounds. The prior or the recipe has its default."""
    arms: Annotated[Distinct[str], BeforeValidator(_arms_of)] = [ALL]
    """What trials leave at its default: nothing (all, all-again), one hyperparameter, or one dimension of them.

    liao2022 is short for all arms of that paper (4.1.2) and a second search.
    """
    rank_by: Literal["train_top1", "val_top1", "top1"] = "train_top1"
    """Column of cells.parquet by which settings are the best."""
    best: Count = 1
    """So many of the best settings of each arm and variant are exported and measured."""
    confirm: Confirmation | None = None

    @property
    def has_space(self) -> bool:
        """Whether the settings come from a space instead of a grid."""
        return self.kind in SPACE_KINDS

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        if self.kind == "grid" and self.share is not None:
            raise ValueError(f"a grid is trained as a whole, and share is {self.share:g}; {SHARE_HINT}")
        for name in sorted(self.model_fields_set - {"kind", *KEYS[self.kind]}):
            kinds = ", ".join(kind for kind, keys in KEYS.items() if name in keys)
            allowed = ", ".join(["kind", *KEYS[self.kind]])
            raise ValueError(f"{self.kind} designs have no {name}; allowed: {allowed}; hint: {name} is for {kinds}")
        return self


def arms_of(design: DesignTerms, dimensions: dict[str, list[str]]) -> dict[str, list[str]]:
    """What each arm of a design keeps at its default, by the arm's name (liao2022, 4.1.2).

    `dimensions` holds the hyperparameters that vary by dimension. The arms of the paper leave out what would fix all.
    """
    names = sorted(name for members in dimensions.values() for name in members)
    if design.arms == [LIAO2022]:
        fixed = {f"{FIX}{name}": [name] for name in names}
        fixed |= {f"{FIX_DIMENSION}{name}": members for name, members in sorted(dimensions.items())}
        return {ALL: [], AGAIN: []} | {arm: members for arm, members in fixed.items() if len(members) < len(names)}
    return {arm: fixed_by(arm, dimensions) for arm in design.arms}


def fixed_by(arm: str, dimensions: dict[str, list[str]]) -> list[str]:
    """What one arm keeps at its default; raises KeyError for an arm that there is not."""
    if arm in (ALL, AGAIN):
        return []
    if arm.startswith(FIX_DIMENSION):
        return dimensions[arm.removeprefix(FIX_DIMENSION)]
    fixed = {f"{FIX}{name}": [name] for members in dimensions.values() for name in members}
    return fixed[arm]
