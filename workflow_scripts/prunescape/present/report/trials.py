"""The part of the report about an experiment whose design has a space: its trials, the best, their confirmation."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.trials import ALL, DEFAULT
from prunescape.config.designs import LIAO2022
from prunescape.present.architecture_words import ruled_out_sentences
from prunescape.present.factor_words import in_words
from prunescape.present.labels import (
    experiment_title,
    hyperparameter_title,
    joined,
    setting_text,
    value_text,
    variant_title,
)
from prunescape.present.numbers import counted, is_missing, number, short
from prunescape.present.report.arm_tables import arm_tables
from prunescape.present.report.arms import arm_findings
from prunescape.present.report.efficiency_tables import confirmation_table as confirmation_tests_table
from prunescape.present.report.efficiency_tables import efficiency_tables
from prunescape.present.report.factor_sentences import interaction_texts, paragraphs
from prunescape.present.report.factor_tables import factor_tables
from prunescape.present.report.findings import ExperimentFindings, VariantFindings
from prunescape.present.report.price_tables import tuning_cost_table
from prunescape.present.report.recommendation_tables import comparison_tables
from prunescape.present.report.setup import Pairs, plain, run_pairs
from prunescape.present.report.system_tables import system_tables
from prunescape.present.report.table import Columns, ExperimentResults, Table, by_variant, make_table
from prunescape.present.report.target_tables import measured_tables
from prunescape.present.report.trial_answer import trial_answer
from prunescape.space.recipe import PARAMETERS
from prunescape.store.records import OK, TRIAL

RANKS = {
    "train_top1": "top-1 over the last epoch's training images",
    "val_top1": "top-1 on the validation split",
    "top1": "top-1 on the test split",
}
DRAWN = {
    "random": "settings are drawn at random",
    "balanced": "settings have every level equally often, and pairs of levels as nearly as possible",
    "factorial": "settings are all combinations of levels",
}
UNEQUAL = (
    "Settings are ranked on validation splits of different sizes, since the partition varies: of a small split a high "
    "score is chance more often."
)
MOST_ROWS, FIRST = 40, 3  # best settings that are all shown, and how many of each arm where there are more
LIMITS = (
    "A best setting is a maximum over noisy cells: its score is too high by luck, the more so the more trials there "
    "are. Fresh seeds, which design.confirm asks for, are free of that.",
    "Settings differ in several hyperparameters at once: the best ones do not say which of these mattered; the F tests "
    "and the forest do, as far as the trials tell (docs/factors.md).",
)


def limits(design: Mapping[str, Any]) -> list[str]:
    """What the trials of a design cannot show."""
    unequal = design["rank_by"] == "val_top1" and "partition" in design["space"]
    return [*LIMITS, *([UNEQUAL] if unequal else [])]


def trials_section(
    name: str, plan: Mapping[str, Any], results: ExperimentResults, trials: pd.DataFrame, joined_cells: pd.DataFrame
) -> dict[str, Any]:
    """An experiment with a space on the page; no findings where no cell of it exists.

    `trials` are its rows of trials.parquet, `joined_cells` those of `analysis.trials.trial_cells`.
    """
    title = experiment_title(plan["model"], plan["dataset"])
    known = {"name": name, "title": title, "plan": design_pairs(plan, trials), "has_landscape": False}
    if results.cells.empty:
        return {**known, "findings": None, "run": []}
    tables = [
        trials_table(joined_cells),
        best_table(results.tables["best_settings"]),
        confirmation_table(results.tables["confirmations"]),
        confirmation_tests_table(results.tables["confirmation_tests"]),
        *arm_tables(results.tables),
        *factor_tables(in_words(results.tables)),
        *efficiency_tables(results.cells, results.tables["trial_efficiency"]),
        tuning_cost_table(results.tables["trial_tuning_cost"]),
        *system_tables(results.tables["trial_system"]),
        *measured_tables(results),
        *comparison_tables(results.tables),
    ]
    arms = arm_findings(results.tables, trials, joined_cells, results.benchmarks)
    ruled_out = ruled_out_sentences(results.tables.get("ruled_out"), results.cells)
    opening = [design_sentence(plan, trials), *ruled_out]
    return {
        **known,
        "findings": ExperimentFindings(opening, [*trial_findings(results), *arms], limits(plan["design"])),
        "answer": trial_answer(results),
        "run": run_pairs(results.cells, None),
        "tables": [table for table in tables if table.rows],
    }


def design_pairs(plan: Mapping[str, Any], trials: pd.DataFrame) -> Pairs:
    """What the config asked of the experiment, as the study's summary spells it out."""
    design = plan["design"]
    return [
        ("model", str(plan["model"])),
        ("data set", str(plan["dataset"])),
        ("variants", ", ".join(variant_title(name) for name in plan["variants"])),
        ("design", design_sentence(plan, trials)),
        *((hyperparameter_title(name), _range(values)) for name, values in sorted(design["space"].items())),
        ("default setting", setting_text(plan["prior"])),
        ("best by", f"{RANKS[design['rank_by']]}, {design['best']} of each arm and variant exported"),
        *((("confirmation", plain(design["confirm"])),) if design["confirm"] else ()),
        ("seeds", ", ".join(str(seed) for seed in plan["seeds"])),
        ("recipe", plain(plan["recipe"])),
        ("pruning", plain(plan["pruning"])),
    ]


