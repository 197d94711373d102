"""The paths of the study's results, and what rules ask of both. Every job parses this file: it imports no torch."""

import itertools
import os
from functools import cache
from pathlib import Path

from snakemake.iocontainers import Wildcards
from snakemake.sourcecache import LocalSourceFile

from prunescape.space.cells import CELL_PATH, EXPERIMENT_PATH, NAME_PATTERN, VARIANT_PATH, Cell, file_name
from prunescape.space.recipe import STOP
from prunescape.space.settings import NETWORK_PATTERN, SETTING_PATTERN
from prunescape.space.variants import VARIANT_PATTERN
from prunescape.running.code_digest import run_jobs_with_this_code
from prunescape.running.digest_cache import cached_digest as code_digest
from prunescape.config.datasets import is_image_folder
from prunescape.config.workers import cores_of_cell, system_of, tried_while_training
from prunescape.running.run_lock import STATE
from prunescape.store.files import read_json, short_name
from prunescape.store.manifest import MANIFEST

run_jobs_with_this_code()
RESULTS = f"results/{STUDY.study}"
RESUMING = f"{RESULTS}/{STATE}"  # what killed jobs and runs leave for the next; no result
DATA = f"{RESULTS}/data"
EXPERIMENT = f"{RESULTS}/{EXPERIMENT_PATH}"
INT8_EXPLAINED = f"{EXPERIMENT}/int8.json"
SHARED = f"{EXPERIMENT}/shared.json"
NETWORK = f"{EXPERIMENT}{{network}}"
VARIANT = f"{RESULTS}/{VARIANT_PATH}"
CELL = f"{RESULTS}/{CELL_PATH}"
ROUND = f"{RESULTS}/rounds/round={{round}}.json"
EXPORTS = f"{RESULTS}/rounds/exports.json"
REPORT = f"{RESULTS}/report.html"
MANIFEST_FILE = f"{RESULTS}/{MANIFEST}"


wildcard_constraints:
    bracket="[0-9]+",
    decision="[12]",
    experiment=NAME_PATTERN,
    dataset=NAME_PATTERN,
    epoch="[1-9][0-9]*",
    network=NETWORK_PATTERN,
    round="[1-9][0-9]*",
    target=NAME_PATTERN,
    variant=VARIANT_PATTERN,
    setting=SETTING_PATTERN,
    step="[1-9][0-9]*",
    seed="[0-9]+",


def experiment_of(wildcards):
    """The experiment that a job belongs to."""
    return STUDY.experiments[wildcards.experiment]


def data_file(wildcards):
    """The prepared data set of a job's experiment."""
    return f"{DATA}/{experiment_of(wildcards).dataset}.npz"


def data_files():
    """The prepared data sets that some experiment uses."""
    return expand(f"{DATA}/{{dataset}}.npz", dataset=STUDY.used_datasets())


def data_identity(wildcards):
    """The small file that names the content of that data set."""
    return f"{DATA}/{experiment_of(wildcards).dataset}.json"


def without_trigger(value_of):
    """A params function whose value makes no job run again: Snakemake ignores those that take `input` as triggers."""
    return lambda wildcards, input: value_of(wildcards)


def image_folder(wildcards):
    """Where the images that a cell streams lie now, None for a data set in memory."""
    options = STUDY.dataset_options(experiment_of(wildcards).dataset)
    return options["folder"] if is_image_folder(options) else None


def cell_threads(wildcards):
    """The cores of a training: what it may use, which Snakemake limits to those that there are."""
    experiment = experiment_of(wildcards)
    options = STUDY.dataset_options(experiment.dataset)
    spare = spare_cores() if is_image_folder(options) else 0
    decoding = cores_of_cell(experiment.system, options, STUDY.device, spare) - 1
    return declared_threads(wildcards) + decoding


def declared_threads(wildcards):
    """The threads of a cell: as its experiment declares, and before it does as many as it may come to declare."""
    declared = Path(SHARED.format(experiment=wildcards.experiment))
    if "threads" not in experiment_of(wildcards).settled_values:
        return 1
    if declared.exists():
        return read_json(declared).get("numerics", {}).get("threads", 1)
    return settling_threads(wildcards)


def settling_threads(wildcards):
    """The cores of a declaration: the largest number of threads that it tries."""
    return max(experiment_of(wildcards).settled_values.get("threads", [1]))


