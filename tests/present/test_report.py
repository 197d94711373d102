"""The report: its sentences against numbers worked out by hand, its tables, and a page that needs no network."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, t

from prunescape.analysis.analyse import compare_targets
from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.image_errors import image_error
from prunescape.config.analysis import Objectives
from prunescape.errors import InputError
from prunescape.present.numbers import number, short, significant, standard_error, whole
from prunescape.present.report.answer import grid_answer
from prunescape.present.report.findings import experiment_findings
from prunescape.present.report.landscape_tables import ellipses_table, risk_table, variants_table, verdicts_table
from prunescape.present.report.page import question, write_report
from prunescape.present.report.setup import acting, plan_pairs, run_pairs
from prunescape.present.report.target_tables import benchmarks_table
from prunescape.present.summary import summary_lines, verdict_lines
from support.drawn_figures import draw
from support.report_cells import CORRECT, benchmarks, replicated, study_cells
from support.report_results import findings_of, results_of


def test_sentences_give_the_risk_in_points_and_images(tmp_path):
    """Base region: 98.0 and 97.5 %. uniform there: 95.0 and 97.0, best 97.0: mean risk 1.0 points, 2 of 200 images."""
    found, texts = findings_of(tmp_path, study_cells())
    opening = " ".join(found.opening)
    assert "98.00 %" in opening and "2 settings of its grid come within 0.5 points" in opening
    assert "mean risk 1.00 points (2 of 200 test images)" in texts["uniform-0.5"]
    moved = "The best cell moved, log10 weight decay by 1.00; the risk of the base's best setting is 2.00 points"
    assert moved in texts["uniform-0.5"]


def test_sentences_hold_no_risk_against_a_threshold(tmp_path):
    found, _ = findings_of(tmp_path, study_cells())
    assert "settings: 1.00 points (2 of 200 test images) for uniform 0.5 to 35.00 points" in found.opening[0]
    assert "cannot settle whether tuning is needed" in found.opening[0]
    alone, _ = findings_of(tmp_path, study_cells().query("variant != 'nonuniform-0.5'"))
    assert "settings: 1.00 points (2 of 200 test images) for uniform 0.5. Luck" in alone.opening[0]


def test_sentences_give_the_paired_error_over_images(tmp_path):
    """uniform: best cell right on images 0-193, carried ones on 0-189 and 0-193: e = 1/2 on 4 of 200 images."""
    frame = study_cells()
    frame["correct_bits"] = [np.packbits(np.arange(200) < right).tobytes() for right in frame["correct"]]
    _, texts = findings_of(tmp_path, frame)
    error = 100 * np.std([0.5] * 4 + [0] * 196, ddof=1) / math.sqrt(200)
    assert f"standard error over the choice of test images is {error:.2f} points" in texts["uniform-0.5"]
    _, texts = findings_of(tmp_path, study_cells())
    assert "standard error" not in texts["uniform-0.5"]


def test_a_recipe_is_told_without_what_has_no_effect_in_it():
    recipe = {"optimiser": "adam", "momentum": 0.9, "beta1": 0.8, "decay": 0.1, "milestones": [3], "epochs": 9}
    assert acting(recipe) == {name: value for name, value in recipe.items() if name != "momentum"}
    assert acting({"momentum": 0.9}) == {"momentum": 0.9}, "the optimiser may vary"


def test_other_axes_and_thresholds_name_themselves(tmp_path):
    """Momentum and batch size instead of learning rate and weight decay, and a wider region of good settings."""
    axes = Axes.of(["momentum", "batch_size"])
    frame = study_cells().rename(columns={"log10_wd": "momentum", "log10_lr": "batch_size"})
    frame["momentum"], frame["batch_size"] = frame["momentum"] / 10 + 0.5, frame["batch_size"] * -64
    results = results_of(tmp_path, frame, axes=axes, thresholds=(2.0, 4.0))
    found, (uniform, _) = experiment_findings(results), experiment_findings(results).variants
    assert "best at batch size 64, momentum 0.1" in found.opening[1]
    assert "within 2 points" in found.opening[1] and "no risk over 2 points" in " ".join(found.limits)
    assert any("The best cell moved, momentum by 0.10" in text for text in uniform.sentences)
    assert variants_table(results).heads[-2:] == ["batch size", "momentum"]
    shown = ellipses_table(results, "top1")
    assert [head for head, _ in shown.groups] == ["", "4.0-ROI", "2.0-ROI"]
    assert "centre momentum" in shown.heads and "Lengths in the axes' units" in shown.notes[0]
    assert "the base's 2.0-ROI" in risk_table(results, "top1").notes[0]
    plan = {"model": "m", "dataset": "d", "variants": ["base"], "seeds": [0], "recipe": {}}
    plan |= {"prior": {"momentum": 0.1, "batch_size": 64}, "grid": {"momentum": [0.1, 0.2], "batch_size": [64, 128]}}
    pairs = dict(plan_pairs(plan, axes))
    assert (pairs["prior"], pairs["grid, momentum"]) == ("batch size 64, momentum 0.1", "0.1, 0.2")
    extended = pd.concat([results.cells, results.cells.assign(round=1)])
    rounds = dict(run_pairs(extended, axes))
    assert rounds["configured grid"].endswith("cells; grid: batch size 64 to 128, momentum 0.1 to 0.2")
    assert rounds["round 1, grid"].endswith("cells"), "it did not grow"
    heads, base = summary_lines(results.tables["risk"])[1:3]
    assert "batch size  momentum  risk" in heads and "  98.00 %          64       0.1  0.25 points" in base


def test_the_paired_error_is_scipys():
    """scipy.stats.sem of the differences image by image, on random outcomes that share most of their images."""
    from scipy.stats import sem

    random = np.random.default_rng(0)
    hard = random.random(300) < 0.1
    best, carried = (hard & False) | (random.random(300) > 0.05), random.random((4, 300)) > 0.1 + 0.5 * hard
    assert image_error(best, carried) == pytest.approx(100 * sem(best - carried.mean(axis=0)))


def test_sentences_say_what_one_seed_cannot_settle(tmp_path):
    found, _ = findings_of(tmp_path, study_cells())
    limits = " ".join(found.limits)
    assert "one image is 0.500 points" in limits
    assert "One seed cannot settle" in limits and "biased upwards" in limits
    both = pd.concat([study_cells(), study_cells(seed=1)])
    found, texts = findings_of(tmp_path, both)
    assert "2 seeds" in " ".join(found.limits) and "One seed" not in " ".join(found.limits)
    assert "1.00 points (2 of 200 test images) over 2 seeds (1.00, 1.00)" in texts["uniform-0.5"]


def test_sentences_count_ties_as_not_moved(tmp_path):
    frame = study_cells()
    frame.loc[frame["variant"] == "uniform-0.5", "top1"] = 90.0
    _, texts = findings_of(tmp_path, frame)
    assert "The best cell did not move" in texts["uniform-0.5"]


def test_sentences_where_settings_are_chosen_on_a_validation_split(tmp_path):
    """On validation the base's best three are settings 0, 1 and 2 (95.0, 94.8, 94.6 %) and uniform's setting 1.

    Base on test: 90.0 there, 90.0 and 98.0: under its chosen one by 0, 0 and -8 points, -2.67 on average. uniform on
    test: 90.0, 90.0 and 95.0 against the chosen 90.0: by 0, 0 and -5, -1.67 on average; on validation 1.0, 0 and 2.0.
    """
    frame = study_cells(select_on="validation")
    chosen = {"base": [95.0, 94.8, 94.6, 80.0], "uniform-0.5": [93.0, 94.0, 92.0, 91.0], "nonuniform-0.5": [90.0] * 4}
    frame["val_top1"] = [score for name in CORRECT for score in chosen[name]]
    found, texts = findings_of(tmp_path, frame)
    opening, limits = " ".join(found.opening), " ".join(found.limits)
    assert "3 settings of its grid come within 0.5 points of the best on the validation split" in opening
    assert "own mean risk there is −2.67 points (−5.3 of 200 test images)." in opening
    assert "never over" not in opening and "no risk over" not in limits
    assert "a risk may be negative" in limits and "biased upwards, if by less" in limits
    assert "mean risk −1.67 points" in texts["uniform-0.5"]
    assert "The best cell moved, log10 weight decay by 1.00" in texts["uniform-0.5"]
    assert "the risk of the base's best setting is 0.00 points" in texts["uniform-0.5"]
    assert "The best cell did not move" in texts["nonuniform-0.5"]
    shown = risk_table(results_of(tmp_path, frame), "top1")
    uniform = dict(zip(shown.heads, shown.rows[1], strict=True))
    assert (uniform["mean"], uniform["mean, choosing"]) == ("−1.667", "1.000")


def test_sentences_for_diverged_absent_and_unknown(tmp_path):
    frame = study_cells()
    at_best = (frame["variant"] == "uniform-0.5") & (frame["log10_lr"] == -1.0) & (frame["log10_wd"] == -4.0)
    frame.loc[at_best, ["status", "top1"]] = ["diverged", None]
    _, texts = findings_of(tmp_path, frame)
    assert (
        "1 of these cells diverged and counts at chance level; without them the mean risk is 0.00"
        in (texts["uniform-0.5"])
    )
    _, texts = findings_of(tmp_path, frame[(frame["variant"] == "base") | (frame["log10_lr"] == -2.0)])
    assert "none of the base's good settings has a finished cell" in texts["uniform-0.5"]
    found, texts = findings_of(tmp_path, study_cells().drop(columns=["tested", "correct"]))
    assert "test images" not in " ".join([*found.opening, *found.limits, *texts.values()])
    results = results_of(tmp_path, study_cells().query("variant != 'base'"))
    assert "base has no finished cells" in grid_answer(results).sentences[0]
    assert not experiment_findings(results).variants


def test_standard_error_is_the_binomial_one():
    """scipy.stats.binom's standard deviation of the share of successes."""
    from scipy.stats import binom

    assert standard_error(98.5, 600) == pytest.approx(100 * binom(600, 0.985).std() / 600)
    assert standard_error(100, 600) == 0


