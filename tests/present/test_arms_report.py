"""What the report says of the arms of a study: claims after Holm only, the control, how much so few models can show."""

import pandas as pd
import pytest

from prunescape.analysis.cost.measured import complete
from prunescape.analysis.results import ARMS, Analysis, result_names
from prunescape.present.labels import arm_title
from prunescape.present.report.arm_tables import arm_tables, place_title, standard_place, without_repeats
from prunescape.present.report.arms import (
    arm_findings,
    claim_sentences,
    completeness_sentences,
    noise_sentences,
    power_sentence,
)
from support.arms import STUDY_TERMS, StudyOfArms, study_of_arms


@pytest.fixture(scope="module")
def study() -> StudyOfArms:
    return study_of_arms()


def tables_of(analysis: Analysis) -> dict[str, pd.DataFrame]:
    return {name: analysis.result(name) for name in (*result_names(ARMS), "best_settings")}


@pytest.fixture(scope="module")
def measured(study) -> Analysis:
    return Analysis.of_trials(study.cells, study.trials, STUDY_TERMS, complete(study.benchmarks))


@pytest.fixture(scope="module")
def worse(study) -> Analysis:
    """Eight models of each arm; with the batch size at its default every trial reaches 40 % of its accuracy."""
    cells = study.cells.assign(
        top1=study.cells["top1"].where(study.cells["batch_size"] != 64, 0.4 * study.cells["top1"])
    )
    return Analysis.of_trials(cells, study.trials, {"e": STUDY_TERMS["e"] | {"best": 8}}, None)


def test_a_fixed_hyperparameter_that_costs_accuracy_is_named_with_its_effects(worse):
    tables = tables_of(worse)
    method, base, pruned = arm_findings(tables, worse["trials"], worse["trial_cells"])
    assert (base.headline, pruned.headline) == ("Arms, base", "Arms, uniform 0.5")
    row = (
        tables["arm_comparisons"].query("variant == 'base' and arm == 'fix:batch_size' and property == 'top1'").iloc[0]
    )
    assert row["delta"] == -1 and row["p_holm"] < 0.05, "every one of eight is below every other"
    text = " ".join(base.sentences)
    assert text.startswith(
        f"Accuracy: worse with batch size (best model −{-100 * row['best_difference']:.1f} %, δ −1.00"
    )
    assert "; over whole searches −" in text and "No arm is shown to change FLOPs." in text
    assert "The control all-again, a second search of everything, lies apart by luck alone: accuracy δ " in text
    assert method.sentences[0].startswith("The best 8 models of each arm by training accuracy")


def test_nothing_is_claimed_that_holm_does_not_show(worse):
    tables = tables_of(worse)
    tables["arm_comparisons"] = tables["arm_comparisons"].assign(p=0.001, p_liao=0.0005, p_holm=0.051)
    for finding in arm_findings(tables, worse["trials"], worse["trial_cells"])[1:]:
        assert finding.sentences[0].startswith("No arm is shown to change accuracy or FLOPs.")


def test_a_gain_is_called_one(worse):
    """Half as many FLOPs is better, and so is a hyperparameter whose default beats a search of it."""
    rows = pd.DataFrame([{"arm": "fix:kernel", "property": "flops", "delta": -0.9, "p_holm": 0.01, "control": False}])
    rows = rows.assign(target="", precision="", best_difference=-0.5, effect_best=float("nan"))
    assert (
        claim_sentences(rows)[0]
        == "FLOPs: better with kernel size (best model −50.0 %, δ −0.90, p = 0.010) at the default."
    )


def test_a_property_of_one_model_of_each_arm_is_not_compared(study):
    known = Analysis.of_trials(study.cells, study.trials, {"e": STUDY_TERMS["e"] | {"best": 1}}, complete(one(study)))
    tables = tables_of(known)
    text = arm_findings(tables, study.trials, known["trial_cells"])[1].sentences[0]
    assert "Too few models tell latency (here, fp32), file size (fp32)" in text
    assert "No arm is shown to change accuracy or FLOPs." in text
    assert tables["arm_comparisons"].groupby("target")["n"].max().to_dict() == {"": 10, "here": 1, "phone": 1}


def one(study: StudyOfArms) -> pd.DataFrame:
    """The measurements of the best model of each arm and variant alone."""
    known = Analysis.of_trials(study.cells, study.trials, STUDY_TERMS, None)["best_settings"].query("place == 1")
    keys = ["variant", "log10_lr", "batch_size", "kernel"]
    return study.benchmarks.merge(known[keys], on=keys)


