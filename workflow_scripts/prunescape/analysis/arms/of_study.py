"""The arms of a study's designs as searches to compare: every trial as trained, and the exported ones as measured.

Accuracy, FLOPs and parameters are known of every trial; latency and the sizes of files only of the models that were
exported, the best of each arm. So each experiment is compared twice: as trained (no target, no precision), where whole
searches can be drawn again, and on every target and in every precision, where only the best can be compared.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prunescape.analysis.arms.trials import CONDITION, STANDARD, TRIAL, ArmTerms, ArmTrials, join_measured
from prunescape.analysis.trials import ALL, DEFAULT, Terms, at_settings
from prunescape.measure.table import MEASURED_COLUMNS
from prunescape.store.records import OK
from prunescape.store.records import TRIAL as TRIAL_STAGE

OF_TRIALS = ("top1", "flops", "parameters")
OF_MEASURED = ("top1", "latency_median_s", "file_bytes", "encoded_bytes", "flops")
PAPER_BEST = 10  # models of each arm that liao2022 compares (4.1.2)
SCORE = "score"
BELOW = 101.0  # a setting with a seed that diverged comes after every one without: percents end at 100
RANKED_ON = {"train_top1": "training accuracy", "val_top1": "validation accuracy", "top1": "test accuracy"}
RUN = ["batch", "threads", "flush_to_zero"]


def study_arms(
    joined: pd.DataFrame, trials: pd.DataFrame, terms: Terms, measured: pd.DataFrame | None
) -> list[ArmTrials]:
    """The searches of every experiment that has the arm `all` and others: as trained and, if so, as measured.

    `joined` as `trial_cells` gives it, `terms` as `Study.trial_terms`. Trials that were not trained yet are left out,
    and with them an arm that has fewer than are compared. So is a property that is the same in all models of a variant.
    """
    found: list[ArmTrials] = []
    for name, planned in trials[trials["arm"] != DEFAULT].groupby("experiment", sort=True):
        best = compared_best(planned, terms[name])
        rows = joined[(joined["experiment"] == name) & (joined["arm"] != DEFAULT) & (joined["stage"] == TRIAL_STAGE)]
        if best < 2 or rows.empty:
            continue
        known = _comparable(trial_scores(rows, terms[name]["rank_by"]), best)
        common = {"rank_by": SCORE, "best": best, "ranked_on": RANKED_ON[terms[name]["rank_by"]]}
        found += _searches(known, OF_TRIALS, common, str(name))
        tested = measured_trials(measured, planned, str(name))
        if len(known) and len(tested):
            found += _searches(join_measured(known, tested), OF_MEASURED, common, str(name))
    return found


def compared_best(planned: pd.DataFrame, terms: Mapping[str, Any]) -> int:
    """How many models of each arm of ONE experiment are compared; 0 where its arms cannot be.

    As many as are exported; the paper's 10 where that is only one; never more than an arm has trials.
    """
    sizes = planned.groupby("arm").size()
    if ALL not in sizes or len(sizes) < 2:
        return 0
    return min(terms["best"] if terms["best"] > 1 else PAPER_BEST, int(sizes.min()))


def trial_scores(rows: pd.DataFrame, rank_by: str) -> pd.DataFrame:
    """One row per variant, arm and trial of ONE experiment, with its SCORE and OF_TRIALS.

    The score is the mean of `rank_by` over the seeds that did not diverge, less BELOW for each one that did: the order
    of `best_settings`. Top-1 is the mean over all seeds; a diverged one counts at chance level.
    """
    good = rows["status"] == OK
    rows = rows.reindex(columns=list(dict.fromkeys([*rows, *OF_TRIALS])))
    rows = rows.assign(**{SCORE: rows[rank_by].where(good), "diverged": ~good})
    summary = {SCORE: "mean", "diverged": "sum", "top1": "mean", "flops": "first", "parameters": "first"}
    table = rows.groupby(TRIAL, as_index=False, sort=False).agg(summary)
    return table.assign(**{SCORE: table[SCORE].fillna(0) - BELOW * table["diverged"]}).drop(columns="diverged")


def measured_trials(measured: pd.DataFrame | None, planned: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """What was measured of the trials of ONE experiment: a row per variant, arm, trial, target and precision.

    Of several ways to run models on a target it takes the smallest batch with the fewest threads. Models are found by
    their hyperparameters; a training precision is none that measurements tell, so a model that could be of several
    settings is left out.
    """
    columns = [*TRIAL, *CONDITION, *(name for name in OF_MEASURED if name != "flops")]
    if measured is None or measured.empty:
        return pd.DataFrame(columns=columns)
    own = measured[measured["experiment"] == experiment].sort_values(["target", "precision", *RUN, "seed"])
    own = own[(own[RUN] == own.groupby("target")[RUN].transform("first")).all(axis=1)]
    settings = planned.drop(columns=[name for name in MEASURED_COLUMNS if name in planned])
    found = at_settings(settings, own)
    model = ["variant", "network", "rank", *CONDITION]
    found = found[found.groupby(model)["setting"].transform("nunique") == 1]
    return found.drop_duplicates([*TRIAL, *CONDITION])[columns]


def _comparable(known: pd.DataFrame, best: int) -> pd.DataFrame:
    """The trials of arms that have as many as are compared, in variants where the baseline and another arm are left."""
    enough = known[known.groupby(["variant", "arm"])["trial"].transform("size") >= best]
    arms = enough.groupby("variant")["arm"]
    kept = arms.transform(lambda names: ALL in set(names)) & (arms.transform("nunique") > 1)
    return enough[kept.astype(bool)]


def _searches(
    known: pd.DataFrame, properties: Sequence[str], common: Mapping[str, Any], experiment: str
) -> list[ArmTrials]:
    """The comparison of these trials under all conditions in `known`; none where nothing in them varies."""
    told = known[known["target"].notna()] if "target" in known else known
    varied = tuple(name for name in properties if (told.groupby("variant")[name].nunique() > 1).any())
    if not varied:
        return []
    terms = ArmTerms(properties=varied, standard=_standard(told), **common)
    return [ArmTrials(known, None, terms, where=f"trials of {experiment}")]


def _standard(told: pd.DataFrame) -> tuple[str, str] | None:
    """The condition before optimisation: fp32 on the first target by name, if there is that precision."""
    if "target" not in told:
        return None
    found = sorted(dict.fromkeys(told[CONDITION].itertuples(index=False, name=None)))
    return next((each for each in found if each[1] == STANDARD), found[0])
