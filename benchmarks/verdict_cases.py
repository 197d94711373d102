"""The simulated studies that verdicts are tried on: landscapes whose R_v is known, and the designs. Needs numpy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from prunescape.analysis.verdict.contrasts import CONTRAST
from prunescape.analysis.verdict.screening import MARGIN

EPSILON = 0.001
LANDSCAPES = ("band and cliff", "flat top", "isolated peak")
GAINS = (0.0, MARGIN / 2, MARGIN - EPSILON, MARGIN + EPSILON, 2 * MARGIN)


@dataclass(frozen=True)
class Case:
    """A simulated study: R_v in percentage points, the grid's step in decades, K, σ, R, and how noise is drawn.

    `noise` is normal or t5 (scaled to the same σ); `known` gives the screen the true σ instead of a pilot's, R seeds of
    5 variants at the prior. `stress` departs from what the procedure assumes: "unequal" doubles the noise of every
    point outside Θ_b, "cliff" lets points far under the best scatter by 5 points, "600 images" rounds scores as a test
    set of 600 images does. With `own_region` the base shares the landscape and Θ_b is its noisy 0.5-ROI, so that K and
    R_v differ between studies.
    """

    landscape: str
    gain: float = 0.0
    step: float = 0.2
    k: int = 5
    sigma: float = 0.2
    looks: tuple[int, ...] = (5,)
    noise: str = "normal"
    known: bool = False
    stress: str = ""
    own_region: bool = False
    error: str = CONTRAST
    claims: int = 1


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
        ("unequal", "cliff", "600 images"),
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
