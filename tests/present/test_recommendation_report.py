"""What the report says of the targets, against measurements worked out by hand; tables through the rule's code."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from prunescape.analysis.analyse import compare_targets
from prunescape.analysis.cost.speedups import BLOCK, odd_widths
from prunescape.analysis.results import TARGET, Analysis, result_names
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.present.report.recommendation_tables import comparison_tables
from prunescape.present.report.target_sentences import (
    fastest_sentences,
    limit_pairs,
    recommendation_sentences,
    slower_lines,
    slower_sentences,
)
from prunescape.present.study_terms import StudyTerms
from prunescape.pruning.planning import AUTO
from prunescape.store.files import write_json
from support.measurements import entry, measured
from support.project import TINY_STUDY
from support.report_cells import study_cells

FLOPS = {("e", "", "base"): 4e6, ("e", "", "uniform-0.5"): 2e6}


def objectives(**given) -> dict:
    return load_study({**TINY_STUDY, "objectives": given}).objectives.model_dump(mode="json")


def compared(*rows, **given) -> dict:
    analysis = Analysis.of_targets(measured(*rows), FLOPS, objectives(**given))
    return {name: analysis.result(name) for name in result_names(TARGET)}


def read(folder) -> dict:
    return {name: StudyTerms.of({}).read(name, folder / f"{name}.parquet") for name in result_names(TARGET)}


def sentences_of(tables: dict) -> list[str]:
    return recommendation_sentences(tables["recommendations"])


def two() -> list[dict]:
    """Batch 1 and 8; uniform takes half of the base's time."""
    return [
        entry(name, ms / share, batch=batch, top1=98.0 - share, kb=400 / share)
        for name, share in (("base", 1), ("uniform-0.5", 2))
        for batch, ms in ((1, 4.0), (8, 16.0))
    ]


def test_the_sentence_names_model_setting_value_and_accuracy():
    texts = sentences_of(compared(*two()))
    named = "On target t uniform 0.5 fp32 with 1 thread"
    accuracy = "at 96.00 % top-1 (no accuracy floor is set). Shown to be faster than the other model."
    assert texts == [
        f"{named}, batch 1 has the lowest latency, 2.00 ms per run, {accuracy}",
        f"{named}, batch 8 has the highest throughput, 1.00 ms per image, {accuracy}",
    ]


def in_int8(**more) -> list[dict]:
    """fp32 gets 588 of 600 images right; int8, twice as fast, loses 9 of these and gains 3: one point less."""
    images = np.arange(600)
    known = {"fp32": images < 588, "int8": ((images >= 9) & (images < 588)) | (images >= 597)}
    return [
        entry("base", 4.0 if name == "fp32" else 2.0, precision=name, top1=right.mean() * 100, **more)
        | {"correct_bits": np.packbits(right).tobytes()}
        for name, right in known.items()
    ]


def test_a_model_in_another_precision_is_named_with_what_that_changes():
    """Bonett and Price: 4 / 602 and 10 / 602 are gained and lost."""
    told = compared(*in_int8())
    half = 1.959964 * np.sqrt((14 / 602 - (6 / 602) ** 2) / 602)
    change = f"−1.00 ({-100 * (6 / 602 + half):.2f} to {100 * (half - 6 / 602):.2f})".replace("(-", "(−")
    loss = f"97.00 % top-1, fp32 98.00 %, a change of {change} points"
    assert f"at {loss}" in sentences_of(told)[0] and loss in fastest_sentences(told)[0]
    tables = {table.title: table for table in comparison_tables(told)}
    recommended = tables["Recommended on the targets"]
    row = dict(zip(recommended.heads, recommended.rows[0], strict=True))
    assert (row["top-1, %"], row["in fp32, %"], row["change, points"]) == ("97.00", "98.00", change)
    assert change in {row[3] for row in tables["Accuracy against cost"].rows}
    counted = compared(*[{**row, "correct_bits": None} for row in in_int8()])
    assert "from counts alone) points" in sentences_of(counted)[0]


