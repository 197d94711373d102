"""How often the verdict is wrong, how often it decides, and what stage 2 costs, on studies whose R_v is known.

Runs the package's own screen, gains and decision on simulated landscapes and writes every case as CSV and a summary as
Markdown: `python benchmarks/simulate_verdicts.py --out FOLDER` (about 40 minutes on one core; its seed is fixed). Needs
numpy, scipy and pandas.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from verdict_cases import (
    Case,
    design_cases,
    error_cases,
    own_region_cases,
    power_cases,
    stress_cases,
    truth,
    with_gain,
)
from verdict_tables import summary

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.doubts import screening_bounds
from prunescape.analysis.verdict.evidence import KEEP, REACH_MARGINS, RETUNE, Evidence, Rules
from prunescape.analysis.verdict.failures import neighbours_of, suspect_points
from prunescape.analysis.verdict.looks import take_looks
from prunescape.analysis.verdict.screening import ALPHA, ALPHA_SCREEN, MARGIN

VARIANTS = 5
CHUNK = 250
RISK_THRESHOLD = 0.5  # percentage points: the x of the base's x-ROI
FAILING = 0.05  # share of seeds that fail, by 10 to 60 points
SEED_SHARE = 0.3  # of the variance
CLIFF_NOISE = 5.0  # percentage points: what seeds that fail now and then scatter by


def simulate(case: Case, repetitions: int, rng: np.random.Generator) -> dict[str, float]:
    """Shares of simulated studies: each verdict, wrong ones, bounds that hold; and the mean number of points kept."""
    parts = [_studies(case, min(CHUNK, repetitions - start), rng) for start in range(0, repetitions, CHUNK)]
    return {name: float(np.concatenate([part[name] for part in parts]).mean()) for name in parts[0]}


def _studies(case: Case, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The outcomes (studies,) that `simulate` averages, of `count` studies at once."""
    mean, members, prior = _landscapes(case, count, rng)
    size = members.sum(axis=1, keepdims=True)
    first = _scores(case, rng, mean, members)
    excess = first - np.where(members, first, 0).sum(axis=1, keepdims=True) / size
    most = case.looks[-1]
    fresh = np.stack([_scores(case, rng, mean, members) for _ in range(most)], axis=2)
    at_prior = np.broadcast_to(members[:, [prior]], (count, 1))
    others = [_scores(case, rng, mean[[prior]], at_prior) for _ in range((VARIANTS - 1) * case.looks[0])]
    others = np.moveaxis(others, 0, 2).reshape(count, VARIANTS - 1, case.looks[0])
    pilot = np.concatenate([fresh[:, [prior], : case.looks[0]], others], axis=1)
    sigma, freedom = _pilot_noise(case, pilot)
    level = ALPHA_SCREEN
    bounds = screening_bounds(excess, np.sqrt(1 + 1 / size), sigma[:, None], freedom, level)
    rules = Rules(case.looks, MARGIN, ALPHA, level, case.error, planned=True)
    evidence = Evidence(
        first=first,
        excess=excess,
        own=np.ones(first.shape),
        carried=1 / size,
        sigma=sigma,
        freedom=np.broadcast_to(freedom, sigma.shape),
        members=members,
        kept=members | (bounds >= MARGIN),
        suspect=suspect_points(first, _neighbours(mean.size), MARGIN, sigma) & ~members,
        scores=fresh,
        chosen=fresh,
        trained=np.ones(fresh.shape, bool),
        diverged=np.zeros(fresh.shape, bool),
    )
    outcome = take_looks(evidence, rules, bounded=False)
    gain = mean.max() - np.where(members, mean, 0).sum(axis=1) / size[:, 0]
    keep, retune = outcome.state.verdict == KEEP, outcome.state.verdict == RETUNE
    wrong = (keep & (gain >= MARGIN)) | (retune & (gain <= MARGIN))
    return {
        "keep": keep,
        "retune": retune,
        "wrong": wrong,
        "futile": outcome.state.futile,
        "covered": outcome.state.upper >= gain - TOLERANCE,
        "trainings": outcome.state.used.sum(axis=(1, 2)),
        "kept": evidence.kept.sum(axis=1),
        "reopened": (outcome.state.kept & ~evidence.kept).sum(axis=1),
        "looks": sum(look.taken for look in outcome.history),
        "true_gain": gain,
        "d_mean": excess.max(axis=1),
        "k_mean": size[:, 0],
    }


@lru_cache
def _neighbours(points: int) -> np.ndarray:
    side = round(np.sqrt(points))
    return neighbours_of(np.stack(np.divmod(np.arange(points), side), axis=1))


