"""Factors that act otherwise after pruning: against statsmodels' formulas, and verdicts whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.interactions import interactions


def studied(settings: int = 120, seeds: int = 1, noise: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """The same settings as base and as pruned variant: pruned, adam gains 3 points, and dropout acts as before."""
    rng = np.random.default_rng(seed)
    drawn = pd.DataFrame(
        {
            "optimiser": rng.choice(["adam", "rmsprop", "sgd"], settings),
            "dropout": rng.uniform(0, 0.5, settings),
            "common": rng.normal(0, 3, settings),
        }
    )
    parts = []
    for variant in ("base", "uniform-0.5"):
        for number in range(seeds):
            gain = 3.0 * (drawn["optimiser"] == "adam") if variant != "base" else 0.0
            top1 = 90 - 4 * drawn["dropout"] + drawn["common"] + gain + rng.normal(0, noise, settings)
            parts.append(drawn.assign(variant=variant, seed=number, top1=top1))
    return pd.concat(parts, ignore_index=True)


def compared(frame: pd.DataFrame, **terms) -> tuple[pd.DataFrame, pd.DataFrame]:
    factors = [Factor.of(frame, "optimiser", reference="sgd"), Factor.of(frame, "dropout")]
    tables = interactions(frame, frame["top1"].to_numpy(), factors, **({"name": "top1"} | terms))
    return tuple(table.set_index("factor") for table in tables)


def test_pairs_are_a_regression_of_differences_averaged_over_seeds():
    """statsmodels on pruned - base per setting, mean over two seeds: anova_lm(typ=2) and conf_int."""
    frame = studied(seeds=2)
    keys = ["optimiser", "dropout"]
    sides = frame.pivot_table("top1", keys, "variant").reset_index()
    fitted = smf.ols("change ~ C(optimiser) + dropout", sides.assign(change=sides["uniform-0.5"] - sides["base"])).fit()
    expected = anova_lm(fitted, typ=2)
    rows, effects = compared(frame)
    for name, term in (("optimiser", "C(optimiser)"), ("dropout", "dropout")):
        square, df, f, p = expected.loc[term]
        assert rows.loc[name, ["df", "f", "p"]].tolist() == pytest.approx([df, f, p])
        assert rows.loc[name, "partial_eta2"] == pytest.approx(square / (square + fitted.ssr))
    assert rows["paired"].all() and (rows["n"] == 120).all()
    term = "C(optimiser, Treatment('sgd'))"
    base = smf.ols(f"base ~ {term} + dropout", sides).fit().params
    change = smf.ols(f"change ~ {term} + dropout", fitted.model.data.frame).fit()
    for effect in effects.loc[["optimiser"]].itertuples():
        key = f"{term}[T.{effect.level}]"
        expected = [base[key], base[key] + change.params[key], change.params[key], *change.conf_int().loc[key]]
        found = [effect.effect_base, effect.effect, effect.difference, effect.low, effect.high]
        assert found == pytest.approx(expected)
    assert effects.loc["optimiser", "level"].tolist() == ["adam", "rmsprop"]


def test_without_pairs_each_variant_has_coefficients_of_its_own():
    """statsmodels: top1 ~ (optimiser + dropout) * variant, other settings in the base."""
    first, second = studied(), studied(seed=1)
    frame = pd.concat([first[first["variant"] == "base"], second[second["variant"] != "base"]], ignore_index=True)
    fitted = smf.ols("top1 ~ (C(optimiser) + dropout) * C(variant)", frame).fit()
    expected = anova_lm(fitted, typ=2)
    rows, effects = compared(frame)
    assert not rows["paired"].any() and (rows["n"] == 240).all()
    for name, term in (("optimiser", "C(optimiser):C(variant)"), ("dropout", "dropout:C(variant)")):
        assert rows.loc[name, ["df", "f", "p"]].tolist() == pytest.approx(
            expected.loc[term, ["df", "F", "PR(>F)"]].tolist()
        )
    span = frame["dropout"].max() - frame["dropout"].min()
    change = fitted.params["dropout:C(variant)[T.uniform-0.5]"] * span
    assert effects.loc["dropout", "difference"] == pytest.approx(change)


def test_without_pairs_levels_of_one_side_alone_are_left_out():
    """Only the base was trained with rmsprop: nothing tells how its effect changes."""
    first, second = studied(), studied(seed=1)
    other = second[(second["variant"] != "base") & (second["optimiser"] != "rmsprop")]
    frame = pd.concat([first[first["variant"] == "base"], other], ignore_index=True)
    rows, effects = compared(frame)
    assert effects.loc[["optimiser"], "level"].tolist() == ["adam"]
    assert (rows["n"] == (frame["optimiser"] != "rmsprop").sum()).all()


def test_a_variant_that_tells_too_little_is_named_and_does_not_hide_the_others():
    frame = studied()
    few = frame[frame["variant"] == "base"].head(3).assign(variant="uniform-0.25")
    skipped: list[str] = []
    rows, _ = compared(pd.concat([frame, few], ignore_index=True), skipped=skipped)
    assert set(rows["other"]) == {"uniform-0.5"}
    assert len(skipped) == 1 and "variant uniform-0.25: " in skipped[0] and "3 rows are too few" in skipped[0]


def test_what_pruning_changes_is_looked_at_again_and_what_it_does_not_may_stay():
    """Pairs take out what settings have in common, a deviation of 3 points, thirty times the noise between seeds."""
    rows, _ = compared(studied())
    assert rows["verdict"].to_dict() == {"optimiser": "look again", "dropout": "may stay"}
    assert rows.loc["optimiser", "largest"] == pytest.approx(3, abs=0.15) and (rows["margin"] == 0.5).all()
    few, _ = compared(studied(12, noise=1.5))
    assert few.loc["dropout", "verdict"] == "inconclusive", "not significant, but nothing bounds it within the margin"
    strict, _ = compared(studied(), margin=0.01)
    assert strict.loc["dropout", "verdict"] == "inconclusive" and strict.loc["dropout", "bound"] > 0.01
    assert compared(studied(), margin=5.0)[0]["verdict"].tolist() == ["may stay"] * 2


def test_the_margin_of_another_response_is_a_fifth_of_its_spread_in_the_base():
    frame = studied()
    base = frame.loc[frame["variant"] == "base", "top1"]
    assert compared(frame, name="latency_s")[0]["margin"].iloc[0] == pytest.approx(base.std() / 5)


def test_a_response_that_the_variant_alone_decides_lets_every_factor_stay():
    frame = studied()
    frame["top1"] = np.where(frame["variant"] == "base", 300.1, 200.3)
    rows, _ = compared(frame, name="file_bytes")
    assert rows["verdict"].tolist() == ["may stay"] * 2 and (rows["p"] == 1).all()
    factors = [Factor.of(frame, "optimiser")]
    with pytest.raises(Exception, match='no level "dense"'):
        interactions(frame, frame["top1"].to_numpy(), factors, base="dense")


def test_verdicts_are_rarely_wrong():
    """200 tables where dropout's effect changes by exactly the margin over its range: `may stay` is wrong in 2.5 %."""
    wrong = 0
    for seed in range(200):
        frame = studied(30, noise=0.05, seed=seed)
        span = frame["dropout"].max() - frame["dropout"].min()
        change = 0.5 / span * frame["dropout"] * (frame["variant"] != "base")
        rows, _ = compared(frame.assign(top1=frame["top1"] + change))
        wrong += rows.loc["dropout", "verdict"] == "may stay"
    assert wrong / 200 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 200)