def test_numbers_as_text():
    shown = [number(-0.001), number(-1.25, 1), number(math.nan), number(None), number(pd.NA)]
    assert shown == ["0.00", "−1.2", "–", "–", "–"]
    assert [short(-1.0), short("-4.42"), whole(1234567), whole(None)] == ["−1", "−4.42", "1\u202f234\u202f567", "–"]
    counting = [significant(0.02614), significant(0.9996), significant(1371.9), significant(0.4, 2), significant(0)]
    assert counting == ["0.0261", "1.00", "1372", "0.40", "0"]
    assert [significant(-0.00123456, unit=" ms"), significant(None)] == ["−0.00123 ms", "–"]


def test_tables_show_what_was_computed(tmp_path):
    results = results_of(tmp_path, study_cells())
    variants = variants_table(results)
    assert variants.rows[1][:5] == ["uniform 0.5", "0.500", "0.5020", "1.004", "0.0502"]
    assert variants.rows[0][-3:] == ["98.00", "−1.00", "−4.00"]
    shown = ellipses_table(results, "top1")
    assert sum(columns for _, columns in shown.groups) == len(shown.heads) == len(shown.rows[0])
    assert shown.rows[0][1:7] == ["2*", "–", "–", "–", "–", "–"]
    rows = {row[0]: row for row in risk_table(results, "top1").rows}
    assert rows["uniform 0.5"][1:7] == ["2", "0", "97.00", "1.000", "1.000", "1.000"]


