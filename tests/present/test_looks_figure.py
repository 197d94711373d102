"""The figure of looks: its data and axis by hand, both drawings against that data, and where it stands."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from prunescape.commands.cli import main
from prunescape.present.figures import folder
from prunescape.present.figures.folder import FOLDED, OPEN
from prunescape.present.figures.looks_data import looks_figures
from prunescape.present.figures.looks_drawings import draw_looks_interactive, draw_looks_static

NAN = np.nan
# variant -> (verdict, its bounds at each look); keep under 0.5, retune over it
HISTORIES = {
    "nonuniform-0.5": ("retune", [(-1.0, NAN), (0.6, 8.0)]),
    "uniform-0.5": ("keep", [(-9.0, 9.0), (-0.5, 0.7), (-0.4, 0.4)]),
    "uniform-0.25": ("inconclusive", [(NAN, NAN), (-0.3, 1.0), (-0.2, 0.8)]),
}


def tables(looks="2 4 6", **columns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables verdicts and looks of one experiment: the three variants, and one without any look."""
    known = {"experiment": "e", "metric": "top1"}
    verdicts = pd.DataFrame({"variant": [*HISTORIES, "uniform-0.75"]}).assign(**known, looks=looks, margin=0.5)
    rows = [
        {"variant": name, "look": at + 1, "seeds": 2 * at + 2, "open_bonferroni": 3 - at}
        | {"lower_bonferroni": low, "upper_bonferroni": high}
        | {"verdict_bonferroni": verdict if at + 1 == len(bounds) else "inconclusive"}
        for name, (verdict, bounds) in HISTORIES.items()
        for at, (low, high) in enumerate(bounds)
    ]
    return verdicts.assign(alpha=0.05, claims=4, noise="contrast", **columns), pd.DataFrame(rows).assign(**known)


def figure():
    (found,) = looks_figures(*tables())
    return found


def test_panels_hold_each_look_of_each_variant_and_its_verdict_in_words():
    found = figure()
    assert (found.name, found.experiment, found.metrics) == ("looks-e-top1", "e", ["top1"])
    shown = {panel.variant: panel for panel in found.panels}
    assert list(shown) == ["uniform-0.5", "uniform-0.25", "nonuniform-0.5"] and found.without == ("uniform-0.75",)
    assert [panel.verdict for panel in shown.values()] == ["keep", "inconclusive", "retune"]
    for name, (_, bounds) in HISTORIES.items():
        np.testing.assert_array_equal(np.transpose([shown[name].lower, shown[name].upper]), bounds)
        assert shown[name].seeds.tolist() == [2, 4, 6][: len(bounds)]
    assert shown["uniform-0.5"].texts[-1] == "6 fresh seeds: −0.40 to 0.40 points; 1 open point; keep"
    assert shown["uniform-0.25"].texts[0] == "2 fresh seeds: not bounded; 3 open points"


def test_the_axis_holds_what_decided_and_as_much_again():
    """Keep at 0.4, retune at 0.6, inconclusive from −0.2 to 0.8; so −0.2 to 0.8, and 1.0 more to both sides."""
    found = figure()
    assert found.limits == pytest.approx((-1.2, 1.8))
    keep, inconclusive, retune = found.panels
    for panel, ends in ((keep, [-1.2, -0.5, -0.4]), (inconclusive, [-1.2, -0.3, -0.2]), (retune, [-1.0, 0.6])):
        assert found.ends(panel)[0] == pytest.approx(ends)
    assert found.ends(keep)[1] == pytest.approx([1.8, 0.7, 0.4]) and found.ends(retune)[1] == pytest.approx([1.8, 1.8])
    assert [part.tolist() for part in found.beyond(keep)] == [[True, False, False]] * 2
    assert [part.tolist() for part in found.beyond(retune)] == [[False, False], [True, True]]
    verdicts, looks = tables()
    near = looks[looks["look"] == 3]
    assert looks_figures(verdicts, near)[0].limits == pytest.approx((-0.4, 0.8)), "no further than bounds reach"


def test_the_caption_says_what_bounds_assume():
    """Of 4 claims at 5 % each has 1.25 %."""
    caption = figure().caption
    assert "1.25 % at most, the error rate of 5 % divided by the study's 4 pruned variants" in caption
    assert "margin, 0.5 points" in caption and "seed by seed; it assumes independent seeds" in caption
    assert "ends in a triangle" in caption and "No look was taken at uniform 0.75." in caption
    verdicts, looks = tables()
    plain = looks_figures(verdicts[1:3].assign(claims=1), looks[looks["look"] == 3])[0].caption
    assert not any(text in plain for text in ("divided", "triangle", "No look")) and " 5 % at most" in plain


