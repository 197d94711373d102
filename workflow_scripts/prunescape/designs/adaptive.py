"""Landscapes from a share of the grid: finished cells choose the settings from which their surface learns most.

First the base at a coarse lattice and every pruned variant at the grid's corners; then batches of the base; then every
variant at the base's good settings; then batches of each variant. docs/landscapes.md has the rule and what it misses.
"""

import math
from collections.abc import Iterable

import pandas as pd

from prunescape.designs.plan import Axes, Plan
from prunescape.errors import InputError
from prunescape.space.cells import Cell, grid_settings
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.records import GRID, OK

STAGE = GRID
METRIC = "top1"
BATCHES = 2  # of the base, and then of every pruned variant: each batch is a barrier for all trainings
SMALL_BATCH = 4  # settings; so few are not parted into two batches
Chosen = dict[str, list[Setting]]  # by variant


def first_cells(plan: Plan) -> list[Cell]:
    """The base's lattice with the prior, where filters are ranked, and the corners of every pruned variant."""
    from prunescape.analysis.surface.choice import base_lattice, corner_settings

    if plan.most_settings is None:
        return []
    corners = [Setting.of(each) for each in corner_settings(plan.axes)]
    base = sorted({*map(Setting.of, base_lattice(plan.axes)), Setting.of(plan.prior)})
    return _cells(plan, dict.fromkeys(plan.variants, corners) | {BASE.name: base})


def check_share(plan: Plan, where: str) -> None:
    """Raise InputError, below the key `where` of the design, for a share or a grid that no surface is inferred from."""
    from prunescape.analysis.surface.process import FEWEST_CELLS, MOST_CANDIDATES, MOST_CELLS

    size, place = math.prod(map(len, plan.axes.values())), f"{where}.share"
    first = sum(cell.variant == BASE for cell in first_cells(plan)) // len(plan.seeds)
    fewest, most = max(first, FEWEST_CELLS), MOST_CELLS // len(plan.variants)
    if not fewest < size <= MOST_CANDIDATES or fewest > most:
        what = f"a share of a grid of {size} settings, for {len(plan.variants)} variants, tells nothing of the rest"
        allowed = (
            f"{fewest + 1} to {MOST_CANDIDATES} settings, of which {fewest} of each variant make {MOST_CELLS} at most"
        )
        raise InputError(what, where=where, allowed=allowed, hint="kind: grid trains all of them")
    if not fewest <= plan.most_settings <= most:
        what = f"{plan.most_settings} of {size} settings are trained of each of {len(plan.variants)} variants"
        shares = f"{math.ceil(100 * fewest / size) / 100:g} to {min(math.floor(100 * most / size), 99) / 100:g}"
        raise InputError(what, where=place, allowed=f"{fewest} to {most}, shares from {shares}")


def most_rounds(plan: Plan) -> int:
    """The batches of the base and of the pruned variants, and the base's good settings between them."""
    return 0 if plan.most_settings is None else 2 * BATCHES + 1


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """The next batch of the base; after its last one, what the pruned variants still need."""
    trained = trained_settings(plan, cells)
    steps = (pruned_batches,) if _rounds_of(plan.pruned, trained) else (base_batch, base_region, pruned_batches)
    chosen = next((chosen for step in steps if (chosen := step(plan, trained))), {})
    return _cells(plan, chosen), axes


def trained_settings(plan: Plan, cells: pd.DataFrame) -> pd.DataFrame:
    """One row per variant and setting of the landscapes in `cells`: variant, axes, round, status, score.

    The score is what settings are chosen by, percent, the mean over seeds.
    """
    from prunescape.analysis import axes as analysis_axes
    from prunescape.analysis.read_cells import mean_scores, scores

    named = analysis_axes.Axes.of(plan.axes)
    own = scores(cells[cells["experiment"] == plan.experiment], named)
    means = mean_scores(own[own["metric"] == METRIC], named)
    return means[["variant", *named.names, "round", "status"]].assign(score=means["chosen_on"])


def base_batch(plan: Plan, trained: pd.DataFrame) -> Chosen:
    """The base's next settings."""
    return _batches(plan, trained, [BASE.name], last=BATCHES - 1)


def pruned_batches(plan: Plan, trained: pd.DataFrame) -> Chosen:
    """The next settings of every pruned variant, after the round of the base's region."""
    return _batches(plan, trained, plan.pruned, last=BATCHES)


def base_region(plan: Plan, trained: pd.DataFrame) -> Chosen:
    """The settings of the base's region of interest, best first, of every pruned variant.

    Risks and verdicts are taken over them, and a variant's own region most often lies near.
    """
    from prunescape.analysis.landscape.regions import TOLERANCE

    base = trained[trained["variant"] == BASE.name].sort_values("score", ascending=False, kind="stable")
    near = base["score"] >= base["score"].max() - plan.risk_threshold - TOLERANCE
    wanted = _settings(plan, base[near & (base["status"] == OK)])
    chosen = {}
    for name in plan.pruned:
        there = set(_settings(plan, trained[trained["variant"] == name]))
        missing = [setting for setting in wanted if setting not in there]
        chosen[name] = missing[: plan.most_settings - len(there)]
    return {name: settings for name, settings in chosen.items() if settings}


def _batches(plan: Plan, trained: pd.DataFrame, variants: list[str], *, last: int) -> Chosen:
    """One batch of each of `variants`, as far as its share reaches and the surface is unsure of some settings.

    After `last` rounds it takes all that is left of the share, before that half of it.
    """
    from prunescape.analysis import axes as analysis_axes
    from prunescape.analysis.surface.choice import next_settings
    from prunescape.analysis.surface.process import fit_surface, refusal

    named = analysis_axes.Axes.of(plan.axes)
    rounds = _rounds_of(variants, trained)
    if rounds > last or refusal(trained):
        return {}
    grid = pd.DataFrame([setting.values for setting in grid_settings(plan.axes)], dtype=float)
    thresholds = tuple(plan.thresholds)
    surface, chosen = fit_surface(trained, named, thresholds), {}
    for name in (name for name in variants if name in surface.variants):
        own = trained[trained["variant"] == name]
        terms = {"number": batch_size(plan.most_settings - len(own), whole=rounds == last), "thresholds": thresholds}
        chosen[name] = _settings(plan, next_settings(surface, name, own, grid, named, **terms))
    return {name: settings for name, settings in chosen.items() if settings}


def batch_size(left: int, *, whole: bool) -> int:
    """How many of the settings that are `left` of a share to train next: the `whole` of it, or half."""
    return left if whole or left <= SMALL_BATCH else math.ceil(left / 2)


def _rounds_of(variants: Iterable[str], trained: pd.DataFrame) -> int:
    """In how many rounds these variants gained settings."""
    own = trained[trained["variant"].isin(list(variants)) & (trained["round"] > 0)]
    return own["round"].nunique()


def _settings(plan: Plan, rows: pd.DataFrame) -> list[Setting]:
    return [Setting.of({name: row[name] for name in plan.axes}) for row in rows.to_dict("records")]


def _cells(plan: Plan, chosen: Chosen) -> list[Cell]:
    """Every chosen setting with every seed, in the order of the study's variants."""
    settings = ((name, setting) for name in plan.variants for setting in chosen.get(name, ()))
    return [cell for name, setting in settings for cell in plan.at(name, setting, plan.seeds)]