def test_the_least_of_noisy_medians_is_said_to_be_perhaps_the_least_by_luck():
    rows = [entry("base", 4.0), entry("uniform-0.5", 2.0, kb=10), entry("nonuniform-0.5", 2.0)]
    told = compared(*rows)
    assert told["recommendations"][["rivals", "shown_slower"]].dropna().to_numpy().tolist() == [[2, 1], [2, 1]]
    assert "Shown to be faster than 1 of 2 other models: it may be the least" in sentences_of(told)[0]
    read_from_file = told["recommendations"].astype({"rivals": "float64", "shown_slower": "float64"})  # it has nulls
    assert "faster than 1 of 2 other models:" in sentences_of({"recommendations": read_from_file})[0]
    assert "faster than all 2 other models." in sentences_of(compared(*rows[:2], entry("nonuniform-0.5", 3.0)))[0]


def test_the_sentence_says_why_there_is_none():
    texts = sentences_of(compared(*two(), accuracy_floor=99.0))
    assert texts[0].startswith("On target t nothing can be recommended for latency: no setting keeps the limits; of 4")
    assert len(texts) == 2  # energy was not measured: nothing is said of it


def test_the_sentence_names_what_is_not_shown_to_differ():
    text = sentences_of(compared(entry("base", 2.0, noisy=True), entry("uniform-0.5", 2.0, kb=10)))[0]
    named = (
        "Not shown to differ from it, by the ratio of times and its 95 % interval: base fp32 (1.000, 1.000 to 1.000)."
    )
    assert named in text and "noisy" not in text


def test_every_table_is_as_wide_as_its_heads_and_shows_the_numbers():
    tables = {table.title: table for table in comparison_tables(compared(*two()))}
    assert len(tables) == 7
    for table in tables.values():
        assert {len(row) for row in table.rows} == {len(table.heads)}, table.title
    tested = ["2.00", "2.00", "< 0.001", "< 0.001", "faster"]
    expected = ["t", "uniform 0.5 fp32", "1 thread, batch 8", *tested, "2.00", "1.00"]
    assert expected in tables["Speed-up against FLOPs"].rows
    front = tables["Accuracy against cost"].rows
    low, high = (100 * end for end in binomtest(576, 600).proportion_ci(0.95, method="wilson"))
    assert front[0][2] == f"96.00 ({low:.2f} to {high:.2f})"
    assert front[0][:2] + front[0][3:6] == ["t", "uniform 0.5 fp32", "–", "2.00 •", "1.00 •"]


def test_the_sentence_names_what_cannot_be_compared():
    rows = [entry("base", 2.0, batch=8), entry("uniform-0.5", 2.0)]
    latency, throughput = sentences_of(compared(*rows, accuracy_floor=50.0))
    assert (
        "has the highest throughput, 0.250 ms per image, at 98.00 % top-1. Shown to be faster than none" in throughput
    )
    assert "Not tested against it, as not timed" in throughput
    assert throughput.endswith("or too seldom: uniform 0.5 fp32.") and "Not shown" not in latency + throughput


def test_limits_are_named():
    given = objectives(accuracy_floor=97.5, size_limit_kb=500)
    assert limit_pairs(given) == [("recommended models keep", "top-1 of 97.5 % or more, file of 500 kB or less")]
    assert limit_pairs(objectives()) == []


def test_what_was_not_tested_is_a_dash():
    told = compared(*[{**row, "top1": None, "flush_to_zero": True} for row in two()])
    assert "its top-1 not measured" in sentences_of(told)[0] and "denormals flushed" in sentences_of(told)[0]
    titles = {table.title for table in comparison_tables(told)}
    assert "Accuracy against cost" not in titles and "Speed-up against FLOPs" in titles


def test_nothing_measured_gives_empty_tables_and_no_words(tmp_path):
    cells = study_cells().drop(columns="experiment").assign(experiment="e")
    cells.to_parquet(tmp_path / "cells.parquet")
    measured(entry()).iloc[:0].to_parquet(tmp_path / "benchmarks.parquet")
    written = compare_targets(
        objectives(), cells=tmp_path / "cells.parquet", benchmarks=tmp_path / "benchmarks.parquet", out=tmp_path
    )
    assert {name.split(".")[0] for name in written} == set(result_names(TARGET))
    tables = read(tmp_path)
    assert all(table.empty for table in tables.values())
    assert sentences_of(tables) == [] and comparison_tables(tables) == [] and slower_lines(tables["speedups"], {}) == []


