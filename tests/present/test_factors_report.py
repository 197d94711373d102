"""What `prunescape factors` shows: words from tables worked out by hand, the figure's data, its drawings, the page."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.factors.columns import TABLES
from prunescape.commands.cli import main
from prunescape.present.figures.factors_data import MOST_EFFECTS, factors_figures
from prunescape.present.figures.factors_drawings import draw_factors_interactive, draw_factors_static
from prunescape.present.figures.folder import OPEN, write_figures
from prunescape.present.report.factor_sentences import interaction_texts, paragraphs

KEY = {"by": "", "response": "top1"}


def tables(**fit) -> dict[str, pd.DataFrame]:
    """Of 40 rows: dropout and the optimiser change top1, flip does not; the forest sees more than the linear model."""
    rows = {
        "fit": [{"n": 40, "settings": 40, "coefficients": 5, "r2": 0.62, "r2_cv": 0.5, "r2_forest": 0.81} | fit],
        "factors": [
            {"factor": "optimiser", "kind": "categorical", "df": 2, "f": 9, "p": 0.001, "p_holm": 0.002}
            | {"partial_eta2": 0.2},
            {
                "factor": "dropout",
                "kind": "continuous",
                "df": 1,
                "f": 30,
                "p": 1e-6,
                "p_holm": 3e-6,
                "partial_eta2": 0.46,
            },
            {"factor": "flip", "kind": "switch", "df": 1, "f": 4.1, "p": 0.05, "p_holm": 0.051, "partial_eta2": 0.1},
        ],
        "effects": [
            {"factor": "optimiser", "level": "sgd", "reference": "adam", "estimate": 1.5, "low": 0.5, "high": 2.5},
            {"factor": "dropout", "level": "0.498765", "reference": "0", "estimate": -3.25, "low": -4.5, "high": -2},
            {"factor": "flip", "level": "true", "reference": "false", "estimate": 9, "low": -1, "high": 19},
        ],
        "importance": [
            {"factor": "optimiser", "other": None, "share": 0.2, "low": 0.1, "high": 0.3},
            {"factor": "dropout", "other": None, "share": 0.5, "low": 0.4, "high": 0.6},
            {"factor": "flip", "other": None, "share": 0.01, "low": 0.0, "high": 0.04},
            {"factor": "optimiser", "other": "dropout", "share": 0.15, "low": 0.05, "high": 0.25},
        ],
    }
    found = {name: pd.DataFrame(part).assign(**KEY).reindex(columns=list(TABLES[name])) for name, part in rows.items()}
    with_ = {**KEY, "with": "variant", "other": "uniform-0.5", "base": "base"}
    shared = {"paired": True, "n": 20, "df": 1, "f": 1.0, "partial_eta2": 0.1, "margin": 0.5, **with_}
    interactions = [
        {"factor": "optimiser", "p_holm": 0.0004, "largest": 2, "bound": 2.6, "verdict": "look again"},
        {"factor": "dropout", "p_holm": 0.9, "largest": 0.1, "bound": 0.345, "verdict": "may stay"},
        {"factor": "flip", "p_holm": 0.9, "largest": 0.1, "bound": 0.7, "verdict": "inconclusive"},
    ]
    changed = {
        "factor": "optimiser",
        "level": "sgd",
        "reference": "adam",
        "difference": -2.0,
        "low": -2.6,
        "high": -1.4,
    }
    found["interactions"] = pd.DataFrame([row | shared for row in interactions])
    found["interaction_effects"] = pd.DataFrame([changed | with_])
    return found


def test_a_paragraph_says_what_changes_a_response_and_how_well_models_explain_it():
    (paragraph,) = paragraphs(tables())
    assert paragraph.text == (
        "top1: 40 rows of 40 settings. dropout (partial η² 0.46) and optimiser (partial η² 0.20) change it (F "
        "test, 5 % after Holm). Not shown to change it: flip. The largest difference is that of dropout at 0.499 "
        "instead of 0: −3.25 (95 %: −4.5 to −2). The linear model explains 0.62 of the variance, and 0.50 on "
        "unseen settings. A random forest explains 0.81 on unseen settings, more than the linear model: effects "
        "bend, or factors act together. Alone, dropout 50 % (40 to 60) and optimiser 20 % (10 to 30) of its "
        "variance. The strongest pair is optimiser with dropout 15 % (5 to 25)."
    )


def test_a_pair_without_a_share_in_whole_percent_is_not_named():
    found = tables()
    pair = found["importance"]["other"].notna()
    found["importance"].loc[pair, ["share", "low", "high"]] = (0.004, 0.003, 0.006)
    (paragraph,) = paragraphs(found)
    assert paragraph.text.endswith("optimiser 20 % (10 to 30) of its variance.")


@pytest.mark.parametrize(
    ("fit", "said", "unsaid"),
    [
        ({"r2_forest": 0.1}, "explains 0.10 on unseen settings: too little to speak of importance", "strongest pair"),
        ({"settings": 20}, "40 rows of 20 settings, which the F tests take for independent rows.", "x" * 9),
        ({"r2_cv": -0.2}, "0.62 of the variance, and nothing of unseen settings.", "−0.20"),
        ({"coefficients": None}, "It is the same in all of them, or no factor varies", "F test"),
        ({"r2_cv": 0.8}, "A random forest explains 0.81 on unseen settings. Alone", "effects bend"),
    ],
)
def test_a_paragraph_says_what_limits_it(fit, said, unsaid):
    (paragraph,) = paragraphs(tables(**fit))
    assert said in paragraph.text and unsaid not in paragraph.text


def test_interactions_in_words_name_the_change_the_bound_and_what_is_inconclusive():
    assert interaction_texts(tables()) == [
        "top1, variant uniform-0.5 instead of base (20 pairs of equal settings): look again at optimiser (the "
        "effect of sgd instead of adam changes by −2, 95 %: −2.6 to −1.4; p < 0.001 after Holm). dropout may "
        "stay: at 95 % no difference of two levels changes by over 0.345 (margin 0.5). Inconclusive: flip (by up to "
        "0.7); more settings or seeds would tell."
    ]


def test_the_figure_shows_the_largest_shares_and_effects_with_their_intervals():
    (figure,) = factors_figures(tables())
    assert figure.importance.labels == ["dropout", "optimiser", "optimiser × dropout", "flip"]
    assert figure.importance.low.tolist() == [0.4, 0.1, 0.05, 0.0]
    assert figure.effects.labels == ["optimiser: sgd vs adam", "dropout: 0.499 vs 0", "flip: true vs false"]
    many = tables()
    levels = [
        {"factor": "k", "level": f"l{n}", "reference": "a", "estimate": n, "low": n - 1, "high": n + 1}
        for n in range(40)
    ]
    many["effects"] = pd.DataFrame(levels).assign(**KEY)
    (figure,) = factors_figures(many)
    assert len(figure.effects.labels) == MOST_EFFECTS and figure.hidden == 40 - MOST_EFFECTS
    assert figure.effects.estimate.tolist() == list(range(40 - MOST_EFFECTS, 40)), "the largest, in the table's order"
    assert "16 smaller effects are in the table only" in figure.caption


def test_both_drawings_show_the_figures_data():
    (figure,) = factors_figures(tables())
    left, right = draw_factors_static(figure).axes
    assert [bar.get_width() for bar in left.patches] == figure.importance.estimate.tolist()
    assert [text.get_text() for text in right.get_yticklabels()] == figure.effects.labels
    points = [line.get_xdata() for line in right.lines if len(line.get_xdata()) == 3]
    np.testing.assert_array_equal(points[0], figure.effects.estimate)
    bars, marks = draw_factors_interactive(figure).data
    np.testing.assert_allclose(bars.x, figure.importance.estimate)
    np.testing.assert_allclose(marks.error_x.array, figure.effects.high - figure.effects.estimate)


def test_the_page_has_words_figure_and_tables_of_each_response_and_group(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"optimiser": rng.choice(["a<b>", "sgd"], 80), "dropout": rng.uniform(0, 1, 80)})
    frame["variant"] = np.tile(["base", "p"], 40)
    frame["top1"] = 90 + frame["dropout"] + rng.normal(0, 0.1, 80)
    frame["bytes"] = np.where(frame["variant"] == "base", 10, 5)
    frame.to_csv(tmp_path / "runs.csv", index=False)
    command = ["factors", str(tmp_path / "runs.csv"), "--of", "top1", "bytes", "--by", "variant"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "factors.html").read_text()
    assert "a&lt;b&gt;" in page and "a<b> vs" not in page
    for part in ("Which factors decide top1 and bytes?", "top1, variant=p", "F tests", "What to look at again"):
        assert part in page, part
    assert page.count('class="drawing factors"') == 2, "a figure per group of top1; bytes never changes in one"
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert sum(name.endswith(".svg") for name in names) == sum(name.endswith(".pdf") for name in names) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("top1, variant=base: 40 rows") and said[-1].startswith(f"written to {tmp_path / 'out'}: ")


def test_letters_that_the_font_lacks_are_one_line(tmp_path, capsys, recwarn):
    named = {name: table.replace("dropout", "最適化") for name, table in tables().items()}
    (figure, *_) = factors_figures(named)
    write_figures([(figure, OPEN)], tmp_path)
    what = "SVG and PDF lack letters of another script; the HTML has them"
    assert capsys.readouterr().err == f"warning: {figure.name}: {what}\n"
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
