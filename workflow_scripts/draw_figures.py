"""Draw the landscapes, the risk, the looks and the fronts of a study, for the browser and for print."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def draw_figures(study: dict[str, Any], tables: dict[str, str], *, out: str) -> None:
    """As `draw_figures` of the package, from the result `tables` by name, into the folder `out` and nothing beside it.

    The warm process of a run imports it once.
    """
    from prunescape.present.figures import folder

    shutil.rmtree(out, ignore_errors=True)  # Snakemake deleted the index alone, which stands for the drawings
    grouped = {"factor_tables": folder.DRAWN_FACTORS, "arm_tables": folder.DRAWN_ARMS}
    groups = {group: {name: tables[name] for name in names} for group, names in grouped.items()}
    others = {name: path for name, path in tables.items() if not any(name in group for group in groups.values())}
    folder.draw_figures(study, **others, **groups, out=out)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.analyse", "prunescape.present.study_terms")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        draw_figures,
        log=snakemake.log[0],
        study=snakemake.params.study,
        tables={name: path if isinstance(path, str) else path[0] for name, path in snakemake.input.items() if path},
        out=str(Path(snakemake.output.figures).parent),
    )
