"""A config that is no config ends in one line with file, line and column, before Snakemake reads it."""

import json
from pathlib import Path

import pytest
import yaml

from prunescape.config.source import read_config
from prunescape.errors import InputError
from prunescape.measure.files import target_named
from support.good_config import GOOD
from support.project import Project, small_study

CONFIG = Path(__file__).resolve().parents[2] / "config"
TEXT = yaml.safe_dump(GOOD)
BAD = {
    "tab": (b"a:\n  b: 1\n\tc: 2\n", "line 3, column 1: this is no YAML", "YAML takes no tabs"),
    "no colon": (
        b"study: s\ndevice cpu\nseeds: 3\n",
        "line 2, column 1: this is no YAML",
        "could not find expected ':'",
    ),
    "bracket": (b"a: [1, 2\nb: 3\n", "line 2, column 2: this is no YAML", "',' or ']'"),
    "latin": (
        "# a\n# Pr\u00fcfung".encode("latin-1"),
        "line 2, column 5: the byte 0xfc is no UTF-8",
        "save the file as UTF-8",
    ),
    "control": (b"a: 1\nb: \x01\n", "line 2, column 4: this is no YAML", "special characters"),
    "twice": (b"a: 1\nb:\n  c: 1\n  c: 2\n", 'line 4: the key "c" is given twice', "each key once"),
    "twice in JSON": (b'{"a": 1, "a": 2}', 'the key "a" is given twice', "each key once"),
    "object": (b"a: !!python/object/apply:os.getcwd []\n", "line 1, column 4: this is no YAML", "constructor"),
    "tag": (b"a: !!bool x\n", "line 1, column 4: YAML cannot read x (!!bool)", "in quotes"),
    "tag without a value": (b"a: !!int ''\n", "line 1, column 4: YAML cannot read", "!!int"),
    "tag of a date": (b"a: !!timestamp x\n", "line 1, column 4: YAML cannot read x", "!!timestamp"),
    "tag of a mapping": (b"a: !!map [1]\n", "line 1, column 4: this is no YAML", "expected a mapping node"),
    "tag of a set": (b"a: !!set [b]\n", "line 1, column 4: this is no YAML", "expected a mapping node"),
    "list": (b"- 1\n", "the config holds no keys", "config/config.yaml"),
    "empty": (b"", "the config holds no keys", "config/config.yaml"),
    "yte": (b"__use_yte__: true\n", "__use_yte__ would run Python", "plain values"),
    "definitions": (b"__definitions__: [1]\n", "__definitions__ would run Python", "plain values"),
    "variables": (b"__variables__: {a: 1}\n", "__variables__ would run Python", "plain values"),
}


@pytest.mark.parametrize(("content", "said", "more"), BAD.values(), ids=BAD)
def test_what_is_no_config_is_one_line_with_its_place(tmp_path, content, said, more):
    file = tmp_path / "my.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"{file}: {said}") or said in caught.value.what
    assert more in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"my\.yaml"):
        target_named("here", file)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "study.yaml").touch()
    with pytest.raises(InputError, match=r'styd\.yaml: there is no such config file; hint: did you mean "study\.yaml"'):
        read_config(tmp_path / "styd.yaml")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_config(tmp_path)


def test_what_snakemake_reads_is_read_alike(tmp_path):
    """JSON, where tabs are blanks, and YAML, where a key may be merged; every config of ours."""
    (tmp_path / "a.json").write_text(json.dumps(GOOD, indent="\t"))
    (tmp_path / "a.yaml").write_text("a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n")
    assert read_config(tmp_path / "a.json") == GOOD
    assert read_config(tmp_path / "a.yaml")["c"] == {"b": 1, "d": 2}
    for file in CONFIG.rglob("*.yaml"):
        assert read_config(file) == yaml.safe_load(file.read_text())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"), small_study())


@pytest.mark.parametrize("kind", ["tab", "latin", "yte"])
def test_snakemake_ends_in_that_line_before_it_reads_the_file(project, kind):
    content, said, _ = BAD[kind]
    if kind == "yte":
        content += b'__definitions__: [\'open("made", "w")\']\n'
    project.config.write_bytes(content)
    for given in (True, False):
        if not given:
            (project.code / "config/config.yaml").write_bytes(content)
        done = project.snakemake("--dry-run", configfile=given)
        last = done.stdout.strip().splitlines()[-1]
        assert done.returncode != 0 and "Traceback" not in done.stdout
        assert last.startswith("error: ") and said in last
    assert not (project.work / "made").exists()


def test_snakemake_names_a_missing_config(project):
    project.config.unlink(missing_ok=True)
    done = project.snakemake("--dry-run")
    assert done.stdout.strip().splitlines()[-1].startswith(f"error: {project.config}: there is no such config file")
