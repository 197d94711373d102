"""The section `grid` of an experiment: which hyperparameters its settings span, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from prunescape.config.types import Distinct, Part
from prunescape.errors import InputError
from prunescape.space.parameters import Parameter, canonical, equally_spaced
from prunescape.space.recipe import PARAMETERS
from prunescape.space.settings import parameter_named

FEWEST_AXES = 2


class Steps(Part):
    """Equally spaced values around the prior: `size` values, `step` apart."""

    step: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
    size: Annotated[int, Field(ge=1, le=99)]

    def around(self, prior: str) -> list[str]:
        """The values, lowest first; an even size has one more below the prior than above."""
        step, first = Decimal(canonical(self.step)), -(self.size // 2)
        return [canonical(Decimal(prior) + step * (first + index)) for index in range(self.size)]


def _without_the_word_axes(given: Any) -> Any:
    return given["axes"] if isinstance(given, Mapping) and set(given) == {"axes"} else given


KIND = Discriminator(lambda given: "steps" if isinstance(given, dict | Steps) else "values")
Values = Annotated[Annotated[Steps, Tag("steps")] | Annotated[Distinct[Any], Tag("values")], KIND]
# hyperparameter -> its values; `grid: {axes: {...}}` says the same
Grid = Annotated[dict[str, Values], BeforeValidator(_without_the_word_axes), Field(min_length=FEWEST_AXES)]


def axis_texts(name: str, given: Steps | list[Any], prior: str | None) -> list[str]:
    """The values of one axis as their texts, lowest first; raises InputError for an impossible or repeated one."""
    parameter = _numeric(name)
    if isinstance(given, Steps):
        if prior is None:
            raise InputError("steps need a prior to lie around", hint=f"give prior.{name}, or list the values")
        given = given.around(prior)
    texts = [parameter.text(value) for value in given]
    repeated = [text for index, text in enumerate(texts) if text in texts[:index]]
    if repeated:
        raise InputError(f"{repeated[0]} is given more than once", allowed="each value once")
    return sorted(texts, key=float)


def check_extension(texts: list[str]) -> None:
    """Raise InputError for an axis that cannot grow by steps."""
    if not equally_spaced(texts):
        hint = "give the axis as {step, size}, or set extension.max_rounds to 0"
        what = f"{', '.join(texts)} are not equally spaced"
        raise InputError(what, allowed="equal steps where a grid extends", hint=hint)


def _numeric(name: str) -> Parameter:
    parameter = parameter_named(name)
    if not parameter.numeric:
        allowed = ", ".join(other for other, found in PARAMETERS.items() if found.numeric)
        raise InputError(f"the values of {name} are no numbers and span no axis", allowed=allowed)
    return parameter
