"""The table of cells that an analysis starts from: formats, defaults, and one line for each kind of bad table."""

import time

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.cell_checks import equal_by_chance
from prunescape.analysis.read_cells import read_cells, scores, variant_order
from prunescape.errors import InputError


def grid(**columns) -> pd.DataFrame:
    """Base and one pruned variant on a 3 x 2 grid."""
    rows = [
        {"model": "m", "dataset": "d", "variant": variant, "log10_lr": lr, "log10_wd": wd, "seed": 0, "top1": 90 + lr}
        for variant in ("base", "uniform-0.5")
        for lr in (-2.0, -1.0, 0.0)
        for wd in (-4.0, -3.0)
    ]
    return pd.DataFrame(rows).assign(**columns)


def write(folder, frame, name="cells.csv"):
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["cells.csv", "cells.parquet"])
def test_both_formats_give_the_same_cells(tmp_path, name):
    cells = read_cells(write(tmp_path, grid(), name))
    assert cells["experiment"].unique().tolist() == ["d-m"]
    assert cells["status"].unique().tolist() == ["ok"]
    assert cells["seed"].dtype == np.int64
    assert cells["top1"].tolist() == grid()["top1"].tolist()


def test_content_decides_not_the_name(tmp_path):
    path = tmp_path / "cells.csv"
    grid().to_parquet(path)
    assert len(read_cells(path)) == 12


def test_numbers_come_from_other_column_types(tmp_path):
    frame = grid(seed=0.0, top1=90)
    frame["log10_lr"] = frame["log10_lr"].astype(str)
    frame["model"] = pd.Categorical([56] * 12)
    cells = read_cells(write(tmp_path, frame, "cells.parquet"))
    assert cells["model"].unique().tolist() == ["56"]
    assert cells["log10_lr"].min() == -2.0
    semicolons = tmp_path / "semicolons.csv"
    grid().to_csv(semicolons, index=False, sep=";", encoding="utf-8-sig")
    assert len(read_cells(semicolons)) == 12


def test_an_index_of_pandas_is_a_column(tmp_path):
    path = tmp_path / "cells.parquet"
    grid().set_index(["variant", "seed"]).to_parquet(path)
    assert read_cells(path)["variant"].tolist() == grid()["variant"].tolist()


def test_settings_that_only_rounding_tells_apart_are_one_point(tmp_path):
    frame = grid()
    frame.loc[frame["variant"] == "base", "log10_lr"] += 1e-13
    assert read_cells(write(tmp_path, frame))["log10_lr"].nunique() == 3


def test_diverged_cells_score_at_chance_level(tmp_path):
    frame = grid(status="ok", classes=20, top5=99.0)
    frame.loc[0, ["status", "top1", "top5"]] = ["diverged", None, None]
    cells = read_cells(write(tmp_path, frame))
    assert cells.loc[0, ["top1", "top5"]].tolist() == [5.0, 25.0]
    few = frame.assign(classes=4, top5=None)
    assert set(scores(read_cells(write(tmp_path, few)), DEFAULT_AXES)["metric"]) == {"top1"}


