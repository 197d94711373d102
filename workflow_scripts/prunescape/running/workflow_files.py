"""Where the workflow's files lie: at the top of a checkout, or in the installed package, where setup.py puts them."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IN_CHECKOUT = PACKAGE.parent.name == "workflow_scripts"
WORKFLOW = PACKAGE.parents[1] if IN_CHECKOUT else PACKAGE / "workflow"
SCRIPTS = WORKFLOW / "workflow_scripts"
DEFAULT, STUDIES = "config/config.yaml", "config/studies"


def is_checkout(folder: Path) -> bool:
    """Whether `folder` is the top of a checkout, whose own files are to be run."""
    return (folder / "Snakefile").is_file() and (folder / "workflow_scripts" / PACKAGE.name).is_dir()
