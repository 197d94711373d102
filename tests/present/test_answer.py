"""The answer at the top of an experiment: one line per variant, against numbers worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.present.report.answer import PAID_AFTER, grid_answer, models_shown
from prunescape.present.summary import overall_verdict, verdict_lines
from support.measurements import with_costs
from support.report_cells import benchmarks, replicated, study_cells
from support.report_results import results_of

TERMS = {"margin": 0.5, "sigma": 0.2, "noise": "pooled"}


def rows_of(answer) -> dict[str, dict[str, str]]:
    (table,) = answer.tables
    return {row[0]: dict(zip(table.heads, row, strict=True)) for row in table.rows}


def test_one_line_per_variant_says_verdict_accuracy_cost_and_price(tmp_path):
    """Best of four cells: 98 and 97 %; 1,004,000 of 2,000,000 FLOPs; 2 ms against 1.25 ms are 1.6 times the speed.

    The price of uniform is 4 cells of the grid and 5 fresh seeds at each: 24 trainings of 30 s, 0.2 hours of a core.
    """
    frame = replicated({"uniform-0.5": -20.0, "nonuniform-0.5": 2.0})
    answer = grid_answer(results_of(tmp_path, frame, terms=TERMS, benchmarks=benchmarks()))
    rows = rows_of(answer)
    assert list(rows) == ["base", "uniform 0.5", "nonuniform 0.5"]
    base, uniform, nonuniform = rows.values()
    assert (base["verdict"], uniform["verdict"], nonuniform["verdict"]) == ("reference", "● keep", "▲ retune")
    assert nonuniform["gain of tuning"].startswith("2.00 (") and " to " in nonuniform["gain of tuning"]
    assert [row["top-1, %"] for row in rows.values()] == ["98.00", "97.00", "90.00"]
    assert [row["FLOPs"] for row in rows.values()] == ["1.000", "0.502", "0.499"]
    assert (base["latency, ms"], uniform["latency, ms"], nonuniform["latency, ms"]) == ("2.00", "1.25*", "–")
    assert (base["speed-up"], uniform["speed-up"], uniform["file, kB"]) == ("1.00", "1.60", "150.0")
    assert [row["trainings"] for row in rows.values()] == ["4", "24", "24"]
    assert [row["core-hours"] for row in rows.values()] == ["0.033", "0.20", "0.20"]
    assert (
        answer.sentences[2]
        == "Fastest on here: uniform 0.5 fp32 (1 thread, batch 1), 1.25 ms per run, 97.50 % top-1; a noisy timing."
    )
    assert (base[PAID_AFTER], uniform[PAID_AFTER]) == ("–", "not known"), "two repeats are too few for a test"
    (table,) = answer.tables
    assert "Each bound fails with a chance of 2.5 % at most, the error rate of 5 % over 2 variants" in table.notes[0]
    assert [head for head, _ in table.groups] == ["", "here", "", "price of tuning"]
    assert table.marks[1, 1] == "keep" and table.marks[2, 1] == "retune"
    assert {place for place, mark in table.marks.items() if mark == "best"} == {(0, 3), (1, 5)}


def test_the_answer_says_after_how_many_images_tuning_is_paid_back(tmp_path):
    """4 cells of 30 s are 120 s; 0.75 ms are saved per image: 160,000 images."""
    found = benchmarks()
    found["samples"] = [[median] * 30 for median in found["latency_median_s"]]
    answer = grid_answer(results_of(tmp_path, study_cells(), benchmarks=found))
    assert {name: row[PAID_AFTER] for name, row in rows_of(answer).items()} == {
        "base": "–",
        "uniform 0.5": "1.6 × 10⁵",
        "nonuniform 0.5": "–",
    }


def test_not_every_variant_keeps_while_one_has_no_verdict(tmp_path):
    """A claim about all variants needs a verdict on each: nonuniform 0.5 has no fresh seeds, or learnt nothing."""
    frame = replicated({"uniform-0.5": -20.0})
    results = results_of(tmp_path, frame, terms=TERMS)
    assert grid_answer(results).sentences[0] == "Keep: uniform 0.5; no verdict: nonuniform 0.5."
    assert verdict_lines(results.tables["verdicts"])[0].startswith(
        "d-m: Keep: uniform 0.5; no verdict: nonuniform 0.5."
    )
    lost = (frame["variant"] == "nonuniform-0.5") & (frame["stage"] == "grid")
    unlearnt = frame.assign(correct=frame["correct"].mask(lost, 20), top1=frame["top1"].mask(lost, 10.0))
    said = grid_answer(results_of(tmp_path, unlearnt, terms=TERMS)).sentences
    assert "no answer for it" in said[0] and said[1] == "Keep: uniform 0.5; no verdict: nonuniform 0.5."


def test_a_claim_about_all_variants_names_those_that_it_does_not_show_alone():
    """At alpha both keep, so all do; at alpha / 2 only one of them."""
    known = {"verdict": "keep", "margin": 0.5, "alpha": 0.05, "points": 16}
    found = {
        name: SimpleNamespace(variant=name, verdict_bonferroni=alone, **known)
        for name, alone in (("uniform-0.5", "keep"), ("uniform-0.25", "inconclusive"))
    }
    every, alone, terms = overall_verdict(found, Axes.of(["log10_lr", "log10_wd"]))
    assert every.startswith("Keep, for every variant") and terms.endswith("16 trained settings.")
    assert alone == "That is one claim about all of them; about uniform 0.25 alone it is not shown."


def test_without_fresh_seeds_the_answer_says_so(tmp_path):
    answer = grid_answer(results_of(tmp_path, study_cells()))
    rows = rows_of(answer)
    assert answer.sentences == [
        "Inconclusive for every variant: there are no fresh seeds, without which there is no verdict."
    ]
    assert rows["uniform 0.5"]["verdict"] == "○ inconclusive"
    alone = grid_answer(results_of(tmp_path, study_cells().query("variant == 'base'")))
    assert alone.sentences == ["There is no pruned variant yet, so there is nothing to compare with the base."]
    assert not {"gain of tuning", "latency, ms", "file, kB"} & set(rows["base"]), (
        "nothing is shown of what is not known"
    )


def test_a_model_is_shown_under_one_set_of_conditions_of_each_target(tmp_path):
    """fp32 before int8, one thread before two, batch 1 before 8; the best cell of each variant."""
    rows = [
        with_costs(name, 1.0, target=target, precision=precision, threads=threads, batch=batch, rank=rank)
        for name in ("base", "uniform-0.5")
        for target, precision, threads, batch, rank in [
            *(
                ("here", "int8", 1, 1, 1),
                ("here", "fp32", 2, 1, 1),
                ("here", "fp32", 1, 8, 1),
                ("here", "fp32", 1, 1, 1),
            ),
            *(("here", "fp32", 1, 1, 2), ("there", "int8", 4, 1, 1)),
        ]
    ]
    known = pd.DataFrame(rows).assign(experiment="d-m", latency_relative_iqr=0.01, noisy=False, encoded_bytes=np.nan)
    shown = models_shown(results_of(tmp_path, study_cells(), benchmarks=known))
    told = shown[["target", "variant", "precision", "threads", "batch", "rank"]].to_numpy().tolist()
    assert told == [
        ["here", "base", "fp32", 1, 1, 1],
        ["here", "uniform-0.5", "fp32", 1, 1, 1],
        ["there", "base", "int8", 4, 1, 1],
        ["there", "uniform-0.5", "int8", 4, 1, 1],
    ]
