"""Where nothing was learnt, the end of a run, the page and its figures say so and show no risk."""

import json

import pandas as pd
import pytest

from prunescape.analysis.landscape.chance import chance_tests
from prunescape.present.report.answer import grid_answer
from prunescape.present.report.page import report_tables
from prunescape.present.summary import no_answer, no_answer_lines, summary_lines
from support.drawn_figures import draw
from support.report_cells import study_cells
from support.report_results import findings_of, results_of

CHANCE = dict.fromkeys(("base", "uniform-0.5", "nonuniform-0.5"), 10.0)


def cells(top1: dict | None = None, diverged=()) -> pd.DataFrame:
    """Twelve cells of 200 images and ten classes: those in `top1` score so, variants in `diverged` have no other."""
    frame = study_cells(stage="grid", round=0, select_on="test", tested=200)
    for name, score in (top1 or {}).items():
        frame.loc[frame["variant"] == name, "top1"] = score
    lost = frame["variant"].isin(diverged)
    return frame.assign(status=frame["status"].mask(lost, "diverged"), top1=frame["top1"].mask(lost, 10.0))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (cells(), ""),
        (cells(CHANCE), "nothing was learnt: best top-1 is 10.00 %, chance is 10 %; no answer"),
        (cells({"base": 10.0}), "the base learnt nothing: best top-1 is 10.00 %, chance is 10 %; no answer"),
        (
            cells({"uniform-0.5": 12.5}),
            "uniform 0.5 learnt nothing: best top-1 is 12.50 %, chance is 10 %; no answer for it",
        ),
        (cells(diverged=CHANCE), "every cell of the base, uniform 0.5 and nonuniform 0.5 diverged; no answer"),
        (cells(diverged=["base"]), "every cell of the base diverged; no answer"),
        (cells(diverged=["uniform-0.5"]), "every cell of uniform 0.5 diverged; no answer for it"),
    ],
)
def test_what_is_said_of_an_experiment(frame, expected):
    tests = chance_tests(frame)
    assert no_answer(tests) == [expected] * bool(expected)
    assert no_answer_lines(tests) == [f"d-m: {expected}"] * bool(expected)


@pytest.mark.parametrize("frame", [cells(CHANCE), cells(diverged=CHANCE)], ids=["at chance", "diverged"])
def test_the_page_and_the_end_show_no_risk(tmp_path, frame):
    found, texts = findings_of(tmp_path, frame)
    everything = " ".join([*found.opening, *found.limits, *texts.values()])
    results = results_of(tmp_path, frame)
    answer = grid_answer(results)
    assert answer.sentences[0].endswith("no answer.") and len(answer.sentences) == 1 and found.opening == []
    assert {row[1] for row in answer.tables[0].rows} == {"reference", "no answer"} and answer.tables[
        0
    ].marks.keys() <= {(row, column) for row in range(3) for column in range(2, 4)}
    assert all("no answer" in text for text in texts.values())
    assert "ean risk" not in everything and "good settings" not in everything and "biased" not in everything
    assert {line.split()[-1] for line in summary_lines(results.tables["risk"])[2:]} == {"–"}
    shown = report_tables(results)[0]
    assert shown.title == "Better than chance" and [row[-1] for row in shown.rows] == ["no"] * 3


def test_a_variant_without_an_answer_stands_beside_one_with_it(tmp_path):
    found, texts = findings_of(tmp_path, cells({"uniform-0.5": 10.0}))
    results = results_of(tmp_path, cells({"uniform-0.5": 10.0}))
    assert grid_answer(results).sentences[0].startswith("Uniform 0.5 learnt nothing")
    assert found.opening[0].startswith("Mean risk of the base's good settings: 35.00 points")
    assert texts["uniform-0.5"].startswith("uniform 0.5: no answer; the variant learnt nothing")
    assert "mean risk 35.00 points" in texts["nonuniform-0.5"]


def test_figures_show_neither_its_risk_nor_its_ellipse(tmp_path):
    figures = json.loads((draw(tmp_path, cells(CHANCE)) / "figures.json").read_text())["figures"]
    assert {figure["kind"] for figure in figures} == {"landscape", "grid"}
    assert all("learnt nothing: best cells there are luck" in figure["caption"] for figure in figures)


def test_seeds_beside_the_grid_are_counted(tmp_path):
    """The base's prior has a pilot's two seeds beside that of the grid."""
    one = cells(diverged=CHANCE)
    pilot = one[(one["variant"] == "base") & (one["log10_lr"] == -1.0) & (one["log10_wd"] == -4.0)]
    frame = pd.concat([one, *(pilot.assign(seed=seed, stage="pilot") for seed in (1, 2))], ignore_index=True)
    text = "Every setting was trained with one seed; 1 of them has up to 3, for the noise between seeds."
    assert any(text in limit for limit in findings_of(tmp_path, frame)[0].limits)
    assert any("with one seed. One seed" in limit for limit in findings_of(tmp_path, one)[0].limits)
