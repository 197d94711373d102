"""Searches that really train, in one process: digits as a folder of images, small pruned ResNets, a short recipe.

What is planned, trained, measured and ranked is the code of the workflow; only Snakemake is left out. Used by
compare_searches.py. Needs torch, onnxruntime and scikit-learn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from PIL import Image

from declare_experiment import declare_experiment
from measure_training import measure_training
from prepare_data import prepare_data
from prunescape.analysis.search.objectives import Cost, Observed, observe, read_costs
from prunescape.config.study import Study, load_study
from prunescape.deploy.export_untrained import export_untrained
from prunescape.designs.brackets import next_rung
from prunescape.designs.plan import Plan, experiment_plan
from prunescape.designs.proposals import configurations
from prunescape.designs.search_rounds import SearchRound
from prunescape.designs.winner import next_decision
from prunescape.measure.architecture import measure_architecture
from prunescape.pruning.variant_plan import write_widths
from prunescape.space.cells import Cell
from prunescape.store.files import read_json
from prunescape.tasks.images.readers import read_dataset
from prunescape.training.cell_job import CellFiles, open_job, train_jobs

NAME, DATA, TARGET = "e", "digits-images", "here"
BATCHES, WORKERS = (16, 32, 64), (0, 2)
TEST, VALIDATION = 300, 200  # images
SPACE = {
    "log10_lr": {"low": -2.5, "high": 0.0},
    "log10_wd": {"low": -5.0, "high": -2.0},
    "batch_size": list(BATCHES),
}


def write_images(folder: Path, train: int) -> None:
    """scikit-learn's digits as PNG files, one folder per class, in a fixed split."""
    sizes = {"train": train + VALIDATION, "test": TEST, "validation": None}
    arrays = read_dataset({"name": "digits", "split_seed": 0} | sizes)
    for split, name in (("train", "train"), ("test", "val")):
        pairs = zip(arrays[f"{split}_images"], arrays[f"{split}_labels"], strict=True)
        for number, (image, label) in enumerate(pairs):
            path = folder / name / str(label) / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0]).save(path)


