"""How often the verdict is wrong, how often it decides, and what stage 2 costs, on studies whose R_v is known.

Runs the package's own screen, gains and decision on simulated landscapes and writes every case as CSV and a summary as
Markdown: `python benchmarks/simulate_verdicts.py --out FOLDER` (about 20 minutes on one core; its seed is fixed). Needs
numpy, scipy and pandas.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from verdict_tables import summary

from prunescape.landscape.decision import KEEP, RETUNE, decide, noise_to_trust, screening_bounds
from prunescape.landscape.gains import gains, upper_bounds
from prunescape.landscape.screening import ALPHA, ALPHA_SCREEN, BASE_THRESHOLD, MARGIN

VARIANTS = 5
EPSILON = 0.001
LANDSCAPES = ("band and cliff", "flat top", "isolated peak")
GAINS = (0.0, MARGIN / 2, MARGIN - EPSILON, MARGIN + EPSILON, 2 * MARGIN)
CHUNK = 250


@dataclass(frozen=True)
class Case:
    """A simulated study: R_v in percentage points, the grid's step in decades, K, σ, R, and how noise is drawn.

    `noise` is normal or t5 (scaled to the same σ); `known` gives the screen the true σ instead of a pilot's, R seeds of
    5 variants at the prior. `stress` departs from what the procedure assumes: "unequal" doubles the noise of every
    point outside Θ_b, "600 images" rounds scores as a test set of 600 images does. With `own_region` the base shares
    the landscape and Θ_b is its noisy 0.5-ROI, so that K and R_v differ between studies.
    """

    landscape: str
    gain: float = 0.0
    step: float = 0.2
    k: int = 5
    sigma: float = 0.2
    seeds: int = 5
    noise: str = "normal"
    known: bool = False
    stress: str = ""
    own_region: bool = False


def truth(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """(points,) mean scores, the best 0, and the order of points by distance from where the base's settings lie.

    The grid spans 1.6 × 1.6 decades; the base's settings lie 0.57 decades from the variant's best point.
    """
    axis = np.round(np.arange(-0.8, 0.8 + case.step / 2, case.step), 9)
    lr, wd = (each.ravel() for each in np.meshgrid(axis, axis, indexing="ij"))
    radius = np.hypot(lr, wd)
    along, across = (lr - wd) / np.sqrt(2), (lr + wd) / np.sqrt(2)
    shapes = {
        "band and cliff": np.where(lr > 0.5, -30.0, -4 * across**2 - 0.5 * along**2),
        "flat top": np.where(radius <= 0.5, 0.0, -4 * (radius - 0.5)),
        "isolated peak": np.where(radius < case.step / 2, 0.0, -case.gain),
        "quadratic": -3 * radius**2,
    }
    near = np.argsort(np.round(np.hypot(lr + 0.4, wd - 0.4), 9), kind="stable")
    return shapes[case.landscape], near


def with_gain(mean: np.ndarray, near: np.ndarray, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """(points,) mean scores whose R_v is the case's, and the mask of Θ_b: the K points nearest the base's settings."""
    mean, members = mean.copy(), np.zeros(mean.size, bool)
    members[near[: case.k]] = True
    mean[near[: case.k]] = -case.gain + min(case.gain, 0.1) * (np.linspace(-1, 1, case.k) if case.k > 1 else 0)
    return mean, members


def simulate(case: Case, repetitions: int, rng: np.random.Generator) -> dict[str, float]:
    """Shares of simulated studies: each verdict, wrong ones, bounds that hold; and the mean number of points kept."""
    parts = [_studies(case, min(CHUNK, repetitions - start), rng) for start in range(0, repetitions, CHUNK)]
    return {name: float(np.concatenate([part[name] for part in parts]).mean()) for name in parts[0]}


def _studies(case: Case, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    mean, near = truth(case)
    if case.own_region:
        base = mean + case.sigma * _noise(case, rng, (count, mean.size))
        members = base >= base.max(axis=1, keepdims=True) - BASE_THRESHOLD
        prior = int(mean.argmax())
    else:
        mean, members = with_gain(mean, near, case)
        members, prior = np.broadcast_to(members, (count, mean.size)), int(near[0])
    size = members.sum(axis=1, keepdims=True)
    gain = mean.max() - np.where(members, mean, 0).sum(axis=1) / size[:, 0]
    first = _scores(case, rng, mean, members)
    pilot = np.moveaxis(
        [_scores(case, rng, mean[[prior]], members[:, [prior]]) for _ in range(VARIANTS * case.seeds)], 0, 2
    ).reshape(count, VARIANTS, case.seeds)
    sigma = np.sqrt(pilot.var(axis=2, ddof=1).mean(axis=1, keepdims=True))
    sigma, freedom = (case.sigma, np.inf) if case.known else (sigma, float(VARIANTS * (case.seeds - 1)))
    excess = first - np.where(members, first, 0).sum(axis=1, keepdims=True) / size
    spread = np.sqrt(1 + 1 / size)
    kept, kept_for_claims = (
        members | (screening_bounds(excess, spread, sigma, freedom, level) >= MARGIN)
        for level in (ALPHA_SCREEN, ALPHA_SCREEN / VARIANTS)
    )
    used = np.flatnonzero(kept.any(axis=0))
    fresh = [_scores(case, rng, mean[used], members[:, used]) for _ in range(case.seeds)]
    fresh = np.stack(fresh, axis=2)
    fresh[:, used == prior] = pilot[:, [0]]
    fresh[~kept[:, used]] = np.nan
    found = gains(fresh, members[:, used])
    trusted = (each[:, None] for each in noise_to_trust(found, np.reshape(sigma, -1), freedom))
    dropped = np.where(kept, -np.inf, screening_bounds(excess, spread, *trusted, ALPHA_SCREEN)).max(axis=1)
    levels = {"margin": MARGIN, "alpha": ALPHA, "alpha_screen": ALPHA_SCREEN}
    decision = decide(found, kept[:, used], first[:, used], dropped, **levels)
    kept_only = np.where(kept[:, used], upper_bounds(found, ALPHA - ALPHA_SCREEN), -np.inf).max(axis=1)
    keep, retune = decision.verdict == KEEP, decision.verdict == RETUNE
    tiny = 1e-9
    return {
        "keep": keep,
        "retune": retune,
        "wrong": (keep & (gain >= MARGIN)) | (retune & (gain <= MARGIN)),
        "covered": decision.upper >= gain - tiny,
        "covered_by_kept": kept_only >= gain - tiny,
        "kept": kept.sum(axis=1),
        "kept_for_claims": kept_for_claims.sum(axis=1),
        "points": np.full(count, mean.size),
        "true_gain": gain,
        "k_mean": size[:, 0],
        "welch": found.welch,
    }


def _noise(case: Case, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of standard deviation 1."""
    return rng.standard_normal(shape) if case.noise == "normal" else rng.standard_t(5, shape) * np.sqrt(3 / 5)


