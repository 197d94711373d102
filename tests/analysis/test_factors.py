"""F tests, effects and intervals of factors against statsmodels, Holm against statsmodels, R2 on unseen settings."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from sklearn.linear_model import LinearRegression
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests

from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.factor_tables import tables_of
from prunescape.analysis.factors.linear_model import LinearModel, fold_triangles, unseen_r2
from prunescape.analysis.factors.question import Question, prepared_runs


def unbalanced(seed: int, rows: int = 90) -> pd.DataFrame:
    """A random table: a category with unequal levels, a numeric level, a switch, two numbers, and a response."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "optimiser": rng.choice(["adam", "rmsprop", "sgd"], rows, p=[0.6, 0.3, 0.1]),
            "batch": rng.choice([16, 32, 64], rows),
            "flip": rng.random(rows) < 0.3,
            "dropout": rng.uniform(0, 0.5, rows),
            "lr": 10 ** rng.uniform(-4, -1, rows),
        }
    )
    noise = rng.normal(0, 1, rows)
    return frame.assign(top1=90 + frame["dropout"] + (frame["optimiser"] == "sgd") + 0.3 * frame["flip"] + noise)


def tables(frame: pd.DataFrame, *responses: str, **asked) -> dict[str, pd.DataFrame]:
    return tables_of(prepared_runs(frame.copy(), "runs.csv", Question(responses or ("top1",), **asked))).tables


@pytest.mark.parametrize("seed", [0, 1])
def test_f_effects_and_intervals_equal_those_of_statsmodels(seed):
    """statsmodels: anova_lm(typ=2) and OLS of a formula, with treatment coding against the most frequent level."""
    frame = unbalanced(seed)
    most = frame["batch"].value_counts().sort_index().idxmax()
    terms = {
        "optimiser": "C(optimiser, Treatment('sgd'))",
        "batch": f"C(batch, Treatment({most}))",
        "flip": "C(flip, Treatment(False))",
        "dropout": "dropout",
        "log10:lr": "np.log10(lr)",
    }
    fitted = smf.ols(f"top1 ~ {' + '.join(terms.values())}", frame).fit()
    expected = anova_lm(fitted, typ=2)
    asked = {"factors": tuple(terms)}
    found = tables(frame, **asked)
    rows = found["factors"].set_index("factor")
    for name, term in terms.items():
        square, df, f, p = expected.loc[term]
        assert rows.loc[name, ["df", "f", "p"]].tolist() == pytest.approx([df, f, p], rel=1e-9)
        assert rows.loc[name, "partial_eta2"] == pytest.approx(square / (square + fitted.ssr), rel=1e-9)
    np.testing.assert_allclose(rows["p_holm"], multipletests(rows["p"], method="holm")[1])
    intervals = fitted.conf_int()
    for effect in found["effects"].itertuples():
        term = terms[effect.factor]
        level = {"flip": "True"}.get(effect.factor, effect.level)
        scale = 1.0
        if effect.factor in ("dropout", "log10:lr"):
            values = frame["dropout"] if effect.factor == "dropout" else np.log10(frame["lr"])
            scale, key = values.max() - values.min(), term
        else:
            key = f"{term}[T.{level}]"
        expected_row = np.array([fitted.params[key], *intervals.loc[key]]) * scale
        assert [effect.estimate, effect.low, effect.high] == pytest.approx(expected_row, rel=1e-9)
    fit = found["fit"].iloc[0]
    assert (fit["n"], fit["coefficients"]) == (90, len(fitted.params)) and fit["r2"] == pytest.approx(fitted.rsquared)


def test_r2_on_unseen_settings_is_that_of_models_fitted_without_them():
    """scikit-learn's LinearRegression, fold by fold, over the folds that whole settings are drawn into."""
    rng = np.random.default_rng(3)
    settings = np.repeat(np.arange(25), 2)
    matrix = np.column_stack([np.ones(50), rng.normal(size=(25, 3))[settings]])
    response = matrix @ [5.0, 1.0, -1.0, 0.0] + rng.normal(size=50)
    folds = np.random.default_rng(0).permutation(25)[settings] % 10
    missed = total = 0.0
    for fold in range(10):
        seen = folds != fold
        model = LinearRegression().fit(matrix[seen], response[seen])
        missed += ((response[~seen] - model.predict(matrix[~seen])) ** 2).sum()
        total += ((response[~seen] - response[seen].mean()) ** 2).sum()
    assert unseen_r2(fold_triangles(matrix, response, settings)) == pytest.approx(1 - missed / total)


