"""The documented table of hyperparameters is that of the registry."""

from prunescape.space.recipe import PARAMETERS
from prunescape.space.reference import HEADS, hyperparameter_table
from support.project import ROOT


def test_the_documented_table_is_the_registrys():
    """Print hyperparameter_table() to mend it."""
    assert hyperparameter_table() in (ROOT / "docs" / "hyperparameters.md").read_text()


def test_every_hyperparameter_has_a_row_with_bounds_default_and_condition():
    rows = [line.strip("| \n").split(" | ") for line in hyperparameter_table().splitlines()[2:]]
    assert [row[0].strip("`") for row in rows] == list(PARAMETERS)
    lines = dict(zip(PARAMETERS, hyperparameter_table().splitlines()[2:], strict=True))
    for text in ("a number at least 0 and below 1", "| 0.9 |", "optimiser: sgd, nesterov, rmsprop"):
        assert text in lines["momentum"]
    assert "| false |" in lines["flip"] and "auto" not in lines["precision"]
    assert all(line.count(" | ") == len(HEADS) - 1 for line in lines.values())
