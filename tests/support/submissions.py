"""Projects that run on the Slurm of slurm_cluster.py, several cells of them in one submission."""

from pathlib import Path

from support.project import ROOT, Project

SOON = ("--slurm-init-seconds-before-status-checks", "2")


def on_slurm(folder: Path, study: dict) -> Project:
    """A project that runs as `snakemake --profile slurm` does in a checkout, where `slurm` is a tracked link."""
    project = Project(folder, study, ("--profile", "slurm", *SOON), timeout=1500)
    (project.work / "slurm").symlink_to(project.code / (ROOT / "slurm").readlink())
    return project


def grouped(cells: int) -> tuple[str, ...]:
    """What submits so many cells of a variant at a time."""
    return "--groups", "train_cell=cells-{variant}", "--group-components", f"cells-{{variant}}={cells}"


def stacked_on_cpu(project: Project) -> Project:
    """The project, in which the cells of a submission train as one network on the CPU, as they do on a GPU."""
    together, batch = "workflow_scripts/prunescape/training/together.py", "    batch = training.splits.train.first("
    project.edit("rules/cluster.smk", 'STUDY.device == "cuda" and STUDY.cells_per_gpu', "STUDY.cells_per_gpu")
    project.edit("workflow_scripts/train_cell.py", 'device != "cuda" or most == 1', "most == 1")
    project.edit(together, batch, f'    if training.device.type == "cpu":\n        return 99, None\n{batch}')
    return project