@pytest.mark.parametrize(
    ("looks", "columns"),
    [("6", {}), (None, {}), (NAN, {}), ("2 4 6", {"metric": "top5"}), ("2 4", {"experiment": "f"})],
)
def test_one_look_another_metric_or_nothing_looked_at_has_no_figure(looks, columns):
    assert looks_figures(*tables(looks, **columns)) == []
    empty = [table.iloc[:0] for table in tables()]
    assert looks_figures(*empty) == []


def test_both_drawings_show_that_data():
    found = figure()
    page, printed = draw_looks_interactive(found), draw_looks_static(found)
    bars = [trace for trace in page.data if trace.type == "bar"]
    words = [trace.text[0] for trace in page.data if trace.type == "scatter" and trace.mode == "text"]
    assert words == [f"<b>{panel.verdict}</b>" for panel in found.panels]
    assert {shape.y0 for shape in page.layout.shapes} == {0.5} and len(page.layout.shapes) == 3
    for panel, trace, axes in zip(found.panels, bars, printed.axes, strict=True):
        low, high = found.ends(panel)
        assert list(trace.x) == panel.seeds.tolist() and list(trace.customdata) == panel.texts
        assert list(trace.base) == low.tolist() and list(trace.y) == (high - low).tolist()
        assert [bar.get_y() for bar in axes.patches] == low.tolist()
        assert [bar.get_height() for bar in axes.patches] == (high - low).tolist()
        cut = [dot for part in axes.collections if isinstance(part, PathCollection) for dot in part.get_offsets()]
        assert len(cut) == sum(part.sum() for part in found.beyond(panel))
        assert [text.get_text() for text in axes.texts] == [panel.verdict]
        assert len(set(trace.marker.color)) == 2 and trace.marker.color[-1] != trace.marker.color[0]


def test_many_variants_and_looks_have_room():
    verdicts, looks = tables(" ".join(map(str, range(1, 15))))
    names = [f"uniform-0.{at}" for at in range(1, 7)]
    verdicts, looks = (
        pd.concat([table[table["variant"] == "uniform-0.5"].assign(variant=name) for name in names])
        for table in (verdicts, looks)
    )
    (found,) = looks_figures(verdicts, looks)
    assert (found.rows, found.columns, found.ticks) == (2, 4, [2, 5, 8, 11, 14])
    page, printed = draw_looks_interactive(found), draw_looks_static(found)
    assert len({trace.xaxis for trace in page.data}) == 6
    assert [axes.get_visible() for axes in printed.axes] == [True] * 6 + [False] * 2


def test_a_table_and_a_study_show_both_figures_of_verdicts_first(tmp_path, monkeypatch):
    """Five seeds, of which the lowest chooses; the others gain about 3 points at −3: retune."""
    lines = [
        f"m,d,{variant},-1,{wd},{seed},{base + gain + 0.1 * (seed * (wd + 5) % 3)}"
        for variant, base in (("base", 90), ("uniform-0.6", 80))
        for wd, gain in ((-4, 0), (-3, -2 if variant == "base" else 3))
        for seed in range(5)
    ]
    cells, out = tmp_path / "cells.csv", tmp_path / "out"
    cells.write_text("model,dataset,variant,log10_lr,log10_wd,seed,top1\n" + "\n".join(lines))
    assert main(["analyse", str(cells), "--out", str(out), "--figures", "--looks", "2", "4"]) == 0
    (verdict,) = pd.read_parquet(out / "verdicts.parquet").itertuples()
    first, second = json.loads((out / "figures/figures.json").read_text())["figures"][:2]
    assert (first["kind"], first["name"], first["place"]) == ("verdict", "verdict-d-m-top1", OPEN)
    assert (second["kind"], second["name"], second["place"]) == ("looks", "looks-d-m-top1", FOLDED)
    assert (out / "figures/looks-d-m-top1.pdf").read_bytes().startswith(b"%PDF")
    page = (out / "report.html").read_text()
    assert page.index('id="verdict-d-m') < page.index("from look to look") < page.index('id="sweep-d-m')
    shown = []
    monkeypatch.setattr(folder, "write_figures", lambda figures, _: shown.extend(figures))
    paths = {name: out / f"{name}.parquet" for name in ("roi", "ellipses", "verdicts", "looks")}
    folder.draw_figures({}, cells=cells, **paths, out=out)
    assert [(figure.name, place) for figure, place in shown[:2]] == [(first["name"], OPEN), (second["name"], FOLDED)]
    assert [row.verdict for row in shown[0][0].rows] == [panel.verdict for panel in shown[1][0].panels]
    assert [panel.verdict for panel in shown[1][0].panels] == [verdict.verdict_bonferroni] == ["retune"]
