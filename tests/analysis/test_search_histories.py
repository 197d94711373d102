"""Finished trainings as searches see them, read from tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.search.histories import read_histories, setting_values
from prunescape.analysis.search.terms import SearchTerms
from prunescape.errors import InputError
from prunescape.space.settings import Setting
from support.searches import curve_rows, drawn_scores, grid_settings, write_study


def test_scores_come_back_by_seed_setting_and_epoch(tmp_path):
    scores = drawn_scores(settings=4, epochs=3)
    settings = grid_settings(2, 2)
    rows = curve_rows(scores, settings=settings).sample(frac=1, random_state=0)  # the order of rows means nothing
    (known,), notes = read_histories(write_study(tmp_path, rows), SearchTerms())
    assert notes == []
    assert (known.name, known.seeds, known.epochs) == ("e, base", (0, 1, 2), 3)
    order = [settings.index(setting) for setting in known.settings]
    assert known.scores == pytest.approx(scores[:, order])
    assert (known.ranked == known.scores).all()
    assert (known.trained == 3).all()
    assert known.others[1] == pytest.approx((scores[0, order, -1] + scores[2, order, -1]) / 2)
    assert sorted(set(setting_values(known)["log10_lr"])) == [-3.0, 0.0]


def test_a_training_that_diverged_guesses_from_there_and_costs_no_more(tmp_path):
    scores = drawn_scores(settings=4, epochs=5)
    scores[1, 2, 3:] = np.nan
    folder = write_study(tmp_path, curve_rows(scores), classes=20)
    (known,), _ = read_histories(folder, SearchTerms())
    place = known.settings.index(grid_settings(4, 1)[2])
    assert known.scores[1, place].tolist() == [*scores[1, 2, :3], 5.0, 5.0]
    assert known.trained[1].tolist() == [4 if at == place else 5 for at in range(4)]
    (by_loss,), _ = read_histories(folder, SearchTerms(rank_by="test_loss"))
    assert by_loss.ranked[1, place].tolist() == [*(scores[1, 2, :3] - 100), -np.inf, -np.inf]
    assert by_loss.scores == pytest.approx(known.scores)


def test_fresh_seeds_of_few_settings_and_variants_with_one_seed_are_left_out_and_named(tmp_path):
    scores = drawn_scores(settings=4, epochs=3)
    fresh = curve_rows(scores[:1])[lambda rows: rows["setting"] == str(grid_settings(4, 1)[0])].assign(seed=1001)
    alone = curve_rows(scores[:1], variant="uniform-0.5")
    rows = pd.concat([curve_rows(scores), fresh, alone])
    known, notes = read_histories(write_study(tmp_path, rows), SearchTerms())
    assert [(each.variant, each.seeds) for each in known] == [("base", (0, 1, 2))]
    assert notes == [
        "e, base: 1 seeds of few settings are left out",
        "e, uniform-0.5: 1 of 1 seeds at all 4 settings, left out",
    ]


def test_settings_of_any_hyperparameters_are_read(tmp_path):
    settings = tuple(
        Setting.of(one)
        for one in (
            {"optimiser": "sgd", "momentum": 0.9, "flip": True, "batch_size": 16},
            {"optimiser": "adam", "flip": False, "batch_size": 32},
        )
    )
    rows = curve_rows(drawn_scores(settings=2, epochs=2), settings=settings)
    (known,), _ = read_histories(write_study(tmp_path, rows), SearchTerms())
    assert set(known.settings) == set(settings)
    values = setting_values(known)
    assert sorted(map(str, values["momentum"])) == ["0.9", "None"]
    assert set(values["flip"]) == {True, False}


def refused(folder, said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_histories(folder, SearchTerms())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_cannot_be_replayed_is_one_line(tmp_path):
    (tmp_path / "digits").mkdir()
    refused(tmp_path / "digit", 'there is no such folder; hint: did you mean "digits"?')
    refused(tmp_path / "digits", "the folder holds no cells.parquet, so it is none of a study's results")
    folder = write_study(tmp_path / "digits", curve_rows(drawn_scores(seeds=1)))
    refused(
        folder, "no variant has two settings with two seeds each (e, base: 1 of 1 seeds at all 6 settings, left out)"
    )
    write_study(folder, curve_rows(drawn_scores(settings=1)))
    refused(folder, "e, base: one setting, which needs no search, left out")
    curves = folder / "curves.parquet"
    curves.write_bytes(curves.read_bytes()[:-40] + bytes(40))
    refused(folder, "curves.parquet: the Parquet file is damaged")
    curves.unlink()
    refused(folder, "there is no curves.parquet, the history of each training; hint: run the study to its end")
    refused(folder / "cells.parquet", "there is no such folder")


def test_trainings_of_different_epochs_are_refused_and_named(tmp_path):
    scores = drawn_scores(epochs=4)
    rows = curve_rows(scores)
    short = (rows["setting"] == rows["setting"].iloc[0]) & (rows["epoch"] > 2)
    refused(write_study(tmp_path, rows[~short]), "trainings of e, base have different epochs: 2, 4")


def test_a_setting_that_is_none_is_refused(tmp_path):
    rows = curve_rows(drawn_scores()).assign(setting=lambda frame: "rate " + frame["setting"])
    refused(write_study(tmp_path, rows), "is no setting")
