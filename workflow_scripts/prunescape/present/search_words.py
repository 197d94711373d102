"""Says what a replay of searches found: a printed table per variant, and a paragraph."""

from collections.abc import Iterator

import pandas as pd

from prunescape.analysis.search.histories import VARIANT
from prunescape.analysis.search.terms import GRID, HALVING, RANDOM
from prunescape.present.labels import variant_title
from prunescape.present.numbers import number, short, whole

HEADS = ("strategy", "settings", "regret (95 %)", "by seed", "found", "cells", "epochs", "restarted")
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
        f"{number(row.regret)} ({number(row.regret_low)} to {number(row.regret_high)})",
        f"{number(row.regret_seed_low)} to {number(row.regret_seed_high)}",
        number(100 * row.found, 0, " %"),
        number(row.cells, 1),
        number(row.epochs, 1),
        number(row.epochs_restarted, 1),
    )


def _paragraph(rows: pd.DataFrame, rungs: pd.DataFrame) -> str:
    """What costs how much, which search is cheap enough, and whether early epochs tell good settings."""
    sentences = [*_cheapest(rows), *_early(rungs), *_halving(rows)]
    return f"{variant_title(rows.iloc[0].variant)}: {' '.join(sentences)}"


def _cheapest(rows: pd.DataFrame) -> Iterator[str]:
    margin = rows.iloc[0].margin
    for row in rows[rows["strategy"] == GRID].itertuples():
        yield f"the whole grid takes {whole(row.epochs)} epochs and misses the best by {number(row.regret)} points."
    good = rows[(rows["regret_high"] <= margin) & (rows["strategy"] != GRID)]
    if good.empty:
        yield f"No search of a part of it stays within {short(margin)} points on average."
        return
    row = good.loc[good["epochs"].idxmin()]
    yield (
        f"The cheapest search that stays within {short(margin)} points on average is {_named(row)}: "
        f"{number(row.regret)} points for {whole(round(row.epochs))} epochs."
    )


def _named(row) -> str:
    return f"{row.strategy} over {row.trials} settings"


def _early(rungs: pd.DataFrame) -> Iterator[str]:
    first, last = rungs.iloc[0], rungs.iloc[-1]
    yield (
        f"The ranking after epoch {first.epoch} correlates with the last one by {number(first.spearman)} over all "
        f"settings and by {number(first.spearman_top)} among the better half; the last one correlates with that of the "
        f"other seeds by {number(last.spearman_others)}."
    )
    told = rungs.loc[rungs["spearman_top"] >= LOW, "epoch"]
    if len(told) and told.min() > first.epoch:
        yield f"Among the better half it takes {told.min()} of {last.epoch} epochs to reach {short(LOW)}."


def _halving(rows: pd.DataFrame) -> Iterator[str]:
    """What halving loses against training all of its settings to the end, from as many settings and the same draws."""
    halving, random = (rows[rows["strategy"] == name].set_index("trials") for name in (HALVING, RANDOM))
    both = halving.index.intersection(random.index)
    if both.empty:
        return
    most = both.max()
    ours, whole_trainings = halving.loc[most], random.loc[most]
    lost, spared = ours.regret - whole_trainings.regret, 1 - ours.epochs / whole_trainings.epochs
    what = f"loses {number(lost)} points" if lost > 0 else "loses nothing"
    yield (
        f"Halving from {most} settings {what} against training all of them to the end, and spares "
        f"{number(100 * spared, 0)} % of their epochs."
    )
    near = (random["epochs"] - ours.epochs).abs().idxmin()
    if near < most:
        yield (
            f"The random search nearest in epochs, over {near} settings for {whole(round(random.epochs[near]))}, "
            f"misses {number(random.regret[near])}, halving for {whole(round(ours.epochs))} {number(ours.regret)}."
        )
    if ours.regret_low > whole_trainings.regret_high and lost > ours.margin:
        yield "Its early rungs drop settings that end well: begin later (--min-epochs), or rank by another column."
