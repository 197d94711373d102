"""Copies the pictures of the default study from its folder of results into the docs: `make pictures`."""

import argparse
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
# picture in the docs -> figure of the default study
PICTURES = {
    "digits-landscapes.svg": "landscape-digits-resnet8-top1-seed0",
    "gallery/digits-verdict.svg": "verdict-digits-resnet8-top1",
    "gallery/digits-risk.svg": "risk-digits-resnet8-top1-seed0",
    "gallery/digits-looks.svg": "looks-digits-resnet8-top1",
    "gallery/digits-pareto.svg": "pareto-digits-resnet8-this-host",
}


def update_pictures(results: Path, docs: Path) -> list[Path]:
    """Copy every picture from `results`, the folder of the finished study, into `docs`; gives what was written.

    Nothing is copied where a figure is missing: raises FileNotFoundError, which names it.
    """
    figures = {picture: results / "figures" / f"{name}.svg" for picture, name in PICTURES.items()}
    for figure in figures.values():
        if not figure.is_file():
            raise FileNotFoundError(f"{figure} is missing: run `make study` to its end first")
    return [Path(shutil.copyfile(figure, docs / picture)) for picture, figure in figures.items()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=DOCS.parent / "results/digits")
    try:
        for written in update_pictures(parser.parse_args().results, DOCS):
            print(written)
    except FileNotFoundError as missing:
        sys.exit(str(missing))
