"""The paper's tables: published values against its text, ours worked out by hand and by numpy, and every format."""

import re
import shutil
import subprocess
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.config.study import Study
from prunescape.errors import InputError
from prunescape.present.labels import experiment_title, paper_title
from prunescape.present.numbers import number
from prunescape.present.published import PRIORS, REFERENCES, published, published_values
from prunescape.present.tables.folder import write_tables
from prunescape.present.tables.formats import LATEX
from prunescape.present.tables.paper_tables import ACCURACY_TABLE_COLUMNS, RISK_TABLE_COLUMNS, ellipse_table_columns
from support.analysed import analysed

COLUMNS = {
    "confidence_ellipses": ellipse_table_columns([DEFAULT_AXES], (1.0, 0.5)),
    "performance_risk": RISK_TABLE_COLUMNS,
    "best_accuracies": ACCURACY_TABLE_COLUMNS,
}
# Tables 4.1 and 4.2 of matthiesen2023, copied line by line from its text
TABLE_4_1 = """
MobileNetV2 on CIFAR-10
Basemodel	3.32	0.56	(−3.0, −1.8)	1.91	0.51	(−2.7, −2.1)
60% Uniform	3.37	0.57	(−3.0, −1.8)	1.75	0.45	(−2.7, −2.1)
40% Uniform	3.55	0.54	(−2.9, −1.9)	1.55	0.50	(−2.6, −2.1)
60% Non-uniform	1.46	0.66	(−2.5, −2.2)	1.13	0.43	(−2.3, −2.3)
40% Non-uniform	1.86	0.59	(−2.6, −2.2)	1.78	0.54	(−2.5, −2.2)
ResNet-56 on CIFAR-10
Basemodel	2.93	0.73	(−3.1, −1.5)	2.58	0.52	(−3.0, −1.5)
60% Uniform	2.69	0.66	(−3.0, −1.6)	1.71	0.29	(−2.8, −1.7)
20% Uniform	2.60	0.79	(−3.1, −1.5)	2.34	0.4	(−3.1, −1.6)
60% Non-uniform	3.12	0.78	(−3.2, −1.4)	2.43	0.52	(−3.0, −1.6)
20% Non-uniform	3.74	0.66	(−3.3, −1.2)	4.76	0.58	(−3.3, −1.2)
ResNet-50 on ImageNet
Basemodel	2.69	0.58	(−3.8, −1.4)	1.69	0.57	(−3.8, −1.3)
40% Non-uniform	2.53	0.55	(−4.3, −0.9)	–	–	–
"""
TABLE_4_2 = """
MobileNetV2 on CIFAR-10
Basemodel	0.219	0.128	0.002	0.001
60% Uniform	0.373	0.266	0.004	0.003
40% Uniform	0.413	0.284	0.004	0.003
60% Non-uniform	0.591	0.391	0.006	0.004
40% Non-uniform	0.568	0.281	0.006	0.003
ResNet-56 on CIFAR-10
Basemodel	0.271	0.137	0.003	0.001
60% Uniform	0.622	0.428	0.007	0.005
20% Uniform	0.623	0.325	0.007	0.004
60% Non-uniform	0.436	0.256	0.005	0.003
20% Non-uniform	0.890	0.258	0.010	0.003
ResNet-50 on ImageNet
Basemodel	0.293	0.142	0.004	0.002
40% Non-uniform	0.864	0.467	0.012	0.007
"""
NAMES_4_1 = [
    f"{name}_{x}" for x in ("1_0", "0_5") for name in ("length", "width", "centre_log10_wd", "centre_log10_lr")
]
NAMES_4_2 = ["d_mean", "d_std", "d_rel_mean", "d_rel_std"]
MOBILENET, RESNET56, RESNET50 = ("mobilenet_v2", "cifar10"), ("resnet56", "cifar10"), ("resnet50", "imagenet")


def values_of(pair, name, metric="top1") -> dict[str, float | None]:
    """One published number of every variant of a model on a data set, in the table's order."""
    variants = [key[3] for key in published() if key[1] == pair[0].replace("_", "") and key[4] == metric]
    return {variant: published_values("matthiesen2023", *pair, variant, metric).get(name) for variant in variants}