def design_sentence(plan: Mapping[str, Any], trials: pd.DataFrame) -> str:
    """The design in words."""
    design, own = plan["design"], trials[trials["arm"] != DEFAULT]
    arms = own["arm"].unique()
    sizes = own.groupby("arm").size()
    of_arms = f" in each of {len(arms)} arms ({', '.join(arms)})" if len(arms) > 1 else ""
    paper = ", the arms of liao2022 and a second search" if design["arms"] == [LIAO2022] else ""
    seed = f", seed {design['seed']}" if design["kind"] != "factorial" else ""
    return (
        f"{design['kind'].capitalize()} design over {counted(len(design['space']), 'hyperparameter')}: "
        f"{DRAWN[design['kind']]}{seed}, {counted(int(sizes.max()), 'trial')}{of_arms}{paper}. "
        "Every variant is trained at the same settings."
    )


def _range(values: Any) -> str:
    if isinstance(values, dict):
        return f"{short(values['low'])} to {short(values['high'])}"
    return ", ".join(value_text(value) for value in values)


def trial_findings(results: ExperimentResults) -> list[VariantFindings]:
    """What acts otherwise after pruning; then of each variant its best setting, and which hyperparameters matter."""
    words = in_words(results.tables)
    again, matters = interaction_texts(words), paragraphs(words)
    findings = [VariantFindings("", "After pruning: what to look at again", again)] if again else []
    for variant in sorted(results.cells["variant"].unique(), key=variant_order):
        title = variant_title(variant)
        texts = [each.text for each in matters if each.by == title]
        findings.append(VariantFindings(variant, title, [*best_sentences(results, variant), *texts]))
    return findings


def best_sentences(results: ExperimentResults, variant: str) -> list[str]:
    """The best setting of a variant, of the arm that varies all or else the first, and what fresh seeds say of it."""
    best = results.tables["best_settings"]
    best = best[(best["place"] == 1) & best["score"].notna()]
    fresh = {(row["variant"], row["setting"]): row for row in results.tables["confirmations"].to_dict("records")}
    sentences = []
    for row in best[best["variant"] == variant].to_dict("records"):
        if row["arm"] not in (ALL, best["arm"].iloc[0]):
            continue
        text = (
            f"The best setting by {RANKS[row['rank_by']]} ({number(row['score'])} %) has {number(row['top1'])} % "
            f"on the test split: {setting_text(row)}."
        )
        sentences.append(text + _confirmed(fresh.get((row["variant"], row["setting"]))))
    return sentences


def _confirmed(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    return f" With {counted(int(row['seeds']), 'fresh seed')} it has {number(row['top1'])} % on average."


def trials_table(rows: pd.DataFrame) -> Table:
    """How many trials of each arm and variant were trained, how many diverged, and how top-1 spreads."""
    rows = rows[(rows["stage"] == TRIAL) & (rows["arm"] != DEFAULT)]
    rows = rows.assign(diverged=rows["status"] != OK)
    table = rows.groupby(["arm", "variant"], as_index=False, sort=False).agg(
        trials=("trial", "nunique"),
        cells=("trial", "size"),
        diverged=("diverged", "sum"),
        low=("top1", "min"),
        median=("top1", "median"),
        high=("top1", "max"),
    )
    columns: Columns = {
        "variant": lambda row: variant_title(row.variant),
        "arm": "arm",
        **{name: name for name in ("trials", "cells", "diverged")},
        "lowest top-1, %": ("low", 2),
        "median": ("median", 2),
        "highest": ("high", 2),
    }
    note = "Top-1 on the test split, of single cells; a diverged one counts at chance level."
    return make_table("Trials", by_variant(table), columns, [note])


def best_table(best: pd.DataFrame) -> Table:
    """The best settings of each arm and variant, of many the first."""
    shown = best if len(best) <= MOST_ROWS else best[best["place"] <= FIRST]
    columns: Columns = {
        "variant": lambda row: variant_title(row.variant),
        "arm": "arm",
        **{name: name for name in ("place", "trial")},
        "chosen by, %": ("score", 2),
        "top-1, %": ("top1", 2),
        **_setting_columns(best),
    }
    names = joined([RANKS[name] for name in best["rank_by"].unique()])
    note = f"Chosen by {names}; a dash: it does not act there."
    note += "" if len(shown) == len(best) else f" The first {FIRST} of each arm; best_settings.csv has all."
    return make_table("Best settings", by_variant(shown), columns, [note])


def confirmation_table(confirmations: pd.DataFrame) -> Table:
    """The best settings of each variant with fresh seeds."""
    columns: Columns = {
        "variant": lambda row: variant_title(row.variant),
        "place": "place",
        "chosen by, %": ("score", 2),
        "top-1 then, %": ("trial_top1", 2),
        "fresh seeds": "seeds",
        "diverged": "diverged",
        "top-1, %": ("top1", 2),
        "SD": ("std", 2),
        **_setting_columns(confirmations),
    }
    note = "Then: in the trials that chose it. SD: between fresh seeds, 1 ÷ (n − 1) form."
    return make_table("Confirmation with fresh seeds", by_variant(confirmations), columns, [note])


def _setting_columns(rows: pd.DataFrame) -> Columns:
    """One column per hyperparameter that acts in some row."""
    names = [name for name in rows if name in PARAMETERS and rows[name].notna().any()]

    def shown(name: str):
        return lambda row: "–" if is_missing(value := getattr(row, name)) else value_text(value)

    return {hyperparameter_title(name): shown(name) for name in names}
