"""The part of the report about a search."""

from prunescape.analysis.search.objectives import CHEAPEST
from prunescape.config.tuning import ACCURACY
from prunescape.present.report.tuning import FLOOR, search_limits


def test_a_winner_that_just_keeps_the_floor_is_said_to_be_lucky_where_a_search_has_one():
    assert search_limits(CHEAPEST) == [*search_limits(ACCURACY), FLOOR]
