"""What the report says and the figure shows of pipelines and scores: numbers as the tables have them."""

import pytest

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.results import PIPELINES, Analysis, result_names
from prunescape.present.figures.pipelines import pipeline_figures
from prunescape.present.numbers import number
from prunescape.present.report.pipelines import (
    pipeline_glances,
    pipeline_sentences,
    pipeline_tests_table,
    pipelines_table,
)
from prunescape.present.report.table import ExperimentResults
from support.pipelines import KNOWN, LIMITS, cells


@pytest.fixture(scope="module")
def results() -> ExperimentResults:
    """The two experiments, with a noise that pools their seeds, so that differences are shown."""
    analysis = Analysis.of_cells(cells(), retraining=KNOWN, terms={"*": {"noise": "pooled"}}, **LIMITS)
    tables = {name: analysis.result(name) for name in result_names(PIPELINES)}
    return ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables)


def difference(results, one: tuple, other: tuple) -> float:
    """Of the means at the best settings, from the table of single pipelines."""
    rows = results.tables["pipelines"].query("choice == 'best'").set_index(["pipeline", "score"])["mean"]
    return rows[one] - rows[other]


def test_the_answer_names_what_the_first_seed_chose_and_how_far_it_is_ahead(results):
    (text,) = pipeline_sentences(results)
    ahead = difference(results, ("restart", "l1_layer"), ("scratch", ""))
    assert f"Inheriting weights pays: restart (l1_layer) lies {number(ahead)} points above scratch (" in text
    assert "It trains 4 epochs, 10 with the base's; scratch 6." in text
    assert "The base's best setting is log10 learning rate −1, log10 weight decay" in text


@pytest.mark.parametrize(
    ("bases", "cut", "said"),
    [
        ("one", "uniform-0.5", "this trained base: another base may rank pipelines otherwise."),
        ("per_seed", "uniform-0.5", "over trained bases too: each seed inherits from its own."),
        ("per_seed", "nonuniform-0.5", "from its own (the widths of nonuniform cuts are those of one)."),
    ],
)
def test_the_answer_says_whether_intervals_are_over_bases(results, bases, cut, said):
    rows = results.tables["pipelines"].assign(cut=cut)
    rows["bases"] = rows["bases"].mask(rows["bases"].notna(), bases)
    tables = results.tables | {"pipelines": rows, "pipeline_tests": results.tables["pipeline_tests"].assign(cut=cut)}
    (glance,) = pipeline_glances(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))
    assert glance.notes[-1].endswith(said)


def glance_rows(results) -> dict[tuple[str, str], dict[str, str]]:
    """The lines of the table at a glance, by pipeline and score."""
    (glance,) = pipeline_glances(results)
    rows = [dict(zip(glance.heads, row, strict=True)) for row in glance.rows]
    return {(row["pipeline"], row["score"]): row for row in rows}


def test_the_glance_has_the_best_setting_and_the_accuracy_of_each(results):
    rows = glance_rows(results)
    assert [*rows] == [("scratch", "–"), *((p, s) for p in ("fine-tune", "restart") for s in ("l1_layer", "random"))]
    edges = {key: row["at the grid's edge"] for key, row in rows.items()}
    assert edges == {key: "yes" if key[0] == "fine-tune" else "no" for key in rows}
    assert rows["fine-tune", "random"]["log10 lr"] == "0.00"
    best = results.tables["pipelines"].query("choice == 'best'")
    assert [row["top-1, %"].split(" ")[0] for row in rows.values()] == [number(mean) for mean in best["mean"]]


def test_the_glance_compares_with_fine_tuning_and_with_random_filters_in_the_right_direction(results):
    rows = glance_rows(results)
    over = difference(results, ("restart", "random"), ("fine_tune", "random"))
    assert over > 0 and rows["restart", "random"]["at its best"].startswith(f"+{number(over)} (")
    over = difference(results, ("fine_tune", "l1_layer"), ("fine_tune", "random"))
    assert rows["fine-tune", "l1_layer"]["each at its best"].startswith(f"+{number(over)} (")
    assert rows["fine-tune", "random"]["at its best"] == rows["scratch", "–"]["at its best"] == "–"
    over = difference(results, ("restart", "random"), ("fine_tune", "l1_layer"))
    sign = "+" if over > 0 else ""
    assert f"their best pipeline: {sign}{number(over)} (" in pipeline_sentences(results)[0]


def test_the_glance_says_how_the_differences_were_found(results):
    (glance,) = pipeline_glances(results)
    assert "4 seeds that compare" in glance.notes[0] and "10 of them here" in glance.notes[0]


def test_differences_at_other_epochs_are_marked(results):
    tables = {name: table.copy() for name, table in results.tables.items()}
    tables["pipelines"].loc[lambda rows: rows["pipeline"] == "restart", "epochs_trained"] = 8
    other = ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables)
    marked = {(key, head) for key, row in glance_rows(other).items() for head, text in row.items() if "†" in text}
    restart = [("restart", "l1_layer"), ("restart", "random")]
    assert marked == {(key, head) for key in restart for head in ("at its best", "at the base's")}
    assert "†: not known to train as many epochs" in pipeline_glances(other)[0].notes[0]
    assert "†" not in str(glance_rows(results))


def test_a_loss_at_the_bases_setting_is_named_where_the_correction_shows_it(results):
    tables = {name: table.copy() for name, table in results.tables.items()}
    rows = tables["pipelines"]
    tuned = (rows["choice"] == "best") & (rows["pipeline"] == "fine_tune")
    rows.loc[tuned, ["gain_low", "gain_high"]] = 0.1, 9.0
    rows.loc[tuned, "gain_p_holm"] = [0.04, 0.06]
    text = pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))[0]
    assert "The base's best setting costs fine-tune (l1_layer) 4.00 points (0.10 to 9.00); no other is shown" in text
    rows.loc[tuned, "gain_p_holm"] = 0.06
    text = pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))[0]
    assert "No pipeline is shown to lose" in text


def test_nothing_is_said_without_several_pipelines():
    empty = ExperimentResults(DEFAULT_AXES, 0.5, cells(), {})
    assert pipeline_sentences(empty) == pipeline_glances(empty) == []
    assert pipelines_table(empty) is None and pipeline_tests_table(empty) is None


def test_the_tables_have_a_row_for_each_and_for_each_pair(results):
    assert len(pipelines_table(results).rows) == 10 and len(pipeline_tests_table(results).rows) == 20


def test_the_figure_has_two_marks_on_each_row_with_the_tables_numbers(results):
    (figure,) = pipeline_figures(results.tables["pipelines"])
    assert figure.labels == [
        "scratch",
        "fine-tune, l1_layer",
        "fine-tune, random",
        "restart, l1_layer",
        "restart, random",
    ]
    rows = results.tables["pipelines"]
    assert [mark.mean for mark in figure.marks] == rows["mean"].tolist()
    for mark in figure.marks:
        above = mark.choice == "best"
        assert figure.labels[::-1][round(mark.place)] == mark.label and (mark.place > round(mark.place)) == above