def test_benchmark_table_has_speed_up_beside_the_flops_and_flags_noise(tmp_path):
    rows = benchmarks_table(results_of(tmp_path, study_cells(), benchmarks=benchmarks())).rows
    assert rows[0][6:10] == ["2.00", "1.0", "1.00", "1.00"]
    assert rows[1][6:] == ["1.25", "4.0*", "1.60", "1.99", "150.0", "135.0", "97.50!"]
    pruned = study_cells().query("variant != 'base'")
    alone = benchmarks_table(results_of(tmp_path, pruned, benchmarks=benchmarks().iloc[1:])).rows
    assert alone[0][8] == "–"


def test_sentences_say_what_each_variant_costs_on_the_target(tmp_path):
    """2 ms against 1.25 ms is 1.6 times the speed; half the FLOPs alone would give 1.99; half the file."""
    found, _ = findings_of(tmp_path, study_cells(), benchmarks=benchmarks())
    texts = {part.variant: part.sentences[-1] for part in found.variants}
    assert texts["uniform-0.5"] == (
        "On target here (1 thread, batch 1): 1.25 ms per run, speed-up 1.60, by the FLOPs alone 1.99, file 50 % of "
        "the base's. The timing was noisy."
    )
    assert "On target" not in texts["nonuniform-0.5"]
    assert "On target here (1 thread, batch 1) the speed-up of the pruned variants is 1.60." in " ".join(found.opening)


