"""Says what a replay of searches found: a printed table per variant, and a paragraph."""

from collections.abc import Iterator

import pandas as pd

from prunescape.analysis.search.histories import VARIANT
from prunescape.analysis.search.terms import GRID, HALVING, RANDOM
from prunescape.present.labels import variant_title
from prunescape.present.numbers import counted, is_missing, number, short, whole

HEADS = ("strategy", "settings", "regret (95 %)", "by seed", "against random", "found", "cells", "epochs", "restarted")
LOW = 0.5  # a rank correlation under which a ranking says little of another


def replay_lines(replay: pd.DataFrame, rungs: pd.DataFrame) -> list[str]:
    """The table and the paragraph of each variant, from both result tables."""
    lines = []
    for key, rows in replay.groupby(VARIANT, sort=False):
        own = rungs[(rungs[VARIANT] == list(key)).all(axis=1)]
        lines += [*_table(rows), "", _paragraph(rows, own), ""]
    return lines[:-1]


def _table(rows: pd.DataFrame) -> Iterator[str]:
    first = rows.iloc[0]
    yield (
        f"{first.experiment}, {variant_title(first.variant)}: {first.settings} settings, {first.seeds} seeds each; "
        f"regret in points of {first.of}, chosen by {first.rank_by}; found: at most {short(first.margin)}"
    )
    cells = [HEADS, *(_cells(row) for row in rows.itertuples())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        name, *values = [text.rjust(width) for text, width in zip(line, widths, strict=True)]
        yield "  ".join([name.strip().ljust(widths[0]), *values])


def _cells(row) -> tuple[str, ...]:
    return (
        row.strategy,
        str(row.trials),
        _interval(row.regret, row.regret_low, row.regret_high),
        f"{number(row.regret_seed_low)} to {number(row.regret_seed_high)}",
        _interval(row.against_random, row.against_random_low, row.against_random_high),
        number(100 * row.found, 0, " %"),
        number(row.cells, 1),
        number(row.epochs, 1),
        number(row.epochs_restarted, 1),
    )


def _interval(value: float, low: float, high: float) -> str:
    return number(value) if is_missing(value) else f"{number(value)} ({number(low)} to {number(high)})"


def _paragraph(rows: pd.DataFrame, rungs: pd.DataFrame) -> str:
    """What costs how much, which search is cheap enough, and whether early epochs tell good settings."""
    sentences = [*_cheapest(rows), *_early(rungs), *_halving(rows)]
    return f"{variant_title(rows.iloc[0].variant)}: {' '.join(sentences)}"


def _cheapest(rows: pd.DataFrame) -> Iterator[str]:
    margin = rows.iloc[0].margin
    for row in rows[rows["strategy"] == GRID].itertuples():
        yield f"the whole grid takes {whole(row.epochs)} epochs and misses the best by {number(row.regret)} points."
    good = rows[(rows["regret_seed_high"] <= margin) & (rows["strategy"] != GRID)]
    if good.empty:
        yield f"No search of a part of it stays within {short(margin)} points with every seed that chose."
        return
    row = good.loc[good["epochs"].idxmin()]
    yield (
        f"The cheapest search that stays within {short(margin)} points with every seed that chose is {_named(row)}: "
        f"{number(row.regret)} points for {whole(round(row.epochs))} epochs."
    )


def _named(row) -> str:
    return f"{row.strategy} over {counted(row.trials, 'setting')}"


def _early(rungs: pd.DataFrame) -> Iterator[str]:
    first, last = rungs.iloc[0], rungs.iloc[-1]
    if is_missing(first.spearman_top) or is_missing(last.spearman_others):  # of one setting, or of equal scores
        return
    yield (
        f"The ranking after epoch {first.epoch} correlates with the last one by {number(first.spearman)} over all "
        f"settings and by {number(first.spearman_top)} among the better half; the last one correlates with that of the "
        f"other seeds by {number(last.spearman_others)}."
    )
    told = rungs.loc[rungs["spearman_top"] >= LOW, "epoch"]
    if len(told) and told.min() > first.epoch:
        yield f"Among the better half it takes {told.min()} of {last.epoch} epochs to reach {short(LOW)}."


def _halving(rows: pd.DataFrame) -> Iterator[str]:
    """What halving from most settings loses against training all of them to the end, and against as many epochs."""
    halving = rows[rows["strategy"] == HALVING]
    if halving.empty:
        return
    ours = halving.loc[halving["trials"].idxmax()]
    lost = ours.against_random
    what = f"loses {number(lost)} points" if ours.against_random_low > 0 else "loses nothing that shows"
    yield f"Halving from {ours.trials} settings {what} against training all of them to the end."
    yield from _as_many_epochs(ours, rows[rows["strategy"] == RANDOM])
    if ours.against_random_low > 0 and lost > ours.margin:
        yield "Its early rungs drop settings that end well: begin later (--min-epochs), or rank by another column."


def _as_many_epochs(ours, random: pd.DataFrame) -> Iterator[str]:
    """The random search nearest to halving in epochs, where it is one of fewer settings."""
    fewer = random[random["trials"] < ours.trials]
    if fewer.empty:
        return
    near = fewer.loc[(fewer["epochs"] - ours.epochs).abs().idxmin()]
    yield (
        f"It misses {number(ours.regret)} for {whole(round(ours.epochs))} epochs; {_named(near)} misses "
        f"{number(near.regret)} for {whole(round(near.epochs))}."
    )
