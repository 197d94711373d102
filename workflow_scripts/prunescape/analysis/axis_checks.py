"""The axes of a table of cells: their values from columns, equal where settings are equal, and logarithms that are."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, LOG10, Axes, Axis
from prunescape.analysis.column_checks import HOLDS, refuse
from prunescape.errors import InputError
from prunescape.space.recipe import PARAMETERS

# settings that differ by less than this many decimals of log10 are one grid point, however they were computed; of other
# axes, by less than as many digits of their largest value
SETTING_DECIMALS = 9
# in a table from elsewhere, so do values this near each other: decades, or a share of values that are no whole numbers.
# A logarithm in single precision is off by 3e-7 at most
NEAR_DECADES, NEAR_SHARE = 1e-6, 2e-7
RAW_SPAN = 10  # as logarithms, values from 0 to 1 that lie so many times apart would be nearly one setting
NO_LOGARITHM = f"{HOLDS}, which has no logarithm"


def set_axis(cells: pd.DataFrame, axis: Axis, path: Path | str) -> None:
    """Make the axis' column from the one that it is read from, its values rounded so that equal settings are equal.

    A logarithm beyond ±50 is a mistake, or the value itself instead of its log10.
    """
    values = cells[axis.column]
    if axis.zero is not None and not axis.source:
        what, hint = f'the column "{axis.name}" holds logarithms already', "leave --zero-at out"
        raise InputError(what, where=path, hint=hint)
    if axis.source:
        if axis.zero is not None:
            values = _zero_placed(values, axis, path)
        least = values[values > 0].min()
        refuse(values, values <= 0, NO_LOGARITHM, path, hint=lambda value: _hint_at_zero(axis, value, least))
        values = np.log10(values).rename(axis.name)
    if axis.decades:
        refuse(values, values.abs() > 50, HOLDS, path, allowed="log10, -50 to 50", hint=_hint_at_raw(axis))
    largest = values.abs().max()
    decimals = SETTING_DECIMALS
    if not axis.decades and largest > 0:
        decimals -= int(np.ceil(np.log10(largest)))
    cells[axis.name] = values.round(decimals) + 0.0


def _hint_at_raw(axis: Axis) -> str:
    return "" if axis.source else f"log10:{axis.column} takes the logarithm of raw values"


def _zero_placed(values: pd.Series, axis: Axis, path: Path | str) -> pd.Series:
    """The values with `axis.zero` for 0: a place below all others."""
    least = values[values > 0].min()
    if not 0 < axis.zero < least:
        what, allowed = f'0 cannot stand at {axis.zero:g} of "{axis.column}"', f"above 0 and below {least:g}"
        raise InputError(what, where=path, allowed=allowed)
    if not (values == 0).any():
        raise InputError(f'the column "{axis.column}" holds no 0', where=path, hint="leave --zero-at out")
    return values.mask(values == 0, axis.zero)


def _hint_at_zero(axis: Axis, value: float, least: float) -> str:
    """What to do about a value without a logarithm."""
    others = f"leave these rows out, or choose {axis.column} instead of its logarithm"
    if value != 0 or not least > 0:
        return others
    return f"--zero-at {axis.column}={10.0 ** np.floor(np.log10(least) - 1):g} gives 0 that place; or {others}"


def check_logarithms(cells: pd.DataFrame, axes: Axes, path: Path | str) -> None:
    """Raise where a column that is called a logarithm holds the values themselves, as far as that shows.

    No learning rates all lie above 1, and no weight decay does. Values from 0 to 1 that are ten times apart would be
    nearly one setting as logarithms of any quantity.
    """
    raw = {axis: cells[axis.name].agg(["min", "max"]) for axis in axes if not axis.source}
    raw = {axis: span for axis, span in raw.items() if axis.name.startswith(LOG10) and _is_raw(axis, *span)}
    if raw:
        named = " and ".join(f"{axis.name} is {low:g} to {high:g}" for axis, (low, high) in raw.items())
        hint = " ".join(f"{axes.option(axis)} log10:{axis.name}" for axis in raw)
        raise InputError(f"{named}: these look like raw values, not like their logarithms", where=path, hint=hint)


def _is_raw(axis: Axis, low: float, high: float) -> bool:
    """Whether values from `low` to `high` are no logarithms of this quantity."""
    if low < 0 or high <= 0:
        return False
    rate = axis.name in PARAMETERS and (low > 0 or axis.name == "log10_wd")
    return rate or 0 < low * RAW_SPAN <= high <= 1


def join_near_values(cells: pd.DataFrame, axis: Axis) -> None:
    """Give values of an axis that are nearly equal the most frequent of them, of ties the one with the shortest text.

    Programs write log10(0.001) as -3 and as -2.999999999.
    """
    counts = cells[axis.name].value_counts().sort_index()
    values = counts.index.to_numpy()
    if not axis.decades and (values % 1 == 0).all():
        return
    near = NEAR_DECADES if axis.decades else NEAR_SHARE * np.maximum(np.abs(values[1:]), np.abs(values[:-1]))
    group = np.concatenate([[0], np.cumsum(np.diff(values) > near)])
    if len(values) == 0 or group[-1] == len(values) - 1:
        return
    table = pd.DataFrame({"value": values, "group": group, "count": -counts.to_numpy()})
    table["length"] = [len(repr(float(value))) for value in values]
    first = table.sort_values(["count", "length"], kind="stable").drop_duplicates("group").set_index("group")["value"]
    cells[axis.name] = cells[axis.name].map(dict(zip(values, first.loc[group], strict=True)))


def warn_of_settings_apart(cells: pd.DataFrame, axes: Axes, base: str, path: Path | str) -> None:
    """Name on standard error the variants that share no setting with their base, and what may be the cause."""
    for _, rows in cells.groupby(GROUP, sort=False):
        settings = {
            name: set(part.itertuples(index=False, name=None)) for name, part in rows.groupby("variant")[axes.names]
        }
        apart = [name for name in settings if name != base and not settings[name] & settings.get(base, set())]
        if apart:
            gaps = [(axis.name, np.diff(np.unique(rows[axis.name])).min(initial=np.inf)) for axis in axes]
            name, gap = min(gaps, key=lambda pair: pair[1])
            what = f"{', '.join(apart[:3])}{', ...' * (len(apart) > 3)} share no setting with {base}"
            why = f"the nearest values of {name} differ by {gap:.3g}: write equal settings alike"
            print(f"warning: {path}: {what}, so no risk and no verdict can be given; {why}", file=sys.stderr)