def test_another_precision_is_named_and_an_accuracy_that_was_not_measured_is_a_dash(tmp_path):
    other = benchmarks().assign(precision="int8", accuracy_agrees=None, top1=None)
    found, _ = findings_of(tmp_path, study_cells(), benchmarks=other)
    assert "On target here (int8, 1 thread, batch 1) the speed-up of the pruned variants" in " ".join(found.opening)
    rows = benchmarks_table(results_of(tmp_path, study_cells(), benchmarks=other)).rows
    assert [row[-1] for row in rows] == ["–", "–"]


class Page(HTMLParser):
    """Collects what a browser would load, the ids, the links inside the page, and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads, self.ids, self.inside, self.words, self._code = [], [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self._code = tag in ("script", "style")
        self.loads += [known[name] for name in ("src", "srcset", "data") if name in known]
        self.loads += [known["href"]] if tag == "link" else []
        self.ids += [known["id"]] if "id" in known else []
        self.inside += [known["href"][1:]] if known.get("href", "").startswith("#") else []

    def handle_endtag(self, tag):
        self._code = False

    def handle_data(self, data):
        self.words += [] if self._code else [data]


def page(folder, frame, *, measured=None, missing=(), unmeasured=()) -> tuple[str, Page]:
    figures = draw(folder, frame)
    prior = {"log10_lr": -1.0, "log10_wd": -4.0}
    plan = {"model": "m", "dataset": "d", "recipe": {"epochs": 3}, "variants": sorted(CORRECT), "prior": prior}
    plan |= {"grid": {"log10_lr": [-2.0, -1.0], "log10_wd": [-4.0, -3.0]}, "seeds": [0]}
    study = {"study": "mine <&>", "experiments": {"d-m": plan, "later": plan}, "targets": {"here": {"threads": [1]}}}
    if measured is not None:
        measured.to_parquet(folder / "benchmarks.parquet")
        cells, found = folder / "cells.parquet", folder / "benchmarks.parquet"
        compare_targets(Objectives().model_dump(mode="json"), cells=cells, benchmarks=found, out=folder)
    write_report(study, folder, figures=figures, missing=missing, unmeasured=unmeasured, out=folder / "report.html")
    text = (folder / "report.html").read_text()
    return text, Page(text)


def test_page_is_whole_and_needs_no_network(tmp_path):
    text, read = page(tmp_path / "study", study_cells(), measured=benchmarks())
    assert read.loads == []
    assert set(read.inside) <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))
    assert text.count("plotly.js v") == 1 and text.count("Plotly.newPlot(") >= 2
    words = " ".join(read.words)
    assert "mine <&>" in words and "a <b> processor" in words
    assert "No cell of this experiment is finished." in words
    assert "This report is partial" not in words
    for name in re.findall(r'href="(figures/[^"]*)"', text):
        assert (tmp_path / "study" / name).is_file()


def test_partial_page_says_so_at_the_top_and_names_what_is_missing(tmp_path):
    lost = [{"cell": "experiment=d-m/variant=base", "reason": "killed <9>", "log": "a/train.log"}]
    _, read = page(tmp_path / "study", study_cells().query("variant != 'base'"), missing=lost)
    words = " ".join(" ".join(read.words).split())
    assert "This report is partial. 1 of 9 cells is missing" in words
    assert words.index("partial") < words.index("Variants at a glance")
    assert "killed <9>" in words and "a/train.log" in words
    assert "The base has no finished cells" in words


def test_a_page_without_a_target_says_so_at_the_top(tmp_path):
    lost = [{"experiment": "d-m", "target": "pi", "reason": "error: no <route>", "log": "d-m/target=pi.log"}]
    _, read = page(tmp_path / "study", study_cells(), measured=benchmarks(), unmeasured=lost)
    words = " ".join(" ".join(read.words).split())
    expected = "partial. Target pi was not measured for d-m: error: no <route>; log: d-m/target=pi.log"
    assert expected in words and "missing cells" not in words
    assert "On target here (1 thread, batch 1): 1.25 ms per run" in words


def test_page_of_nothing(tmp_path):
    _, read = page(tmp_path / "study", study_cells().iloc[:0], missing=[{"cell": "c", "reason": "r", "log": ""}])
    assert " ".join(read.words).count("No cell of this experiment is finished.") == 4, (
        "two sections, two lines of the index"
    )


def test_a_lost_figure_is_one_clear_line(tmp_path):
    page(tmp_path / "study", study_cells())
    (tmp_path / "study" / "figures" / "plotly.min.js").unlink()
    with pytest.raises(InputError, match=r"plotly\.min\.js"):
        study, results = {"study": "s", "experiments": {}}, tmp_path / "study"
        write_report(
            study, results, figures=results / "figures", missing=[], unmeasured=[], out=tmp_path / "again.html"
        )


def test_failed_seeds_are_named_with_their_exact_intervals(tmp_path):
    """One of ten fresh seeds at the two carried settings fell by 60 points; scipy's binomtest has the intervals."""
    frame = replicated({"uniform-0.5": -20.0})
    hit = frame.index[(frame["variant"] == "uniform-0.5") & (frame["stage"] == "replicate")]
    carried = frame.loc[hit].sort_values("top1").index[-1]
    frame.loc[carried, "top1"] -= 60
    results = results_of(tmp_path, frame, terms={"margin": 0.5, "sigma": 0.2, "noise": "pooled"})
    row = results.tables["verdicts"].set_index("variant").loc["uniform-0.5"]
    assert (row.failed, row.failed_carried, row.trained_carried) == (1, 1, 10)
    (found,) = [each for each in experiment_findings(results).variants if each.variant == "uniform-0.5"]
    exact = binomtest(1, 10).proportion_ci(0.95, "exact")
    text = f"1 of 10 (95 % interval {100 * exact.low:.1f} to {100 * exact.high:.1f} %)"
    assert text in " ".join(found.sentences)
    assert "of fresh seeds" in found.headline and "1 of 10 at the base's settings" in found.headline
    assert "failed seeds" in verdicts_table(results).heads


