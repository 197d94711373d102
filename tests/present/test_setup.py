"""How a study was run, as the report says it."""

import pytest

from prunescape.present.labels import variant_title
from prunescape.present.report.setup import pipelines_text


@pytest.mark.parametrize(
    ("retraining", "text"),
    [
        ({"pipelines": ["scratch"], "epochs": None}, "scratch"),
        (
            {"pipelines": ["fine_tune"], "epochs": 2, "steps": 3},
            "fine-tune; 2 epochs on inherited weights after each of 3 cuts",
        ),
        ({"pipelines": ["scratch", "fine_tune"], "epochs": 1}, "scratch, fine-tune; 1 epoch on inherited weights"),
        (
            {"pipelines": ["init"], "epochs": None, "base": "per_seed"},
            "init; each seed inherits from the base with that seed",
        ),
    ],
)
def test_pipelines_are_named_with_the_epochs_after_pruning(retraining, text):
    assert pipelines_text(retraining) == text


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("base", "base"),
        ("uniform-0.5", "uniform 0.5"),
        ("uniform-0.5-rewind_rate", "uniform 0.5 (rewind-rate)"),
        ("my-own-name", "my own-name"),
    ],
)
def test_variants_are_titled_with_their_pipeline(name, title):
    assert variant_title(name) == title
