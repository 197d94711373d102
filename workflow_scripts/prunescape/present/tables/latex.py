"""Writes a printed table as LaTeX with booktabs, ready for \\input."""

from __future__ import annotations

from prunescape.present.tables.printed import SPREAD, VALUE, PrintedTable, Row

MARKS = "*|†×"
# one table for all signs, so that nothing is escaped twice
SPECIAL = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "–": "--",
        "≤": r"$\leq$",
        "*": r"\textsuperscript{*}",
        "|": r"\textsuperscript{$|$}",
        "†": r"\textsuperscript{\dag}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)
HEADS = {
    "d_mean": r"$d_{\mathrm{mean}}$",
    "d_std": r"$d_{\mathrm{std}}$",
    "d_mean^R": r"$d_{\mathrm{mean}}^{R}$",
    "d_std^R": r"$d_{\mathrm{std}}^{R}$",
}


def latex(table: PrintedTable) -> str:
    r"""A `table` environment with caption and label `tab:NAME`; its preamble needs `\usepackage{booktabs}`."""
    count = len(table.heads)
    body = [r"\toprule", *_spans(table), _line(["", *(HEADS.get(head, escaped(head)) for head in table.heads)])]
    for title, rows in table.groups:
        body += [r"\midrule", rf"\multicolumn{{{count + 1}}}{{l}}{{\textbf{{{escaped(title)}}}}} \\"]
        for number, row in enumerate(rows):
            body += [r"\addlinespace[2pt]"] * (row.kind == VALUE and number > 0) + [_line(_cells(row))]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            _size(table),
            r"\setlength{\tabcolsep}{4pt}\setlength{\belowcaptionskip}{4pt}",
            rf"\caption{{{escaped(table.caption)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{l{'r' * count}}}",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """`text` with everything escaped that LaTeX would interpret, or that not every font has."""
    return text.translate(SPECIAL)


def _size(table: PrintedTable) -> str:
    """Three lines for a variant, and longer centres, need smaller letters to fit a page."""
    spread = any(row.kind == SPREAD for _, rows in table.groups for row in rows)
    return r"\footnotesize" if spread else r"\small"


def _spans(table: PrintedTable) -> list[str]:
    """The heads above the heads, each with a rule below it."""
    if not table.spans:
        return []
    heads, rules, first = [""], [], 2
    for head, count in table.spans:
        heads.append(rf"\multicolumn{{{count}}}{{c}}{{{escaped(head)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
        first += count
    return [_line(heads), " ".join(rules)]


def _cells(row: Row) -> list[str]:
    texts = [escaped(row.label), *map(_cell, row.cells)]
    if row.kind == VALUE:
        return texts
    return [rf"\quad\textit{{{texts[0]}}}", *(rf"\textit{{{text}}}" for text in texts[1:])]


def _cell(text: str) -> str:
    """Marks hang over to the right, so that the numbers of a column stay below each other."""
    bare = text.rstrip(MARKS)
    return escaped(bare) + (rf"\rlap{{{escaped(text[len(bare) :])}}}" if bare != text else "")


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
