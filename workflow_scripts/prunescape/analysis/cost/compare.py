"""Everything that compares the exported models on their targets, as tables on disk. Needs a study's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import read_cells
from prunescape.analysis.cost.measured import read_measured
from prunescape.analysis.cost.names import COMPARED
from prunescape.analysis.cost.pareto import PARETO_COLUMNS, pareto
from prunescape.analysis.cost.property_tables import (
    CORRELATION_COLUMNS,
    PROPERTY_COLUMNS,
    correlation_table,
    property_table,
)
from prunescape.analysis.cost.recommendation import FROM_RIVALS, RECOMMENDATION_COLUMNS, recommend
from prunescape.analysis.cost.rivals import RIVAL_COLUMNS, named_models, rivals
from prunescape.analysis.cost.scenarios import SCENARIO_COLUMNS, scenarios
from prunescape.analysis.cost.speedups import SPEEDUP_COLUMNS, speedups, variant_flops
from prunescape.store.tables import read_result, write_result

if TYPE_CHECKING:
    import pandas as pd

SCHEMAS = (
    *(RECOMMENDATION_COLUMNS, RIVAL_COLUMNS, PARETO_COLUMNS, SCENARIO_COLUMNS),
    *(SPEEDUP_COLUMNS, PROPERTY_COLUMNS, CORRELATION_COLUMNS),
)
COMPARISONS = dict(zip(COMPARED, SCHEMAS, strict=True))


def compare_targets(objectives: dict, *, cells: Path | str, benchmarks: Path | str, out: Path | str) -> dict[str, Path]:
    """Write every table of COMPARISONS into the folder `out`, as Parquet and CSV; gives the Parquet files by name.

    `objectives` holds the limits and the load as `objectives.Objectives` dumps them. Nothing measured gives tables
    without rows. Raises InputError for a table that cannot be used.
    """
    measured, flops = read_measured(benchmarks), variant_flops(read_cells(cells, partial=True))
    written = {}
    for name, table in comparisons(measured, flops, objectives).items():
        written[name] = Path(out) / f"{name}.parquet"
        write_result(table, COMPARISONS[name], parquet=written[name], csv=Path(out) / f"{name}.csv")
    return written


def comparisons(measured: pd.DataFrame, flops: dict[tuple[str, str], float], objectives: dict) -> dict:
    """The tables of COMPARISONS by name."""
    best, others = recommend(measured, objectives), rivals(measured, objectives)
    told = {name: named_models(best, others, name) for name in FROM_RIVALS}
    return {
        "recommendations": best.assign(**told),
        "rivals": others,
        "pareto": pareto(measured),
        "scenarios": scenarios(measured, objectives),
        "speedups": speedups(measured, flops),
        "properties": property_table(measured, flops),
        "correlations": correlation_table(measured, flops),
    }


def read_comparisons(folder: Path | str) -> dict[str, pd.DataFrame]:
    """What `compare_targets` wrote, by name; raises InputError for a table that is missing or damaged."""
    return {name: read_result(Path(folder) / f"{name}.parquet", columns) for name, columns in COMPARISONS.items()}
