"""Say what int8 costs an experiment's exported models, and why and what mends it where that is much."""

from pathlib import Path

from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        from prunescape.deploy.int8_explained import explain_int8

        explain_int8(
            [Path(path) for path in snakemake.input.exports],
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.input.data),
            scaling=snakemake.params.scaling,
            folder=snakemake.params.folder,
            out=Path(snakemake.output.explained),
        )