def rows_of(text: str) -> dict[tuple[str, str], list[float | None]]:
    """(model on data set, variant) -> the numbers in its line, in order; a dash is None."""
    rows, title = {}, ""
    for line in text.strip().splitlines():
        label, *cells = line.split("\t")
        if not cells:
            title = label
            continue
        if cells[-1] == "–":
            cells[-3:] = ["–"] * 4
        numbers = re.findall(r"[−0-9.]+|–", " ".join(cells))
        rows[title, label] = [None if part == "–" else float(part.replace("−", "-")) for part in numbers]
    return rows


@pytest.mark.parametrize(("text", "names"), [(TABLE_4_1, NAMES_4_1), (TABLE_4_2, NAMES_4_2)], ids=["4.1", "4.2"])
def test_published_tables_are_the_papers(text, names):
    rows = rows_of(text)
    known = [(pair, variant) for pair in (MOBILENET, RESNET56, RESNET50) for variant in values_of(pair, "best")]
    assert list(rows) == [(experiment_title(*pair), paper_title(variant)) for pair, variant in known]
    for (pair, variant), numbers in zip(known, rows.values(), strict=True):
        values = published_values("matthiesen2023", *pair, variant, "top1")
        assert [values.get(name) for name in names] == numbers, (pair, variant)


def test_published_accuracies_are_the_papers():
    """Table 3.4, and the sentences of 4.1.1 that name the best accuracies."""
    priors = [values_of(pair, "prior_score")["base"] for pair in (MOBILENET, RESNET56, RESNET50)]
    assert [f"{prior:.3f}" for prior in priors] == ["94.730", "93.340", "75.448"]
    assert values_of(RESNET50, "prior_score", "top5")["base"] == 92.608
    assert PRIORS == {"matthiesen2023": {"log10_lr": -1.0, "log10_wd": -4.0}}
    mobile, r56, r50 = (values_of(pair, "best") for pair in (MOBILENET, RESNET56, RESNET50))
    assert mobile["base"] == 95.32, "The baseline model achieves a best top-1 accuracy of 95.32%."
    assert (mobile["uniform-0.6"], mobile["uniform-0.4"]) == (95.14, 94.94)
    assert (mobile["nonuniform-0.6"], mobile["nonuniform-0.4"]) == (95.18, 94.48)
    assert r56["base"] == 94.05, "The unpruned ResNet-56 achieves a best top-1 accuracy of 94.05%."
    assert (r56["uniform-0.6"], r56["uniform-0.2"]) == (93.52, 91.08)
    assert (r56["nonuniform-0.6"], r56["nonuniform-0.2"]) == (93.55, 90.98)
    assert r50 == {"base": 75.83, "nonuniform-0.4": 70.81}
    assert values_of(RESNET50, "best", "top5") == {"base": 92.84, "nonuniform-0.4": 89.73}


def test_what_the_papers_prose_gets_wrong_is_as_in_its_tables():
    """4.1.2: centres of ResNet-50 "0.3" apart (they are 0.5), lengths up to "0.76" (0.81); 4.2: 0.004 is uniform's."""
    for name in ("centre_log10_wd_1_0", "centre_log10_lr_1_0"):
        base, pruned = values_of(RESNET50, name).values()
        assert abs(base - pruned) == pytest.approx(0.5)
    lengths = values_of(RESNET56, "length_1_0")
    assert max(abs(length - lengths["base"]) for length in lengths.values()) == pytest.approx(0.81)
    relative = values_of(MOBILENET, "d_rel_mean")
    assert [name for name, value in relative.items() if value == 0.004] == ["uniform-0.6", "uniform-0.4"]


def test_published_values_only_where_there_are_any():
    assert published_values("matthiesen2023", "MobileNetV2", "CIFAR-10", "uniform-0.60", "top1")["length_1_0"] == 3.37
    resnet50 = published_values("matthiesen2023", *RESNET50, "base", "top5")
    assert resnet50 == {"best": 92.84, "prior_score": 92.608}
    for absent in (
        (None, "resnet56", "cifar10", "base", "top1"),
        ("matthiesen2023", "resnet56", "imagenet", "base", "top1"),
        ("matthiesen2023", "resnet56", "cifar10", "uniform-0.5", "top1"),
        ("matthiesen2023", "resnet56", "cifar10", "base", "top5"),
    ):
        assert published_values(*absent) == {}
    assert set(get_args(get_args(Study.model_fields["reference"].annotation)[0])) == set(REFERENCES)


