"""Whether a pruned variant needs tuning again, with a known error rate, from fresh seeds at the points worth them.

The rows are the long table of `screening`; verdicts beyond this test set need its columns correct_bits and tested too.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, VARIANT_KEY_COLUMNS, Axes, Metric
from prunescape.analysis.landscape.chance import VARIANT, no_answers
from prunescape.analysis.read_cells import long_scores
from prunescape.analysis.verdict.decision import INCONCLUSIVE
from prunescape.analysis.verdict.screening import (
    ALPHA,
    ALPHA_SCREEN,
    MARGIN,
    SCOPE,
    SURFACE,
    cells_with_outcomes,
    check_levels,
    claim_count,
    point_bounds,
    screen,
    split_seeds,
)
from prunescape.analysis.verdict.stage_two import NO_OUTCOMES, Judgement, Surface, judge
from prunescape.store.records import GRID, OK, REPLICATE

VERDICTS = ("verdict", "verdict_images", "verdict_bonferroni", "verdict_images_bonferroni")
ANY = "*"  # in terms: every experiment that they do not name
NO_FRESH_SEEDS = "no point has fresh seeds: the one that chose a point cannot also judge it"


def verdict_columns(axes: Axes, risk_threshold: float) -> dict[str, tuple[str, str]]:
    """The columns of `verdicts`."""
    best = {
        f"best_{axis.name}": ("float64", f"{axis.value} of the best point, chosen by stage 1 among kept points")
        for axis in axes
    }
    region = f"base's {risk_threshold:g}-ROI"
    return {
        **VARIANT_KEY_COLUMNS,
        "verdict": ("string", "keep, retune or inconclusive, for this test set, wrong with a chance of alpha at most"),
        "verdict_images": ("string", "the same for test images like these"),
        "verdict_bonferroni": ("string", "this test set, at alpha / claims: for statements about single variants"),
        "verdict_images_bonferroni": ("string", "images like these, at alpha / claims"),
        "reason": ("string", "why the verdict is inconclusive, or what else it rests on; null otherwise"),
        "reason_images": ("string", "the same of verdict_images"),
        "margin": ("float64", "m, the gain from tuning that would matter, percentage points"),
        "alpha": ("float64", "bound on the chance of a wrong verdict"),
        "alpha_screen": ("float64", "the part of alpha that the screen may use for keep"),
        "claims": ("int64", "V, pruned variants of the study"),
        "upper": ("float64", "R_v's upper bound, percentage points; null when a kept point tells nothing"),
        "upper_images": ("float64", "the same for images like these"),
        "lower": ("float64", "lower bound of the gain at the best point, percentage points; null without one"),
        "lower_images": ("float64", "the same for images like these"),
        "gain": ("float64", "what fresh seeds give the best point over the base's good settings, percentage points"),
        **best,
        "d_mean": ("float64", "mean risk (Eq 3.5) on stage 1, percentage points: biased upwards, decides nothing"),
        "k": ("int64", f"K, points of the {region} that the variant was trained at in stage 1"),
        "points": ("int64", "points of the variant in stage 1"),
        "kept": ("int64", "points that the screen keeps"),
        "replicates_fewest": ("int64", "fewest fresh seeds at a kept point"),
        "replicates_most": ("int64", "most fresh seeds at a kept point"),
        "diverged": ("int64", "kept points at which a fresh seed diverged; their noise is then taken point by point"),
        "s": ("float64", "standard deviation between fresh seeds, pooled within kept points near the best, points"),
        "freedom": ("float64", "its degrees of freedom; with welch the fewest of any kept point; null for a given s"),
        "welch": ("bool", "noise differs between points: each has its own (Welch, Satterthwaite)"),
        "homogeneity": ("float64", "p of equal noise (Brown-Forsythe); null when not testable (under 3 seeds a point)"),
        "sigma": ("float64", "seed noise that the screen used, percentage points"),
        "sigma_source": ("string", "given, pilot or replicates; null without any: then nothing is dropped"),
    }


def judge_study(
    cells: pd.DataFrame,
    axes: Axes,
    terms: Mapping[str, Mapping[str, Any]],
    risk_threshold: float,
    metric: Metric = DEFAULT_METRIC,
    claims: int | None = None,
    chance: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The verdict on every pruned variant, as `verdict_columns`; `cells` as `read_cells` gives them.

    `terms` holds for each experiment margin, alpha, alpha_screen and sigma (see config/experiment.py), under `ANY` for
    those that it does not name; what it lacks takes the defaults. All pruned variants of the study share the error rate
    of claims about single ones: `claims` of them, by default those in `cells`. `chance`, as `chance_tests` gives it,
    tells which variants learnt nothing: they get no verdict.
    """
    rows = long_scores(cells, axes, metric)
    claims = claims or claim_count(rows[rows["variant"] != "base"])
    unlearnt = {} if chance is None else no_answers(chance)
    tables = []
    for name, part in rows.groupby("experiment", sort=True):
        known = terms.get(name, terms.get(ANY, {}))
        levels = {level: known[level] for level in ("margin", "alpha", "alpha_screen", "sigma") if level in known}
        tables.append(verdicts(part, axes, risk_threshold, claims=claims, unlearnt=unlearnt, **levels))
    columns = list(verdict_columns(axes, risk_threshold))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def verdicts(
    rows: pd.DataFrame,
    axes: Axes,
    risk_threshold: float,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    alpha_screen: float = ALPHA_SCREEN,
    sigma: float | None = None,
    claims: int | None = None,
    unlearnt: Mapping[tuple, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """One row per pruned variant and metric with the columns of `verdict_columns`.

    R_v = max over θ of μ_v − mean over Θ_b of μ_v, in percentage points, μ_v the mean over seeds, is what tuning could
    gain over carrying the base's settings along: keep says R_v < margin, retune R_v > margin, each wrong with a chance
    of `alpha` at most. Stage 1 (stage `grid`) screens the points, fresh seeds (stage `replicate`) judge the kept ones.
    An experiment with several seeds on its whole grid and no replicates is split: the lowest seed of a variant is its
    stage 1, the others are fresh. `sigma`, the noise between seeds in percentage points, replaces the pilot's in the
    screen, and allows a verdict from one replicate per point. `claims` is the number of pruned variants of the whole
    study, by default those in `rows`; `unlearnt` names the variants without an answer, as `no_answers`, and why. Raises
    InputError.
    """
    check_levels(margin, sigma, alpha_screen, alpha)
    rows = split_seeds(rows)
    points = screen(rows, axes, risk_threshold, sigma=sigma)
    columns = verdict_columns(axes, risk_threshold)
    claims = claims or claim_count(points)
    table = _without_fresh_seeds(points, rows, columns, margin, alpha_screen, unlearnt).set_index(SURFACE)
    levels = [(alpha, alpha_screen), (alpha / claims, alpha_screen / claims)]
    judged = {
        key: _judged(surface, margin, levels, sigma)
        for key, surface in _surfaces(rows, axes, points)
        if table.at[key, "reason"] == NO_FRESH_SEEDS
    }
    records = [
        dict(zip(SURFACE, key, strict=True)) | row | judged.get(key, {}) for key, row in table.to_dict("index").items()
    ]
    table = pd.DataFrame(records, columns=list(columns)).assign(margin=margin, alpha=alpha)
    table = table.assign(alpha_screen=alpha_screen, claims=claims).replace([np.inf, -np.inf], np.nan)
    types = {name: kind for name, (kind, _) in columns.items() if kind != "string"}
    return table.astype(types).sort_values(SURFACE, ignore_index=True)


def _without_fresh_seeds(
    points: pd.DataFrame,
    rows: pd.DataFrame,
    columns: dict[str, tuple[str, str]],
    margin: float,
    level: float,
    unlearnt: Mapping[tuple, str],
) -> pd.DataFrame:
    """The `columns` but the levels, as far as stage 1 fills them: nothing is concluded from it."""
    points = points.assign(kept=points["in_base_roi"] | (point_bounds(points, level) >= margin))
    first = {name: (name, "first") for name in ("k", "points", "sigma", "sigma_source")}
    grouped = points.groupby(SURFACE, sort=False)
    table = grouped.agg(**first, kept=("kept", "sum"), lost=("diverged", "all")).reset_index()
    table["d_mean"] = points.loc[grouped["chosen_on"].idxmax(), "excess"].to_numpy()
    table["reason"] = _reasons(table, rows[(rows["variant"] == "base") & (rows["stage"] == GRID)], unlearnt)
    table.loc[table["reason"].isin(unlearnt.values()), "d_mean"] = np.nan
    table["reason_images"] = table["reason"]
    blank = {"string": None, "int64": 0, "float64": np.nan, "bool": False}
    unknown = {name: blank[kind] for name, (kind, _) in columns.items() if name not in table}
    return table.assign(**(unknown | dict.fromkeys(VERDICTS, INCONCLUSIVE))).drop(columns="lost")


def _reasons(table: pd.DataFrame, base: pd.DataFrame, unlearnt: Mapping[tuple, str]) -> np.ndarray:
    """Why nothing can be concluded of each variant, the most basic cause first."""
    all_bases, good_bases = (pd.MultiIndex.from_frame(rows[SCOPE]) for rows in (base, base[base["status"] == OK]))
    scopes = pd.MultiIndex.from_frame(table[SCOPE])
    causes = {
        "the experiment has no base to carry settings from": ~scopes.isin(all_bases),
        "every cell of the base diverged": ~scopes.isin(good_bases),
        "the variant was trained at none of the base's good settings": table["k"] == 0,
        "every cell of the variant diverged": table["lost"],
    }
    known = [unlearnt.get(key, NO_FRESH_SEEDS) for key in table[VARIANT].itertuples(index=False, name=None)]
    return np.select(list(causes.values()), list(causes), np.array(known, object))


def _surfaces(rows: pd.DataFrame, axes: Axes, points: pd.DataFrame) -> Iterator[tuple[tuple, Surface]]:
    """The variants and metrics that have fresh seeds, by their key; every fresh seed is at the place of its point."""
    keys = [*SURFACE, *axes.names]
    places = points[keys].assign(place=np.arange(len(points)))
    fresh = rows.loc[rows["stage"] == REPLICATE, [*keys, "seed", "status", "score"]].merge(places, on=keys)
    if fresh.empty:
        return
    rank = fresh.groupby("place").cumcount()
    replicates = np.full((len(points), rank.max() + 1), np.nan)
    replicates[fresh["place"], rank] = fresh["score"]
    diverged = np.zeros(len(points), bool)
    diverged[fresh.loc[fresh["status"] != OK, "place"]] = True
    cells = cells_with_outcomes(rows)
    there = ~np.isnan(replicates).all(axis=1)
    for key, index in points.groupby(SURFACE, sort=False).indices.items():
        if there[index].any():
            rows_of = slice(index[0], index[-1] + 1)
            yield key, Surface(axes, points.iloc[rows_of], replicates[rows_of], diverged[rows_of], cells.get(key))


def _judged(surface: Surface, margin: float, levels: list, sigma: float | None) -> dict:
    """The columns that fresh seeds fill, of one variant and metric."""
    row = {"reason_images": NO_OUTCOMES}
    for suffix, images in (("", False), ("_images", True))[: 1 if surface.cells is None else 2]:
        found, corrected = (
            judge(surface, margin=margin, alpha=alpha, alpha_screen=alpha_screen, sigma=sigma, images=images)
            for alpha, alpha_screen in levels
        )
        decision = found.decision
        row |= {f"verdict{suffix}": str(decision.verdict), f"reason{suffix}": found.reason}
        row |= {f"upper{suffix}": float(decision.upper), f"lower{suffix}": float(decision.lower)}
        row[f"verdict{suffix}_bonferroni"] = str(corrected.decision.verdict)
        row |= {} if images else _behind(surface, found)
    return row


def _behind(surface: Surface, judgement: Judgement) -> dict:
    """What the verdict for this test set rests on, by column."""
    kept, found, best = judgement.kept, judgement.found, int(judgement.decision.best)
    number = (~np.isnan(surface.replicates[kept])).sum(axis=1)
    names = surface.axes.names
    setting = surface.points.loc[kept, names].iloc[best] if best >= 0 else dict.fromkeys(names, np.nan)
    freedom = found.freedom[np.isfinite(found.freedom)]
    return {
        **{f"best_{name}": setting[name] for name in names},
        "gain": float(judgement.decision.gain),
        "kept": int(kept.sum()),
        "replicates_fewest": int(number.min()),
        "replicates_most": int(number.max()),
        "diverged": int(surface.diverged[kept].sum()),
        "s": float(found.noise),
        "freedom": float(freedom.min(initial=np.inf)),
        "welch": bool(found.welch),
        "homogeneity": float(found.homogeneity),
    }
