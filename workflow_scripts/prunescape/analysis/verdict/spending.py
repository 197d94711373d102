"""How the error rate of a verdict is spent over its looks at the data: Lan and DeMets' sequential boundaries."""

from functools import lru_cache

import numpy as np

POWER = 2  # alpha * t**2 is spent when the share t of the seeds is in
NODES = 200  # of the Gauss-Legendre rule: the levels are exact to 1e-9
FAR = 9.0  # standard deviations: what lies further down is left out


@lru_cache
def look_levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """The one-sided nominal level at each of the `looks`, rising numbers of seeds, which together err in alpha.

    With t = seeds / most seeds, alpha t² is spent up to each look (Kim and DeMets 1987, with power 2). The levels solve
    P(no rejection before look k, Z_k > c_k) = alpha (t_k² − t_{k−1}²) for the means of independent normal seeds, by
    numerical integration over the path so far (Armitage, McPherson and Rowe 1969). One look has the level alpha.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    times = np.array(looks) / looks[-1]
    spent = np.diff(alpha * times**POWER, prepend=0.0)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    places, mass, before, levels = np.zeros(1), np.ones(1), 0.0, []
    for time, share in zip(times, spent, strict=True):
        step = np.sqrt(time - before)

        def excess(bound: float) -> float:
            return mass @ norm.sf((bound - places) / step) - share  # noqa: B023 - called at once

        bound = brentq(excess, -FAR, FAR, xtol=1e-12)
        levels.append(float(norm.sf(bound / np.sqrt(time))))
        low = -FAR * np.sqrt(time)
        half = (bound - low) / 2
        following = low + half * (nodes + 1)
        mass = half * weights * (norm.pdf((following[:, None] - places) / step) @ mass) / step
        places, before = following, time
    return tuple(levels)
