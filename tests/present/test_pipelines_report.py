"""What the report says and the figure shows of pipelines and scores: numbers as the tables have them."""

import pytest

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.results import PIPELINES, Analysis, result_names
from prunescape.present.figures.pipelines import pipeline_figures
from prunescape.present.numbers import number
from prunescape.present.report.pipelines import pipeline_sentences, pipeline_tests_table, pipelines_table
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
    text, *_, method = pipeline_sentences(results)
    ahead = difference(results, ("restart", "l1_layer"), ("scratch", ""))
    assert f"Inheriting weights pays: restart (l1_layer) lies {number(ahead)} points above scratch (" in text
    assert "It trains 4 epochs, 10 with the base's; scratch 6." in text
    assert "4 seeds that compare" in method and "10 of them here" in method


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
    assert pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))[-1].endswith(said)


def test_the_answer_tells_rates_and_what_the_bases_setting_costs(results):
    text = pipeline_sentences(results)[1]
    at = "log10 learning rate 0"
    assert f"{at} for fine-tune (l1_layer) (at the grid's edge) and fine-tune (random) (at the grid's edge)" in text
    assert "The base's best is log10 learning rate −1." in text


def test_the_answer_compares_with_fine_tuning_and_with_random_filters_in_the_right_direction(results):
    text = " ".join(pipeline_sentences(results)[2:4])
    over = difference(results, ("restart", "random"), ("fine_tune", "random"))
    assert over > 0 and f"+{number(over)} (" in text.split("Points above fine-tuning")[1].split(";")[0]
    over = difference(results, ("fine_tune", "l1_layer"), ("fine_tune", "random"))
    assert f"random filters in the same pipeline: fine-tune (l1_layer) +{number(over)} (" in text
    over = difference(results, ("restart", "random"), ("fine_tune", "l1_layer"))
    sign = "+" if over > 0 else ""
    assert f"their best pipeline: {sign}{number(over)} (" in text


def test_differences_at_other_epochs_are_marked(results):
    tables = {name: table.copy() for name, table in results.tables.items()}
    tables["pipelines"].loc[lambda rows: rows["pipeline"] == "restart", "epochs_trained"] = 8
    *_, versus, control, method = pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))
    assert versus.count("†") == 4 and control.count("†") == 1 and "†: not known to train as many epochs" in method
    *_, versus, control, _ = pipeline_sentences(results)
    assert "†" not in versus + control


def test_a_loss_at_the_bases_setting_is_named_where_the_correction_shows_it(results):
    tables = {name: table.copy() for name, table in results.tables.items()}
    rows = tables["pipelines"]
    tuned = (rows["choice"] == "best") & (rows["pipeline"] == "fine_tune")
    rows.loc[tuned, ["gain_low", "gain_high"]] = 0.1, 9.0
    rows.loc[tuned, "gain_p_holm"] = [0.04, 0.06]
    text = pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))[1]
    assert "The base's best setting costs fine-tune (l1_layer) 4.00 points (0.10 to 9.00); no other is shown" in text
    rows.loc[tuned, "gain_p_holm"] = 0.06
    text = pipeline_sentences(ExperimentResults(DEFAULT_AXES, 0.5, cells(), tables))[1]
    assert "No pipeline is shown to lose" in text


def test_nothing_is_said_without_several_pipelines():
    empty = ExperimentResults(DEFAULT_AXES, 0.5, cells(), {})
    assert pipeline_sentences(empty) == []
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
