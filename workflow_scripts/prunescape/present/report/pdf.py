"""The report as a PDF for print, through WeasyPrint: no browser, figures as vector graphics."""

import html
import re
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.files import whole_file

EXTRA = "pip install 'prunescape[pdf]'"
PANGO = "install Pango; Debian and Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
DRAWING = re.compile(r'<div class="drawing [a-z]+" data-print="([^"]+)">')
# A4; wide tables get small letters and break their heads; what a browser folds is open
PRINT = """
@page {
  size: A4;
  margin: 16mm 14mm 18mm;
  @bottom-center { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #52606d; }
}
body { font-size: 9.5pt; line-height: 1.4; }
main, header > div { max-width: none; padding: 0; }
header { background: none; border: none; padding: 0; }
header > div { padding: 0; }
h1 { font-size: 19pt; } h2 { font-size: 14pt; margin: 22pt 0 6pt; } h3 { font-size: 11.5pt; margin: 14pt 0 4pt; }
h2, h3, h4, figcaption, summary { break-after: avoid; }
p, li, dd, .note { max-width: none; }
.note { font-size: 8pt; }
.lead { font-size: 11pt; }
.answer .first { font-size: 12pt; }
details.variant { margin: 0 0 6pt; }
details.variant ul, details.part li, .pairs { font-size: 8.5pt; margin: 2pt 0; }
details.part { border: none; }
details, summary { display: block; }
summary { font-weight: 650; color: #1f2933; margin-top: 8pt; font-size: 9.5pt; }
details.part > summary { font-size: 11.5pt; padding: 0; }
details.note > summary { font-size: 8pt; margin-top: 0; }
th:first-child, td:first-child { position: static; }
figure:not(.table), details.figure, details.variant { break-inside: avoid; }
figure { margin: 12pt 0; }
.scroll { overflow: visible; }
.drawing[data-print] { display: none; }
img.printed { max-width: 100%; max-height: 205mm; }
table { font-size: 6.8pt; white-space: normal; width: 100%; }
th, td { padding: 2pt 3pt; overflow-wrap: normal; }
tr { break-inside: avoid; }
.terms dt:target { background: none; }
"""


def write_pdf(report: Path | str, out: Path | str) -> None:
    """Write the page `report`, with the figures beside it, as a PDF to `out`.

    Raises InputError without WeasyPrint or what that needs, or for a report or figure that is missing.
    """
    report = Path(report)
    weasyprint = _library()
    try:
        page = report.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be read ({error.strerror})", where=report, hint="run the study") from None
    for name in map(html.unescape, DRAWING.findall(page)):
        if not (report.parent / name).is_file():
            hint = "a report and its figures belong together: delete figures/figures.json and run again"
            raise InputError("a figure of the report is missing", where=report.parent / name, hint=hint)
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=("file", "data"))
    source = {"string": for_print(page), "base_url": str(report.resolve()), "url_fetcher": fetcher}
    with whole_file(out) as temporary:
        weasyprint.HTML(**source).write_pdf(temporary)


def for_print(page: str) -> str:
    """The page in the styles of print, with the printed drawing before each of a browser's, and without scripts."""
    drawn = DRAWING.sub(r'<img class="printed" src="\1" alt="">\g<0>', SCRIPT.sub("", page))
    return drawn.replace("</head>", f"<style>{PRINT}</style></head>", 1)


def _library():
    try:
        import weasyprint
    except ImportError:
        raise InputError("a PDF needs WeasyPrint, which is not installed", hint=EXTRA) from None
    except OSError as error:  # its libraries are loaded when it is imported
        raise InputError(f"WeasyPrint lacks a library of the system ({_first_line(error)})", hint=PANGO) from None
    return weasyprint


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
