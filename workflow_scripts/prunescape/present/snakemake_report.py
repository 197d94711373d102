"""What `snakemake --report` shows of a finished study beside the files that rules mark: its figures and its tables.

Which figures there are, only the results tell, and a browser shows no Parquet. So captions, and a page for each table,
are made when a report is asked for.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
import pyarrow as pa

from prunescape.analysis.results import LANDSCAPE, PIPELINES, TARGET, TRIALS, result_names
from prunescape.present.figures.figure import INDEX
from prunescape.present.numbers import DASH, counted, is_missing
from prunescape.present.report.table import Table
from prunescape.store.files import read_json, whole_file
from prunescape.store.tables import read_table

WHOLE_STUDY = "All experiments"  # stands before the experiments, as categories are sorted by their names
FIGURES, TABLES = "Figures", "Tables"
MOST_ROWS = 500
PAGE = """\
{% from "parts.html.j2" import show_table, pairs %}
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ table.title }}</title>{% include "style.html.j2" %}</head>
<body><main>
{{ show_table(table) }}
<details open><summary>What the columns mean</summary>{{ pairs(meanings) }}</details>
</main></body>
</html>
"""  # no template of the report's folder: each of those is part of what decides the report
MARKUP = re.compile(r"([!-/:-@\[-`{-~])")  # ASCII's marks


@dataclass(frozen=True)
class Item:
    """A file that the report shows, its caption as reStructuredText, and its place."""

    path: Path
    caption: Path
    category: str
    subcategory: str
    labels: dict[str, str]


def report_items(results: Path | str, out: Path | str) -> list[Item]:
    """The figures and tables of a study's folder of `results`, as far as they exist; what they need goes to `out`.

    Raises InputError for a damaged table or index.
    """
    results, out = Path(results), Path(out)
    return _numbered([*_figures(results / "figures", out), *_tables(results, out)])


def category_of(experiment: str | None) -> str:
    """The category of an experiment, or of what is about all of them."""
    return f"Experiment {experiment}" if experiment else WHOLE_STUDY


def escaped(text: str) -> str:
    """A text that neither reStructuredText nor a template takes for markup."""
    return MARKUP.sub(r"\\\1", text)


def _numbered(items: list[Item]) -> list[Item]:
    """The items with their number in their place, which keeps their order: labels are sorted as texts."""
    counts: Counter[tuple[str, str]] = Counter()
    for item in items:
        place = (item.category, item.subcategory)
        counts[place] += 1
        item.labels.update({name: f"{counts[place]:02} {text}" for name, text in item.labels.items()})
    return items


def _figures(folder: Path, out: Path) -> Iterator[Item]:
    """In the order of the study's own report."""
    shown = read_json(folder / INDEX, "figures")["figures"] if (folder / INDEX).exists() else []
    for figure in shown:
        name, experiment = figure["name"], figure["experiment"]
        more = f"Drawn by the rule draw_figures. Beside it are {name}.html, where points tell their values, and .pdf."
        caption = _caption(out / f"{name}.rst", figure["caption"], more)
        title = figure["title"].removeprefix(f"{experiment}: ")
        yield Item(folder / f"{name}.svg", caption, category_of(experiment), FIGURES, {"figure": title})


def _tables(results: Path, out: Path) -> Iterator[Item]:
    """Every table with rows, results once for each experiment: at first the printed ones, then the results."""
    printed = sorted((results / "tables").glob("*.parquet"))
    names = dict.fromkeys(name for group in (LANDSCAPE, PIPELINES, TARGET, TRIALS) for name in result_names(group))
    written = [path for name in names if (path := results / f"{name}.parquet").exists()]
    for path in (*printed, *written):
        table = read_table(path)
        rows = table.to_pandas()
        parts = rows.groupby("experiment", sort=True) if "experiment" in rows and path in written else [(None, rows)]
        for experiment, part in parts:
            if len(part):
                yield _table_item(path, experiment, part, table.schema, out)


def _table_item(path: Path, experiment: str | None, rows: pd.DataFrame, schema: pa.Schema, out: Path) -> Item:
    name, place = path.stem, path.relative_to(path.parents[1] if path.parent.name == "tables" else path.parent)
    page = out / f"{experiment or 'study'}.{name}.html"
    with whole_file(page) as temporary:
        temporary.write_text(_page(name, rows, schema), encoding="utf-8")
    what = f"The table {name}{f' of {experiment}' if experiment else ''}, {counted(len(rows), 'row')}."
    more = f"All digits are in {place} and in the .csv beside it. What the columns mean stands below the table."
    caption = _caption(page.with_suffix(".rst"), what, more)
    return Item(page, caption, category_of(experiment), TABLES, {"table": name.replace("_", " ")})


def _page(name: str, rows: pd.DataFrame, schema: pa.Schema) -> str:
    """A table as a page, without columns of lists."""
    fields = [field for field in schema if not pa.types.is_list(field.type)]
    texts = [[_text(row[field.name]) for field in fields] for row in rows.head(MOST_ROWS).to_dict("records")]
    notes = [f"The first {MOST_ROWS} of {len(rows)} rows."] if len(rows) > MOST_ROWS else []
    table = Table(name.replace("_", " "), [field.name for field in fields], texts, notes)
    meanings = [(field.name, (field.metadata or {}).get(b"meaning", b"").decode()) for field in fields]
    return _template().render({"table": table, "meanings": [pair for pair in meanings if pair[1]]})


def _template() -> jinja2.Template:
    parts = jinja2.PackageLoader("prunescape.present.report", ".")
    return jinja2.Environment(loader=parts, autoescape=True, undefined=jinja2.StrictUndefined).from_string(PAGE)


def _text(value: object) -> str:
    """A value of a result to four digits; a missing one is a dash."""
    if is_missing(value):
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _caption(path: Path, *paragraphs: str) -> Path:
    with whole_file(path) as temporary:
        temporary.write_text("\n\n".join(map(escaped, paragraphs)) + "\n", encoding="utf-8")
    return path
