"""The trials of random searches, checked and ranked: which models of an arm are its best ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescape.analysis.column_checks import set_number
from prunescape.errors import InputError, nearest

SEARCHED, CONDITION = ["experiment", "variant"], ["target", "precision"]
SEARCH = [*SEARCHED, "arm"]
TRIAL = [*SEARCH, "trial"]
RANKED = ["rank", "score", "trials", "tied_out"]
STANDARD = "fp32"
EQUAL = 9  # decimals: accuracies in percent that differ by less are equal counts of images

# what result tables about one target and precision start with
WHERE_COLUMNS: dict[str, tuple[str, str]] = {
    "experiment": ("string", "name of the experiment, or the columns that the table was split by"),
    "variant": ("string", "how the network was pruned; base: not at all"),
    "target": ("string", "where the property was measured; empty where the table does not say"),
    "precision": ("string", "precision of the measured model; empty where the table does not say"),
}


@dataclass(frozen=True, kw_only=True)
class ArmTerms:
    """How arms are compared: the `properties`, the size of the `best`, which arms are baseline and A/A control.

    Models are ranked by `rank_by`, the highest first, or with `minimise` the lowest. Of properties in `higher` more is
    better. `standard` is the (target, precision) of the models before optimisation; None: fp32 where there is such a
    precision, on the first target. `resamples` searches are drawn from a seed. `ranked_on` names `rank_by` for readers.
    """

    properties: tuple[str, ...]
    rank_by: str = "train_top1"
    best: int = 10
    baseline: str = "all"
    again: str = "all-again"
    minimise: bool = False
    higher: tuple[str, ...] = ("top1", "train_top1", "val_top1", "accuracy", "top5")
    standard: tuple[str, str] | None = None
    resamples: int = 2000
    seed: int = 0
    ranked_on: str = "training accuracy"


@dataclass(frozen=True)
class ArmTrials:
    """Searches to compare on the same `terms`: their `trials`, and what was `measured` of them (see `join_measured`).

    `where` names the table in errors.
    """

    trials: pd.DataFrame
    measured: pd.DataFrame | None
    terms: ArmTerms
    where: object = ""


@dataclass(frozen=True)
class RankedArms:
    """The `models` of these searches as `ranked_models` gives them, and the `terms` on which they are compared."""

    models: pd.DataFrame
    terms: ArmTerms

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table of results about these searches under the conditions of these models."""
        keys = ["experiment", *CONDITION]
        return table.merge(self.models[keys].drop_duplicates(), on=keys)


def join_measured(trials: pd.DataFrame, measured: pd.DataFrame | None) -> pd.DataFrame:
    """One row per trial, target and precision: `measured` beside what its trial tells, its own columns where both do.

    A trial that was not measured keeps one row, with a null target.
    """
    if measured is None or measured.empty:
        return trials
    known = trials.drop(columns=[name for name in measured if name in trials and name not in TRIAL])
    return known.merge(measured, on=[name for name in TRIAL if name in measured], how="left")


def ranked_arms(searches: Sequence[ArmTrials]) -> list[RankedArms]:
    """`ranked_models` of each."""
    return [
        RankedArms(ranked_models(join_measured(each.trials, each.measured), each.terms, each.where), each.terms)
        for each in searches
    ]


def ranked_models(table: pd.DataFrame, terms: ArmTerms, where: object = "") -> pd.DataFrame:
    """The models of `table`, one row per trial, target and precision, with the `rank` of their trial in its arm.

    Decided: rank 1 has the highest training accuracy; accuracies that agree to 9 decimals are equal counts of images,
    and the lower trial number then comes first. `tied_out` is how many trials the cut after the best leaves out though
    they are equal to the last of them, `trials` the size of the search, `score` what it was ranked by, the higher the
    better. Columns: SEARCH, `trial`, RANKED, CONDITION (empty text where unknown) and the properties, float64.

    Raises InputError for missing columns, properties that are text or hold nothing, a trial with two ranks, an arm
    without enough trials, or an experiment without the baseline arm.
    """
    known = _checked(table, terms, where)
    trials = known.drop_duplicates(TRIAL)
    if len(known.drop_duplicates([*TRIAL, terms.rank_by])) > len(trials):
        raise InputError(
            f'a trial has several values of "{terms.rank_by}"', where=where, hint="number the trials apart"
        )
    _check_arms(trials, terms, where)
    ranks = pd.concat([_ranks(rows, terms) for _, rows in trials.groupby(SEARCH, sort=False)])
    models = known.drop(columns=RANKED, errors="ignore").join(ranks)
    models[RANKED] = models.groupby(TRIAL)[RANKED].transform("first")
    whole = dict.fromkeys(("rank", "trials", "tied_out"), "int64")
    models = models[[*TRIAL, *RANKED, *CONDITION, *terms.properties]].astype(whole)
    told = models[list(terms.properties)].notna().any(axis=1)
    somewhere = (models["target"] != "").any()
    return models[told & ((models["target"] != "") | (not somewhere))].reset_index(drop=True)