def put(column, row, value, **columns):
    """A change of one entry, after whole columns were added; entry and row are what the message must name."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.assign(**columns).astype(object)
        frame.loc[row, column] = value
        return frame

    return change


BAD_TABLES = {
    "missing column": (lambda frame: frame.rename(columns={"top1": "top_1"}), ['"top1"', '"top_1"']),
    "text": (put("top1", 2, "high"), ["row 3", '"top1"', '"high"']),
    "nan": (put("top1", 2, "NaN"), ["row 3", '"top1"', "nan"]),
    "infinite": (put("log10_lr", 4, "inf"), ["row 5", '"log10_lr"', "inf"]),
    "no weight decay": (put("log10_wd", 4, ""), ["row 5", '"log10_wd"']),
    "above 100": (put("top1", 0, 100.5), ["row 1", '"top1"', "100.5", "0 to 100"]),
    "negative": (put("top1", 0, -1), ["row 1", '"top1"', "-1"]),
    "broken seed": (put("seed", 1, 0.5), ["row 2", '"seed"', "whole number"]),
    "duplicate": (put("log10_wd", 1, -4.0), ["row 2", "twice", "variant base", "log10_lr -2.0", "log10_wd -4.0"]),
    "no base": (lambda frame: frame.replace("base", "Base"), ['"base"', 'did you mean "Base"']),
    "status": (put("status", 6, "divergd", status="ok"), ["row 7", '"divergd"', 'did you mean "diverged"']),
    "diverged, no score": (put("top1", 3, None, status="diverged"), ["row 4", "diverged", '"classes"']),
    "diverged, no top-5": (put("top5", 3, None, status="diverged", top5=9.0), ["row 4", '"top5"', '"classes"']),
    "classes": (put("classes", 4, 1, classes=10), ["row 5", '"classes"', "2 or more"]),
    "no model": (put("model", 5, ""), ["row 6", '"model"']),
    "no rows": (lambda frame: frame.iloc[:0], ["no rows"]),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_one_clear_line(tmp_path, name):
    change, parts = BAD_TABLES[name]
    path = write(tmp_path, change(grid()))
    with pytest.raises(InputError) as raised:
        analyse(path, tmp_path / "out")
    message = str(raised.value)
    assert "\n" not in message
    assert [part for part in [str(path), *parts] if part not in message] == []
    assert not (tmp_path / "out").exists()


BAD_FILES = {
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 8, "neither Parquet nor CSV"),
    "not utf-8": (b"model,dataset\n\xff\xfe\xfa,x\n", "CSV"),
    "damaged Parquet": (b"PAR1" + b"x" * 100, "damaged"),
    "ragged": (b"model,dataset\na,b\na\n", "CSV"),
    "prose": (b"no table at all\n", "missing"),
    "column twice": (b"model,model\na,b\n", "two columns"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_clear_line(tmp_path, name):
    content, part = BAD_FILES[name]
    path = tmp_path / "cells.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=part) as raised:
        read_cells(path)
    assert "\n" not in str(raised.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="missing"):
        read_cells(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="cannot be opened"):
        read_cells(tmp_path)


def test_trials_of_a_space_are_no_landscape(tmp_path):
    both = pd.concat([grid(stage="grid"), grid(stage="trial", seed=1), grid(stage="confirmation", seed=2)])
    assert read_cells(write(tmp_path, both))["seed"].unique().tolist() == [0]
    with pytest.raises(InputError, match=r"trials.csv: all rows are trials of a space, .* see best_settings.parquet"):
        read_cells(write(tmp_path, grid(stage="trial"), "trials.csv"))


def test_a_study_in_progress_may_lack_its_base_or_everything(tmp_path):
    pruned = grid().query("variant != 'base'")
    assert len(read_cells(write(tmp_path, pruned), partial=True)) == 6
    nothing = read_cells(write(tmp_path, grid().iloc[:0], "none.parquet"), partial=True)
    assert scores(nothing, DEFAULT_AXES).empty


def test_variants_stand_in_the_order_of_the_papers_tables():
    names = ["nonuniform-0.2", "other", "uniform-0.2", "base", "uniform-0.6", "nonuniform-0.6", "uniform-x"]
    expected = ["base", "uniform-0.6", "uniform-0.2", "nonuniform-0.6", "nonuniform-0.2", "other", "uniform-x"]
    assert sorted(names, key=variant_order) == expected


def test_fractions_are_not_percent(tmp_path):
    lines = ["model,dataset,variant,log10_lr,log10_wd,seed,top1", "m,d,base,-1,-4,0,0.905", "m,d,base,-1,-3,0,0.91"]
    (tmp_path / "cells.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match="multiply fractions by 100"):
        read_cells(tmp_path / "cells.csv")
    assert len(read_cells(tmp_path / "cells.csv", partial=True)) == 2


@pytest.mark.parametrize("column", ["top1", "top5", "val_top1"])
@pytest.mark.parametrize(("name", "value"), [("variant", "uniform-0.5"), ("seed", 1)])
def test_no_landscape_of_fractions_stands_beside_percent(tmp_path, column, name, value):
    frame = pd.concat([grid(top5=99.0, val_top1=85.0), grid(top5=99.0, val_top1=85.0, seed=1)])
    frame[column] = frame[column].mask(frame[name] == value, frame[column] / 100)
    with pytest.raises(InputError, match=rf"no {column} of variant \S+, seed \d, is above 0\.\d+; .* fractions by 100"):
        read_cells(write(tmp_path, frame))


def test_a_percent_of_many_classes_or_of_diverged_cells_may_be_below_one(tmp_path):
    assert len(read_cells(write(tmp_path, grid(top1=0.1, classes=1000)))) == 12
    frame = grid(status="ok", classes=150)
    frame.loc[frame["variant"] != "base", "status"] = "diverged"
    assert read_cells(write(tmp_path, frame))["top1"].min() == pytest.approx(100 / 150)


def test_a_validation_score_that_is_missing_does_not_change_the_split(tmp_path):
    frame = grid(val_top1=80.0)
    frame.loc[7, "val_top1"] = np.nan
    with pytest.raises(InputError, match="1 of 12 cells of experiment d-m have no val_top1; hint: fill it in"):
        read_cells(write(tmp_path, frame))
    assert len(read_cells(write(tmp_path, frame.assign(select_on="test")))) == 12
    assert len(read_cells(write(tmp_path, frame.drop(columns="val_top1")))) == 12


def wide(names, rows=40):
    """Rows of base and one pruned variant on a 5 x 4 grid, with one more column for each name."""
    lines = [",".join(["model,dataset,variant,log10_lr,log10_wd,seed,top1", *names])]
    for row in range(rows):
        variant = ("base", "uniform-0.5")[row // 20]
        setting = f"{-2.5 + row % 20 // 4 / 2},{-5 + row % 4}"
        lines.append(f"resnet20,cifar10,{variant},{setting},0,{90 - row / 10}" + ",0.5" * len(names))
    return "\n".join(lines)


def seeds_of_600_images(settings: int, seeds: int = 2, random=None) -> np.ndarray:
    """(seeds, settings) percent of 600 images that are right: a landscape of 6 points and noise of 0.3 points."""
    random = random or np.random.default_rng(0)
    true = 95 - 6 * np.linspace(-1, 1, settings) ** 2 * random.uniform(0.9, 1.1, settings)
    return 100 * np.round(6 * (true + random.normal(0, 0.3, (seeds, settings)))) / 600


def read_seeds(folder, scores, **columns) -> pd.DataFrame:
    """What is read of a base with these scores, (seeds, settings)."""
    rows = [
        {
            "model": "m",
            "dataset": "d",
            "variant": "base",
            "log10_lr": -place / 4,
            "log10_wd": -4.0,
            "seed": seed,
            "top1": one,
        }
        for seed, each in enumerate(scores)
        for place, one in enumerate(each)
    ]
    return read_cells(write(folder, pd.DataFrame(rows).assign(**columns)))


@pytest.mark.parametrize(("settings", "count"), [(36, 36), (81, 78)])
def test_the_same_scores_as_two_seeds_are_refused(tmp_path, settings, count):
    """All of 36 settings, or all but three of 81: neither is chance."""
    third, one = seeds_of_600_images(settings)
    copied = np.where(np.arange(settings) < settings - count, one - 1, one)
    with pytest.raises(InputError) as caught:
        read_seeds(tmp_path, [third, one, copied])
    text = str(caught.value)
    assert f"seeds 1 and 2 of variant base have the same top1 at {count} of their {settings} settings" in text
    assert "experiment d-m" in text and "keep one of them" in text and "\n" not in text


def test_three_equal_seeds_are_all_named(tmp_path):
    with pytest.raises(InputError, match="seeds 0, 1 and 2 of variant base"):
        read_seeds(tmp_path, [np.linspace(90, 95, 36)] * 3)


def test_few_equal_settings_are_noted_and_fewer_are_chance(tmp_path, capsys):
    """Seven of seven: at most 2^-7 < 0.01. Two may be equal by chance."""
    read_seeds(tmp_path, [np.linspace(90, 95, 7)] * 2)
    assert "seeds 0 and 1 of variant base have the same top1 at 7 of their 7 settings" in capsys.readouterr().err
    read_seeds(tmp_path, [[91.0, 92.0]] * 2)
    assert "same" not in capsys.readouterr().err


def test_copies_behind_seeds_that_are_noted_are_refused(tmp_path):
    one, other = np.linspace(90, 95, 36), np.linspace(80, 85, 36)
    half = np.where(np.arange(36) < 9, one + 0.001, one)  # 27 of 36 equal: P(X >= 27) = 0.002, from scipy.stats.binom
    with pytest.raises(InputError, match="seeds 2 and 3"):
        read_seeds(tmp_path, [one, half, other, other])


def test_plateaus_and_diverged_cells_may_be_equal(tmp_path, capsys):
    read_seeds(tmp_path, [[100.0] * 30 + [99.0, 98.0]] * 2)
    read_seeds(tmp_path, np.arange(72).reshape(2, 36) / 10 + 80, status="diverged", classes=10)
    assert "same" not in capsys.readouterr().err


def test_real_seeds_are_never_taken_for_copies():
    """500 pairs of seeds of 600 images at 36 settings; a probability of 0.01 is an upper bound, so none is expected."""
    random = np.random.default_rng(1)
    chances = [equal_by_chance(seeds_of_600_images(36, 2, random)).item() for _ in range(500)]
    assert min(chances) > 0.01


def test_thousands_of_columns_take_seconds(tmp_path):
    (tmp_path / "cells.csv").write_text(wide([f"grad/layer{number}" for number in range(6000)]))
    started = time.perf_counter()
    assert len(read_cells(tmp_path / "cells.csv")) == 40
    assert time.perf_counter() - started < 5


def test_cells_longer_than_a_block_are_read(tmp_path):
    """pandas reads such a table; pyarrow's blocks of 1 MiB do not hold the cell."""
    lines = wide(["history"]).splitlines()
    lines[5] = lines[5].removesuffix("0.5") + '"' + "[1, 2.5], " * 300_000 + '"'
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(lines))
    pd.testing.assert_frame_equal(read_cells(path)[["log10_lr", "top1"]], pd.read_csv(path)[["log10_lr", "top1"]])


def test_a_column_may_change_its_type_behind_the_first_block(tmp_path):
    lines = wide(["note"]).splitlines()
    many = [f"m,d,base,-1,{-number / 10_000},1,50,0.5" for number in range(60_000)]
    last = lines[-1].removesuffix("0.5") + "late"
    (tmp_path / "cells.csv").write_text("\n".join([lines[0], *many, *lines[1:-1], last]))
    assert len(read_cells(tmp_path / "cells.csv", partial=True)) == 60_040
