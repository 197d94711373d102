"""Settings: the hyperparameters in which a cell differs from its experiment's recipe."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from prunescape.errors import InputError, nearest
from prunescape.space.networks import NETWORK
from prunescape.space.parameters import Parameter, Value
from prunescape.space.recipe import PARAMETERS, STOP, STOPS

SETTING_PARAMETERS = PARAMETERS | STOPS  # all that a setting may have
MOST_SPELLED = 4  # so many hyperparameters stand in a path; a setting of more is named by its digest
DIGEST_CHARACTERS = 12
DIGEST_PATTERN = rf"[0-9a-f]{{{DIGEST_CHARACTERS}}}"
RECIPE_ALONE = "setting=recipe"  # names a setting of no hyperparameter but the network's
PAIR_PATTERN = r"(?!setting=|seed=)[a-z][a-z0-9_]*=[A-Za-z0-9_.+-]+"
SETTING_PATTERN = rf"(?:setting={DIGEST_PATTERN}|{RECIPE_ALONE}|{PAIR_PATTERN}(?:/{PAIR_PATTERN})*)"
# in a path, with the slash before it; empty without hyperparameters of the network
NETWORK_PATTERN = rf"(?:/network=(?:{DIGEST_PATTERN}|{PAIR_PATTERN}(?:,{PAIR_PATTERN})*))?"
NETWORK_COLUMN = {"network": ("string", "hyperparameters of the network that the setting gives; empty without any")}


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
    return {name: SETTING_PARAMETERS[name].column for name in sorted(names)}


def network_column(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The column that names a row's network, of a table with these hyperparameters: none where they shape none."""
    return NETWORK_COLUMN if NETWORK.keys() & set(names) else {}


def _short(pairs: list[str], separator: str, before_digest: str = "") -> str:
    """The pairs as one text, or its digest where they are more than MOST_SPELLED."""
    spelled = separator.join(pairs)
    if len(pairs) <= MOST_SPELLED:
        return spelled
    return before_digest + hashlib.sha256(spelled.encode()).hexdigest()[:DIGEST_CHARACTERS]


def network_path(text: str) -> str:
    """The name in paths of the network that a table calls `text`: see `Setting.network_text`."""
    return f"/network={_short(text.split(','), ',')}" if text else ""


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
        known = {name: STOPS.get(name) or parameter_named(name) for name in sorted(values)}
        return cls(tuple((name, parameter.text(values[name])) for name, parameter in known.items()))

    def changed(self, other: Self) -> Self:
        """This setting with the values of the `other` one instead of its own, and beside them."""
        return type(self)(tuple(sorted((dict(self.texts) | dict(other.texts)).items())))

    @property
    def values(self) -> dict[str, Value]:
        """The values by name, each of its hyperparameter's type."""
        return {name: SETTING_PARAMETERS[name].value(text) for name, text in self.texts}

    @property
    def network(self) -> Self:
        """The part of it that shapes the network."""
        return type(self)(tuple(pair for pair in self.texts if pair[0] in NETWORK))

    @property
    def training(self) -> Self:
        """The part of it that says how the network is trained, whether to the end or not."""
        return type(self)(tuple(pair for pair in self.whole.texts if pair[0] not in NETWORK))

    @property
    def whole(self) -> Self:
        """The setting of the same training to its end."""
        return type(self)(tuple(pair for pair in self.texts if pair[0] != STOP))

    @property
    def stop(self) -> int | None:
        """The epoch after which its training ends early; None for one that goes to its end."""
        return self.values.get(STOP)

    @property
    def path(self) -> str:
        """The name in paths of how it trains: spelled out, or a digest of its text with more than MOST_SPELLED parts.

        `network_path` names the rest.
        """
        pairs = [f"{name}={text}" for name, text in self.texts if name not in NETWORK]
        return _short(pairs, "/", "setting=") if pairs else RECIPE_ALONE

    @property
    def network_path(self) -> str:
        """The name in paths of the network that it shapes, as `path`, and empty where it shapes none.

        >>> Setting.of({"kernel": 3, "filters": 12}).network_path
        '/network=filters=12,kernel=3'
        """
        return network_path(self.network_text)

    @property
    def network_text(self) -> str:
        """The same spelled out, for tables: `filters=12,kernel=3`."""
        return ",".join(f"{name}={text}" for name, text in self.texts if name in NETWORK)

    def __str__(self) -> str:
        return ", ".join(f"{name} {text}" for name, text in self.texts)
