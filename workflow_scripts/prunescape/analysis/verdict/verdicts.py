"""Whether a pruned variant needs tuning again, with a known error rate, from fresh seeds at the points worth them.

The rows are the long table of `screening`; verdicts beyond this test set need its columns correct_bits and tested too.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, Axes, Metric
from prunescape.analysis.landscape.chance import VARIANT, no_answers
from prunescape.analysis.read_cells import long_scores
from prunescape.analysis.verdict.batches import mean_gain
from prunescape.analysis.verdict.columns import LOOK_COLUMNS, verdict_columns
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, Evidence
from prunescape.analysis.verdict.failures import failure_rate
from prunescape.analysis.verdict.looks import Look
from prunescape.analysis.verdict.screening import (
    ALPHA,
    ALPHA_SCREEN,
    MARGIN,
    SCOPE,
    SURFACE,
    check_levels,
    claim_count,
    kept_points,
    screen,
    split_seeds,
)
from prunescape.analysis.verdict.stage_two import (
    NO_OUTCOMES,
    Design,
    Judgement,
    Surface,
    judge,
    judge_looks,
    looks_taken,
    surfaces,
)
from prunescape.config.noises import CONTRAST
from prunescape.store.records import GRID, OK
from prunescape.store.tables import Columns

VERDICTS = ("verdict", "verdict_images", "verdict_bonferroni", "verdict_images_bonferroni")
ANY = "*"  # in terms: every experiment that they do not name
NO_FRESH_SEEDS = "no point has fresh seeds: the one that chose a point cannot also judge it"


class Judged(NamedTuple):
    """The tables `verdicts` and `looks`."""

    verdicts: pd.DataFrame
    looks: pd.DataFrame


def judge_study(
    cells: pd.DataFrame,
    axes: Axes,
    terms: Mapping[str, Mapping[str, Any]],
    risk_threshold: float,
    metric: Metric = DEFAULT_METRIC,
    claims: int | None = None,
    chance: pd.DataFrame | None = None,
) -> Judged:
    """The verdict on every pruned variant, and its looks; `cells` as `read_cells` gives them.

    `terms` holds for each experiment the fields of `Design`, under `ANY` for those that it does not name; what it lacks
    takes the defaults. All pruned variants of the study share the error rate of claims about single ones: `claims` of
    them, by default those in `cells`. `chance`, as `chance_tests` gives it, tells which variants learnt nothing: they
    get no verdict.
    """
    rows = long_scores(cells, axes, metric)
    claims = claims or claim_count(rows[rows["variant"] != "base"])
    unlearnt = {} if chance is None else no_answers(chance)
    found = [
        verdicts(part, axes, risk_threshold, claims=claims, unlearnt=unlearnt, **terms.get(name, terms.get(ANY, {})))
        for name, part in rows.groupby("experiment", sort=True)
    ]
    columns = [list(verdict_columns(axes, risk_threshold)), list(LOOK_COLUMNS)]
    tables = zip(*found, strict=True) if found else ([pd.DataFrame(columns=names)] for names in columns)
    return Judged(*(pd.concat(parts, ignore_index=True) for parts in tables))


def verdicts(
    rows: pd.DataFrame,
    axes: Axes,
    risk_threshold: float,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    alpha_screen: float = ALPHA_SCREEN,
    sigma: float | None = None,
    noise: str = CONTRAST,
    looks: Sequence[int] = (),
    fresh_seeds: Sequence[int] = (),
    claims: int | None = None,
    unlearnt: Mapping[tuple, str] = MappingProxyType({}),
) -> Judged:
    """One row per pruned variant and metric with the columns of `verdict_columns`, and its looks.

    R_v = max over θ of μ_v − mean over Θ_b of μ_v, in percentage points, μ_v the mean over seeds, is what tuning could
    gain over carrying the base's settings along: keep says R_v < margin, retune R_v > margin, each wrong with a chance
    of `alpha` at most. Stage 1 (stage `grid`) screens the points, fresh seeds (stage `replicate`) judge the kept ones.
    An experiment with several seeds on its whole grid and no replicates is split: the lowest seed of each point is its
    stage 1, the others are fresh. `sigma`, the noise between seeds in percentage points, replaces the pilot's in the
    screen, and allows a verdict from one replicate per point. `noise` is one of `config.noises`. A design that looks
    several times gives its `looks` and `fresh_seeds`; its last look is the last one that the table is complete for.
    `claims` is the number of pruned variants of the whole study, by default those in `rows`; `unlearnt` names the
    variants without an answer, as `no_answers`, and why. Raises InputError.
    """
    check_levels(margin, sigma, alpha_screen, alpha)
    rows = split_seeds(rows, axes)
    design = Design(margin, alpha, alpha_screen, sigma, noise, tuple(looks), tuple(fresh_seeds))
    points = screen(rows, axes, risk_threshold, sigma=sigma, seeds=design.first_seeds)
    columns = verdict_columns(axes, risk_threshold)
    claims = claims or claim_count(points)
    table = _without_fresh_seeds(points, rows, columns, margin, alpha_screen, unlearnt).set_index(SURFACE)
    judged = {
        key: _judged(surface, design, claims)
        for key, surface in surfaces(rows, axes, points, design)
        if table.at[key, "reason"] == NO_FRESH_SEEDS and surface.trained.any()
    }
    records = [
        dict(zip(SURFACE, key, strict=True)) | row | judged.get(key, ({},))[0]
        for key, row in table.to_dict("index").items()
    ]
    table = pd.DataFrame(records, columns=list(columns)).assign(margin=margin, alpha=alpha, noise=noise)
    table = table.assign(alpha_screen=alpha_screen, claims=claims, looks=" ".join(map(str, looks)) or np.nan)
    taken = [
        dict(zip(SURFACE, key, strict=True)) | {"look": number} | look
        for key, (_, found) in judged.items()
        for number, look in enumerate(found, start=1)
    ]
    return Judged(_typed(table, columns), _typed(pd.DataFrame(taken, columns=list(LOOK_COLUMNS)), LOOK_COLUMNS))


def _typed(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """A table with its types, infinite bounds null, sorted by variant."""
    types = {name: kind for name, (kind, _) in columns.items() if kind != "string"}
    finite = table.replace([np.inf, -np.inf], np.nan).astype(types)
    return finite.sort_values(SURFACE, ignore_index=True, kind="stable")


def _without_fresh_seeds(
    points: pd.DataFrame,
    rows: pd.DataFrame,
    columns: dict[str, tuple[str, str]],
    margin: float,
    level: float,
    unlearnt: Mapping[tuple, str],
) -> pd.DataFrame:
    """The `columns` but the levels, as far as stage 1 fills them: nothing is concluded from it."""
    points = points.assign(kept=kept_points(points, margin, level))
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


def _judged(surface: Surface, design: Design, claims: int) -> tuple[dict, list[dict]]:
    """The columns that fresh seeds fill, of one variant and metric, and the same of its looks.

    Where it ended early or waits for seeds, alpha is kept for the looks to come: that it ended depends on the data.
    """
    single = judge_looks(surface, design, claims)
    state = single.outcome.state
    read, past = state.used, [look for look in single.outcome.history if look.taken]
    terms = {"looks": design.looks, "taken": max(len(past), 1)} if design.looks else {}
    row = {"reason_images": NO_OUTCOMES}
    for suffix, images in (("", False), ("_images", True))[: 1 if surface.cells is None else 2]:
        found = judge(surface, design.rules(1, **terms), images=images, read=read)
        corrected = single if not images else judge(surface, design.rules(claims, **terms), images=True, read=read)
        row[f"reason{suffix}"] = found.reason
        if past:
            bounds = found.outcome.state
            row |= {f"verdict{suffix}": found.verdict, f"verdict{suffix}_bonferroni": corrected.verdict}
            row |= {f"upper{suffix}": float(bounds.upper), f"lower{suffix}": float(bounds.lower)}
        if not images:
            row |= _behind(surface, single)
            row |= {"upper_bonferroni": float(state.upper), "lower_bonferroni": float(state.lower)}
            ended = found.outcome.history
    earlier = [*ended[: len(past)], *[ended[-1]] * (len(past) - len(ended))]
    return row | _training(surface, single), [_at_look(one, other) for one, other in zip(earlier, past, strict=True)]


def _at_look(look: Look, corrected: Look) -> dict:
    """The columns of one look at the corrected level, and of the same look, or the one that decided, at alpha."""
    both = (("", look), ("_bonferroni", corrected))
    numbers = {f"{name}{end}": float(getattr(each, name)) for end, each in both for name in ("upper", "lower")}
    texts = {f"verdict{end}": str(each.verdict) for end, each in both}
    return numbers | texts | {"seeds": corrected.seeds, "open": int(look.open), "open_bonferroni": int(corrected.open)}


def _training(surface: Surface, single: Judgement) -> dict:
    """How far the design got, by column."""
    state = single.outcome.state
    waits = {"reason": single.reason} if state.waits or state.futile else {}
    read = int((surface.trained & state.used).sum())
    look = int(looks_taken(single)[-1])
    return {"look": look, "unread": surface.unread, "trainings": read, "futile": bool(state.futile)} | waits


def _behind(surface: Surface, judgement: Judgement) -> dict:
    """What the verdict for this test set rests on, by column."""
    outcome, evidence = judgement.outcome, judgement.evidence
    kept, found, best = outcome.state.kept, outcome.found, int(outcome.state.best)
    number = evidence.trained.sum(axis=1)
    names = surface.axes.names
    at_best = dict(zip(("gain", "error", "freedom"), map(float, mean_gain(outcome.batches)), strict=True))
    setting = surface.points[names].iloc[best] if best >= 0 else dict.fromkeys(names, np.nan)
    return {
        **{f"best_{name}": setting[name] for name in names},
        **at_best,
        **_failures(evidence, outcome.failed, best),
        "kept": int(kept.sum()),
        "reopened": int((kept & ~evidence.kept).sum()),
        "doubtful": int(outcome.state.doubtful),
        "suspect": int((evidence.suspect & ~kept & ~evidence.trained.any(axis=1)).sum()),
        "replicates_fewest": int(number[kept].min()),
        "replicates_most": int(number[kept].max()),
        "s": float(found.noise),
        "welch": bool(found.welch),
        "homogeneity": float(found.homogeneity),
    }


def _failures(evidence: Evidence, failed: np.ndarray, best: int) -> dict:
    """How often fresh seeds failed, in all, at the best point and at the base's settings, by column."""
    trained, row, shares = evidence.trained[:, : failed.shape[1]], {"failed": int(failed.sum())}, []
    for name, points in (("best", [best] if best >= 0 else []), ("carried", np.flatnonzero(evidence.members))):
        counts = int(failed[points].sum()), int(trained[points].sum())
        share, low, high = failure_rate(*counts)
        row |= dict(zip((f"failed_{name}", f"trained_{name}"), counts, strict=True))
        row |= {f"failed_{name}_low": low, f"failed_{name}_high": high}
        shares.append(share)
    return row | {"failure_difference": shares[0] - shares[1]}
