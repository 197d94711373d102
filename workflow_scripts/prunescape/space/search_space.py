"""The space of a design: what each hyperparameter may be, and the settings that its conditions leave."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from prunescape.space.parameters import Value, canonical
from prunescape.space.recipe import PARAMETERS
from prunescape.space.settings import Setting

DIGITS = 6  # decimals of a value that is drawn between bounds


@dataclass(frozen=True)
class SearchSpace:
    """Hyperparameters that vary: `levels` as their texts by name, or `bounds`, the lowest and the highest value.

    `defaults` holds the default of each as its text, `others` the values that the rest of the recipe has, as far as
    conditions name it. A hyperparameter that does not act (`Parameter.acts`) is no part of a setting, nor is one whose
    condition names a hyperparameter that does not act.
    """

    levels: Mapping[str, list[str]]
    bounds: Mapping[str, list[str]]
    defaults: Mapping[str, str]
    others: Mapping[str, Value]

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """The space with these fields, as JSON has them; `content` is the inverse."""
        return cls(**content)

    @property
    def content(self) -> dict[str, Any]:
        """The space as JSON values, keys sorted, so that the order in a config decides nothing."""
        fields = {"levels": self.levels, "bounds": self.bounds, "defaults": self.defaults, "others": self.others}
        return {name: dict(sorted(field.items())) for name, field in fields.items()}

    @cached_property
    def names(self) -> list[str]:
        """Every hyperparameter that varies, those first whose conditions name no other one of them."""
        ordered: list[str] = []
        for name in sorted((*self.levels, *self.bounds)):
            self._add(name, ordered)
        return ordered

    def _add(self, name: str, ordered: list[str]) -> None:
        if name in ordered or not (name in self.levels or name in self.bounds):
            return
        for other, _ in PARAMETERS[name].meaning.when:
            self._add(other, ordered)
        ordered.append(name)

    @property
    def default(self) -> Setting:
        """Every hyperparameter at its default."""
        return self.setting(self.defaults)

    def fixed(self, names: Iterable[str]) -> Self:
        """The same space with these hyperparameters at their defaults."""
        levels = dict(self.levels) | {name: [self.defaults[name]] for name in names}
        return replace(self, levels=levels, bounds={k: v for k, v in self.bounds.items() if k not in levels})

    @property
    def dimensions(self) -> dict[str, list[str]]:
        """The hyperparameters that vary, sorted, by dimension (liao2022, 3.2)."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.names):
            found.setdefault(PARAMETERS[name].meaning.dimension, []).append(name)
        return found

    def setting(self, texts: Mapping[str, str]) -> Setting:
        """The setting of one text for each hyperparameter: of those that act beside the others."""
        values, kept = dict(self.others), {}
        for name in self.names:
            if _acts(name, values):
                values[name], kept[name] = PARAMETERS[name].value(texts[name]), texts[name]
        return Setting(tuple(sorted(kept.items())))

    def settings(self) -> Iterator[Setting]:
        """Every different setting of the levels; a hyperparameter within bounds stands at its default."""
        return (Setting(tuple(sorted(kept.items()))) for kept in self._from(self.names, dict(self.others)))

    def _from(self, names: list[str], values: dict[str, Value]) -> Iterator[dict[str, str]]:
        if not names:
            yield {}
            return
        name, *later = names
        acts = _acts(name, values)
        for text in self.levels.get(name, [self.defaults[name]]) if acts else [None]:
            now = values | {name: PARAMETERS[name].value(text)} if acts else values
            for kept in self._from(later, now):
                yield {name: text} | kept if acts else kept

    def countable(self, most: int | None = None) -> Self:
        """The space with every whole number within bounds as a level, or the `most` lowest of them.

        With `most` other numbers within bounds count too, in steps of their last decimal.
        """
        counted = {name for name in self.bounds if most is not None or _is_whole(name)}
        levels = {name: self._lowest(name, most) for name in counted}
        bounds = {name: ends for name, ends in self.bounds.items() if name not in counted}
        return replace(self, levels=dict(self.levels) | levels, bounds=bounds)

    def _lowest(self, name: str, most: int | None) -> list[str]:
        low, high = self.bounds[name]
        if _is_whole(name):
            return [str(value) for value in range(int(low), int(high) + 1)[:most]]
        steps = range(int((float(high) - float(low)) * 10**DIGITS) + 2)[:most]
        return list(dict.fromkeys(self._rounded(name, float(low) + step / 10**DIGITS) for step in steps))

    def within(self, name: str, quantile: float) -> str:
        """The text of a hyperparameter within bounds at a `quantile`, in [0, 1), of a uniform distribution.

        It is uniform on its own scale: in the logarithm, where that is the value, and over whole numbers.
        """
        low, high = self.bounds[name]
        if _is_whole(name):
            return str(int(low) + int(quantile * (int(high) - int(low) + 1)))
        return self._rounded(name, float(low) + quantile * (float(high) - float(low)))

    def text_within(self, name: str, value: float) -> str:
        """The text of a value within the bounds of a hyperparameter, to its last decimal."""
        return str(int(value)) if _is_whole(name) else self._rounded(name, float(value))

    def _rounded(self, name: str, value: float) -> str:
        """The text of a number to its last decimal, which leads out of no bounds."""
        low, high = map(float, self.bounds[name])
        return canonical(min(max(round(value, DIGITS), low), high))


def _is_whole(name: str) -> bool:
    return PARAMETERS[name].meaning.scale == "integer"


def _acts(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter acts beside `values`, which lack those that do not act."""
    conditions = [other for other, _ in PARAMETERS[name].meaning.when]
    known: Container[str] = values.keys()
    if not all(other in known and (other not in PARAMETERS or _acts(other, values)) for other in conditions):
        return False
    return PARAMETERS[name].acts(values)