def _scores(case: Case, rng: np.random.Generator, mean: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(studies, points) scores of one seed per point."""
    noise = case.sigma * _noise(case, rng, members.shape)
    if case.stress == "unequal":
        noise = np.where(members, noise, 2 * noise)
    scores = mean + noise
    return np.round(scores * 6) / 6 if case.stress == "600 images" else scores


def error_cases() -> list[Case]:
    """The full design; every combination."""
    axes = (LANDSCAPES, GAINS, (0.2, 0.1), (1, 5, 15), (0.1, 0.2, 0.3), (2, 3, 5, 10), ("normal", "t5"), (False, True))
    return [Case(*values) for values in itertools.product(*axes)]


def power_cases() -> list[Case]:
    """What a user chooses R from: the band, K = 5, step 0.2, normal noise, σ from the pilot."""
    axes = ((0.1, 0.2, 0.3), (2, 3, 5, 10), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 1.0))
    return [
        Case(landscape, gain, sigma=sigma, seeds=seeds)
        for landscape in LANDSCAPES
        for sigma, seeds, gain in itertools.product(*axes)
    ]


def own_region_cases() -> list[Case]:
    """Base and variant alike, Θ_b chosen by the base's own noise: R_v is near 0.2 on average."""
    return [
        Case("quadratic", sigma=sigma, seeds=seeds, step=step, known=known, own_region=True)
        for sigma, seeds, step, known in itertools.product((0.1, 0.2, 0.3), (2, 3, 5, 10), (0.2, 0.1), (True, False))
    ]


def stress_cases() -> list[Case]:
    """Departures from the assumptions, at the margin, where an error is likeliest."""
    axes = (
        ("unequal", "600 images"),
        LANDSCAPES,
        (MARGIN - EPSILON, MARGIN + EPSILON),
        (1, 5),
        (0.1, 0.2, 0.3),
        (2, 3, 5, 10),
    )
    return [
        Case(landscape, gain, k=k, sigma=sigma, seeds=seeds, stress=stress)
        for stress, landscape, gain, k, sigma, seeds in itertools.product(*axes)
    ]


def run(cases: list[Case], repetitions: int, seed: int) -> pd.DataFrame:
    """One row per case: what it was, and what `simulate` found; each case has a random stream of its own."""
    rows = []
    for number, case in enumerate(cases):
        rng = np.random.default_rng([seed, number])
        rows.append(asdict(case) | {"repetitions": repetitions} | simulate(case, repetitions, rng))
        if number % 200 == 0:
            print(f"{number} of {len(cases)} cases", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def over_the_mark(table: pd.DataFrame) -> pd.Series:
    """Which cases miss a pass mark: wrong <= alpha + 2 SE, bounds hold in 1 - alpha - 2 SE or more."""
    slack = 2 * np.sqrt(ALPHA * (1 - ALPHA) / table["repetitions"])
    return (table["wrong"] > ALPHA + slack) | (table["covered"] < 1 - ALPHA - slack)


def second_look(table: pd.DataFrame, repetitions: int, seed: int) -> pd.DataFrame:
    """The cases over a mark again, with fresh streams: of many at exactly alpha, some are over it by chance alone."""
    names = list(Case.__dataclass_fields__)
    return run([Case(**row) for row in table.loc[over_the_mark(table), names].to_dict("records")], repetitions, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--repetitions", type=int, default=1000, help="simulated studies per case (power: 4 times)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    designs = {
        "error": error_cases(),
        "power": power_cases(),
        "own_region": own_region_cases(),
        "stress": stress_cases(),
    }
    tables = {}
    for number, (name, cases) in enumerate(designs.items()):
        repetitions = given.repetitions * (4 if name in ("power", "own_region") else 1)
        tables[name] = run(cases, repetitions, given.seed + number)
    tables["second_look"] = second_look(tables["error"], 20 * given.repetitions, given.seed + len(designs))
    tables["missed"] = tables["second_look"][over_the_mark(tables["second_look"])]
    given.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(given.out / f"verdict-{name.replace('_', '-')}.csv", index=False)
    (given.out / "verdict-tables.md").write_text(summary(tables))


if __name__ == "__main__":
    main()
