"""The tables of a study's searches, from their rounds and the table of cells."""

from collections.abc import Iterable
from pathlib import Path

from prunescape.analysis.analyse import write_results
from prunescape.analysis.results import TUNING, Analysis, result_names
from prunescape.analysis.search.tuning_tables import Placed, Terms
from prunescape.designs.tuning import read_search_round
from prunescape.store.tables import read_result


def write_search_tables(terms: Terms, *, cells: Path | str, rounds: Iterable[Path | str], out: Path | str) -> None:
    """Write the tables of the searches with these `rounds`, so far as their cells are there, into the folder `out`.

    `terms` as `Study.tuning_terms` gives them. Raises InputError for a table or a round that cannot be used.
    """
    planned = [read_search_round(path) for path in rounds]
    placed = [
        Placed(each.number, entry.bracket, entry.rung, entry.trial, entry.cell)
        for each in planned
        for entry in each.entries
    ]
    winners = [each.winner for each in planned if each.winner is not None]
    analysis = Analysis.of_tuning(read_result(cells, {}), placed, terms, winners)
    write_results([analysis], result_names(TUNING), out)
