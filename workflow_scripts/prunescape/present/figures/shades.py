"""The colours of accuracies: steps that double with the distance from the best, so that most of a grid has colour."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.figures.style import BELOW, COLOUR_SCALE

COLOURED = 2 / 3  # of all cells, at the least
FEWEST, MOST = 4, 12  # steps


@dataclass(frozen=True)
class Shades:
    """Steps of colour: `levels` are their edges in percent, (steps + 1,) from the floor to the ceiling.

    Near the ceiling a step is half the smallest threshold of regions high, and each one below is as high as all above
    it. The place of a score is 0 at the floor and the number of steps at the ceiling; below the floor it is negative.
    """

    levels: np.ndarray

    @property
    def steps(self) -> int:
        return len(self.levels) - 1

    @property
    def floor(self) -> float:
        return float(self.levels[0])

    @property
    def ceiling(self) -> float:
        return float(self.levels[-1])

    @property
    def colours(self) -> list[str]:
        """#rrggbb of each step, the lowest first."""
        return [to_hex(colour) for colour in colormaps[COLOUR_SCALE](np.linspace(0, 1, self.steps))]

    @property
    def texts(self) -> list[str]:
        """The edges in percent, for a colour bar."""
        return [f"{level:.6g}" for level in self.levels]

    @property
    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores and their places, rising, with as many doubled steps below the floor as reach far enough."""
        first = self.levels[-1] - self.levels[-2]
        more = self.levels[-1] - first * 2.0 ** np.arange(self.steps + MOST, self.steps - 1, -1)
        return np.concatenate([more, self.levels]), np.arange(-len(more), self.steps + 1.0)

    def place(self, score: np.ndarray) -> np.ndarray:
        """Where scores, of any shape, lie among the steps; nan stays."""
        return np.interp(score, *self._scale)

    def percent(self, place: np.ndarray) -> np.ndarray:
        """The scores at these places."""
        scores, places = self._scale
        return np.interp(place, places, scores)

    def colour(self, score: float) -> str:
        """The colour of one score."""
        step = int(np.floor(self.place(np.array(score))))
        return self.colours[min(step, self.steps - 1)] if step >= 0 else BELOW


def shades_of(scores: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...], highest: float = 0.0) -> Shades:
    """The steps for the `scores` of ONE experiment and metric, the cells of all its variants.

    They reach up to `highest`, where that is more, and as far down as two thirds of the cells and as the largest region
    of every variant. Decided: not the top
    15 % alone as in matthiesen2023, Figures 4.1 and 4.2, which leaves most of each panel grey.
    """
    first = min(thresholds, default=0.5) / 2
    ceiling = min(first * np.ceil(max(scores["score"].max(), highest) / first - 1e-9), 100.0) or first
    worst_best = best_cells(scores, axes)["score"].min()
    lowest = min(np.quantile(scores["score"], 1 - COLOURED, method="lower"), worst_best - max(thresholds, default=0.5))
    deep = np.log2(max(ceiling - lowest, first) / first)
    steps = int(np.clip(np.ceil(deep - 1e-9) + 1, FEWEST, MOST))
    below = first * 2.0 ** np.arange(steps - 1, -1, -1)
    return Shades(np.append(ceiling - below, ceiling))
