"""Writes a printed table as Markdown."""

from __future__ import annotations

from prunescape.present.tables.printed import VALUE, PrintedTable, Row

SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_[]<>#|"})


def markdown(table: PrintedTable) -> str:
    """The table in GitHub's dialect, groups as bold rows, spreads and published values slanted, the caption below."""
    spans = [head for head, count in table.spans for _ in range(count)] or [""] * len(table.heads)
    heads = ["", *(f"{span} {head}".strip() for span, head in zip(spans, table.heads, strict=True))]
    lines = [_line([escaped(head) for head in heads]), _line([":---", *["---:"] * len(table.heads)])]
    for title, rows in table.groups:
        lines.append(_line([f"**{escaped(title)}**", *[""] * len(table.heads)]))
        lines += [_line(_cells(row)) for row in rows]
    return "\n".join([f"### {table.title}", "", *lines, "", escaped(table.caption), ""])


def escaped(text: str) -> str:
    """`text` with a backslash before every sign that Markdown would interpret."""
    return text.translate(SPECIAL)


def _cells(row: Row) -> list[str]:
    texts = [escaped(text) for text in (row.label, *row.cells)]
    return texts if row.kind == VALUE else [f"*{text}*" for text in texts]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