@pytest.mark.parametrize(
    ("count", "tests", "said"),
    [
        (
            10,
            1,
            "on where no two values are equal. A significant δ is thus large at least, and cannot be small",
        ),
        (10, 36, "The first of 36 tests after Holm needs 0.8"),
        (4, 2, "After Holm over 2 tests none can be"),
        (3, 1, "With 3 models against 3 no difference can have p under 5 %"),
    ],
)
def test_what_so_many_models_can_show(count, tests, said):
    assert said in power_sentence(count, tests)


def test_tables_of_each_variant_and_property_with_the_control(measured):
    tables = arm_tables(tables_of(measured))
    titles = [table.title for table in tables]
    of_base = [
        "accuracy, %",
        "FLOPs, millions",
        "latency (here, fp32), ms",
        "file size (fp32), kB",
        "encoded size (fp32), kB",
    ]
    assert titles[:5] == [f"Arms, base: {title}" for title in of_base]
    assert titles[-2:] == ["Optimisation of the best models", "Optimisation and device apart"] and len(titles) == 12
    assert [row[0] for row in tables[0].rows] == ["all-again, A/A control", "batch size"]
    assert tables[0].rows[0][4] == "–", "the control has no corrected p"
    rows = measured["arm_comparisons"].query("variant == 'base' and property == 'latency_median_s'")
    first = rows.query("target == 'here' and precision == 'fp32' and arm == 'fix:batch_size'").iloc[0]
    assert float(tables[2].rows[1][2]) == pytest.approx(1e3 * first["median"], rel=1e-2)
    assert tables[2].rows[1][6] == "–", "only the exported models have a latency"
    changes = {tuple(row[:3]): row[4] for row in tables[-2].rows}
    assert changes["base", "phone, fp32", "latency"] == "+400.0 %", "the phone takes five times as long"


def test_a_property_stands_once_for_what_it_depends_on(measured):
    tables = tables_of(measured)
    assert standard_place(tables) == ("here", "fp32")
    rows = without_repeats(tables["arm_comparisons"], ("here", "fp32"))
    shown = rows.loc[rows["variant"] == "base", ["property", "target", "precision"]].drop_duplicates()
    places = shown.groupby("property").apply(lambda part: list(zip(part["target"], part["precision"], strict=True)))
    assert places["flops"] == [("", "")] and places["top1"] == [("", ""), ("here", "int8")]
    assert places["file_bytes"] == [("here", "fp32"), ("here", "int8")] and len(places["latency_median_s"]) == 4
    assert place_title("file_bytes", "here", "int8") == "file size (int8)"


def test_a_partial_study_says_which_arms_are_not_compared(worse):
    joined = worse["trial_cells"]
    short = joined[~((joined["arm"] == "fix:batch_size") & (joined["variant"] == "base") & (joined["trial"] > 2))]
    compared = worse["arm_comparisons"].query("not (variant == 'base' and arm == 'fix:batch_size')")
    said = completeness_sentences(compared, ["all", "all-again", "fix:batch_size"], short)
    assert said == [
        "Not compared, as too few of its trials are there, in base: batch size.",
        "Arms have 3 to 12 trials so far: the best of more are better by that alone.",
    ]
    lost = completeness_sentences(compared.head(0), ["all", "fix:batch_size"], joined[joined["variant"] == "base"])
    assert lost == ["The arms of base are not compared: too few trials are there."]


def test_a_design_with_one_arm_says_nothing_of_arms(study):
    alone = study.trials[study.trials["arm"].isin(["default", "all"])]
    known = Analysis.of_trials(study.cells, alone, STUDY_TERMS, None)
    assert arm_findings(tables_of(known), alone, known["trial_cells"]) == [] and arm_tables(tables_of(known)) == []
    without = study.trials[study.trials["arm"] != "all"]
    (finding,) = arm_findings(tables_of(known), without, known["trial_cells"])
    assert finding.sentences == ["Arms are compared with the arm all, which this design does not have."]


def test_arms_have_the_titles_of_their_hyperparameters():
    assert arm_title("fix:log10_lr") == "log10 learning rate" and arm_title("fix:dropout") == "dropout ratio"
    assert arm_title("fix:width_of_it") == "width of it" and arm_title("fix-dimension:data") == "data (dimension)"


def test_noisy_latencies_are_named():
    measured = pd.DataFrame({"noisy": [True, False, True]})
    assert noise_sentences(measured)[0].startswith("2 of 3 latencies are too noisy to rest on")
    assert noise_sentences(measured.assign(noisy=False)) == noise_sentences(None) == []
