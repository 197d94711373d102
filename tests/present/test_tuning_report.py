"""The part of the report about a search."""

from prunescape.analysis.search.objectives import CHEAPEST
from prunescape.config.study import load_study
from prunescape.config.tuning import ACCURACY
from prunescape.present.report.tuning import FLOOR, search_limits, search_pairs


def test_a_winner_that_just_keeps_the_floor_is_said_to_be_lucky_where_a_search_has_one():
    assert search_limits(CHEAPEST) == [*search_limits(ACCURACY), FLOOR]


def search_of(brackets: int) -> str:
    tune = {"space": {"log10_lr": [-2, -1]}, "sampler": "random", "trials": 4, "brackets": brackets, "target": "here"}
    recipe = {"epochs": 4, "batch_size": 32, "schedule": "cosine"}
    experiment = {"model": "resnet8", "dataset": "digits", "recipe": recipe, "variants": {"uniform": [0.5]}}
    experiment |= {"prior": {"log10_wd": -4}, "tune": tune | {"objective": ACCURACY}}
    study = {"study": "s", "datasets": {"digits": {"validation": 100}}, "experiments": {"e": experiment}}
    return dict(search_pairs(load_study(study | {"targets": {"here": {}}}).summary()["experiments"]["e"]))["search"]


def test_trials_only_bound_what_the_brackets_of_hyperband_begin_with():
    assert search_of(1) == "trials are drawn at random, 4 trials; each rung promotes one of 2, 1 bracket"
    assert search_of(2) == "trials are drawn at random, up to 4 trials; each rung promotes one of 2, 2 brackets"
