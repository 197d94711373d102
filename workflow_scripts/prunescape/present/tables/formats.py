"""Writes a printed table as Markdown, and as LaTeX with booktabs, ready for \\input."""

from prunescape.present.tables.printed import SPREAD, VALUE, PrintedTable, Row

# what stands for each sign that a format would interpret, or that not every font has
MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_[]<>#|"})
LATEX = str.maketrans(
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
        "β": r"$\beta$",
        "ε": r"$\varepsilon$",
        "ρ": r"$\rho$",
        "*": r"\textsuperscript{*}",
        "|": r"\textsuperscript{$|$}",
        "†": r"\textsuperscript{\dag}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)
MARKS = "*|†×"
LATEX_HEADS = {
    "d_mean": r"$d_{\mathrm{mean}}$",
    "d_std": r"$d_{\mathrm{std}}$",
    "d_mean^R": r"$d_{\mathrm{mean}}^{R}$",
    "d_std^R": r"$d_{\mathrm{std}}^{R}$",
}


def markdown(table: PrintedTable) -> str:
    """The table in GitHub's dialect, groups as bold rows, spreads and published values slanted, the caption below."""

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    count = len(table.heads)
    spans = [head for head, columns in table.spans for _ in range(columns)] or [""] * count
    heads = ["", *(f"{span} {head}".strip() for span, head in zip(spans, table.heads, strict=True))]
    lines = [line([head.translate(MARKDOWN) for head in heads]), line([":---", *["---:"] * count])]
    for title, rows in table.groups:
        lines.append(line([f"**{title.translate(MARKDOWN)}**", *[""] * count]))
        for row in rows:
            texts = [text.translate(MARKDOWN) for text in (row.label, *row.cells)]
            lines.append(line(texts if row.kind == VALUE else [f"*{text}*" for text in texts]))
    return "\n".join([f"### {table.title}", "", *lines, "", table.caption.translate(MARKDOWN), ""])


def latex(table: PrintedTable) -> str:
    r"""A `table` environment with caption and label `tab:NAME`; its preamble needs `\usepackage{booktabs}`."""
    count = len(table.heads)
    heads = [LATEX_HEADS.get(head, head.translate(LATEX)) for head in table.heads]
    body = [r"\toprule", *_latex_spans(table), _latex_line(["", *heads])]
    for title, rows in table.groups:
        body += [r"\midrule", rf"\multicolumn{{{count + 1}}}{{l}}{{\textbf{{{title.translate(LATEX)}}}}} \\"]
        for number, row in enumerate(rows):
            body += [r"\addlinespace[2pt]"] * (row.kind == VALUE and number > 0) + [_latex_line(_latex_cells(row))]
    # three lines for a variant, and longer centres, need smaller letters to fit a page
    spread = any(row.kind == SPREAD for _, rows in table.groups for row in rows)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            r"\footnotesize" if spread else r"\small",
            r"\setlength{\tabcolsep}{4pt}\setlength{\belowcaptionskip}{4pt}",
            rf"\caption{{{table.caption.translate(LATEX)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{l{'r' * count}}}",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_spans(table: PrintedTable) -> list[str]:
    """The heads above the heads, each with a rule below it."""
    if not table.spans:
        return []
    heads, rules, first = [""], [], 2
    for head, count in table.spans:
        heads.append(rf"\multicolumn{{{count}}}{{c}}{{{head.translate(LATEX)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
        first += count
    return [_latex_line(heads), " ".join(rules)]


def _latex_cells(row: Row) -> list[str]:
    """The label and the cells; marks hang over to the right, so that the numbers stay below each other."""
    texts = [row.label.translate(LATEX)]
    for text in row.cells:
        bare = text.rstrip(MARKS)
        marks = text[len(bare) :].translate(LATEX)
        texts.append(bare.translate(LATEX) + (rf"\rlap{{{marks}}}" if marks else ""))
    if row.kind == VALUE:
        return texts
    return [rf"\quad\textit{{{texts[0]}}}", *(rf"\textit{{{text}}}" for text in texts[1:])]


def _latex_line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
