"""Digests that an earlier process kept: those that code_digest finds now, whatever happened to code or file since."""

import os

import pytest

from prunescape.running import code_digest as digests
from prunescape.running import digest_cache


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder with one script and one module of the package, and a temporary folder of its own."""
    code = tmp_path / "code"
    (code / "prunescape").mkdir(parents=True)
    (code / "train_cell.py").write_text("from prunescape import step\n\nstep.go(1)\n")
    (code / "prunescape/__init__.py").touch()
    (code / "prunescape/step.py").write_text("def go(rate):\n    return rate\n")
    monkeypatch.setattr(digests, "SCRIPTS", code)
    monkeypatch.setattr(digests, "MODULES", code)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    forget()
    yield code
    forget()


def forget():
    """Both modules as in a new process."""
    for known in (*vars(digests).values(), *vars(digest_cache).values()):
        if hasattr(known, "cache_clear"):
            known.cache_clear()


def in_new_process() -> str:
    forget()
    return digest_cache.cached_digest("train_cell")


def test_a_digest_is_found_once_for_the_same_code(tree, monkeypatch):
    found = in_new_process()
    assert found == digests.code_digest("train_cell")
    monkeypatch.setattr(digests, "code_digest", None)
    assert in_new_process() == found


@pytest.mark.parametrize("file", ["train_cell.py", "prunescape/step.py", "prunescape/__init__.py"])
def test_another_content_of_any_file_has_its_own_digest(tree, file):
    before = in_new_process()
    (tree / file).write_text((tree / file).read_text() + "rate = 2\n")
    after = in_new_process()
    assert before != after == digests.code_digest("train_cell")


def test_a_damaged_file_is_written_again(tree, tmp_path):
    found = in_new_process()
    (kept,) = tmp_path.glob("prunescape-*/digests/*.json")
    whole = kept.read_text()
    kept.write_text(whole.replace(found, found[::-1]))
    assert in_new_process() == found and kept.read_text() == whole


def test_a_folder_that_others_can_read_is_not_used(tree, tmp_path):
    found = in_new_process()
    (folder,) = tmp_path.glob("prunescape-*")
    folder.chmod(0o755)
    assert in_new_process() == found


def test_only_the_files_of_the_newest_contents_are_kept(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(digest_cache, "NEWEST", 3)
    written = []
    for number in range(5):
        (tree / "prunescape/step.py").write_text(f"def go(rate):\n    return {number} * rate\n")
        in_new_process()
        (new,) = set(tmp_path.glob("prunescape-*/digests/*")) - set(written)
        os.utime(new, (number, number))
        written.append(new)
    assert set(tmp_path.glob("prunescape-*/digests/*")) == set(written[-3:])


def test_a_file_that_another_run_deletes_meanwhile_is_no_fault(tree, tmp_path):
    in_new_process()
    (folder,) = tmp_path.glob("prunescape-*/digests")
    (folder / "gone.json").symlink_to("nowhere")  # listed, and not there when it is looked at
    (tree / "prunescape/step.py").write_text("def go(rate):\n    return 2 * rate\n")
    assert in_new_process() == digests.code_digest("train_cell")
