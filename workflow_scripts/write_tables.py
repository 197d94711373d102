"""Write the tables of a paper, with published values where the study follows a published one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def write_tables(study: dict[str, Any], tables: dict[str, str], *, out: str) -> None:
    """As `write_tables` of the package, from the result `tables` by name; those of arms are the ones it does not name.

    The warm process of a run imports it once.
    """
    from prunescape.analysis.results import ARMS, result_names
    from prunescape.present.tables import folder

    arms = {name: tables[name] for name in result_names(ARMS) if name in tables}
    others = {name: path for name, path in tables.items() if name not in arms}
    folder.write_tables(study, **others, arms=arms, out=Path(out))


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.present.tables.folder")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        write_tables,
        log=snakemake.log[0],
        study=snakemake.params.study,
        tables=dict(snakemake.input.items()),
        out=str(Path(snakemake.output[0]).parent),
    )
