"""Which settings are trained next, on landscapes whose truth is known and against conditioning written out."""

import numpy as np
import pytest

from prunescape.analysis.axes import DEFAULT_AXES as AXES
from prunescape.analysis.surface.choice import base_lattice, corner_settings, next_settings
from prunescape.analysis.surface.process import fit_surface
from support.surfaces import band, cells, grid

pytestmark = pytest.mark.filterwarnings("error")
BATCH = {"number": 6, "thresholds": (0.5, 1.0)}


@pytest.mark.parametrize(("sizes", "count"), [((9, 9), 16), ((8, 6), 12), ((3, 3, 3), 8), ((2, 1), 2)])
def test_the_lattice_has_the_ends_of_every_axis(sizes, count):
    values = {f"a{place}": [str(value) for value in range(size)] for place, size in enumerate(sizes)}
    lattice, corners = base_lattice(values), corner_settings(values)
    assert len(lattice) == count and all(corner in lattice for corner in corners)
    assert len(corners) == np.prod([min(size, 2) for size in sizes])


def test_a_lattice_is_evenly_spread():
    assert [each["a"] for each in base_lattice({"a": list(range(10))})] == [0, 3, 6, 9]


def test_the_first_choice_is_the_highest_bound_and_the_others_straddle_an_edge():
    """Both criteria, and the believer's covariance by conditioning on one setting more, written out with inverses."""
    trained = cells()
    surface = fit_surface(trained, AXES)
    found = next_settings(surface, "base", trained, grid(), AXES, **BATCH)
    assert len(found) == 6 and len(found.merge(trained, on=AXES.names)) == 0
    left = grid().merge(trained[AXES.names], how="left", indicator=True).query("_merge == 'left_only'")[AXES.names]
    z = surface.at("base", left)
    first = (z["z_mean"] + 2 * z["z_sd"]).idxmax()
    assert found.iloc[0].tolist() == left.loc[first].tolist()
    mean, covariance = surface.posterior("base", left)
    place = left.index.get_loc(first)
    seen = covariance[:, [place]] / (covariance[place, place] + surface.noise)
    sd = np.sqrt(np.diag(covariance - seen @ covariance[[place]]))
    straddle = np.max([1.959964 * sd - np.abs(mean + np.log(1 + x)) for x in (0.5, 1.0)], axis=0)
    straddle[place] = -np.inf
    assert found.iloc[1].tolist() == left.iloc[straddle.argmax()].tolist()


def test_nothing_is_chosen_where_all_is_trained_or_known():
    trained = cells(share=1)
    assert next_settings(fit_surface(trained, AXES), "base", trained, grid(), AXES, **BATCH).empty
    sure = cells(sigma=0, share=2)
    far = grid().loc[band(grid()) < 90]
    assert next_settings(fit_surface(sure, AXES), "base", sure, far, AXES, **BATCH).empty


def test_what_other_variants_were_trained_at_may_be_chosen():
    trained = cells(variants=("base", "p"))
    surface, own = fit_surface(trained, AXES), trained[trained["variant"] == "p"]
    found = next_settings(surface, "p", trained, grid(), AXES, **BATCH)
    assert found.equals(next_settings(surface, "p", own[AXES.names], grid(), AXES, **BATCH))
    assert len(found.merge(own, on=AXES.names)) == 0
    assert len(next_settings(surface, "p", trained, trained[trained["variant"] == "base"], AXES, **BATCH)) > 0
