"""Write the tables of a paper, with published values where the study follows a published one."""

from pathlib import Path

from prunescape.analysis.results import ARMS, result_names
from prunescape.present.tables.folder import write_tables
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_tables(
            snakemake.params.study,
            cells=snakemake.input.cells,
            ellipses=snakemake.input.ellipses,
            risk=snakemake.input.risk,
            trials=snakemake.input.get("trials"),
            benchmarks=snakemake.input.get("benchmarks"),
            arms={name: path for name in result_names(ARMS) if (path := snakemake.input.get(name))},
            out=Path(snakemake.output[0]).parent,
        )
