"""Estimate what each variant loses with the base's good settings. Needs cells.parquet of the study."""

from pathlib import Path

from prunescape.analysis.cells_table import read_cells, scores
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import RISK_COLUMNS, risk
from prunescape.running.job_log import job_log
from prunescape.store.tables import write_result


def estimate_risk(cells: Path | str, *, parquet: Path | str, csv: Path | str) -> None:
    """Write the risk of whatever cells exist, none where a base is missing; raises InputError for an unusable table."""
    landscapes = scores(read_cells(cells, partial=True))
    write_result(risk(landscapes, regions(landscapes)), RISK_COLUMNS, parquet=parquet, csv=csv)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        estimate_risk(snakemake.input.cells, parquet=snakemake.output.risk, csv=snakemake.output.risk_csv)
