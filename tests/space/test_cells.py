"""Canonical values, variants and paths: one text per value, and every path parses back to its cell."""

import pytest

from prunescape.errors import InputError
from prunescape.space.cells import Cell, grid_cells
from prunescape.space.decimals import canonical
from prunescape.space.variants import BASE, Variant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0.0"),
        (0, "0.0"),
        ("0.50", "0.5"),
        (-1, "-1.0"),
        ("1e-4", "0.0001"),
        (0.1 + 0.2, "0.30000000000000004"),
        (20, "20.0"),
        ("-2.60", "-2.6"),
    ],
)
def test_canonical_text_is_plain_decimal(value, text):
    assert canonical(value) == text
    assert canonical(text) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "one", None, True, ""])
def test_no_finite_number_has_no_text(value):
    with pytest.raises(InputError, match="not a finite number"):
        canonical(value)


@pytest.mark.parametrize("variant", [BASE, Variant("uniform", "0.5"), Variant("nonuniform", "0.25")])
def test_a_path_and_wildcards_parse_back(variant):
    cell = Cell("my-exp.1", variant, "-1.0", "-4.25", 7)
    assert Cell.from_wildcards(cell.wildcards) == cell
    parsed = dict(part.split("=", 1) for part in cell.path.split("/"))
    assert Cell.from_wildcards(parsed) == cell


@pytest.mark.parametrize("name", ["Base", "uniform", "uniform-1.5", "uniform-0.5 ", "global-0.5", ""])
def test_other_variant_names_are_refused(name):
    with pytest.raises(InputError, match="no variant is called"):
        Variant.parse(name)


def test_a_grid_has_every_combination_once():
    variants = [BASE, Variant("uniform", "0.5")]
    cells = grid_cells("e", variants, ["-1.0", "0.0"], ["-4.0", "-3.0", "-2.0"], [0, 1])
    assert len(cells) == len(set(cells)) == 2 * 2 * 3 * 2
    assert cells == sorted(cells, key=lambda cell: variants.index(cell.variant))


def test_rates_are_powers_of_ten():
    cell = Cell("e", BASE, "-1.0", "-4.0")
    assert (cell.learning_rate, cell.weight_decay) == (0.1, pytest.approx(1e-4, rel=1e-15))
