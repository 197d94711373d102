"""Write the report of a study: one page that opens without a network. Needs the study's tables and figures."""

from pathlib import Path

from prunescape.present.report.page import TABLES, write_report
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_report(
            snakemake.params.study,
            cells=snakemake.input.cells,
            tables={name: snakemake.input[name] for name in TABLES},
            benchmarks=snakemake.input.benchmarks,
            compared=Path(snakemake.input.compared[0]).parent,
            figures=Path(snakemake.input.figures).parent,
            missing=[],
            out=snakemake.output.report,
        )
