"""Which configuration to try next, and which is the best: one factor at a time (pipetune2020, Algorithm 1)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prunescape.space.system_parameters import NEUTRAL, SYSTEM, Configuration

Values = Mapping[str, Sequence[Any]]  # the values of each parameter to try; the first one is where probing begins
Costs = Mapping[str, float]  # what is known of configurations, by their text


def text_of(configuration: Configuration) -> str:
    """A configuration as one text: what names it among costs and in the store."""
    return json.dumps(dict(sorted(configuration.items())))


def configuration_of(text: str) -> dict[str, Any]:
    """The configuration that `text_of` wrote."""
    return json.loads(text)


def first_configuration(values: Values) -> dict[str, Any]:
    """The first value of each parameter, and the default of those that are not tried."""
    return {name: values[name][0] if name in values else SYSTEM[name].default for name in NEUTRAL}


def next_configuration(values: Values, costs: Costs) -> dict[str, Any] | None:
    """The first configuration, factor by factor, without a cost; None when all that are to be tried have one."""
    return next((tried for tried in _in_order(values, costs) if text_of(tried) not in costs), None)


def best_configuration(values: Values, costs: Costs) -> dict[str, Any]:
    """The cheapest of the configurations tried; the first one where none has a cost."""
    tried = [each for each in _in_order(values, costs) if text_of(each) in costs]
    return min(tried, key=lambda each: costs[text_of(each)], default=first_configuration(values))


def allows(values: Values, configuration: Configuration) -> bool:
    """Whether every value of a configuration is one of those to try."""
    first = first_configuration(values)
    return all(configuration.get(name) in values.get(name, [first[name]]) for name in NEUTRAL)


def _in_order(values: Values, costs: Costs) -> Iterator[dict[str, Any]]:
    """The configurations that are tried, the best value of each factor kept for the next; the last may lack a cost."""
    best = first_configuration(values)
    yield best
    for name in values:
        if not SYSTEM[name].acts(best):
            continue
        tried = [best | {name: value} for value in values[name]]
        yield from tried
        if any(text_of(each) not in costs for each in tried):
            return
        best = min(tried, key=lambda each: costs[text_of(each)])
