"""What int8 costs, as tables and as sentences, from what explain_int8 writes; figures computed by hand."""

from types import SimpleNamespace

import pandas as pd
import pytest

from prunescape.analysis.analyse import collect_int8
from prunescape.analysis.cost.int8_losses import read_explained
from prunescape.errors import InputError
from prunescape.present.report.int8_tables import int8_sentences, int8_tables
from prunescape.store.files import write_json

CELL = {"experiment": "e", "variant": "base", "setting": {"log10_lr": -1.0}}
RANGES = {
    f"{name}_{end}": value for name in ("weight", "input", "output") for end, value in (("low", -1.0), ("high", 2.0))
}
RANGES |= {"weight_spread": 1.5, "input_spread": 1.0, "output_spread": 3000.0}


def way(name, correct, compared, error, *layers, size=1000):
    counts = {"correct": correct, "correct_compared": compared, "logit_error": error}
    return {"way": name, "float_layers": list(layers), "encoded_bytes": size, **counts}


def layer(name, place, compared, error):
    return {"layer": name, "place": place, "correct_compared": compared, "logit_error": error, **RANGES}


SPOILT = {
    "rank": 1,
    "cell": CELL,
    **{"tested": 200, "float_correct": 190, "float_bytes": 4000, "correct": 120, "encoded_bytes": 1000, "limit": 1.0},
    **{"split": "validation", "compared": 100, "float_compared": 96},
    "ways": [
        way("as exported", 120, 60, 0.9),
        way("per tensor", 110, 55, 1.0),
        way("entropy calibration", 180, 95, 0.3),
        way("layers in float", 189, 95, 0.1, "b", "a", size=1200),
    ],
    "layers": [layer("b", 1, 76, 0.8), layer("a", 0, 96, 0.2)],
}
WHOLE = {
    "rank": 2,
    "cell": CELL,
    **{"tested": 200, "float_correct": 190, "float_bytes": 4000, "correct": 189, "encoded_bytes": 1000, "limit": 1.0},
    **{"ways": [], "layers": []},
}


@pytest.fixture
def tables(tmp_path):
    write_json(tmp_path / "int8.json", {"models": [SPOILT, WHOLE]})
    collect_int8([tmp_path / "int8.json"], tmp_path)
    assert (tmp_path / "int8_ways.csv").exists() and (tmp_path / "int8_layers.csv").exists()
    return {name: pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("int8_ways", "int8_layers")}


def test_each_way_has_its_loss_and_one_is_best_in_comparison(tables):
    ways = tables["int8_ways"].set_index("way").loc[["per tensor", "entropy calibration", "layers in float"]]
    assert ways["lost"].tolist() == pytest.approx([40.0, 5.0, 0.5])  # (190 - 110, 180, 189) of 200
    assert ways["compared_lost"].tolist() == pytest.approx([41.0, 1.0, 1.0])  # (96 - 55, 95, 95) of 100
    assert ways["best"].tolist() == [False, False, True], "of equal ones the one that changes logits least"
    assert ways.loc["layers in float", ["float_layers", "float_layer_names"]].tolist() == [2, "b a"]


def test_a_model_that_loses_little_has_one_row_and_no_layers(tables):
    (row,) = tables["int8_ways"][tables["int8_ways"]["rank"] == 2].to_dict("records")
    assert row["way"] == "as exported" and row["lost"] == pytest.approx(0.5) and pd.isna(row["compared_lost"])
    layers = tables["int8_layers"]
    assert layers[["rank", "layer", "sensitivity"]].values.tolist() == [[1, "b", 1], [1, "a", 2]]
    assert layers["lost_alone"].tolist() == pytest.approx([20.0, 0.0])


def test_the_report_says_what_mends_a_model_and_why(tables):
    (text,) = int8_sentences(tables)
    for part in (
        "In int8 base loses 35.00 of 95.00 % on 200 test examples.",
        "mends it: 2 layers in float (b, a), which loses 0.50, at 1.2 kB encoded instead of 1.0 kB",
        "(3 other ways, compared on 100 validation examples)",
        "alone in int8 these lose most in comparison: b (20.00).",
        "the values behind it −1 to 2 (3e+03)",
    ):
        assert part in text


def test_the_report_says_that_nothing_helps_or_was_tried(tables):
    ways = tables["int8_ways"]
    spoilt = ways[ways["rank"] == 1].assign(best=lambda rows: rows["way"] == "as exported")
    assert "No other way of quantising loses less" in int8_sentences(tables | {"int8_ways": spoilt})[0]
    alone = spoilt[spoilt["best"]]
    assert "No other way was tried" in int8_sentences(tables | {"int8_ways": alone})[0]
    assert int8_sentences(tables | {"int8_ways": ways[ways["rank"] == 2]}) == []


def test_the_report_shows_both_tables(tables):
    ways, layers = int8_tables(SimpleNamespace(tables=tables))
    assert len(ways.rows) == 5 and [row[2] for row in layers.rows] == ["b", "a"]


def test_a_file_of_another_version_is_one_line(tmp_path):
    write_json(
        tmp_path / "int8.json",
        {"models": [{name: WHOLE[name] for name in ("rank", "cell", "tested", "limit", "ways")}]},
    )
    with pytest.raises(InputError, match=r"no field layers.*another version"):
        read_explained([tmp_path / "int8.json"])
