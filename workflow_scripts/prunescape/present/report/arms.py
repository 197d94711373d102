"""What the report says of arms: which hyperparameters cost what when they stay at their default, and what is chance."""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from prunescape.analysis.arms.of_study import RANKED_ON
from prunescape.analysis.arms.statistics import LEVEL, MAGNITUDES, least_delta, magnitude
from prunescape.analysis.arms.trials import CONDITION, ArmTerms
from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.trials import ALL, DEFAULT
from prunescape.present.labels import arm_title, condition_title, joined, property_title, variant_title
from prunescape.present.numbers import counted, is_missing, number
from prunescape.present.report.arm_tables import (
    Tables,
    arm_rows,
    percent,
    place_title,
    search_text,
    standard_place,
    without_repeats,
)
from prunescape.present.report.findings import VariantFindings
from prunescape.present.report.table import p_value
from prunescape.store.records import TRIAL

LATENCY = "latency_median_s"
MEANING = (
    "An arm searches anew with one hyperparameter, or one dimension of them, at its default. Where it is worse than "
    "the arm that varies all, searching that hyperparameter pays; where it is not shown to differ, that is no proof "
    "that it does not matter."
)


def arm_findings(
    tables: Tables, trials: pd.DataFrame, joined_cells: pd.DataFrame, measured: pd.DataFrame | None = None
) -> list[VariantFindings]:
    """How the arms of ONE experiment are compared, then what each variant shows; nothing where a design has one arm.

    `trials` are the experiment's rows of trials.parquet, `joined_cells` those of `analysis.trials.trial_cells`,
    `measured` those of benchmarks.parquet.
    """
    planned = [arm for arm in trials["arm"].unique() if arm != DEFAULT]
    if len(planned) < 2:
        return []
    compared = tables["arm_comparisons"]
    notes = [*completeness_sentences(compared, planned, joined_cells), *noise_sentences(measured)]
    if compared.empty:
        return [VariantFindings("", "Arms", notes or ["Arms cannot be compared: no property varies."])]
    rows = without_repeats(arm_rows(tables), standard_place(tables))
    shown = [VariantFindings("", "Arms: how they are compared", [*method_sentences(tables), *notes])]
    for variant in sorted(rows["variant"].unique(), key=variant_order):
        own = rows[rows["variant"] == variant]
        texts = [
            " ".join(claim_sentences(own)),
            control_sentence(own),
            " ".join(optimisation_sentences(tables, variant)),
        ]
        shown.append(VariantFindings(variant, f"Arms, {variant_title(variant)}", [text for text in texts if text]))
    return shown


def method_sentences(tables: Tables) -> list[str]:
    """Which models are compared, by which rule something is claimed, and what that rule cannot show."""
    compared, best = tables["arm_comparisons"], tables["best_settings"]
    ranked_on = RANKED_ON[best["rank_by"].iloc[0]]
    families = compared[~compared["control"].astype(bool)].groupby(["variant", *CONDITION]).size()
    count, tests = int(compared["n"].max()), int(families.max()) if len(families) else 1
    models = f"The best {count} models of each arm by {ranked_on} are compared with those of the arm {ALL}."
    claims = (
        "Below, a difference is claimed where p is under 5 % (Mann–Whitney, two-sided) after Holm's correction over "
        "all arms and properties of a variant, target and precision; nothing else is. It speaks of these models. Where "
        "every trial tells a property, whole searches are compared too, by exchange of trials."
    )
    return [f"{models} {MEANING}", claims, power_sentence(count, tests)]


def power_sentence(count: int, tests: int) -> str:
    """How large an effect has to be to be shown with so many models."""
    alone, corrected = least_delta(count, count), least_delta(count, count, LEVEL / tests)
    if is_missing(alone):
        return f"With {count} models against {count} no difference can have p under 5 %: more have to be exported."
    sizes = {name: least for least, name in MAGNITUDES}
    small = (
        f" A significant δ is thus {magnitude(alone)} at least, and cannot be small (under {number(sizes['medium'])})."
    )
    distinct = "where no two values are equal"
    text = f"With {count} models against {count}, p is under 5 % only from |δ| = {number(alone)} on {distinct}.{small}"
    if is_missing(corrected):
        return (
            f"{text} After Holm over {counted(tests, 'test')} none can be: export more models, or compare fewer arms."
        )
    return f"{text} The first of {counted(tests, 'test')} after Holm needs {number(corrected)}."


def completeness_sentences(compared: pd.DataFrame, planned: list[str], joined_cells: pd.DataFrame) -> list[str]:
    """Which arms are not compared, and that the best of more trials are better by that alone."""
    if ALL not in planned:
        return [f"Arms are compared with the arm {ALL}, which this design does not have."]
    rows = joined_cells[(joined_cells["stage"] == TRIAL) & (joined_cells["arm"] != DEFAULT)]
    found = []
    for variant in sorted(rows["variant"].unique(), key=variant_order):
        known = {ALL, *compared.loc[compared["variant"] == variant, "arm"]}
        if known == {ALL}:
            found.append(f"The arms of {variant_title(variant)} are not compared: too few trials are there.")
        elif missing := [arm_title(arm) for arm in planned if arm not in known]:
            found.append(
                f"Not compared, as too few of its trials are there, in {variant_title(variant)}: {joined(missing)}."
            )
    sizes = rows.groupby(["variant", "arm"])["trial"].nunique()
    if len(sizes) and sizes.min() < sizes.max():
        found.append(
            f"Arms have {sizes.min()} to {sizes.max()} trials so far: the best of more are better by that alone."
        )
    return found


