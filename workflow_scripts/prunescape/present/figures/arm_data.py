"""The data of figures about arms: box plots of properties and of their changes, densities of pairwise changes.

They are Figures 2 to 6 of liao2022.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.arms.trials import CONDITION, SEARCHED, RankedArms, standard_of
from prunescape.analysis.results import Analysis
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.labels import condition_title, property_title, subject_title

WIDE = 20.0  # values above 0 that span more than this factor are drawn on a log axis
POINTS = 256  # of a density's line
UNCHANGED = "A property that shows 0 throughout has no panel."
SCALED, CHANGE, PAIRWISE = "property / smallest", "(optimised − standard) / standard", "Δ of pairs of models"


@dataclass(frozen=True)
class Sample:
    """Values (n,) with the name of what they are of; `curve` is a density (x, y) or None."""

    name: str
    values: np.ndarray
    curve: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class ArmPanel:
    """One part of a figure: samples that share an axis."""

    title: str
    samples: list[Sample]

    @property
    def axis(self) -> str:
        """The kind of the axis of values."""
        values = np.concatenate([sample.values for sample in self.samples])
        return "log" if values.min() > 0 and values.max() > WIDE * values.min() else "linear"


@dataclass(frozen=True, kw_only=True)
class ArmFigure(Figure):
    """Panels of box plots, or of densities; `what` is the title without the experiment, `label` that of the values."""

    kind: ClassVar[str] = "arm_boxes"
    least_width: ClassVar[int] = 640
    panels: list[ArmPanel]
    what: str
    label: str
    explained: str

    @property
    def title(self) -> str:
        return f"{self.whose}: {self.what}"

    @property
    def caption(self) -> str:
        boxes = " Box: quartiles and median; whiskers: the furthest value within 1.5 box heights; dots lie beyond."
        return self.explained + boxes * (self.kind == "arm_boxes")


@dataclass(frozen=True, kw_only=True)
class DensityFigure(ArmFigure):
    """Densities instead of boxes."""

    kind: ClassVar[str] = "arm_densities"


def arm_figures(analysis: Analysis) -> list[ArmFigure]:
    """Figures 2 to 6 as far as the trials tell them: those of optimised models once for each other condition.

    A study has those of each experiment, as trained and as measured.
    """
    return [figure for searches in analysis["arm_models"] for figure in _figures(analysis, searches)]


def _figures(analysis: Analysis, searches: RankedArms) -> list[ArmFigure]:
    """The figures of searches that are compared with each other."""
    terms, standard = searches.terms, standard_of(searches.models, searches.terms)
    scaled, changed, paired = (searches.rows(analysis[f"arm_{name}"]) for name in ("scaled", "changes", "pairs"))
    of_best = f"the best {terms.best} models by {terms.ranked_on}"
    figures = [
        _scaled(scaled, "all", standard, f"scaled properties of all models{_on(standard)}", "all models"),
        _scaled(scaled, "best", standard, f"scaled properties of {of_best}{_on(standard)}", of_best),
    ]
    for other in dict.fromkeys(changed[CONDITION].itertuples(index=False, name=None)):
        changes, pairs = _changing(_at(changed, other), "relative"), _changing(_at(paired, other), "delta")
        against = f"{condition_title(*other)} against {condition_title(*standard)}"
        panels = _panels(changes, "property", property_title, SEARCHED, subject_title, "relative")
        figures.append(
            ArmFigure(
                **_named("arm-changes", changes, other),
                panels=panels,
                what=f"relative change of {of_best}, {against}",
                label=CHANGE,
                explained=(
                    f"How optimisation and device change each of {of_best} (as Figure 4 of Liao, 2022). {UNCHANGED}"
                ),
            )
        )
        figures.append(_densities(pairs, other, against, of_best))
        best = f"scaled properties of {of_best}{_on(other)}"
        figures.append(_scaled(scaled, "best", other, best, f"{of_best} before optimisation"))
    return [figure for figure in figures if figure.panels]


def _densities(pairs: pd.DataFrame, other: tuple[str, str], against: str, of_best: str) -> DensityFigure:
    """Figure 5: Δ = (m1' − m2') / m2' − (m1 − m2) / m2 over all pairs."""
    return DensityFigure(
        **_named("arm-pairs", pairs, other),
        panels=_panels(pairs, "property", property_title, SEARCHED, subject_title, "delta", density),
        what=f"change of the differences between models, {against}",
        label=PAIRWISE,
        explained=(
            f"Density over all pairs of {of_best}, m1 the better ranked, of Δ = (m1' − m2') / m2' − (m1 − m2) / m2 (as "
            "Figure 5 of Liao, 2022); marks: the pairs. At 0 optimisation leaves a pair as different as it was. "
            f"{UNCHANGED}"
        ),
    )


def _scaled(scaled: pd.DataFrame, models: str, where: tuple[str, str], what: str, whose: str) -> ArmFigure:
    """Figures 2, 3 and 6: one panel per experiment and variant, a box per property."""
    rows = _at(scaled[scaled["models"] == models], where)
    return ArmFigure(
        **_named(f"arm-scaled-{models}", rows, where),
        panels=_panels(rows, SEARCHED, subject_title, "property", property_title, "scaled"),
        what=what,
        label=SCALED,
        explained=(
            f"Every property of {whose} is divided by its smallest value among them, so that 1 is the smallest and 2 "
            "twice that (as Figures 2, 3 and 6 of Liao, 2022)."
        ),
    )


def _named(kind: str, rows: pd.DataFrame, where: tuple[str, str]) -> dict:
    experiments = rows["experiment"].unique()
    alone = experiments[0] if len(experiments) == 1 else None
    name = file_name(kind, *filter(None, (alone, *where)))
    return {"name": name, "experiment": alone, "metrics": [], "seeds": ()}


def _on(where: tuple[str, str]) -> str:
    return f" ({condition_title(*where)})" if any(where) else ""


def _at(rows: pd.DataFrame, where: tuple[str, str]) -> pd.DataFrame:
    return rows[(rows[CONDITION] == list(where)).all(axis=1)]


def _changing(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of properties whose `column` is not 0 throughout: optimisation leaves FLOPs as they are."""
    return rows[rows[column].ne(0).groupby(rows["property"]).transform("any")]


def _panels(
    rows: pd.DataFrame,
    by: str | list[str],
    panel_title: Callable[..., str],
    within: str | list[str],
    sample_title: Callable[..., str],
    column: str,
    curve: Callable[[np.ndarray], tuple | None] = lambda values: None,
) -> list[ArmPanel]:
    """A panel for each value of `by`, with a sample of `column` for each value of `within`."""
    panels = []
    for key, here in rows.groupby(by, sort=False):
        samples = []
        for name, found in here.groupby(within, sort=False):
            values = found[column].to_numpy("float64")
            samples.append(Sample(sample_title(*_texts(name)), values, curve(values)))
        panels.append(ArmPanel(panel_title(*_texts(key)), samples))
    return panels


def _texts(key: str | tuple[str, ...]) -> Iterable[str]:
    return key if isinstance(key, tuple) else (key,)


def density(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A Gaussian kernel density of (n,) values with Scott's bandwidth, (x, y) of POINTS; None where nothing varies."""
    from scipy.stats import gaussian_kde

    spread = np.ptp(values)
    if len(values) < 3 or spread <= 1e-9 * max(1.0, np.abs(values).max()):
        return None
    curve = gaussian_kde(values)
    beyond = 3 * float(np.sqrt(curve.covariance[0, 0]))
    x = np.linspace(values.min() - beyond, values.max() + beyond, POINTS)
    return x, curve(x)
