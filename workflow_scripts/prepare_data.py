"""Bring one data set into its prepared file and write its identity."""

from collections.abc import Callable
from pathlib import Path

from prunescape.config.datasets import is_image_folder, resolve_options, task_of
from prunescape.running.job_log import job_log
from prunescape.tasks.downloads import fetch_originals
from prunescape.tasks.images.image_folder import write_image_folder
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.images.readers import read_dataset
from prunescape.tasks.speech.preparing import write_waves
from prunescape.tasks.text.preparing import write_texts

WRITERS = {"text": write_texts, "speech": write_waves}  # by task, of those that are no images


def prepare_data(options: dict, *, data: Path, identity: Path, report: Callable[[str], None] = print) -> None:
    """Write the data set `options["name"]` to `data` (npz) and what it is, such as its digest, to `identity` (JSON).

    Of an image folder `data` holds the listing and a sample: its images stay where they are. `options` are resolved
    (see config/datasets.py). Missing original files are downloaded if that is allowed; `report` gets lines on how far
    that is. Raises InputError for original files that are missing or damaged.
    """
    fetch_originals(options, report)
    if task_of(options) in WRITERS:
        WRITERS[task_of(options)](options, data=data, identity=identity)
    elif is_image_folder(options):
        write_image_folder(options, data=data, identity=identity)
    else:
        write_prepared(read_dataset(options), dataset=options["name"], data=data, identity=identity)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]) as announce:
        name = snakemake.wildcards.dataset
        prepare_data(
            resolve_options(name, snakemake.config.get("datasets", {}).get(name, {})),
            data=Path(snakemake.output.data),
            identity=Path(snakemake.output.identity),
            report=announce,
        )