def noise_sentences(measured: pd.DataFrame | None) -> list[str]:
    """That latency was too noisy, where it was so in some measurements."""
    noisy = 0 if measured is None else int(measured["noisy"].sum())
    if not noisy:
        return []
    told = f"{noisy} of {len(measured)} latencies are too noisy to rest on"
    return [f"{told}; what is said of latency rests on them, too."]


def claim_sentences(rows: pd.DataFrame) -> list[str]:
    """What arms are shown to do to each property of ONE variant; last what is not shown to change."""
    found: list[str] = []
    silent: list[tuple[str, str]] = []
    untested: list[str] = []
    for (name, *where), part in rows.groupby(["property", *CONDITION], sort=False):
        tested = part[~part["control"].astype(bool)]
        title = place_title(name, *where)
        shown = tested[tested["p_holm"] < LEVEL]
        if shown.empty:
            if tested["p"].isna().all():
                untested.append(title)
            else:
                silent.append((name, title))
            continue
        worse = (shown["delta"] < 0) == (name in ArmTerms(properties=()).higher)
        sides = [("worse", shown[worse]), ("better", shown[~worse])]
        words = [
            f"{word} with {joined([_claim(row) for row in side.itertuples()])}" for word, side in sides if len(side)
        ]
        rest = len(tested) - len(shown)
        others = (
            f" The other {counted(rest, 'arm')} {'is' if rest == 1 else 'are'} not shown to differ." if rest else ""
        )
        found.append(f"{title[0].upper()}{title[1:]}: {' and '.join(words)} at the default.{others}")
    if silent:
        found.append(f"No arm is shown to change {_either(_silent(silent, rows))}.")
    if untested:
        found.append(f"Too few models tell {joined(untested)} to compare arms in it.")
    return found


def _silent(silent: list[tuple[str, str]], rows: pd.DataFrame) -> list[str]:
    """The properties in `silent`, by one name where they are so under every condition."""
    conditions = rows.drop_duplicates(["property", *CONDITION])["property"].value_counts()
    count = Counter(name for name, _ in silent)
    return list(
        dict.fromkeys(
            f"{property_title(name)}{' under any condition' * (count[name] > 1)}"
            if count[name] == conditions[name]
            else title
            for name, title in silent
        )
    )


def _either(texts: list[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _claim(row) -> str:
    """An arm with the size of its effect."""
    whole = ""
    if not is_missing(row.effect_best):
        shown = "" if row.p_search <= LEVEL else ", not shown there"
        whole = f"; over whole searches {search_text(row)}{shown}"
    best = f"best model {percent(row.best_difference)}, " if not is_missing(row.best_difference) else ""
    return f"{arm_title(row.arm)} ({best}δ {number(row.delta)}, p {_p(row.p_holm)}{whole})"


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def control_sentence(rows: pd.DataFrame) -> str:
    """How far a second search of everything lies from the first: by chance alone."""
    control = rows[rows["control"].astype(bool)]
    if control.empty:
        return "There is no arm all-again, which would show how far two equal searches lie apart."
    parts = [
        f"{place_title(row.property, row.target, row.precision)} δ {number(row.delta)} (p {_p(row.p)})"
        for row in control.drop_duplicates("property").itertuples()
    ]
    low = int((control["p"] < LEVEL).sum())
    chance = f"{low or 'none'} of its {len(control)} p {'are' if low != 1 else 'is'} under 5 % before any correction"
    return f"The control all-again, a second search of everything, lies apart by luck alone: {joined(parts)}; {chance}."


def optimisation_sentences(tables: Tables, variant: str) -> Iterable[str]:
    """What optimisation does to the best models of ONE variant, and what of latency is precision or device alone."""
    tests = tables["arm_pair_tests"]
    tests = tests[(tests["variant"] == variant) & (tests["property"] != "flops")]
    for where, part in tests.groupby(CONDITION, sort=False):
        against = condition_title(*part[["standard_target", "standard_precision"]].iloc[0])
        changes = [f"{property_title(row.property)} {percent(row.relative_median)}" for row in part.itertuples()]
        what = f"{condition_title(*where)} against {against}, median over the best models of {ALL}"
        yield f"{what[0].upper()}{what[1:]}: {joined(changes)}."
    split = tables["arm_split"]
    split = split[(split["variant"] == variant) & (split["property"] == LATENCY)]
    for where, part in split.groupby(CONDITION, sort=False):
        alone = [f"{row.change} {percent(row.median)}" for row in part.itertuples()]
        yield f"Latency, {condition_title(*where)}: {'; '.join(alone)}."