def _landscapes(case: Case, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """(points,) mean scores, (studies, points) masks of Θ_b, and the prior's point."""
    mean, near = truth(case)
    if not case.own_region:
        mean, members = with_gain(mean, near, case)
        return mean, np.broadcast_to(members, (count, mean.size)), int(near[0])
    base = mean + case.sigma * _noise(case, rng, (count, mean.size))
    return mean, base >= base.max(axis=1, keepdims=True) - RISK_THRESHOLD, int(mean.argmax())


def _pilot_noise(case: Case, pilot: np.ndarray) -> tuple[np.ndarray, float]:
    """(studies,) the σ that the screen is given, and its degrees of freedom; `pilot` (studies, variants, R)."""
    if case.known:
        return np.full(len(pilot), case.sigma), np.inf
    return np.sqrt(pilot.var(axis=2, ddof=1).mean(axis=1)), float(VARIANTS * (case.looks[0] - 1))


def _noise(case: Case, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of standard deviation 1."""
    return rng.standard_normal(shape) if case.noise == "normal" else rng.standard_t(5, shape) * np.sqrt(3 / 5)


def _shared(case: Case, rng: np.random.Generator, noise: np.ndarray) -> np.ndarray:
    """(studies, points) noise of the same variance that points share: by seed, or with their neighbours."""
    if case.stress == "seed shift":
        return np.sqrt(1 - SEED_SHARE) * noise + np.sqrt(SEED_SHARE) * rng.standard_normal((len(noise), 1))
    if case.stress != "neighbours":
        return noise
    side = round(np.sqrt(noise.shape[1]))
    padded = np.pad(noise.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)), mode="wrap")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return ((rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 6).reshape(noise.shape)


def _scores(case: Case, rng: np.random.Generator, mean: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(studies, points) scores of one seed per point."""
    noise = case.sigma * _shared(case, rng, _noise(case, rng, members.shape))
    best = mean >= mean.max() - TOLERANCE
    scale = {
        "noisy outside": np.where(members, 1, 2),
        "noisy best": np.where(best, 2, 1),
        "cliff": np.where((mean < -REACH_MARGINS * MARGIN) & ~members, CLIFF_NOISE / case.sigma, 1),
    }
    scores = mean + scale.get(case.stress, 1) * noise
    failing = {"best fails": best, "base fails": members, "all fail": True}.get(case.stress, False)
    failed = failing & (rng.random(members.shape) < FAILING)
    scores = np.where(failed, mean - rng.uniform(10, 60, members.shape), scores)
    return np.round(scores * 6) / 6 if case.stress == "600 images" else scores


def run(cases: list[Case], repetitions: int, seed: int) -> pd.DataFrame:
    """One row per case: what it was, and what `simulate` found; each case has a random stream of its own."""
    rows = []
    for number, case in enumerate(cases):
        rng = np.random.default_rng([seed, number])
        known = asdict(case)
        planned = {"looks_planned": known.pop("looks"), **known}
        rows.append(planned | {"repetitions": repetitions} | simulate(case, repetitions, rng))
        if number % 200 == 0:
            print(f"{number} of {len(cases)} cases", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def over_the_mark(table: pd.DataFrame) -> pd.Series:
    """Which cases miss a pass mark: wrong <= alpha + 2 SE, bounds hold in 1 - alpha - 2 SE or more."""
    slack = 2 * np.sqrt(ALPHA * (1 - ALPHA) / table["repetitions"])
    return (table["wrong"] > ALPHA + slack) | (table["covered"] < 1 - ALPHA - slack)


def second_look(table: pd.DataFrame, repetitions: int, seed: int) -> pd.DataFrame:
    """The cases over a mark again, with fresh streams: of many at exactly alpha, some are over it by chance alone."""
    names = [name for name in Case.__dataclass_fields__ if name != "looks"]
    rows = table.loc[over_the_mark(table), [*names, "looks_planned"]].to_dict("records")
    cases = [Case(looks=tuple(row.pop("looks_planned")), **row) for row in rows]
    return run(cases, repetitions, seed) if cases else table.iloc[:0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--repetitions", type=int, default=1000, help="simulated studies per case")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    designs = {
        "error": error_cases(),
        "power": power_cases(),
        "own_region": own_region_cases(),
        "stress": stress_cases(),
        "designs": design_cases(),
    }
    tables = {}
    given.out.mkdir(parents=True, exist_ok=True)
    for number, (name, cases) in enumerate(designs.items()):
        repetitions = given.repetitions
        tables[name] = run(cases, repetitions, given.seed + number)
    tables["second_look"] = second_look(tables["error"], 20 * given.repetitions, given.seed + len(designs))
    tables["missed"] = tables["second_look"][over_the_mark(tables["second_look"])]
    for name, table in tables.items():
        table.to_csv(given.out / f"verdict-{name.replace('_', '-')}.csv", index=False)
    (given.out / "verdict-tables.md").write_text(summary(tables))


if __name__ == "__main__":
    main()
