"""Bring one data set into its prepared file and write its identity."""

from pathlib import Path

from prunescape.data.names import resolve_options
from prunescape.data.preparing import read_dataset, write_prepared
from prunescape.joblog import job_log


def prepare_data(options: dict, *, data: Path, identity: Path) -> None:
    """Write the data set `options["name"]` to `data` (npz) and its digest, shape, mean and std to `identity` (JSON).

    `options` are resolved (see data/names.py). Raises InputError for original files that are missing or damaged.
    """
    write_prepared(read_dataset(options), dataset=options["name"], data=data, identity=identity)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        name = snakemake.wildcards.dataset
        prepare_data(
            resolve_options(name, snakemake.config.get("datasets", {}).get(name, {})),
            data=Path(snakemake.output.data),
            identity=Path(snakemake.output.identity),
        )
