"""`prunescape init`: a commented config to start a study from."""

import argparse
from pathlib import Path

from prunescape.config.datasets import DATASETS


def add_init(command: argparse.ArgumentParser) -> None:
    """`prunescape init NAME [--dataset FOLDER] [--model MODEL]`."""
    command.description = (
        "Write NAME.yaml, a config with comments to start a study from, into the current folder. Nothing is asked, and "
        "no file is replaced. Of a folder of images the size of the images decides the crops, their number the batches."
    )
    command.add_argument("name", metavar="NAME", help="name of the study, and of the file without .yaml")
    dataset = f"a folder with train/CLASS/IMAGE and val/CLASS/IMAGE, or one of {', '.join(DATASETS)} (default: digits)"
    command.add_argument("--dataset", default="digits", metavar="FOLDER", help=dataset)
    model = "torchvision:NAME, or one of ours, such as resnet20 (default: resnet8, for texts text_cnn)"
    command.add_argument("--model", metavar="MODEL", help=model)
    command.set_defaults(run=run_init)


def run_init(options: argparse.Namespace) -> None:
    """Write the config, say what was found and what comes next."""
    from prunescape.commands.new_study import write_study

    print("\n".join(write_study(options.name, Path(f"{options.name}.yaml"), options.dataset, options.model)))