def best_models(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """The best of every arm, in order of rank."""
    return models[models["rank"] <= terms.best].sort_values([*SEARCHED, "rank"], kind="stable")


def varying(models: pd.DataFrame, terms: ArmTerms) -> list[str]:
    """The properties that are not the same in all `models`, those of ONE condition: others tell no arms apart."""
    return [name for name in terms.properties if models[name].nunique() > 1]


def standard_of(models: pd.DataFrame, terms: ArmTerms) -> tuple[str, str]:
    """The (target, precision) of the models before optimisation; raises InputError where nothing was measured so."""
    found = list(dict.fromkeys(models[CONDITION].itertuples(index=False, name=None)))
    if terms.standard is not None:
        if terms.standard not in found:
            allowed = ", ".join(" ".join(each).strip() or "no target or precision is named" for each in found)
            raise InputError(f"nothing was measured on {' in '.join(terms.standard)}", allowed=allowed)
        return terms.standard
    return next((each for each in found if each[1] == STANDARD), found[0])


def _checked(table: pd.DataFrame, terms: ArmTerms, where: object) -> pd.DataFrame:
    """A copy with all columns, texts as text, numbers as numbers."""
    _check_columns(table, terms, where)
    known = table.reset_index(drop=True).copy()
    for name, default in {"experiment": "table", "variant": "base", "target": "", "precision": ""}.items():
        known[name] = known[name].astype("str").fillna(default) if name in known else default
    for name in ("arm", "trial"):
        _check_empty(known, name, where)
    known["arm"] = known["arm"].astype("str").str.strip()
    for name in dict.fromkeys([terms.rank_by, *terms.properties]):
        hint = "every trial needs it, a diverged one too" * (name == terms.rank_by)
        set_number(known, name, str(where), needed=name == terms.rank_by, hint=hint)
        if known[name].isna().all():
            raise InputError(f'the property "{name}" holds no number', where=where)
    twice = known.duplicated([*TRIAL, *CONDITION])
    if twice.any():
        row = known[twice].iloc[0]
        what = f"the trial {row['trial']} of the arm {row['arm']} is there twice"
        raise InputError(what, where=where, hint="columns for target and precision, or a number for each trial")
    return known


def _check_columns(table: pd.DataFrame, terms: ArmTerms, where: object) -> None:
    if not len(table):
        raise InputError("the table holds no trials", where=where)
    if terms.best < 2:
        raise InputError(f"the best {terms.best} cannot be compared", where=where, allowed="2 or more")
    if taken := [name for name in terms.properties if name in RANKED]:
        raise InputError(f'the property "{taken[0]}" has the name of a rank', where=where, hint="rename the column")
    for name in ("arm", "trial", terms.rank_by, *terms.properties):
        if name not in table:
            allowed, hint = ", ".join(map(str, table.columns)), nearest(name, table.columns)
            raise InputError(f'there is no column "{name}"', where=where, allowed=allowed, hint=hint)


def _check_empty(known: pd.DataFrame, name: str, where: object) -> None:
    if known[name].isna().any():
        row = int(known[name].isna().to_numpy().argmax())
        raise InputError(f'the column "{name}" is empty', where=f"{where}, row {row + 1} after the header")


def _check_arms(trials: pd.DataFrame, terms: ArmTerms, where: object) -> None:
    """Every experiment has a baseline, and every arm at least as many trials as its best."""
    _check_again(trials, terms, where)
    for (experiment, variant), rows in trials.groupby(SEARCHED, sort=False):
        sizes = rows["arm"].value_counts(sort=False)
        place = ", ".join(filter(None, [str(where), experiment, variant]))
        if terms.baseline not in sizes:
            what = f'no arm is called "{terms.baseline}", which the others are compared with'
            raise InputError(what, where=place, allowed=_some(sizes.index), hint=nearest(terms.baseline, sizes.index))
        few = sizes[sizes < terms.best]
        if len(few):
            what = f'the arm "{few.index[0]}" has {few.iloc[0]} trials, fewer than its best {terms.best}'
            hint = f"at most {sizes.min()} for the best" if sizes.min() > 1 else "leave such arms out"
            raise InputError(what, where=place, hint=hint)


def _check_again(trials: pd.DataFrame, terms: ArmTerms, where: object) -> None:
    """A second search of the baseline that somebody names is another arm of the table."""
    arms = [arm for arm in dict.fromkeys(trials["arm"]) if arm != terms.baseline]
    if terms.again == terms.baseline or (terms.again not in arms and terms.again != ArmTerms.again):
        what = f'no other arm is called "{terms.again}", the second search of the baseline'
        raise InputError(what, where=where, allowed=_some(arms), hint=nearest(terms.again, arms))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + ", ..." * (len(names) > 12)


def _ranks(trials: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """The ranks of ONE search, by the index of its trials."""
    values = trials[terms.rank_by].to_numpy("float64")
    score = np.round(-values if terms.minimise else values, EQUAL)
    keyed = pd.DataFrame({"score": score, "trial": trials["trial"]}, index=trials.index)
    ordered = keyed.sort_values(["score", "trial"], ascending=[False, True], kind="stable")
    last = ordered["score"].iloc[terms.best - 1]
    left_out = int((ordered["score"] == last)[terms.best :].sum())
    ordered["rank"] = np.arange(1, len(ordered) + 1)
    return ordered[["score", "rank"]].assign(trials=len(ordered), tied_out=left_out)
