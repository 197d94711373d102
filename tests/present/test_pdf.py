"""The report as a PDF. What needs WeasyPrint is skipped where it, or Pango below it, is not installed."""

import builtins
import hashlib

import pytest

from prunescape.commands.cli import main
from prunescape.errors import InputError
from prunescape.present.report import pdf
from prunescape.present.report.pdf import for_print, write_pdf

FIGURE = '<div class="drawing matrix" data-print="figures/f.svg"><p>for a browser</p></div>'
PAGE = "<!DOCTYPE html><html><head><title>t</title></head><body><script>{}</script><h1>Words</h1>{}</body></html>"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="40" height="20" fill="#33658a"/></svg>'
)


@pytest.fixture
def library():
    try:
        return pytest.importorskip("weasyprint", reason="WeasyPrint is not installed: prunescape[pdf]")
    except OSError as error:
        pytest.skip(f"WeasyPrint lacks a library of the system: {error}")


@pytest.fixture
def study(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/f.svg").write_text(SVG)
    report = PAGE.format("document.write('</h1>')", FIGURE)
    (tmp_path / "report.html").write_text(report)
    return tmp_path


def test_a_report_becomes_a_pdf_with_vector_graphics(library, study, capsys):
    assert main(["pdf", str(study)]) == 0
    assert capsys.readouterr().out.strip() == str(study / "report.pdf")
    content = (study / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-") and len(content) > 1000
    assert b"/Subtype /Image" not in content and b"/Subtype/Image" not in content


def test_the_pdf_has_the_figure(library, study):
    """A PDF of another figure is another PDF; of the same it is the same."""
    digests = []
    for colour in ("#33658a", "#33658a", "#d55e00"):
        (study / "figures/f.svg").write_text(SVG.replace("#33658a", colour))
        write_pdf(study / "report.html", study / "report.pdf")
        digests.append(hashlib.sha256((study / "report.pdf").read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_drawings_are_printed_and_scripts_are_not():
    page = for_print(PAGE.format("if (a < b) x = '<p>'", FIGURE))
    assert '<img class="printed" src="figures/f.svg" alt=""><div class="drawing' in page
    assert "<script" not in page and "<h1>Words</h1>" in page and "@page" in page


def lacking(monkeypatch, error):
    """Let the import of WeasyPrint fail."""
    known = builtins.__import__

    def importing(name, *arguments, **options):
        if name == "weasyprint":
            raise error
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", importing)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("no module"), r"needs WeasyPrint, which is not installed; hint: pip install 'prunescape\[pdf\]'"),
        (OSError("cannot load library 'libpango-1.0-0'\nand more"), "'libpango-1.0-0'.; hint: install Pango"),
    ],
)
def test_what_is_not_installed_is_named_in_one_line(study, monkeypatch, capsys, error, said):
    lacking(monkeypatch, error)
    with pytest.raises(InputError, match=said):
        write_pdf(study / "report.html", study / "report.pdf")
    assert main(["pdf", str(study)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (study / "report.pdf").exists()


@pytest.mark.parametrize(
    ("lost", "said"),
    [("report.html", "the report cannot be read"), ("figures/f.svg", "a figure of the report is missing")],
)
def test_a_missing_report_or_figure_is_named(study, monkeypatch, lost, said):
    monkeypatch.setattr(pdf, "_library", lambda: None)
    (study / lost).unlink()
    with pytest.raises(InputError, match=said) as caught:
        write_pdf(study / "report.html", study / "report.pdf")
    assert str(study / lost) in str(caught.value)
