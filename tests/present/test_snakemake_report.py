"""What Snakemake's own report shows of a study's results: which figures and tables, in what order, with what text.

That text comes back as it was is docutils' word, which renders the captions of the report.
"""

import re
from html import unescape

import pandas as pd
import pyarrow as pa
import pytest
from docutils.core import publish_parts
from jinja2 import Environment

from prunescape.errors import InputError
from prunescape.present.snakemake_report import MOST_ROWS, escaped, report_items
from prunescape.store.files import write_json
from prunescape.store.tables import arrow_schema, write_table

COLUMNS = {
    "experiment": ("string", "name of the experiment"),
    "score": ("float64", "accuracy, percent"),
    "samples": ("list<float64>", "every sample"),
    "learnt": ("bool", "whether it is better than chance"),
}


def write_rows(results, name, rows):
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    table = pa.Table.from_pandas(frame, schema=arrow_schema(COLUMNS), preserve_index=False)
    write_table(table, results / f"{name}.parquet")


def figure(name, title, experiment=None):
    return {"name": name, "title": title, "experiment": experiment, "caption": f"What *{name}* shows: |d| < 0.5_."}


@pytest.fixture
def results(tmp_path):
    for folder in ("figures", "tables"):
        (tmp_path / folder).mkdir()
    index = [figure("z", "b: last", "b"), figure("a", "b: first", "b"), figure("all", "risk of all")]
    write_json(tmp_path / "figures/figures.json", {"figures": index, "files": {}})
    write_rows(tmp_path, "roi", [["b", 1 / 3, [1.0], True], ["a", None, [], False]])
    write_rows(tmp_path, "ellipses", [["b", 2.0, [], True]])
    write_rows(tmp_path, "risk", [])
    write_rows(tmp_path / "tables", "best_accuracies", [["a", 1.0, [], True], ["b", 2.0, [], True]])
    return tmp_path


def test_each_experiment_has_its_figures_and_tables_in_the_order_of_results(results):
    items = report_items(results, results / "out")
    assert [(item.category, item.subcategory, item.labels) for item in items] == [
        ("Experiment b", "Figures", {"figure": "01 last"}),
        ("Experiment b", "Figures", {"figure": "02 first"}),
        ("All experiments", "Figures", {"figure": "01 risk of all"}),
        ("All experiments", "Tables", {"table": "01 best accuracies"}),
        ("Experiment a", "Tables", {"table": "01 roi"}),
        ("Experiment b", "Tables", {"table": "01 roi"}),
        ("Experiment b", "Tables", {"table": "02 ellipses"}),
    ]
    assert items[0].path == results / "figures/z.svg"


def test_a_page_has_the_rows_of_its_experiment_and_what_the_columns_mean(results):
    pages = {item.path.name: item.path.read_text() for item in report_items(results, results / "out")[3:]}
    rows = re.findall(r"<td>(.*?)</td>", pages["b.roi.html"])
    assert rows == ["b", "0.3333", "yes"]
    assert re.findall(r"<td>(.*?)</td>", pages["a.roi.html"]) == ["a", "–", "no"]
    assert "accuracy, percent" in pages["b.roi.html"] and "every sample" not in pages["b.roi.html"]
    assert re.findall(r"<td>(.*?)</td>", pages["study.best_accuracies.html"])[::3] == ["a", "b"]


def test_a_long_table_is_cut_and_says_so(results):
    write_rows(results, "roi", [["a", float(number), [], True] for number in range(MOST_ROWS + 1)])
    page = next(item.path for item in report_items(results, results / "out") if item.path.name == "a.roi.html")
    assert page.read_text().count("<tr>") == MOST_ROWS + 1  # with the heads
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows." in page.read_text()


@pytest.mark.parametrize(
    "text", ["a_b_ *c* `d` |e|", "{{ name }} {% raw %} {# x #}", "γλ ≤ 1e-6 <b>: a\\b", ".. note:: x"]
)
def test_no_text_is_taken_for_markup_of_captions(text):
    body = publish_parts(Environment().from_string(escaped(text)).render(), writer="html")["body"]
    assert unescape(re.fullmatch(r"\s*<p>(.*)</p>\s*", body)[1]) == text


def test_nothing_is_shown_of_a_study_that_has_nothing_yet(tmp_path):
    assert report_items(tmp_path, tmp_path / "out") == []


def test_a_damaged_table_is_refused(results):
    content = bytearray((results / "roi.parquet").read_bytes())
    content[20] ^= 1
    (results / "roi.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"roi\.parquet"):
        report_items(results, results / "out")
