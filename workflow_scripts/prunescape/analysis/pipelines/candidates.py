"""The pipelines and scores of a cut, each at its best setting and at the base's, on seeds that chose neither."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, KEY_COLUMNS, METRICS, Axes, Metric
from prunescape.analysis.cost.comparisons import holm
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.read_cells import long_scores, variant_order
from prunescape.analysis.seeds.spread import t_interval
from prunescape.analysis.verdict.contrasts import GainEstimates, estimate_gains, lower_bounds, upper_bounds
from prunescape.analysis.verdict.screening import split_seeds
from prunescape.analysis.verdict.verdicts import ANY
from prunescape.config.noises import CONTRAST
from prunescape.space.pipelines import ONE
from prunescape.space.variants import VARIANT_PATTERN, Variant
from prunescape.store.records import GRID, REPLICATE

LEVEL = 0.05
BEST, CARRIED = "best", "carried"  # a pipeline's own best setting; the base's best
FEWEST = 2  # seeds that tell a mean and its noise
CUT = ("experiment", "model", "dataset", "cut", "choice")

# what both tables about pipelines start with
CUT_COLUMNS: dict[str, tuple[str, str]] = {
    "experiment": ("string", "the first by name of the experiments that share all but the score"),
    **{name: KEY_COLUMNS[name] for name in ("model", "dataset")},
    "cut": ("string", "uniform-R or nonuniform-R: the variant without its pipeline"),
    "choice": ("string", "best: each at its own best setting; carried: all at the base's best setting"),
}


@dataclass(frozen=True)
class Candidate:
    """One pipeline with one score at one setting: `place` has the values of CUT_COLUMNS, `group` and the rest name it.

    `chosen` is the mean score by which settings are chosen, percent; `fresh` are the scores of other seeds, by seed;
    `gain` is (best - carried, low, high, p) of these, nan where it is not known. `at_edge` says that the setting has
    the lowest or highest value of an axis. `epochs_trained` are its own, `epochs_before` those of the base that it
    needs and those between cuts. `bases` says whether its seeds inherit from one base or each from its own, if they do.
    """

    place: Mapping[str, str]
    variant: str
    pipeline: str
    score: str
    setting: Mapping[str, float]
    chosen: float
    fresh: pd.Series
    gain: tuple[float, float, float, float]
    at_edge: bool
    epochs_trained: float
    epochs_before: float
    bases: str | None
    noise: str = CONTRAST

    @property
    def epochs_total(self) -> float:
        """Its own epochs and those before."""
        return self.epochs_trained + self.epochs_before


def pipeline_columns(axes: Axes) -> dict[str, tuple[str, str]]:
    """The columns of `pipelines`."""
    return {
        **CUT_COLUMNS,
        "variant": ("string", "name of the pruned form"),
        "pipeline": ("string", "how the pruned network starts and is trained"),
        "score": ("string", "what ranks filters; empty where it decides neither widths nor weights, or is not known"),
        "bases": (
            "string",
            "one: all seeds inherit from one base; per_seed: each from the base with its seed; null: nothing inherited",
        ),
        **{axis.name: ("float64", f"{axis.value} of the setting") for axis in axes.x_first},
        "at_edge": ("bool", "the setting has the lowest or highest value of an axis: a better one may lie beyond"),
        "chosen": ("float64", "mean score that settings are chosen by, over the seeds that choose, percent"),
        "seeds": ("int64", "the other seeds, which compare"),
        "mean": ("float64", "mean top-1 over these, percent on the test split"),
        "low": ("float64", "lower end of its 95 % t-interval over seeds, for these test images; null if all are equal"),
        "high": ("float64", "upper end of that interval"),
        "gain": ("float64", "its best setting - the base's, mean over these seeds, percentage points"),
        "gain_low": ("float64", "lower end of the 95 % t-interval of these differences, seed by seed"),
        "gain_high": ("float64", "upper end of that interval"),
        "gain_p": (
            "float64",
            "two-sided p of the paired t test that it gains nothing; null where both are one setting",
        ),
        "gain_p_holm": ("float64", "the same corrected (Holm) over all gains of experiments with these axes"),
        "epochs_trained": ("float64", "epochs of training after pruning; null where cells do not tell them"),
        "epochs_total": ("float64", "the same and those before: the base's, where its weights count, and between cuts"),
    }


def candidates(
    cells: pd.DataFrame,
    axes: Axes,
    terms: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
) -> list[Candidate]:
    """Every pipeline and score of the cuts that have two or more, in top-1; `cells` as `read_cells` gives them.

    The seeds are split as for verdicts (`split_seeds`): the best setting is chosen on stage 1, among those with fresh
    seeds, so the mean over fresh seeds is not one that luck chose. Of a design that looks several times the fresh seeds
    of the first look count: whether there are more depends on results. `terms` are those of verdicts, as in
    `judge_study`; `known` holds for each experiment its `score`, the `group` of experiments that share all but that,
    whether a trained base is `ranked`, and as `base` whether each seed has its own. Experiments of which nothing is
    known are compared within themselves.
    """
    rows, found = split_seeds(long_scores(cells, axes, Metric(METRICS[0])), axes), {}
    for name, part in rows.groupby("experiment", sort=True):
        shared = {"group": name, "score": "", "ranked": True, "between": 0, "base": ONE} | dict(known.get(name, {}))
        design = terms.get(name, terms.get(ANY, {}))
        for each in _of_experiment(part, cells[cells["experiment"] == name], axes, design, shared):
            found.setdefault((*each.place.values(), each.pipeline, each.score), each)
    sizes = pd.Series([tuple(each.place.values()) for each in found.values()]).value_counts()
    several = [each for each in found.values() if sizes[tuple(each.place.values())] > 1]
    return sorted(several, key=lambda each: (tuple(each.place.values()), variant_order(each.variant), each.score))


def _of_experiment(
    rows: pd.DataFrame, cells: pd.DataFrame, axes: Axes, design: Mapping[str, Any], shared: Mapping[str, Any]
) -> Iterator[Candidate]:
    """The candidates of ONE experiment, whose `rows` are split into stage 1 and fresh seeds."""
    first, fresh = rows[rows["stage"] == GRID], _fresh(rows, axes, design.get("looks"))
    base = _means(first[first["variant"] == BASE], axes)
    carried = base.idxmax() if len(base) else None
    for name in first["variant"].unique():
        if name == BASE or not re.fullmatch(VARIANT_PATTERN, name):
            continue
        means, own = _means(first[first["variant"] == name], axes), fresh[fresh["variant"] == name]
        scores = own.pivot_table("score", axes.names, "seed", observed=True)
        scores = scores[scores.notna().sum(axis=1) >= FEWEST]
        chosen = means[means.index.isin(scores.index)]
        if chosen.empty:
            continue
        settings = {BEST: chosen.idxmax(), CARRIED: carried}
        of_variant = cells[cells["variant"] == name]
        for choice, setting in settings.items():
            if setting in scores.index:
                yield _candidate(
                    Variant.parse(name),
                    {**_place(rows, shared["group"], name), "choice": choice},
                    dict(zip(axes.names, setting, strict=True)),
                    chosen=float(chosen[setting]) if setting in chosen.index else np.nan,
                    fresh=scores.loc[setting].dropna(),
                    gain=_gain(scores, settings[BEST], carried) if choice == BEST else 4 * (np.nan,),
                    grid=of_variant[axes.names],
                    epochs_trained=_epochs(_at(of_variant, axes, setting)),
                    base_epochs=_epochs(cells[cells["variant"] == BASE]),
                    shared=shared,
                    noise=design.get("noise", CONTRAST),
                )


def _candidate(
    variant: Variant,
    place: dict[str, str],
    setting: dict[str, float],
    *,
    base_epochs: float,
    grid: pd.DataFrame,
    shared: Mapping[str, Any],
    **more: Any,
) -> Candidate:
    """The candidate of a variant at a setting; a score counts where it decides its widths or its weights."""
    ends = [(value, grid[name]) for name, value in setting.items() if grid[name].nunique() > 1]
    return Candidate(
        place=place,
        variant=variant.name,
        pipeline=variant.pipeline,
        score=shared["score"] if variant.ranks_filters else "",
        setting=setting,
        at_edge=any(value in (values.min(), values.max()) for value, values in ends),
        epochs_before=(base_epochs if variant.ranks_trained_filters and shared["ranked"] else 0.0)
        + (shared["between"] if variant.inherits_trained else 0.0),
        bases=shared["base"] if variant.inherits else None,
        **more,
    )


def _place(rows: pd.DataFrame, group: str, variant: str) -> dict[str, str]:
    """The values of CUT_COLUMNS but the choice."""
    named = {name: str(rows[name].iloc[0]) for name in ("model", "dataset")}
    return {"experiment": group, **named, "cut": "-".join(variant.split("-")[:2])}


def _fresh(rows: pd.DataFrame, axes: Axes, looks: Sequence[int] | None) -> pd.DataFrame:
    """The rows of fresh seeds, of a design with looks those of the first one."""
    fresh = rows[rows["stage"] == REPLICATE]
    return fresh[fresh.groupby(["variant", *axes.names])["seed"].rank() <= looks[0]] if looks else fresh


def _means(rows: pd.DataFrame, axes: Axes) -> pd.Series:
    """The mean of what settings are chosen by, by setting."""
    return rows.groupby(axes.names)["chosen_on"].mean()


def _at(rows: pd.DataFrame, axes: Axes, setting: Sequence[float]) -> pd.DataFrame:
    return rows[(rows[axes.names] == list(setting)).all(axis=1)]


def _epochs(cells: pd.DataFrame) -> float:
    """The epochs of a whole training among `cells`: one that diverged ended early."""
    known = cells["epochs_trained"].dropna() if "epochs_trained" in cells else []
    return float(max(known)) if len(known) else np.nan


def _gain(scores: pd.DataFrame, best: tuple, carried: tuple | None) -> tuple[float, float, float, float]:
    """Best - carried with both ends of its interval and p, from `scores` by setting and seed."""
    if carried not in scores.index:
        return 4 * (np.nan,)
    if best == carried:
        return 0.0, 0.0, 0.0, np.nan
    found = estimate_gains(scores.loc[[best, carried]].to_numpy(float), np.array([False, True]))
    return tuple(tested(found, 0).values())


def tested(estimates: GainEstimates, place: int) -> dict[str, float]:
    """The difference of ONE place with its interval and p; nan for these where the noise is not known."""
    from scipy.stats import t

    difference, error = float(estimates.gain[place]), float(estimates.error[place])
    if not np.isfinite(error):
        return {"difference": difference, "low": np.nan, "high": np.nan, "p": np.nan}
    bounds = {"low": lower_bounds(estimates, LEVEL / 2)[place], "high": upper_bounds(estimates, LEVEL / 2)[place]}
    p = 2 * float(t.sf(abs(difference) / error, estimates.freedom[place]))
    return {"difference": difference, **{name: float(value) for name, value in bounds.items()}, "p": p}


def pipelines(found: Sequence[Candidate], axes: Axes) -> pd.DataFrame:
    """One row per candidate, as `pipeline_columns`."""
    named = ("variant", "pipeline", "score", "bases", "at_edge", "chosen", "epochs_trained", "epochs_total")
    rows = [
        {**each.place, **{name: getattr(each, name) for name in named}, **each.setting}
        | dict(zip(("gain", "gain_low", "gain_high", "gain_p"), each.gain, strict=True))
        | {"seeds": len(each.fresh), "mean": each.fresh.mean(), "std": each.fresh.std()}
        for each in found
    ]
    columns = list(pipeline_columns(axes))
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame(rows)
    told = table["std"].where(table["std"] > TOLERANCE)  # equal scores hide their noise
    table["low"], table["high"] = t_interval(table["mean"], told, table["seeds"])
    table["gain_p_holm"] = holm(list(table["gain_p"]))
    return table[columns]
