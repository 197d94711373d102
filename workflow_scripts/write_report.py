"""Write the report of a study: one page that opens without a network."""

from pathlib import Path

from prunescape.present.report.page import write_report
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_report(
            snakemake.params.study,
            Path(snakemake.input.cells).parent,
            figures=Path(snakemake.input.figures).parent,
            missing=[],
            unmeasured=[],
            out=snakemake.output.report,
        )