def test_what_is_written_is_read_again(tmp_path):
    study_cells(experiment="e").to_parquet(tmp_path / "cells.parquet")
    pd.DataFrame(two()).to_parquet(tmp_path / "benchmarks.parquet")
    given = {"cells": tmp_path / "cells.parquet", "benchmarks": tmp_path / "benchmarks.parquet", "out": tmp_path}
    compare_targets(objectives(), **given)
    tables = read(tmp_path)
    assert sentences_of(tables) == sentences_of(compared(*two()))
    assert len(comparison_tables(tables)) == 7
    assert tables["speedups"]["flops_speedup"].iloc[0] == pytest.approx(2_000_000 / 1_004_000)
    (tmp_path / "rivals.parquet").unlink()
    with pytest.raises(InputError, match="rivals"):
        read(tmp_path)


def slow(**more) -> pd.DataFrame:
    """uniform takes twice the base's time at batch 1, half of it at batch 8; repeats differ by 1 %."""
    rows = [
        entry(name, samples=[ms * scale / 1e3 for scale in (1.0, 1.01) * 15], batch=batch, **more)
        for batch, times in ((1, (2.0, 4.0)), (8, (20.0, 10.0)))
        for name, ms in zip(("base", "uniform-0.5"), times, strict=True)
    ]
    return compared(*rows)["speedups"]


def test_a_slower_variant_is_said_to_be_slower_where_it_is():
    expected = (
        "uniform 0.5 is slower than the base: on target t (1 thread, batch 1) its speed-up is 0.500 (95 % interval "
        "0.500)."
    )
    assert slower_sentences(slow(), {}) == [expected]
    assert slower_lines(slow(), {}) == [f"e: {expected}"]


@pytest.mark.parametrize("verdict", ["not shown to differ", "not tested", "faster"])
def test_nothing_is_said_of_one_that_is_not_shown_to_be_slower(verdict):
    assert slower_sentences(slow().assign(verdict=verdict), {}) == []


def test_a_table_says_how_many_repeats_are_needed():
    """Two settings, each a speed-up of its own; both rivals are among them: two comparisons."""
    few = [row | {"samples": row["samples"][:8]} for row in two()]
    needed = "8 repeats are too few for the 2 comparisons on this target, 10 are needed"
    tables = {table.title: table.notes for table in comparison_tables(compared(*few))}
    for title in ("Other models against the recommended ones", "Speed-up against FLOPs"):
        assert tables[title][-1] == f"Not tested: {needed}."
    assert f"(no accuracy floor is set; {needed})." in sentences_of(compared(*few))[0]


def test_the_widths_that_slow_it_down_are_named():
    few = slower_sentences(slow(), {("", "uniform-0.5"): {"a.0": 91, "b.0": 45}})[0]
    assert "2 of its layers have a width that is no multiple of 8, which slowed onnxruntime down on CPUs" in few
    assert few.endswith(": a.0 (91) and b.0 (45). round_to: 8 under pruning in the config avoids such widths.")
    many = slower_sentences(slow(), {("", "uniform-0.5"): {f"l{number}": 9 for number in range(8)}})[0]
    assert "8 of its layers" in many and "l5 (9) and 2 more." in many and "l6" not in many


def test_odd_widths_are_those_of_cut_layers(tmp_path):
    """362 and 45 are no multiples of 8, 48 is; what was not cut is as the model has it."""
    layers = {"a": (362, 576), "b": (48, 96), "c": (45, 96), "whole": (58, 58)}
    content = {"layers": {name: {"out": out, "of": of} for name, (out, of) in layers.items()}}
    path = tmp_path / "experiment=e/variant=uniform-0.7/widths.json"
    path.parent.mkdir(parents=True)
    write_json(path, content)
    assert AUTO[0] == BLOCK  # what is called odd is what auto avoids
    assert odd_widths(tmp_path) == {"e": {("", "uniform-0.7"): {"a": 362, "c": 45}}}
    path.write_text("{")
    with pytest.raises(InputError, match=r"uniform-0\.7/widths\.json"):
        odd_widths(tmp_path)


def test_the_fastest_model_stands_with_those_not_shown_to_differ():
    rows = [entry("base", 2.0), entry("uniform-0.5", 2.0, kb=10), entry("nonuniform-0.5", 9.0)]
    (text,) = fastest_sentences(compared(*rows))
    assert text == (
        "Fastest on t: uniform 0.5 fp32 (1 thread, batch 1), 2.00 ms per run, 98.00 % top-1; "
        "not shown to differ: base fp32."
    )
    assert fastest_sentences({}) == fastest_sentences(compared(*rows, accuracy_floor=99.0)) == []