def small_study(**columns) -> pd.DataFrame:
    """3 x 3 settings; the base's 1.0-ROI is the cross around (-4, -1), its 0.5-ROI the same without one end."""
    wd, lr = (part.ravel() for part in np.meshgrid([-5.0, -4.0, -3.0], [-1.5, -1.0, -0.5]))
    base = np.full(9, 80.0)
    base[[4, 1, 7, 3, 5]] = [90.0, 90.0, 89.8, 89.6, 89.3]
    pruned = np.full(9, 70.0)
    pruned[[4, 1, 7, 3]] = [88.0, 88.0, 87.0, 86.0]
    both = [
        pd.DataFrame({"variant": name, "log10_wd": wd, "log10_lr": lr, "top1": scores})
        for name, scores in (("base", base), ("uniform-0.6", pruned))
    ]
    known = {"model": "mobilenet_v2", "dataset": "cifar10", "seed": 0, "status": "ok", "classes": 10}
    return pd.concat(both, ignore_index=True).assign(**known).assign(**columns)


def tables(folder, frame, **study) -> dict:
    """Write the tables of `frame` into `folder`/tables; gives what was written."""
    cells = analysed(folder, frame)
    files = {name: folder / f"{name}.parquet" for name in ("ellipses", "risk")}
    return write_tables(study, cells=cells, **files, out=folder / "tables")


