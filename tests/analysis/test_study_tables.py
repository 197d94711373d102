"""Tables hold only records that agree with what their experiment declares; damaged ones are named."""

import json

import numpy as np
import pytest

from prunescape.analysis.study_tables import check_records, is_readable, largest_class, write_cells
from prunescape.designs.rounds import Places
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.tasks.images.preparing import write_prepared

RECIPE = {"epochs": 1}


@pytest.fixture
def study(tmp_path):
    """One experiment with one record that agrees with its declaration."""
    widths, shared, record = tmp_path / "widths.json", tmp_path / "shared.json", tmp_path / "record.json"
    write_json(widths, {"modules": {}})
    write_json(shared, {"recipe": RECIPE, "code": "c", "data": "d"})
    made = {"code_digest": "c", "data_digest": "d", "widths_digest": file_digest(widths)}
    made["level_digests"] = {"optimiser=adam": "a"}
    cell = Cell("e", BASE, Setting.of({"filters": 3, "epochs": 1}))
    write_json(record, {**cell.content, "recipe": RECIPE, "provenance": made})
    declared = {"shared": shared, "widths": {"experiment=e/network=filters=3/variant=base": widths}}
    return record, {"e": declared | {"levels": {"optimiser=adam": "a", "optimiser=nadam": "n"}}}


def test_a_record_that_agrees_is_taken(study):
    record, experiments = study
    check_records([record], experiments)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("shared.json", '"epochs": 1', '"epochs": 2', "recipe"),
        ("shared.json", '"c"', '"other"', "code"),
        ("shared.json", '"d"', '"other"', "data"),
        ("widths.json", "{}", '{"a": 1}', "widths"),
    ],
)
def test_a_record_of_something_else_is_refused(study, tmp_path, file, old, new, said):
    record, experiments = study
    text = json.dumps(read_json(tmp_path / file))
    assert old in text
    write_json(tmp_path / file, json.loads(text.replace(old, new)))
    with pytest.raises(InputError, match=f"trained with other {said} than now") as caught:
        check_records([record], experiments)
    assert str(record) in str(caught.value)


def test_a_record_of_other_code_of_its_level_is_refused(study):
    record, experiments = study
    experiments["e"]["levels"]["optimiser=adam"] = "other"
    with pytest.raises(InputError, match="trained with other code of optimiser=adam than now"):
        check_records([record], experiments)


def test_a_record_is_held_against_the_plan_of_its_own_seed(study, tmp_path):
    record, experiments = study
    experiments["e"]["widths"] = {"experiment=e/network=filters=3/variant=base": f"{tmp_path}/base={{seed}}.json"}
    (tmp_path / "widths.json").rename(tmp_path / "base=0.json")
    check_records([record], experiments)
    write_json(record, read_json(record) | {"seed": 1})
    write_json(tmp_path / "base=1.json", {"modules": {"a": 1}})
    with pytest.raises(InputError, match="trained with other widths than now"):
        check_records([record], experiments)


def test_damaged_widths_are_named_not_their_records(study, tmp_path):
    record, experiments = study
    widths = tmp_path / "widths.json"
    widths.write_text(widths.read_text().replace("modules", "nodules"))
    with pytest.raises(InputError, match="damaged") as caught:
        check_records([record], experiments)
    assert str(widths) in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"provenance": 3})])
def test_a_damaged_record_is_named(tmp_path, content):
    record = tmp_path / "record.json"
    record.write_text(content)
    assert not is_readable(record)
    with pytest.raises(InputError, match="delete it and run again") as caught:
        write_cells([record], tmp_path / "cells.parquet", places=Places({}, []))
    assert str(record) in str(caught.value)
    assert not (tmp_path / "cells.parquet").exists()


def test_the_largest_class_of_the_test_split(tmp_path):
    """Three of five test images; a damaged file is named."""
    labels, images = np.arange(5) % 3, np.random.default_rng(0).integers(0, 255, (5, 1, 2, 2), dtype=np.uint8)
    arrays = {"train_images": images, "train_labels": labels, "test_images": images}
    files = {"data": tmp_path / "d.npz", "identity": tmp_path / "d.json"}
    write_prepared(arrays | {"test_labels": np.array([0, 1, 2, 2, 2])}, dataset="d", **files)
    assert largest_class(files["data"]) == 3
    files["data"].write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read"):
        largest_class(files["data"])
