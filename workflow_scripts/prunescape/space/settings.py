"""Settings: the hyperparameters in which a cell differs from its experiment's recipe."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from prunescape.errors import InputError, nearest
from prunescape.space.parameters import Parameter, Value
from prunescape.space.recipe import PARAMETERS

MOST_SPELLED = 4  # so many hyperparameters stand in a path; a setting of more is named by its digest
DIGEST_CHARACTERS = 12
DIGEST_PATTERN = rf"setting=[0-9a-f]{{{DIGEST_CHARACTERS}}}"
PAIR_PATTERN = r"(?!setting=|seed=)[a-z][a-z0-9_]*=[A-Za-z0-9_.+-]+"
SETTING_PATTERN = rf"(?:{DIGEST_PATTERN}|{PAIR_PATTERN}(?:/{PAIR_PATTERN})*)"


def parameter_named(name: str) -> Parameter:
    """The hyperparameter called `name`; raises InputError with the nearest name for any other."""
    if name not in PARAMETERS:
        what, hint = f'no hyperparameter is called "{name}"', nearest(name, PARAMETERS)
        raise InputError(what, allowed=", ".join(PARAMETERS), hint=hint)
    return PARAMETERS[name]


def parameter_value(name: str, given: Any) -> Value:
    """`given` as a value of the hyperparameter called `name`; raises InputError for what either cannot be."""
    return parameter_named(name).value(given)


def hyperparameter_columns(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The columns of a table with one hyperparameter each: name -> (arrow type, meaning)."""
    return {name: PARAMETERS[name].column for name in sorted(names)}


@dataclass(frozen=True, order=True)
class Setting:
    """Hyperparameters with the one text of each value, sorted by name.

    >>> Setting.of({"log10_wd": -4, "log10_lr": -1.0}).path
    'log10_lr=-1.0/log10_wd=-4.0'
    """

    texts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The setting with these values, or their texts; raises InputError for an unknown name or impossible value."""
        return cls(tuple((name, parameter_named(name).text(values[name])) for name in sorted(values)))

    @classmethod
    def parse(cls, path: str) -> Self:
        """The setting that a `path` spells out; raises InputError for a digest or anything else."""
        pairs = [pair.partition("=") for pair in path.split("/")]
        if any(separator != "=" for _, separator, _ in pairs):
            raise InputError(f'"{path}" spells no setting', allowed="NAME=VALUE/NAME=VALUE")
        return cls.of({name: value for name, _, value in pairs})

    @property
    def values(self) -> dict[str, Value]:
        """The values by name, each of its hyperparameter's type."""
        return {name: PARAMETERS[name].value(text) for name, text in self.texts}

    @property
    def path(self) -> str:
        """Its name in paths: spelled out, or a digest of its text where it has more than MOST_SPELLED parts."""
        spelled = "/".join(f"{name}={text}" for name, text in self.texts)
        if len(self.texts) <= MOST_SPELLED:
            return spelled
        return f"setting={hashlib.sha256(spelled.encode()).hexdigest()[:DIGEST_CHARACTERS]}"

    def __str__(self) -> str:
        return ", ".join(f"{name} {text}" for name, text in self.texts)
