"""Snakemake's own report of the finished tiny study: what it holds is read from the page that it writes."""

import json
from zipfile import ZipFile

import pytest

LABELS = {"figure", "table", "page", "file", "variant"}


@pytest.fixture(scope="module")
def shown(finished, tmp_path_factory):
    """The archive of the report, and what its page holds: categories, results, rules and the description."""
    path = tmp_path_factory.mktemp("report") / "study.zip"
    before = finished.planned()
    printed = finished.run("--report", str(path))
    assert before == finished.planned() == set()
    assert "WARNING" not in printed and "ERROR" not in printed
    with ZipFile(path) as archive:
        page = archive.read("study/report.html").decode()
        names = set(archive.namelist())
    names_of = ("categories", "results", "rules", "workflow_desc")
    return names, {name: json_of(page, name) for name in names_of}


def json_of(page, name):
    """The value of a variable of the page's own scripts, which stand behind those of libraries."""
    start = page.rindex(f"var {name} = ") + len(f"var {name} = ")
    return json.JSONDecoder().raw_decode(page[start:])[0]


@pytest.mark.long
def test_experiments_have_figures_tables_and_variants(shown):
    _, page = shown
    assert sorted(page["categories"]) == ["All experiments", "Experiment other", "Experiment small", "Files"]
    small = page["categories"]["Experiment small"]
    assert sorted(small) == ["Figures", "Tables", "Variants"]
    drawn = [page["results"][path] for path in small["Figures"]]
    assert all(figure["mime_type"] == "image/svg+xml" for figure in drawn)
    assert "01 top-1 of each variant, seed 0" in {figure["labels"]["figure"] for figure in drawn}
    labels = [page["results"][path]["labels"] for path in small["Variants"]]
    variants = {(label["variant"], label["file"]) for label in labels}
    assert variants == {(name, file) for name in ("base", "nonuniform-0.5") for file in ("widths", "export")}


@pytest.mark.long
def test_every_result_has_a_label_a_caption_and_its_file(shown):
    names, page = shown
    for path, result in page["results"].items():
        assert LABELS & set(result["labels"]), path
        assert len(result["caption"]) > 60 and "system-message" not in result["caption"], path
        assert f"study/{result['data_uri']}" in names, path


@pytest.mark.long
def test_results_tell_the_rule_that_made_them_and_rules_their_code(shown):
    _, page = shown
    made = {path.rpartition("/")[2]: result["job_properties"] for path, result in page["results"].items()}
    assert made["report.html"]["rule"] == "write_report"
    assert made["verdicts.csv"]["rule"] == "analyse_cells" and "code=" in made["verdicts.csv"]["params"]
    assert "write_report" in page["rules"] and "draw_figures" in page["rules"]["draw_figures"]["code"]
    assert "Study <strong>tiny</strong>" in page["workflow_desc"]