@cache
def spare_cores():
    """Cores of a run on this host that each cell can have beside its own, as many cells as there were at its start."""
    cores = workflow.resource_settings.cores if workflow.is_main_process else None
    if not cores:
        return 0  # a job spares the making of all cells
    left = sum(not os.path.exists(record) for record in cell_files("record.json", cells_with(present_rounds(ROUND))))
    return max(0, cores // max(1, left) - 1)


def tried_systems():
    """What each experiment says of system parameters, or is said for it, by its name."""
    found = {
        name: system_of(known.system, STUDY.dataset_options(known.dataset)) for name, known in STUDY.experiments.items()
    }
    return {name: system for name, system in sorted(found.items()) if system is not None}


def system_params(wildcards):
    """Which system parameters a training tries between its epochs; they change no result."""
    experiment = experiment_of(wildcards)
    return tried_while_training(experiment.system, STUDY.dataset_options(experiment.dataset), STUDY.device)


def cell_file(cell, name):
    """A file in the folder of a cell."""
    return f"{RESULTS}/{cell.path}/{name}"


def checkpoint_file(wildcards):
    """Where a cell's training leaves what it needs to go on after an interruption, or on the next rung of a search."""
    if wildcards["experiment"] not in SEARCHES:
        return state_file(CELL_PATH.format(**wildcards))
    return state_file(Cell.from_content(cell_content(Wildcards(fromdict=wildcards))).whole.path)


def state_file(path):
    """Where the training of the cell with this path leaves it; cells that stop early have that of the whole training."""
    return f"{RESUMING}/{short_name(file_name(path))}.safetensors"


def stops_early(wildcards):
    """Whether a cell is the beginning of a training, on a rung of a search."""
    return wildcards.experiment in SEARCHES and STOP in cell_content(wildcards)["setting"]


def cell_files(name, cells):
    """One file of each of `cells`."""
    return [cell_file(cell, name) for cell in cells]


def planned_variants(experiment):
    """The wildcards of every variant of every network of an experiment."""
    names = [variant.name for variant in STUDY.experiments[experiment].all_variants]
    parts = itertools.product(networks_of(experiment), names)
    return [{"experiment": experiment, "network": network, "variant": name} for network, name in parts]


def variant_paths(name, experiment):
    """One file of each of them."""
    return [f"{VARIANT}/{name}".format(**wildcards) for wildcards in planned_variants(experiment)]


def variant_files(name):
    """One file of each variant of each network of each experiment."""
    return [path for experiment in sorted(STUDY.experiments) for path in variant_paths(name, experiment)]


def shared_files():
    """What every experiment declares."""
    return expand(SHARED, experiment=sorted(STUDY.experiments))


def declared_files():
    """What each experiment's records must agree with: its declaration, its variants' plans, the code of its levels."""
    return {
        experiment: {
            "shared": SHARED.format(experiment=experiment),
            "widths": plan_files(experiment),
            "levels": level_digests(experiment),
        }
        for experiment in sorted(STUDY.experiments)
    }


def target_files():
    """What every target measured of every experiment."""
    pattern = f"{EXPERIMENT}/target={{target}}.json"
    return expand(pattern, experiment=sorted(STUDY.experiments), target=sorted(STUDY.targets))


def int8_files():
    """What int8 costs the exported models of each experiment, if some target measures them."""
    return expand(INT8_EXPLAINED, experiment=sorted(STUDY.experiments) if STUDY.measures_int8 else [])


def in_report(path, caption, category, subcategory, labels):
    """A file that Snakemake's own report shows, with a text of rules/captions/; marks make no job run again."""
    marks = {"category": category, "subcategory": subcategory, "labels": labels}
    return report(path, caption=f"captions/{caption}.rst", **marks)


def file_in_report(path):
    """A result that a reader of the report takes along as a file."""
    return in_report(path, "file", "Files", None, {"file": os.path.relpath(path, RESULTS)})


def of_variant_in_report(path, caption):
    """A file of each variant of each network."""

    def labels(wildcards):
        network = {"network": wildcards.network.partition("=")[2]} if wildcards.network else {}
        return network | {"variant": wildcards.variant, "file": caption}

    return in_report(path, caption, "Experiment {experiment}", "Variants", labels)


def items_for_report(wildcards):
    """The figures and tables of a finished study, where Snakemake's own report is asked for; a run has none of them.

    They are inputs, which may be marked for the report too: rules declare an index of the figures, not each of them.
    """
    if not any(word.startswith("--report") for word in sys.argv):
        return []
    from prunescape.present.snakemake_report import report_items  # pandas and matplotlib, which no other run needs here

    try:
        items = report_items(RESULTS, f"{RESUMING}/report")
    except InputError as error:
        sys.exit(f"error: {error}")
    if lost := [str(item.path) for item in items if not item.path.exists()]:
        print(f"note: lost, so not in the report before another run: {', '.join(lost)}", file=sys.stderr)
    return [report(str(item.path), **marks_of(item)) for item in items if item.path.exists()]


def marks_of(item):
    """The caption and place of one of them."""
    place = {"category": item.category, "subcategory": item.subcategory, "labels": item.labels}
    return {"caption": LocalSourceFile(str(item.caption))} | place


include: "pipelines.smk"