@dataclass
class Workplace:
    """A folder with all that searches share: data, widths, and what inference and training take, measured once.

    A whole training takes `epochs` of `images`; `observed` has every cell that was trained so far.
    """

    folder: Path
    epochs: int = 6
    images: int = 250
    observed: dict[Cell, Observed] = field(default_factory=dict)

    def study(self, *, seed: int = 0, floor: float | None = None, **tune: Any) -> Study:
        """The study of one search; `seed` is that of its draws and trainings."""
        terms = {"space": SPACE, "sampler": "random", "trials": 12, "objective": "accuracy"} | tune
        experiment = {
            "model": "resnet8",
            "dataset": DATA,
            "recipe": {"epochs": self.epochs, "batch_size": 32, "schedule": "cosine", "momentum": 0.9},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "variants": {"uniform": [0.5, 0.35]},
            "pruning": {"round_to": 8},
            "seeds": [seed],
            "tune": terms | {"target": TARGET, "seed": seed},
        }
        options = {"format": "image-folder", "folder": str(self.folder / "images"), "size": 16, "resize": 16}
        return load_study(
            {
                "study": "compared",
                "datasets": {DATA: options | {"validation": VALIDATION, "workers": 0}},
                "experiments": {NAME: experiment},
                "targets": {TARGET: {"threads": [1, 2], "batch": [1, 8], "repeats": 20, "chunk_seconds": 0.1}},
                "objectives": {"accuracy_floor": floor},
            }
        )

    def plan(self, **search: Any) -> Plan:
        """The plan of one search, with the keys of `study`."""
        return experiment_plan(self.study(**search), NAME)

    def path(self, *parts: str) -> Path:
        """A file in the folder, whose own folder exists."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @cached_property
    def data(self) -> dict[str, Path]:
        """The prepared images and their identity."""
        files = {"data": self.path("data.npz"), "identity": self.path("data.json")}
        if not files["identity"].exists():
            write_images(self.folder / "images", self.images)
            prepare_data(self.study().dataset_options(DATA), **files)
        return files

    @cached_property
    def shared(self) -> Path:
        """What all cells share, hyperparameters that searches vary left out."""
        out = self.path("shared.json")
        declare_experiment(self.study().experiments[NAME].declared_recipe, "", identity=self.data["identity"], out=out)
        return out

    def widths(self, variant: str) -> Path:
        """The plan of a variant."""
        out = self.path(f"variant={variant}", "widths.json")
        if not out.exists():
            method, _, ratio = variant.partition("-")
            plan = {"architecture": "resnet_cifar", "model": "resnet8", "method": method}
            plan |= {"min_keep": 0.1, "ratio": ratio, "round_to": 8} if ratio else {}
            write_widths(plan, identity=str(self.data["identity"]), weights=None, out=str(out))
        return out

    def measured(self, variant: str, sitting: str = "measured") -> Path:
        """What inference with a variant takes, by threads and batch, as measured in one sitting."""
        out = self.path(f"variant={variant}", "untrained", f"{sitting}.json")
        if not out.exists():
            export, known = out.parent / f"{sitting}-models", {name: str(path) for name, path in self.data.items()}
            export_untrained(
                ["fp32"], widths=str(self.widths(variant)), out=str(export), folder=str(self.folder / "images"), **known
            )
            target = self.study().target_settings(TARGET, NAME)
            target |= {"flush_to_zero": [False], "dataset_passes": 0}
            about = {"experiment": NAME, "network": "", "variant": variant}
            rest = {"kept": self.folder / f"kept-{sitting}", "code": "", "out": out} | self.data
            measure_architecture(target, about, export=export / "export.json", **rest)
        return out

    def trained(self, variant: str, batch_size: int) -> Path:
        """What training a variant takes per image, by number of workers."""
        out = self.path(f"variant={variant}", "untrained", f"training={batch_size}.json")
        if not out.exists():
            files = {"shared": self.shared, "widths": self.widths(variant), "out": out} | self.data
            tried = [{}, *map(dict, configurations({"workers": WORKERS}))]
            prior, folder = {"log10_lr": -1.0, "log10_wd": -4.0}, str(self.folder / "images")
            rest = {"device": "cpu", "prior": prior, "configurations": tried, "folder": folder}
            measure_training(variant, batch_size, **files, **rest)
        return out

    @cached_property
    def costs(self) -> dict[str, Cost]:
        """What every variant costs."""
        names = self.plan().tuning["variants"]
        trained = [self.trained(name, size) for name in names for size in BATCHES]
        return read_costs(map(self.widths, names), map(self.measured, names), "fp32", trained)

    def latency(self, variant: str, *, tuned: bool) -> float:
        """Seconds per image on the target: as the fastest threads and batch take, or the first ones.

        Which are the fastest is told by one sitting, and what they take by another, so it is no least of noisy medians.
        """
        first, again = (
            read_json(self.measured(variant, sitting), "measured", "target") for sitting in ("measured", "again")
        )
        fastest = min(first["measured"], key=lambda run: run["median_s"] / run["batch"])
        asked = fastest if tuned else {key: first["target"][key][0] for key in ("threads", "batch")}
        (run,) = (each for each in again["measured"] if all(each[key] == asked[key] for key in ("threads", "batch")))
        return run["median_s"] / run["batch"]

    def record(self, cell: Cell) -> Path:
        """Where the record of a cell is."""
        return self.path("cells", cell.path, "record.json")

    def train(self, cells: Iterable[Cell]) -> None:
        """Train the cells that are not trained yet."""
        for cell in cells:
            if cell not in self.observed:
                if not self.record(cell).exists():
                    self._train(cell)
                self.observed[cell] = observe(self.record(cell))[1]

    def _train(self, cell: Cell) -> None:
        record = self.record(cell)
        files = CellFiles(
            shared=str(self.shared),
            widths=str(self.widths(cell.variant.name)),
            record=str(record),
            weights=str(record.parent / "weights.safetensors"),
            checkpoint=str(self.path("cells", cell.whole.path, "checkpoint.safetensors")),
            folder=str(self.folder / "images"),
            **{name: str(path) for name, path in self.data.items()},
        )
        with open(os.devnull, "w") as log:
            train_jobs([open_job(cell.content, files, device="cpu", log=log)])
        Path(files.weights).unlink()
        if not cell.setting.stop:  # its state is for the next rung
            Path(files.checkpoint).unlink(missing_ok=True)

    def search(self, plan: Plan) -> list[SearchRound]:
        """All rounds of a search of one bracket, trained, and its decisions."""
        rounds: list[SearchRound] = []
        while not (rounds and rounds[-1].ends_search):
            known = {"earlier": rounds, "observed": self.observed, "costs": self.costs}
            ended = any(planned.last for planned in rounds)
            rounds.append(
                next_decision(plan, **known) if ended else next_rung(plan, bracket=0, number=len(rounds) + 1, **known)
            )
            self.train(rounds[-1].cells)
        return rounds
