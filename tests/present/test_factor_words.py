"""What a study's report calls the factors, responses and variants of its factor tables."""

import pandas as pd

from prunescape.present.factor_words import in_words


def test_columns_of_names_get_titles_and_others_stay():
    effects = pd.DataFrame(
        {"by": ["variant=uniform-0.5"], "response": ["log10:epoch_seconds"], "factor": ["log10_lr"], "level": ["-1.0"]}
    )
    importance = pd.DataFrame({"by": [""], "response": ["x"], "factor": ["batch_size"], "other": [None]})
    moved = pd.DataFrame({"by": [""], "response": ["top1"], "factor": ["flip"], "other": ["nonuniform-0.25"]})
    tables = {"effects": effects, "importance": importance, "interactions": moved, "roi": effects}
    found = {name: table.iloc[0].to_dict() for name, table in in_words(tables).items()}
    assert found["effects"] == {
        **{"by": "uniform 0.5", "response": "log10 of seconds per epoch", "factor": "log10 learning rate"},
        "level": "-1.0",
    }
    assert found["importance"] == {"by": "", "response": "x", "factor": "batch size", "other": None}
    assert found["interactions"]["other"] == "nonuniform 0.25" and "roi" not in found
