"""What a share of the cells, and looks at fresh seeds, would have shown of a grid that was trained with several seeds.

`python benchmarks/replay_grid.py results/STUDY/cells.parquet` replays designs on the trained cells of a study of one
experiment: each seed in turn is the grid's, the others are fresh. Nothing is trained. The reference is the mean of
these others over the whole grid, which no design sees in its landscapes. Prints one Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from verdict_tables import markdown

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import read_cells
from prunescape.analysis.results import Analysis
from prunescape.config.verdict import Verdict
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, Round, first_cells, next_round
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.store.records import GRID

NARROW, WIDE = 0.5, 1.0  # thresholds, percentage points


class Replay:
    """A study's trained cells, from which designs are run as if they trained them."""

    def __init__(self, cells: pd.DataFrame, axes: Axes, prior: Mapping[str, float], margin: float, noise: str) -> None:
        self.axes, self.margin, self.noise = axes, margin, noise
        self.cells = cells.set_index(["variant", *axes.names, "seed"], drop=False)
        self.name = cells["experiment"].iloc[0]
        self.variants = sorted(cells["variant"].unique(), key=lambda name: (name != "base", name))
        self.seeds = sorted(cells["seed"].unique())
        texts = Setting.of({name: 0 for name in axes.names})
        self.values = {name: sorted(cells[name].unique()) for name in dict(texts.texts)}
        self.prior = dict(Setting.of(prior).texts)

    def plan(self, seed: int, looks: list[int], most_settings: int | None) -> Plan:
        """The plan of a study whose grid has this seed."""
        fresh = [other for other in self.seeds if other != seed]
        terms = Verdict(margin=self.margin, noise=self.noise).terms(1) | {"looks": looks, "fresh_seeds": fresh}
        texts = {
            name: [dict(Setting.of({**self.prior, name: value}).texts)[name] for value in values]
            for name, values in self.values.items()
        }
        return Plan(
            experiment=self.name,
            variants=self.variants,
            axes=texts,
            prior=self.prior,
            seeds=[seed],
            select_on="test",
            max_rounds=0,
            verdict=terms,
            thresholds=[NARROW, WIDE],
            risk_threshold=NARROW,
            claims=len(self.variants) - 1,
            most_settings=most_settings,
        )

    def rows(self, cells: list[Cell], places: Places) -> pd.DataFrame:
        """The rows of `cells` with their place in a design."""
        keys = [
            (cell.variant.name, *(cell.setting.values[name] for name in self.axes.names), cell.seed) for cell in cells
        ]
        found = self.cells.loc[keys].reset_index(drop=True)
        where = pd.DataFrame([places.of(cell.content) for cell in cells])
        return found.assign(**{name: where[name] for name in ("stage", "round", "select_on")})

    def run(self, plan: Plan) -> pd.DataFrame:
        """All cells that a plan asks for, to its end."""
        plans, rounds = {self.name: plan}, []
        while True:
            places = Places(plans, rounds)
            cells = [*first_cells(plans), *(cell for planned in rounds for cell in planned.cells)]
            rows = self.rows(list(dict.fromkeys(cells)), places)
            if rounds and rounds[-1].last:
                return rows
            rounds.append(next_round(plans, number=len(rounds) + 1, cells=rows, earlier=rounds))

    def lattice(self, plan: Plan, every: int) -> pd.DataFrame:
        """Every n-th value of each axis for every variant, without fresh seeds."""
        part = replace(plan, axes={name: texts[::every] for name, texts in plan.axes.items()})
        none = replace(part, verdict=part.verdict | {"looks": [], "fresh_seeds": []}, most_settings=None)
        return self.rows(first_cells({self.name: none}), Places({self.name: none}, [Round(1, True)]))

    def analysis(self, rows: pd.DataFrame, plan: Plan) -> Analysis:
        """The tables of what a design trained, inferred over the whole grid."""
        return Analysis.of_cells(
            rows,
            thresholds=(NARROW, WIDE),
            risk_threshold=NARROW,
            axes=self.axes,
            terms={self.name: plan.verdict},
            claims=plan.claims,
            grids={self.name: self.values},
        )


def reference(replay: Replay, seed: int) -> pd.DataFrame:
    """The mean over all other seeds, by variant and setting: score, and the gap to the variant's best."""
    others = replay.cells[replay.cells["seed"] != seed].reset_index(drop=True)
    mean = others.groupby(["variant", *replay.axes.names])["top1"].mean().rename("score").reset_index()
    return mean.assign(gap=mean.groupby("variant")["score"].transform("max") - mean["score"])


