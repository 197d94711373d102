"""The tables of a study's searches, from their rounds and the table of cells."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from prunescape.analysis.analyse import write_results
from prunescape.analysis.results import TUNING, Analysis, result_names
from prunescape.analysis.search.objectives import read_costs
from prunescape.analysis.search.tuning_tables import Ended, Placed, Terms
from prunescape.designs.search_rounds import read_search_round
from prunescape.space.cells import EXPERIMENT_PATH
from prunescape.store.tables import read_result


def write_search_tables(
    terms: Terms,
    *,
    cells: Path | str,
    rounds: Iterable[Path | str],
    out: Path | str,
    widths: Sequence[Path | str] = (),
    measured: Sequence[Path | str] = (),
    trained: Sequence[Path | str] = (),
    precisions: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the tables of the searches with these `rounds`, so far as their cells are there, into the folder `out`.

    `terms` as `Study.tuning_terms` gives them. `widths`, `measured` and `trained` are what costs of variants are read
    from, where searches ask for them, with the precision of each in `precisions`. Raises InputError for a table or a
    round that cannot be used.
    """
    planned = [read_search_round(path) for path in rounds]
    placed = [
        Placed(each.number, entry.bracket, entry.rung, entry.trial, entry.cell, entry.configuration)
        for each in planned
        for entry in each.entries
    ]
    ended = Ended(
        winners=[each.winner for each in planned if each.winner is not None],
        reasons={each.experiment: each.reason for each in planned if each.reason},
        costs={
            name: read_costs(_of(widths, name), _of(measured, name), precision, _of(trained, name))
            for name, precision in precisions.items()
        },
    )
    analysis = Analysis.of_tuning(read_result(cells, {}), placed, terms, ended)
    write_results([analysis], result_names(TUNING), out)


def _of(paths: Sequence[Path | str], experiment: str) -> list[Path]:
    """The files of ONE experiment."""
    folder = EXPERIMENT_PATH.format(experiment=experiment)
    return [path for path in map(Path, paths) if folder in path.parts]