def test_references_are_given_or_the_recipes_default_or_the_base():
    frame = unbalanced(0).assign(momentum=np.tile([0.5, 0.9, 0.99], 30), variant=["u", "v", "base"] * 30)
    frame.loc[frame.index[:40], "variant"] = "u"
    found = tables(frame, references={"optimiser": "sgd", "batch": "32.0"}, with_=None)["effects"]
    references = dict(zip(found["factor"], found["reference"], strict=True))
    assert references["optimiser"] == "sgd" and references["batch"] == "32"
    assert references["momentum"] == "0.9", "the default of the recipe, though no level is more frequent"
    assert references["variant"] == "base", "though it is rarer than u"


def test_a_factor_that_does_not_act_keeps_its_rows():
    """Momentum acts with SGD only, which the optimiser tells: statsmodels, momentum as SGD's two levels of its own."""
    frame = unbalanced(5, 120)
    frame["momentum"] = np.where(frame["optimiser"] == "sgd", np.tile([0.5, 0.9], 60), np.nan)
    found = tables(frame, factors=("optimiser", "momentum", "dropout"))
    assert found["fit"]["n"].item() == 120
    acting = frame.assign(low=(frame["momentum"] == 0.5).astype(float))
    fitted = smf.ols("top1 ~ C(optimiser) + low + dropout", acting).fit()
    row = found["factors"].set_index("factor").loc["momentum"]
    assert (row["df"], row["f"]) == (1, pytest.approx(fitted.tvalues["low"] ** 2))
    alone = tables(frame, factors=("momentum", "dropout"))["effects"]
    levels = alone.loc[alone["factor"] == "momentum", "level"].tolist()
    assert levels == ["0.5", "does not act"], "no other factor tells where it acts"


def test_missing_categories_and_constant_responses():
    """A response that the variant alone decides is exact; one that never changes has no test."""
    frame = unbalanced(2).assign(variant=np.tile(["base", "u"], 45), flops=7, size=np.tile([200.0, 100.0], 45))
    found = tables(frame, "flops", "size", factors=("variant", "optimiser", "dropout"))
    assert found["fit"].set_index("response")["r2"].isna().to_dict() == {"flops": True, "size": False}
    rows = found["factors"].set_index("factor")
    assert rows.loc["variant", ["f", "p", "partial_eta2"]].tolist() == [np.inf, 0, 1]
    assert rows.loc[["optimiser", "dropout"], ["f", "p"]].to_numpy().tolist() == [[0, 1], [0, 1]]
    effect = found["effects"].set_index("factor").loc["variant"]
    assert effect[["estimate", "low", "high"]].tolist() == pytest.approx([-100] * 3)


def test_groups_have_tests_of_their_own():
    frame = unbalanced(4, 160).assign(variant=np.tile(["base", "u"], 80))
    both = tables(frame, by=("variant",), factors=("optimiser", "dropout"))["factors"]
    alone = tables(frame[frame["variant"] == "u"], factors=("optimiser", "dropout"))["factors"]
    assert both.loc[both["by"] == "variant=u", "f"].tolist() == pytest.approx(alone["f"].tolist())


def test_p_values_of_factors_without_effect_are_uniform():
    """400 tables of pure noise: 5 % of p values are under 5 %, and 5 % of Holm families have one, within 3 errors."""
    rng, p = np.random.default_rng(0), []
    frame = unbalanced(0)
    factors = [Factor.of(frame, name) for name in ("optimiser", "batch", "flip", "dropout", "log10:lr")]
    design = Design.of(frame, factors)
    for _ in range(400):
        model = LinearModel.fit(design.matrix, rng.normal(size=len(frame)))
        p.append([model.test(design.columns_of(factor)).p for factor in factors])
    p = np.array(p)
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / p.size))
    assert np.mean(5 * p.min(axis=1) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
