"""Estimate what each variant loses with the base's good settings. Needs cells.parquet of the study."""

from pathlib import Path

from prunescape.joblog import job_log
from prunescape.landscape.result import write_result
from prunescape.landscape.risk import RISK_COLUMNS, risk
from prunescape.landscape.roi import regions
from prunescape.landscape.table import read_cells, scores


def estimate_risk(cells: Path | str, *, parquet: Path | str, csv: Path | str) -> None:
    """Write the risk of whatever cells exist, none where a base is missing; raises InputError for an unusable table."""
    landscapes = scores(read_cells(cells, partial=True))
    write_result(risk(landscapes, regions(landscapes)), RISK_COLUMNS, parquet=parquet, csv=csv)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        estimate_risk(snakemake.input.cells, parquet=snakemake.output.risk, csv=snakemake.output.risk_csv)
