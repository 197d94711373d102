"""The data of the figures about arms: what is in which panel, densities against SciPy, and both drawings."""

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from prunescape.analysis.arms.trials import ArmTerms
from prunescape.analysis.results import Analysis
from prunescape.present.figures.arm_data import arm_figures, density
from prunescape.present.figures.arm_drawings import draw_arms_interactive, draw_arms_static
from support.arms import PROPERTIES, drawn_trials


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis.of_arms(drawn_trials(), None, ArmTerms(properties=PROPERTIES, resamples=50))


def test_panels_hold_the_values_of_the_tables(analysis):
    figures = {figure.name: figure for figure in arm_figures(analysis)}
    (panel,) = figures["arm-scaled-best-digits-server-fp32"].panels
    scaled = analysis["arm_scaled"].query("models == 'best' and target == 'server' and precision == 'fp32'")
    assert panel.title == "digits" and [sample.name for sample in panel.samples] == ["accuracy", "latency", "file size"]
    for sample, name in zip(panel.samples, PROPERTIES, strict=True):
        assert sample.values.tolist() == scaled[scaled["property"] == name]["scaled"].tolist()
        assert sample.values.min() == 1
    pairs = figures["arm-pairs-digits-phone-int8"]
    assert [panel.title for panel in pairs.panels] == ["accuracy", "latency"], "int8 shortens every file by one share"
    assert all(len(sample.values) == 45 for panel in pairs.panels for sample in panel.samples)


def test_what_optimisation_leaves_as_it_is_has_no_panel():
    properties = [*PROPERTIES, "flops"]
    trials = drawn_trials()
    trials = trials.assign(flops=1.0 + trials["trial"])
    figures = arm_figures(Analysis.of_arms(trials, None, ArmTerms(properties=properties, resamples=50)))
    titles = {figure.name: [panel.title for panel in figure.panels] for figure in figures}
    assert titles["arm-changes-digits-phone-int8"] == ["accuracy", "latency", "file size"]
    assert titles["arm-pairs-digits-phone-int8"] == ["accuracy", "latency"], "int8 shortens every file by one share"


def test_a_density_is_scipys_and_nothing_where_nothing_varies():
    values = np.random.default_rng(0).normal(size=45)
    x, y = density(values)
    assert y == pytest.approx(gaussian_kde(values)(x))
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
    assert density(np.zeros(45)) is None


def test_both_drawings_show_every_panel(analysis):
    for figure in arm_figures(analysis):
        static, browser = draw_arms_static(figure), draw_arms_interactive(figure)
        titles = [panel.title for panel in figure.panels]
        assert [axes.get_title() for axes in static.axes if axes.get_visible()] == titles
        assert [text.text for text in browser.layout.annotations[: len(titles)]] == titles
        per_sample = 1 if figure.kind == "arm_boxes" else 2
        assert len(browser.data) == per_sample * sum(len(panel.samples) for panel in figure.panels)
