"""The answer of an experiment with a space, from tables of factors and arms written by hand."""

import pandas as pd
import pytest

from prunescape.analysis.factors.columns import TABLES
from prunescape.present.factor_words import in_words
from prunescape.present.report.trial_answer import again_sentences, arm_sentences, matter_sentences, matter_table

OTHERS = ("uniform-0.25", "uniform-0.5")
# hyperparameter -> verdicts after both prunings, and p after Holm in the base
FOUND = {
    "batch_size": (("may stay", "may stay"), 0.9),
    "log10_lr": (("look again", "look again"), 0.001),
    "momentum": (("may stay", "look again"), 0.01),
    "schedule": (("inconclusive", "may stay"), 0.5),
}
SHARES = {"batch_size": 0.01, "log10_lr": 0.6, "momentum": 0.2, "schedule": 0.02}


@pytest.fixture
def words() -> dict[str, pd.DataFrame]:
    """The tables of one experiment in words; seconds are another response."""
    moved = [
        {"factor": name, "other": other, "verdict": verdict}
        for name, (verdicts, _) in FOUND.items()
        for other, verdict in zip(OTHERS, verdicts, strict=True)
    ]
    tests = [{"factor": name, "by": "variant=base", "p_holm": p} for name, (_, p) in FOUND.items()]
    tests += [{"factor": name, "by": "variant=uniform-0.5", "p_holm": 0.5} for name in FOUND]
    shares = [{"factor": name, "by": "variant=base", "share": share, "other": None} for name, share in SHARES.items()]
    shares.append({"factor": "momentum", "by": "variant=base", "share": 0.3, "other": "log10_lr"})
    tables = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    tables |= {"interactions": pd.DataFrame(moved), "factors": pd.DataFrame(tests), "importance": pd.DataFrame(shares)}
    tables = {name: table.assign(response="top1") for name, table in tables.items()}
    seconds = tables["factors"].assign(response="log10:epoch_seconds", p_holm=0.0)
    return in_words(tables | {"factors": pd.concat([tables["factors"], seconds])})


def test_what_to_look_at_again_stands_first(words):
    assert again_sentences(words) == [
        "After pruning, look again at log10 learning rate and momentum (uniform 0.5); batch size may stay; "
        "inconclusive: schedule."
    ]
    assert matter_sentences(words) == ["Shown to change top-1: log10 learning rate (base) and momentum (base)."]


def test_nothing_shown_is_said_so(words):
    none = {
        "interactions": words["interactions"].assign(verdict="inconclusive"),
        "factors": words["factors"].assign(p_holm=0.2),
    }
    assert again_sentences(none)[0].startswith("After pruning, nothing is shown to need a second look; inconclusive: ")
    assert matter_sentences(none) == ["No hyperparameter is shown to change top-1."]
    empty = {name: table.iloc[:0] for name, table in words.items()}
    assert again_sentences(empty) == matter_sentences(empty) == [] and matter_table(empty).rows == []


def test_one_line_per_hyperparameter_the_most_important_first(words):
    table = matter_table(words)
    assert table.heads == ["hyperparameter", "base", "uniform 0.5", "uniform 0.5 ", "uniform 0.25 "]
    assert [head for head, _ in table.groups] == ["", "changes top-1 (share of variance)", "after pruning"]
    assert table.rows[0] == ["log10 learning rate", "yes (0.60)", "not shown", "▲ look again", "▲ look again"]
    assert [row[0] for row in table.rows] == ["log10 learning rate", "momentum", "schedule", "batch size"]
    assert table.rows[2][3:] == ["● may stay", "○ inconclusive"]
    assert (table.marks[0, 1], table.marks[0, 3], table.marks[2, 4]) == ("best", "retune", "inconclusive")


def test_arms_that_cost_accuracy_at_the_default_are_named():
    """A lower accuracy counts after Holm only; controls and other properties say nothing here."""
    rows = [("fix:batch_size", "top1", False, 0.01, -0.9), ("fix:momentum", "top1", False, 0.2, -0.9)]
    rows += [("all-again", "top1", True, 0.01, -0.9), ("fix:schedule", "file_bytes", False, 0.01, -0.9)]
    table = pd.DataFrame(rows, columns=["arm", "property", "control", "p_holm", "delta"]).assign(variant="base", p=0.01)
    (said,) = arm_sentences({"arm_comparisons": table})
    assert said == (
        "Left at its default instead of searched (against the arm all), the best models are less accurate: batch size."
    )
    (said,) = arm_sentences({"arm_comparisons": table.assign(p_holm=1.0)})
    assert said.endswith("no best models are shown less accurate.")
    assert arm_sentences({"arm_comparisons": table.iloc[:0]}) == []
