"""The simulated studies that verdicts are tried on: landscapes whose R_v is known, and the designs. Needs numpy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from prunescape.analysis.verdict.screening import MARGIN
from prunescape.config.noises import CONTRAST, NOISES, POOLED

EPSILON = 0.001
LANDSCAPES = ("band and cliff", "flat top", "isolated peak")
AT_MARGIN = (MARGIN - EPSILON, MARGIN + EPSILON)
FIXED, SEQUENTIAL = (5,), (3, 6, 9, 12)
STRESSES = (
    *("noisy best", "noisy outside", "best fails", "base fails", "all fail"),
    *("seed shift", "neighbours", "cliff", "600 images"),
)


@dataclass(frozen=True)
class Case:
    """A simulated study: R_v in percentage points, the grid's step in decades, K, σ, looks, and how noise is drawn.

    `noise` is normal or t5 (scaled to the same σ); `known` gives the screen the true σ instead of a pilot's, the seeds
    of the first look of 5 variants at the prior. `error` is where standard errors come from. `stress` departs from what
    the procedure assumes:

    - "noisy best" and "noisy outside" double the noise of the best points, or of every point outside Θ_b;
    - "best fails", "base fails" and "all fail": 5 % of seeds fall by 10 to 60 points, at the best points, at Θ_b, or
      everywhere; R_v is that of seeds that do not fail;
    - "seed shift": 30 % of the variance is one shift of all points of a seed; "neighbours": noise is a moving average
      over neighbouring points (correlation about 0.5);
    - "cliff" lets points far under the best scatter by 5 points; "600 images" rounds scores as such a test set does.

    With `own_region` the base shares the landscape and Θ_b is its noisy 0.5-ROI, so that K and R_v differ between
    studies.
    """

    landscape: str
    gain: float = 0.0
    step: float = 0.2
    k: int = 5
    sigma: float = 0.2
    looks: tuple[int, ...] = FIXED
    noise: str = "normal"
    known: bool = False
    stress: str = ""
    own_region: bool = False
    error: str = CONTRAST


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
    """The full design at the margin, and half of it, where the bound of dropped points matters most."""
    axes = (LANDSCAPES, (MARGIN / 2, *AT_MARGIN), (0.2,), (1, 5, 15), (0.1, 0.2, 0.3), (FIXED, SEQUENTIAL))
    cases = [Case(*values, noise=noise) for values in itertools.product(*axes) for noise in ("normal", "t5")]
    finer = itertools.product(LANDSCAPES, AT_MARGIN, (0.1,), (5,), (0.1, 0.2), (FIXED, SEQUENTIAL))
    return cases + [Case(*values) for values in finer]


def power_cases() -> list[Case]:
    """What a user chooses the design from: K = 5, step 0.2, normal noise, σ from the pilot, errors seed by seed."""
    gains = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 1.0)
    of_band = itertools.product(LANDSCAPES[:1], (0.1, 0.2, 0.3), (FIXED, (10,), SEQUENTIAL), gains)
    of_others = itertools.product(LANDSCAPES[1:], (0.2,), (FIXED, (10,), SEQUENTIAL), gains)
    return [Case(landscape, gain, sigma=sigma, looks=looks) for landscape, sigma, looks, gain in (*of_band, *of_others)]


def own_region_cases() -> list[Case]:
    """Base and variant alike, Θ_b chosen by the base's own noise: R_v is near 0.2 on average."""
    return [
        Case("quadratic", sigma=sigma, looks=looks, step=step, own_region=True)
        for sigma, looks, step in itertools.product((0.1, 0.2, 0.3), (FIXED, SEQUENTIAL), (0.2, 0.1))
    ]


def stress_cases() -> list[Case]:
    """Departures from the assumptions, at the margin, where an error is likeliest."""
    axes = (("", *STRESSES), LANDSCAPES, AT_MARGIN, (FIXED, SEQUENTIAL), NOISES)
    return [
        Case(landscape, gain, looks=looks, stress=stress, error=error)
        for stress, landscape, gain, looks, error in itertools.product(*axes)
    ]


def design_cases() -> list[Case]:
    """Fixed and sequential designs beside each other, as METHODS 8.2 has them: R_v and σ in margins."""
    shapes = ((0.4, 0.5), (0.6, 0.0), (0.6, 2.0))
    axes = (LANDSCAPES, shapes, ((3,), FIXED, SEQUENTIAL), (POOLED, CONTRAST))
    return [
        Case(landscape, gain * MARGIN, sigma=sigma * MARGIN, looks=looks, error=error)
        for landscape, (sigma, gain), looks, error in itertools.product(*axes)
    ]
