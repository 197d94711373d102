"""How well a third of the cells shows regions, the best setting and the risk, on landscapes whose truth is known.

Runs the package's own choice of cells and its surface on simulated studies, writes every case as CSV and a summary as
Markdown: `python benchmarks/simulate_landscapes.py --out FOLDER` (about 10 minutes on one free core; seed fixed).
Needs numpy, scipy, pandas and scikit-learn.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from landscape_cases import BASE, SHIFTS, STATED, Case, cases, grid, truth
from verdict_tables import markdown

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.surface.choice import base_lattice, corner_settings, next_settings
from prunescape.analysis.surface.process import THRESHOLDS, Surface, fit_surface

BATCHES = 2
DRAWS = 1000
INTERVAL = (0.025, 0.975)
CARRIED, WIDER = THRESHOLDS  # the x of the base's ROI, over which the risk is taken, and of the ellipse
ERRORS = (
    *("Jaccard, 0.5-ROI", "Jaccard, 1-ROI", "centre error", "best missed", "lost at the best"),
    *("bias of risk", "bias at the settings carried"),
)
CERTAINTIES = (
    *("scores in their intervals", "risk in its interval", "Brier, 0.5-ROI", "Brier, 1-ROI"),
    *("covered", "explained", "passed", "trained"),
)
FULL, PART = "full grid, cells", "part, inferred"


class Study:
    """One base and its variants on one grid: `mean` the truth and `noisy` one seed of every cell, by variant."""

    def __init__(self, case: Case, rng: np.random.Generator) -> None:
        self.case, self.settings = case, grid(case)
        self.mean = {name: truth(case, self.settings, name) for name in SHIFTS}
        self.noisy = {name: mean + case.sigma * rng.standard_normal(mean.size) for name, mean in self.mean.items()}
        self.trained: dict[str, list[int]] = {name: [] for name in SHIFTS}

    def surface(self) -> Surface:
        """The process of what was trained so far."""
        rows = [self.settings.iloc[own].assign(variant=name, score=self.noisy[name][own]) for name, own in self.own()]
        return fit_surface(pd.concat(rows), AXES, self.case.reach)

    def own(self) -> list[tuple[str, list[int]]]:
        """The places in the grid that each variant was trained at, of those that were trained."""
        return [(name, places) for name, places in self.trained.items() if places]

    def train(self, variants: list[str], batches: int = BATCHES) -> None:
        """Train the variants up to the case's number of cells, in batches of the same size, or until none is asked for.

        The surface is fitted again before each batch.
        """
        for batch in range(batches):
            surface = self.surface()
            for name in variants:
                left = self.case.cells - len(self.trained[name])
                options = {"number": -(-left // (batches - batch)), "thresholds": THRESHOLDS}
                known = self.settings.iloc[self.trained[name]]
                asked = next_settings(surface, name, known, self.settings, AXES, **options) if left > 0 else known[:0]
                self.trained[name] += self.places(asked)

    def places(self, settings: pd.DataFrame) -> list[int]:
        """Where these settings are in the grid."""
        order = pd.MultiIndex.from_frame(self.settings)
        return list(order.get_indexer(pd.MultiIndex.from_frame(settings[AXES.names])))

    def run(self) -> Surface:
        """The base from its lattice, then its variants from corners and the base's trained ROI; the last surface."""
        values = {name: sorted(self.settings[name].unique()) for name in AXES.names}
        self.trained[BASE] = self.places(pd.DataFrame(base_lattice(values)))
        self.train([BASE])
        own = np.array(self.trained[BASE])
        good = own[members(self.noisy[BASE][own], CARRIED)]
        corners = self.places(pd.DataFrame(corner_settings(values)))
        variants = [name for name in SHIFTS if name != BASE]
        for name in variants:
            self.trained[name] = sorted({*corners, *good})[: self.case.cells]
        self.train(variants)
        return self.surface()


def members(scores: np.ndarray, x: float) -> np.ndarray:
    """The mask of the x-ROI of (..., points) scores."""
    return scores >= scores.max(axis=-1, keepdims=True) - x - TOLERANCE


def estimates(study: Study, found: dict[str, np.ndarray], drawn: dict[str, np.ndarray]) -> dict[str, float]:
    """Errors of the scores `found` at every point of the grid by variant, as means over variants.

    Risks are the medians of those of `drawn` (draws, points): as the package infers them, or the one row of cells.
    """
    carried, true_carried = members(found[BASE], CARRIED), members(study.mean[BASE], CARRIED)
    rows = []
    for name, mean in study.mean.items():
        scores = found[name]
        row = {f"Jaccard, {x:g}-ROI": jaccard(members(scores, x), members(mean, x)) for x in THRESHOLDS}
        row["centre error"] = centre_error(study, members(scores, WIDER), members(mean, WIDER))
        row["best missed"] = float(scores.argmax() != mean.argmax())
        row["lost at the best"] = mean.max() - mean[scores.argmax()]
        if name != BASE:
            d = np.median(risks(drawn[name], carried))
            row["bias of risk"] = d - (mean.max() - mean[true_carried].mean())
            row["bias at the settings carried"] = d - (mean.max() - mean[carried].mean())
        rows.append(row)
    return pd.DataFrame(rows).mean().to_dict()


