"""Write down what the results of a study are and what decided them."""

from prunescape.running.job_log import job_log
from prunescape.store.manifest import write_manifest

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_manifest(list(snakemake.input), snakemake.params.decided_by, out=snakemake.output.manifest)
