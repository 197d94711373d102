"""The site that `make docs` builds: no link is broken, as Sphinx knows pages and headings; no page needs a network."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.drawn_figures import draw
from support.report_cells import study_cells

ROOT = Path(__file__).resolve().parents[1]
BUILD = ["--fail-on-warning", "--keep-going", "--quiet", "--fresh-env", "--conf-dir", "docs", "."]
LOADED = re.compile(r"<(?:link|script|img|iframe|source)\b[^>]*?(?:href|src)=\"(?:https?:)?//[^\"]*\"[^>]*>")
LARGEST = 200_000  # bytes of a picture


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built anew."""
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run([sys.executable, "-m", "sphinx", *BUILD, str(out)], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return out


def test_no_link_is_broken_and_every_page_is_in_the_navigation(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    navigation = (site / "docs/index.html").read_text()
    assert all(f'href="{page}.html"' in navigation for page in pages - {"index"})
    assert 'url=docs/index.html"' in (site / "index.html").read_text()


def test_no_page_loads_anything_from_the_web(site):
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        assert not [tag for tag in LOADED.findall(page.read_text()) if 'rel="canonical"' not in tag], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()[\s\"']*(?:https?:)?//", style.read_text()), style


def test_the_python_interface_shows_what_it_names(site):
    shown = (site / "docs/api/pruning.html").read_text()
    assert 'id="prunescape.pruning.planning.plan_widths"' in shown
    assert "FLOPs" in shown


def test_pictures_of_the_gallery_are_small_and_each_is_shown():
    gallery = (ROOT / "docs/gallery.md").read_text()
    shown = {ROOT / "docs" / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", gallery)}
    assert shown and set((ROOT / "docs/gallery").iterdir()) <= shown
    assert all(picture.stat().st_size < LARGEST for picture in shown)


@pytest.fixture(scope="module")
def command():
    """The module behind `make pictures`, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("update_pictures", ROOT / "docs/update_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_command_copies_the_pictures_of_the_default_study(command, tmp_path):
    frame = study_cells(experiment="digits-resnet8")
    figures = draw(tmp_path / "results", frame)
    drawn = {name for name in command.PICTURES.values() if (figures / f"{name}.svg").is_file()}
    assert drawn == {"landscape-digits-resnet8-top1-seed0", "risk-digits-resnet8-top1-seed0"}, "as the code names them"
    docs = tmp_path / "docs"
    (docs / "gallery").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"verdict-.* is missing: run `make study`"):
        command.update_pictures(tmp_path / "results", docs)
    assert not list(docs.rglob("*.svg")), "all or none"
    for name in set(command.PICTURES.values()) - drawn:
        (figures / f"{name}.svg").write_text(f"<svg>{name}</svg>")
    written = command.update_pictures(tmp_path / "results", docs)
    assert [path.relative_to(docs).as_posix() for path in written] == list(command.PICTURES)
    for picture, name in command.PICTURES.items():
        assert (docs / picture).read_bytes() == (figures / f"{name}.svg").read_bytes()
        assert (ROOT / "docs" / picture).is_file() and f"]({picture})" in (ROOT / "docs/gallery.md").read_text()
