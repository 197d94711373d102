"""A table as text, before it is Markdown or LaTeX: rows in groups, spread and published values below.

Texts hold real signs (−, ±, –, ×, %); each format writes them its own way.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from prunescape.present.labels import METRIC_TITLES, experiment_title, paper_title, shortened
from prunescape.present.numbers import DASH, number
from prunescape.present.published import REFERENCES

WIDEST = 60  # signs of a name in a title
VALUE, SPREAD, PUBLISHED = "{}", "{}_sd", "published_{}"


@dataclass(frozen=True)
class Column:
    """A printed column: its head, the numbers in it (two are a pair in brackets), decimals, and a row's marks."""

    head: str
    names: tuple[str, ...]
    decimals: int
    marks: Callable[[dict], str] = lambda row: ""


@dataclass(frozen=True)
class Row:
    """One printed line; `kind` is VALUE, SPREAD or PUBLISHED."""

    label: str
    cells: list[str]
    kind: str


@dataclass(frozen=True)
class PrintedTable:
    """`groups` are (title, rows); `spans` are (head, columns) above the heads, none where empty."""

    title: str
    caption: str
    spans: list[tuple[str, int]]
    heads: list[str]
    groups: list[tuple[str, list[Row]]]

    @property
    def name(self) -> str:
        """The name of its files: `confidence_ellipses`."""
        return self.title.lower().replace(" ", "_")


def printed_table(
    table: pd.DataFrame,
    columns: list[Column],
    reference: str | None,
    *,
    title: str,
    notes: list[str],
    marks: dict[str, str],
    spans: list[tuple[str, int]] = (),
) -> PrintedTable:
    """`table`, in its order, with below each row its deviation over several seeds and what the reference published.

    The caption is `notes`, the meaning of those `marks` that occur, and what the lines below a row are.
    """
    groups: list[tuple[str, list[Row]]] = []
    last = None
    sharing = table.groupby(["model", "dataset"])["experiment"].nunique()
    for row in table.to_dict("records"):
        key = tuple(row[name] for name in ("experiment", "model", "dataset", "metric"))
        if key != last:
            groups.append((_group_title(row, shared=sharing[row["model"], row["dataset"]] > 1), []))
        last = key
        groups[-1][1].extend(_lines(row, columns))
    lines = [line for _, rows in groups for line in rows]
    used = {sign for line in lines for cell in line.cells for sign in cell}
    texts = [*notes, *(f"{sign}: {meaning}." for sign, meaning in marks.items() if sign in used)]
    texts += _line_notes({line.kind for line in lines}, reference)
    return PrintedTable(title, " ".join(texts), list(spans), [column.head for column in columns], groups)


def _group_title(row: dict, *, shared: bool) -> str:
    """Model and data set; with the experiment where two have the same (`shared`), the metric where it is not top-1."""
    title = shortened(experiment_title(row["model"], row["dataset"]), WIDEST)
    more = [shortened(row["experiment"], WIDEST)] if shared else []
    more += [METRIC_TITLES[row["metric"]]] if row["metric"] != "top1" else []
    return title + (f" ({', '.join(more)})" if more else "")


def _lines(row: dict, columns: list[Column]) -> list[Row]:
    several = row["seeds"] > 1
    values = [_text(row, column, VALUE, several) + column.marks(row) for column in columns]
    lines = [Row(shortened(paper_title(row["variant"])), values, VALUE)]
    if several:
        spread = [_text(row, column, SPREAD, several) for column in columns]
        lines.append(Row(f"± over {row['seeds']} seeds", spread, SPREAD))
    published = [_text(row, column, PUBLISHED, False) for column in columns]
    if any(text != DASH for text in published):
        lines.append(Row("published", published, PUBLISHED))
    return lines


def _text(row: dict, column: Column, form: str, several: bool) -> str:
    """A number, a pair or a dash; a pair of means over seeds has one decimal more, as its deviation needs it."""
    pair = len(column.names) > 1
    texts = [number(row[form.format(name)], column.decimals + (pair and several)) for name in column.names]
    return f"({', '.join(texts)})" if pair and DASH not in texts else texts[0]


def _line_notes(kinds: set[str], reference: str | None) -> list[str]:
    notes = ["Accuracy is top-1 unless a title names another."]
    if SPREAD in kinds:
        notes.append(
            "Each value is the mean over seeds of one estimate per seed; ±: their standard deviation (n − 1 form)."
        )
    if PUBLISHED in kinds:
        notes.append(f"Published: the values of {REFERENCES[reference]}.")
    return notes
