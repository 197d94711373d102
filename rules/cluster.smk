"""What submitted jobs ask a cluster for, from `cluster:` in the config; cells that share a submission and its GPU.

Nothing here decides a result.
"""

import sys
from itertools import takewhile
from pathlib import Path

from snakemake.iocontainers import Wildcards
from snakemake.target_jobs import parse_target_jobs_cli_args

from prunescape.running.submission import Member, announce
from train_cell import together_of

GROUPED = {}  # the jobs of cells that are submitted in groups, by the cell's path


def cluster_resources(rule, gpu=0):
    """The resources of a submitted rule: all of `cluster:` in the config; time and memory grow with each attempt.

    What is None is not asked for. A resource is no trigger, and in local runs nobody limits these. `at_once` is limited
    by profiles/slurm alone: its executor runs the jobs of a group one after the other, so a group needs the time of all
    (but see `training_minutes`) and the rest of one.
    """
    asked = STUDY.cluster.request(rule)
    return {
        "slurm_partition": asked.partition,
        "slurm_account": asked.account,
        "qos": asked.qos,
        "constraint": asked.constraint,
        "at_once": 1,
        "gpu": gpu or None,
        "gpu_model": asked.gpu_model if gpu else None,
        "runtime": lambda wildcards, attempt: STUDY.cluster.minutes_of(rule, attempt),
        "mem_mb": lambda wildcards, attempt: STUDY.cluster.memory_mb_of(rule, attempt),
    }


def measuring_resources():
    """The resources of a measurement: a node to itself; a Slurm target's own settings come before the cluster's."""

    def of_target(name, otherwise=None):
        return lambda wildcards: getattr(STUDY.targets[wildcards.target], name, None) or otherwise

    asked = cluster_resources("benchmark_target", gpu=1)
    return asked | {
        "slurm_partition": of_target("partition", asked["slurm_partition"]),
        "constraint": of_target("constraint", asked["constraint"]),
        "gpu": of_target("gpu"),
        "gpu_model": lambda wildcards: asked["gpu_model"] if of_target("gpu")(wildcards) else None,
        "slurm_extra": "--exclusive",
    }


def stacks(wildcards):
    """Whether the cells of a submission train as one network; images that are decoded from disk keep them apart."""
    return STUDY.device == "cuda" and STUDY.cells_per_gpu != 1 and image_folder(wildcards) is None


def in_groups():
    """Whether several cells are submitted at a time."""
    return workflow.group_settings is not None and "train_cell" in workflow.group_settings.overwrite_groups


def place_in_group(wildcards):
    """The place of a cell's job among those that are submitted with it, from 0, and how many these are."""
    path = CELL.format(**wildcards)
    if not in_groups() or workflow.dag is None:
        return 0, 1
    if path not in GROUPED:
        jobs = workflow.dag.needrun_jobs(exclude_finished=False)
        GROUPED.update({CELL.format(**job.wildcards_dict): job for job in jobs if job.rule.name == "train_cell"})
    group = workflow.dag.get_job_group(GROUPED[path]) if path in GROUPED else None
    paths = sorted(CELL.format(**job.wildcards_dict) for job in group or ())
    return (paths.index(path), len(paths)) if path in paths else (0, 1)


def training_minutes(wildcards, attempt):
    """The minutes of a training; of one that shares its submission's GPU a part: Snakemake adds up those of a group."""
    minutes = STUDY.cluster.minutes_of("train_cell", attempt)
    if not stacks(wildcards):
        return minutes
    place, size = place_in_group(wildcards)
    return (minutes + place) // size


def training_resources():
    """The resources of a training."""
    return cluster_resources("train_cell", gpu=1 if STUDY.device == "cuda" else 0) | {"runtime": training_minutes}


def member_of(wildcards):
    """A training as one job of a submission, with what its script does not share with the other cells of its variant."""
    files = {"record": f"{CELL}/record.json", "weights": f"{CELL}/weights.safetensors"}
    files = {name: path.format(**wildcards) for name, path in files.items()}
    files |= {"checkpoint": checkpoint_file(wildcards)}
    widths, log = of_plan("widths.json")(wildcards), f"{CELL}/train.log".format(**wildcards)
    cell, levels, device = cell_content(wildcards), cell_level_digests(wildcards), STUDY.device
    together = together_of(device, cell, widths, STUDY.cells_per_gpu)
    place = state_file(CELL_PATH.format(**wildcards)).removesuffix(".safetensors")
    return Member(
        log=log,
        key=together.key if together and stacks(wildcards) else log,
        most=together.most if together else 1,
        arguments={"cell": cell, "files": files, "device": device, "levels": levels},
        kept={path: f"{place}.{Path(path).name}" for path in (files["record"], files["weights"], log)},
        decisive=[SHARED.format(**wildcards), data_identity(wildcards), widths],
    )


def cells_here():
    """The wildcards of all cells that this process trains, where it is a submission of several to a node."""
    words = sys.argv[sys.argv.index("--target-jobs") + 1 :] if workflow.remote_exec else []
    targets = parse_target_jobs_cli_args(list(takewhile(lambda word: not word.startswith("--"), words)))
    cells = [Wildcards(fromdict=target.wildcards_dict) for target in targets if target.rulename == "train_cell"]
    return cells if len(cells) > 1 else []


def announce_cells():
    """Tell the trainings of this submission, if it is one of several, of each other."""
    if cells := cells_here():
        announce(map(member_of, cells))


def take_kept(cells):
    """Put where they belong what submissions kept of these cells: they are trained, though others of them failed."""
    for wildcards in cells:
        member = member_of(Wildcards(fromdict=wildcards))
        if member.is_kept:
            member.take()
            member.forget()