def compared(replay: Replay, known: pd.DataFrame, roi: pd.DataFrame, ellipses: pd.DataFrame) -> list[dict]:
    """Each variant's regions and ellipse against the reference's, and what its best setting loses there."""
    names, found = replay.axes.names, []
    for variant, own in known.groupby("variant"):
        row = {"variant": variant}
        for x in (NARROW, WIDE):
            true = set(own.loc[own["gap"] <= x, names].itertuples(index=False, name=None))
            part = roi[(roi["variant"] == variant) & (roi["threshold"] == x)]
            shown = set(part[names].itertuples(index=False, name=None))
            row[f"Jaccard {x:g}"] = len(true & shown) / len(true | shown) if len(part) else np.nan
        members = own[own["gap"] <= WIDE]
        fitted = ellipses[(ellipses["variant"] == variant) & (ellipses["threshold"] == WIDE)]
        if len(fitted):
            centre = [fitted[f"centre_{name}"].iloc[0] - members[name].mean() for name in names]
            row["centre error"] = float(np.hypot(*centre))
        found.append(row)
    return found


def shown(analysis: Analysis, *, inferred: bool) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Regions, ellipses and risks in top-1, of trained cells or inferred."""
    names = ("inferred_roi", "inferred_ellipses", "inferred_risk") if inferred else ("roi", "ellipses", "risk")
    tables = [analysis[name][analysis[name]["metric"] == "top1"] for name in names]
    if inferred:
        tables[0] = tables[0][tables[0]["member"]]
    return tuple(tables)


def one_seed(replay: Replay, seed: int, share: float) -> tuple[list[dict], list[dict]]:
    """The rows about landscapes, and about verdicts, with one seed as that of the grid."""
    known = reference(replay, seed)
    fresh = len(replay.seeds) - 1
    size = int(np.prod([len(values) for values in replay.values.values()]))
    full, part = replay.plan(seed, [fresh], None), replay.plan(seed, sorted({2, fresh}), round(share * size))
    trained = {"full grid": (replay.run(full), full), "adaptive": (replay.run(part), part)}
    for every in (2, 3):
        trained[f"every {every}. value"] = (replay.lattice(full, every), full)
    landscapes, verdicts = [], []
    for design, (rows, plan) in trained.items():
        analysis = replay.analysis(rows, plan)
        grid = rows[rows["stage"] == GRID]
        for inferred in (False, True):
            roi, ellipses, risk = shown(analysis, inferred=inferred)
            cost = {"cells": len(grid), "seconds": grid["seconds"].sum()}
            about = {"design": design, "estimators": "inferred" if inferred else "of cells", "seed": seed}
            risks = risk.set_index("variant")["d_mean"]
            for row in compared(replay, known, roi, ellipses):
                landscapes.append(about | cost | row | {"risk": risks.get(row["variant"], np.nan)})
        if plan.verdict["looks"] and design in ("full grid", "adaptive"):
            table = analysis["verdicts"][analysis["verdicts"]["metric"] == "top1"]
            for row in table.itertuples():
                texts = {"verdict": row.verdict, "single claim": row.verdict_bonferroni, "upper": row.upper}
                verdicts.append(
                    {"design": design, "seed": seed, "variant": row.variant, "trainings": len(rows)} | texts
                )
    return landscapes, verdicts


def landscape_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds and pruned variants; the risk's spread is between seeds."""
    pruned = rows[rows["variant"] != "base"]
    grouped = pruned.groupby(["design", "estimators"], sort=False)
    columns = ["cells", "seconds", f"Jaccard {NARROW:g}", f"Jaccard {WIDE:g}", "centre error", "risk"]
    table = grouped[columns].mean().round({"cells": 0, "seconds": 0})
    return table.assign(shown=grouped[f"Jaccard {NARROW:g}"].apply(lambda known: known.notna().mean()))


def verdict_table(rows: pd.DataFrame) -> pd.DataFrame:
    """By variant and design: how often each verdict was given over the seeds, and the trainings of the whole study."""
    grouped = rows.groupby(["variant", "design"], sort=False)
    table = grouped.agg(trainings=("trainings", "mean"), upper=("upper", "mean")).round({"trainings": 0})
    for name in ("verdict", "single claim"):
        table[name] = grouped[name].apply(lambda known: ", ".join(f"{v} {n}" for v, n in known.value_counts().items()))
    return table


def main() -> None:
    """Replay every seed and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=Path, help="cells.parquet of a study of one experiment with several seeds")
    parser.add_argument("--share", type=float, default=0.34, help="of the grid's settings (default: %(default)s)")
    parser.add_argument("--margin", type=float, default=1.0, help="of the verdicts, points (default: %(default)s)")
    parser.add_argument("--noise", default="two_way", help="where their errors come from (default: %(default)s)")
    parser.add_argument("--prior", type=float, nargs=2, default=(-1.0, -4.0), help="log10 lr and log10 wd of the prior")
    given = parser.parse_args()
    axes = Axes.of(["log10_lr", "log10_wd"])
    prior = dict(zip(("log10_lr", "log10_wd"), given.prior, strict=True))
    replay = Replay(read_cells(given.cells, partial=True), axes, prior, given.margin, given.noise)
    found = [one_seed(replay, seed, given.share) for seed in replay.seeds]
    landscapes, verdicts = (pd.DataFrame([row for rows in parts for row in rows]) for parts in zip(*found, strict=True))
    print(markdown(landscape_table(landscapes)), markdown(verdict_table(verdicts)), sep="\n\n")


if __name__ == "__main__":
    main()
