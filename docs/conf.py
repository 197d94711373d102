"""How `make docs` builds the site: Sphinx reads docs/ and the pages at the top of the checkout as they stand there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"(`[^`]*`)")
MARKS = re.compile(r"[|*_\\]")  # of reStructuredText, such as the |name| of a substitution

project = "prunescape"
version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
# the checkout is the source, so that links between README.md and docs/ are those that GitHub shows
include_patterns = ["*.md", "docs/**"]
root_doc = "docs/index"

myst_heading_anchors = 4  # `page.md#heading`, as on GitHub
suppress_warnings = ["myst.header"]  # docs/ may begin with a heading of any level

highlight_language = "text"  # of blocks that name no language: what a program prints
default_role = "code"  # docstrings write `names` as Markdown does
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100
add_module_names = False

html_theme = "furo"
html_title = "prunescape"
html_copy_source = False
html_show_copyright = False
templates_path = ["_templates"]
html_additional_pages = {"index": "redirect.html"}  # the folder's own index leads to docs/index


def escape_marks(app, what, name, described, options, lines):
    """Docstrings are plain text with `code` and lists: nothing else in them is markup."""
    for place, line in enumerate(lines):
        parts = [part if part.startswith("`") else MARKS.sub(r"\\\g<0>", part) for part in CODE.split(line)]
        lines[place] = "".join(parts)


def setup(app):
    app.connect("autodoc-process-docstring", escape_marks)