def lines_of(path) -> list[list[str]]:
    """The cells of each line of a Markdown table."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    return [[part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_a_table_worked_out_by_hand(tmp_path):
    """A cross with arms 1 and 0.5: covariance diag(1/2, 1/8) in the 1/(n-1) form, diameters 2 * 2 * its roots.

    The base's 0.5-ROI has 4 cells: a dash. The variant loses 0, 0, 1 and 2 points there, from 88.
    """
    written = tables(tmp_path, small_study())
    ellipse = lines_of(written["confidence_ellipses.md"])
    assert ellipse[2] == ["**MobileNetV2 on CIFAR-10**", *[""] * 6]
    assert ellipse[3] == ["Basemodel", r"2.83\*", "1.41", "(−4.0, −1.0)", "–", "–", "–"]
    assert ellipse[4][:2] == ["60% Uniform", "–"] and len(ellipse) == 5
    row = pd.read_parquet(written["confidence_ellipses.parquet"]).iloc[0]
    assert row["length_1_0"] == pytest.approx(4 * np.sqrt(0.5)) and row["width_1_0"] == pytest.approx(
        4 * np.sqrt(0.125)
    )
    assert (row["fitted_1_0"], row["truncated_1_0"], row["fitted_0_5"]) == (1, 1, 0)
    assert np.isnan(row["length_0_5"]) and np.isnan(row["length_1_0_sd"])
    risk = lines_of(written["performance_risk.md"])
    assert risk[3][0] == "Basemodel" and risk[3][-1] == "1.00"
    assert risk[4] == ["60% Uniform", "0.750", "0.829", "0.009", "0.009", "0.50"]
    assert lines_of(written["best_accuracies.md"])[4] == ["60% Uniform", "88.00", "–"]


def test_several_seeds_are_numpys_mean_and_deviation_of_the_seeds(tmp_path):
    rng = np.random.default_rng(3)
    parts = [small_study(seed=seed) for seed in (0, 1, 2)]
    for part in parts:
        part["top1"] += rng.uniform(0, 0.15, len(part))
    few = (parts[2]["variant"] == "base") & (parts[2]["log10_wd"] == -3.0) & (parts[2]["log10_lr"] == -1.0)
    parts[2].loc[few, "top1"] = 80.0
    written = tables(tmp_path, pd.concat(parts), reference="matthiesen2023")
    shapes, risks = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("ellipses", "risk"))
    row = pd.read_parquet(written["confidence_ellipses.parquet"]).set_index("variant").loc["base"]
    own = shapes[(shapes["variant"] == "base") & (shapes["threshold"] == 1.0)]
    lengths = own["length"].to_numpy()
    assert np.isnan(lengths).tolist() == [False, False, True]
    assert (row["seeds"], row["fitted_1_0"]) == (3, 2)
    assert row["length_1_0"] == pytest.approx(lengths[:2].mean())
    assert row["length_1_0_sd"] == pytest.approx(np.std(lengths[:2], ddof=1), abs=1e-12)
    risk = pd.read_parquet(written["performance_risk.parquet"]).set_index("variant").loc["uniform-0.6"]
    seeds = risks[risks["variant"] == "uniform-0.6"]
    for name in (*NAMES_4_2, "d_rel_within_2"):
        assert risk[name] == pytest.approx(np.mean(seeds[name]))
        assert risk[f"{name}_sd"] == pytest.approx(np.std(seeds[name], ddof=1))
    assert (risk["settings"], risk["estimated"]) == (seeds["n"].sum(), 3)
    base, spread, published = lines_of(written["confidence_ellipses.md"])[3:6]
    assert base[1].endswith(r"\*†") and base[0] == "Basemodel"
    assert spread[0] == "*± over 3 seeds*" and spread[2] == f"*{np.std(own['width'][:2], ddof=1):.2f}*"
    assert published == ["*published*", *(f"*{part}*" for part in ("3.32", "0.56", "(−3.0, −1.8)"))] + [
        f"*{part}*" for part in ("1.91", "0.51", "(−2.7, −2.1)")
    ]


def test_published_values_stand_beside_ours_only_with_the_reference(tmp_path):
    frame = small_study()
    grid = {"log10_lr": [-0.5, -1.0], "log10_wd": [-4.0]}
    plan = {"grid": grid, "prior": {"log10_lr": -0.5, "log10_wd": -4.0}}
    given = tables(tmp_path / "with", frame, reference="matthiesen2023")
    alone = tables(tmp_path / "alone", frame.assign(experiment="e"), experiments={"e": plan})
    other = tables(tmp_path / "other", frame.assign(dataset="digits"), reference="matthiesen2023")
    row = pd.read_parquet(given["best_accuracies.parquet"]).iloc[0]
    assert row[["best", "published_best", "prior_score", "published_prior_score"]].tolist() == [90, 95.32, 90, 94.73]
    assert pd.read_parquet(alone["best_accuracies.parquet"])["prior_score"].tolist() == [89.8, 87.0]
    assert pd.read_parquet(other["best_accuracies.parquet"])["prior_score"].isna().all()
    for written in (alone, other):
        for name in COLUMNS:
            assert pd.read_parquet(written[f"{name}.parquet"]).filter(like="published_").isna().all(axis=None)
            assert "published*" not in written[f"{name}.md"].read_text()
    assert "Matthiesen (2023)" in given["performance_risk.tex"].read_text()
    with pytest.raises(InputError, match='did you mean "matthiesen2023"'):
        tables(tmp_path / "wrong", frame, reference="matthiesen2032")


def test_rows_come_in_the_papers_order_and_top5_behind(tmp_path):
    frames = [
        small_study(model=model, dataset=dataset, experiment=f"{dataset}-{model}", top5=top5)
        for (model, dataset), top5 in ((RESNET50, 95.0), (("resnet8", "digits"), np.nan), (RESNET56, np.nan))
    ]
    frames += [small_study(model="resnet8", dataset="digits", experiment="again"), small_study(experiment="m")]
    written = tables(tmp_path, pd.concat(frames), reference="matthiesen2023")
    titles = [line[0].strip("*") for line in lines_of(written["confidence_ellipses.md"]) if line[0].startswith("**")]
    assert titles == [
        "MobileNetV2 on CIFAR-10",
        "ResNet-56 on CIFAR-10",
        "ResNet-50 on ImageNet",
        "ResNet-8 on digits (again)",
        "ResNet-8 on digits (digits-resnet8)",
        "ResNet-50 on ImageNet (top-5)",
    ]


def test_a_diverged_setting_is_marked(tmp_path):
    frame = small_study()
    frame.loc[(frame["variant"] != "base") & (frame["log10_wd"] == -5.0), ["status", "top1"]] = ["diverged", None]
    written = tables(tmp_path, frame)
    line = lines_of(written["performance_risk.md"])[4]
    assert line[:2] == ["60% Uniform", f"{(0 + 0 + 1 + 78) / 4:.3f}×"]
    assert "chance level" in written["performance_risk.md"].read_text()


@pytest.mark.parametrize("name", COLUMNS)
def test_files_agree_and_say_what_their_columns_mean(tmp_path, name):
    written = tables(tmp_path, pd.concat([small_study(), small_study(seed=1)]), reference="matthiesen2023")
    assert sorted(written) == sorted(path.name for path in (tmp_path / "tables").iterdir())
    schema = pq.read_schema(written[f"{name}.parquet"])
    assert {field.name: field.metadata[b"meaning"].decode() for field in schema} == {
        column: meaning for column, (_, meaning) in COLUMNS[name].items()
    }
    frame = pd.read_parquet(written[f"{name}.parquet"])
    pd.testing.assert_frame_equal(frame, pd.read_csv(written[f"{name}.csv"]), check_dtype=False)


def test_nothing_gives_empty_tables(tmp_path):
    written = tables(tmp_path, small_study().iloc[:0], reference="matthiesen2023")
    assert all(pd.read_parquet(written[f"{name}.parquet"]).empty for name in COLUMNS)
    pruned_only = tables(tmp_path / "pruned", small_study().query("variant != 'base'"))
    assert len(pd.read_parquet(pruned_only["confidence_ellipses.parquet"])) == 1
    assert pd.read_parquet(pruned_only["performance_risk.parquet"]).empty
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        found = {name: tmp_path / f"{name}.parquet" for name in ("cells", "ellipses", "risk")}
        write_tables({}, **found, out=tmp_path / "file")


def test_numbers_and_names_as_printed():
    shown = [number(-0.04, 1), number(-3.05, 1), number(None, 2), number(float("nan"), 2)]
    assert shown == ["0.0", "−3.0", "–", "–"]
    names = ["base", "uniform-0.6", "nonuniform-0.125", "magnitude-0.5"]
    assert [paper_title(name) for name in names] == ["Basemodel", "60% Uniform", "12.5% Non-uniform", "magnitude-0.5"]
    assert experiment_title("torchvision:vgg11", "fashion-mnist") == "torchvision:vgg11 on Fashion-MNIST"


def awkward(folder) -> dict:
    """The tables of a study whose names hold what LaTeX would take for its own."""
    frames = [small_study(seed=seed, model="a_b&c%", dataset=r"$x^2~\{y}#") for seed in (0, 1)]
    return tables(folder, pd.concat([*frames, small_study()]), reference="matthiesen2023")


def test_latex_is_balanced_and_every_line_has_every_column(tmp_path):
    written = awkward(tmp_path)
    for name in COLUMNS:
        text = written[f"{name}.tex"].read_text()
        bare = re.sub(r"\\[{}&%$#_\\]", "", text)
        assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
        for part in ("table", "tabular"):
            assert text.count(rf"\begin{{{part}}}") == text.count(rf"\end{{{part}}}") == 1
        count = len(re.search(r"\\begin{tabular}{(\w+)}", text)[1])
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        for line in [line for line in body.splitlines() if line.endswith(r"\\")]:
            spans = [int(number) for number in re.findall(r"\\multicolumn{(\d+)}", line)]
            assert len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans) - len(spans) == count, line
        assert text.isascii(), [sign for sign in text if not sign.isascii()]
    assert "60% of a_b − 1".translate(LATEX) == r"60\% of a\_b $-$ 1"


def has_latex() -> bool:
    found = shutil.which("pdflatex") and shutil.which("kpsewhich")
    return bool(found) and subprocess.run(["kpsewhich", "booktabs.sty"], stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.skipif(not has_latex(), reason="no pdflatex with booktabs here")
def test_latex_compiles(tmp_path):
    inputs = "".join(rf"\input{{tables/{name}.tex}}" for name in COLUMNS if awkward(tmp_path))
    document = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{inputs}\end{{document}}"
    (tmp_path / "paper.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Undefined" not in done.stdout