def risks(drawn: np.ndarray, carried: np.ndarray) -> np.ndarray:
    """Best score - mean over the settings carried, of each row of `drawn`."""
    return drawn.max(axis=1) - drawn[:, carried].mean(axis=1)


def certainties(
    study: Study, surface: Surface, inferred: dict[str, pd.DataFrame], drawn: dict[str, np.ndarray]
) -> dict[str, float]:
    """What is said of the errors: Brier scores of memberships, coverage of intervals, and who is shown."""
    carried, rows = members(inferred[BASE]["inferred"].to_numpy(), CARRIED), []
    for name, mean in study.mean.items():
        held = (inferred[name]["low"] <= mean + TOLERANCE) & (mean <= inferred[name]["high"] + TOLERANCE)
        brier = [((members(drawn[name], x).mean(axis=0) - members(mean, x)) ** 2).mean() for x in THRESHOLDS]
        row = {f"Brier, {x:g}-ROI": value for x, value in zip(THRESHOLDS, brier, strict=True)}
        row["scores in their intervals"] = held.mean()
        if name != BASE:
            low, high = np.quantile(risks(drawn[name], carried), INTERVAL)
            row["risk in its interval"] = float(low <= mean.max() - mean[carried].mean() <= high)
        rows.append(row)
    shown = surface.coverage()[["covered", "explained", "passed"]].astype(float).mean().to_dict()
    cells = np.mean([len(places) for places in study.trained.values()])
    return pd.DataFrame(rows).mean().to_dict() | shown | {"trained": float(cells)}


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """The share that two regions have in common, of their union."""
    return float((first & second).sum() / (first | second).sum())


def centre_error(study: Study, first: np.ndarray, second: np.ndarray) -> float:
    """The distance of the ellipses' centres of two regions, decades."""
    points = study.settings.to_numpy()
    return float(np.hypot(*(points[first].mean(axis=0) - points[second].mean(axis=0))))


def simulate(case: Case, repetitions: int, seed: list[int]) -> pd.DataFrame:
    """One row per study and estimator."""
    rows = []
    for number in range(repetitions):
        study = Study(case, np.random.default_rng([*seed, number]))
        surface = study.run()
        inferred = {name: surface.at(name, study.settings) for name in study.mean}
        drawn = {name: surface.draws(name, study.settings, DRAWS) for name in study.mean}
        cells = {name: scores[None] for name, scores in study.noisy.items()}
        rows.append({"estimator": FULL, **estimates(study, study.noisy, cells)})
        errors = estimates(study, {name: each["inferred"].to_numpy() for name, each in inferred.items()}, drawn)
        rows.append({"estimator": PART, **errors, **certainties(study, surface, inferred, drawn)})
    return pd.DataFrame(rows)


def summarised(studies: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Mean and Monte Carlo standard error of each measure and estimator."""
    long = studies.melt("estimator", var_name="measure").dropna()
    table = long.groupby(["estimator", "measure"], sort=False)["value"].agg(["mean", "std", "size"]).reset_index()
    table["se"] = table["std"] / np.sqrt(table["size"])
    return table.drop(columns=["std", "size"]).assign(**asdict(case), studies=int(table["size"].max()))


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """The stated figures beside ours; `within 3 SE` is of ours, as the stated ones have none."""
    keys = ["landscape", "sigma", "side", "cells", "estimator", "measure"]
    stated = pd.DataFrame(STATED, columns=[*keys, "stated"])
    both = stated.merge(table, on=keys, how="left", validate="1:1")
    both["within 3 SE"] = np.where((both["mean"] - both["stated"]).abs() <= 3 * both["se"], "yes", "no")
    both["ours"] = [f"{mean:.3f} ± {se:.3f}" for mean, se in zip(both["mean"], both["se"], strict=True)]
    return both[[*keys, "stated", "ours", "within 3 SE"]].set_index("landscape")


def pivoted(table: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    """One row per case and estimator that has them, one column per measure: mean ± SE."""
    own = table[table["measure"].isin(measures)]
    shown = [f"{mean:.3f} ± {se:.3f}" for mean, se in zip(own["mean"], own["se"], strict=True)]
    keys = ["landscape", "sigma", "side", "cells", "estimator"]
    rows = own[keys].drop_duplicates()
    wide = own.assign(shown=shown).pivot(index=keys, columns="measure", values="shown").reset_index()
    return rows.merge(wide, on=keys)[[*keys, *measures]].set_index("landscape")


def summary(table: pd.DataFrame) -> str:
    """All tables as Markdown, each under a line that says what it shows."""
    parts = {
        "Errors, mean ± Monte Carlo SE": pivoted(table, ERRORS),
        "What is said of them": pivoted(table, CERTAINTIES),
        "Figures that were stated when the procedure was proposed": compared(table),
    }
    return "\n\n".join(f"{title}\n\n{markdown(part)}" for title, part in parts.items()) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--repetitions", type=int, default=50, help="simulated studies per case")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    parts = []
    for number, case in enumerate(cases()):
        parts.append(summarised(simulate(case, given.repetitions, [given.seed, number]), case))
        table = pd.concat(parts)
        table.to_csv(given.out / "landscapes.csv", index=False)
        print(f"{number + 1} of {len(cases())} cases", file=sys.stderr, flush=True)
    (given.out / "landscape-tables.md").write_text(summary(table))


if __name__ == "__main__":
    main()