def test_sentences_of_each_verdict_against_a_contrast_worked_out_by_hand(tmp_path):
    """s = 0.1581 with 4 x 4 degrees; a point outside the two good ones has SE = s √(1/5 + 1/10) = 0.0866.

    Upper bounds take t(16, 0.96) = 1.8694, the lower one t(16, 0.95) = 1.7459. The best point of stage 1 is a good one
    for the uniform variant, so its gain is no gain of the other points.
    """
    frame = replicated({"uniform-0.5": -20.0, "nonuniform-0.5": 2.0})
    results = results_of(tmp_path, frame, terms={"margin": 0.5, "sigma": 0.2, "noise": "pooled"})
    verdicts = results.tables["verdicts"]
    rows = verdicts.set_index("variant")
    upper = 2 + t.isf(0.04, 16) * 0.1 * math.sqrt(2.5) * math.sqrt(0.3)
    lower = 2 - t.isf(0.05, 16) * 0.1 * math.sqrt(2.5) * math.sqrt(0.3)
    assert rows.loc["nonuniform-0.5", ["upper", "lower"]].tolist() == pytest.approx([upper, lower])
    found = experiment_findings(results)
    assert grid_answer(results).sentences == [
        "Keep: uniform 0.5; retune: nonuniform 0.5.",
        "Margin 0.5 points, error rate 5 %, 4 trained settings.",
    ]
    keep, retune = found.variants
    assert keep.headline.startswith("uniform 0.5: keep; tuning gains at most ")
    single = 2 - t.isf(0.025, 16) * 0.1 * math.sqrt(2.5) * math.sqrt(0.3)
    assert retune.headline == f"nonuniform 0.5: retune; tuning gains 2.00 points, at least {single:.2f}"
    assert (
        f"all variants: retune; tuning gains {lower:.2f} to {upper:.2f} points, against a margin of 0.5"
        in retune.sentences[0]
    )
    assert "Evidence: 5 fresh seeds at 4 of 4 points" in " ".join(retune.sentences)
    assert "Mean risk" in " ".join(keep.sentences), "the thesis' mean risk stands beside the verdict"
    assert any("Only the verdicts rest on fresh seeds" in text for text in found.limits)
    assert verdict_lines(verdicts)[1:] == [f"  {keep.headline}", f"  {retune.headline}"][::-1]
    one = results_of(tmp_path, frame[frame["variant"] != "nonuniform-0.5"], terms={"sigma": 0.2, "noise": "pooled"})
    assert verdict_lines(one.tables["verdicts"])[0].startswith(
        "d-m: Keep, for every variant: tuning learning rate and weight decay again gains less than 0.5 points"
    )
    table = verdicts_table(results)
    assert [row[:3] for row in table.rows] == [
        ["uniform 0.5", "keep", "inconclusive"],
        ["nonuniform 0.5", "retune", "inconclusive"],
    ]


def test_the_headline_names_hyperparameters_unless_there_are_many():
    assert question(["learning rate", "weight decay"]) == "must learning rate and weight decay"
    assert question(list("abcde")) == "which of 5 hyperparameters must"
