"""Searches with budgets: what is proposed, promoted and won, from results that a function makes up."""

import itertools
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from prunescape.analysis.search.objectives import (
    Cost,
    Observed,
    PerImage,
    floor_of,
    observe,
    price_of,
    rank_key,
    read_costs,
)
from prunescape.analysis.search.tuning_tables import Ended, Placed, tuning, tuning_trials
from prunescape.config.study import load_study
from prunescape.designs import ranking
from prunescape.designs.brackets import next_rung, rounds_learnt_from
from prunescape.designs.plan import Plan, experiment_plan
from prunescape.designs.proposals import Proposal, Seen, configurations, learnt_from, proposal_of
from prunescape.designs.search_rounds import SearchRound, read_search_round
from prunescape.designs.tuning import brackets_of, check_searches
from prunescape.designs.winner import next_decision
from prunescape.errors import InputError
from prunescape.space.settings import Setting
from prunescape.store.files import write_json
from prunescape.store.stages import TUNING

TESTED = 1000
SMALL = {"log10_lr": {"low": -3, "high": 0}, "batch_size": [32, 64]}


def plan_of(floor: float | None = None, pipelines: tuple[str, ...] = ("scratch",), **changes) -> Plan:
    """The plan of a search on digits; `changes` are keys of `tune`, `floor` the least accuracy, percent."""
    space = {"log10_lr": {"low": -3, "high": 0}, "log10_wd": {"low": -6, "high": -1}, "batch_size": [32, 64]}
    tune = {"space": space, "sampler": "random", "trials": 16, "target": "here", "objective": "accuracy"} | changes
    experiment = {
        "model": "resnet8",
        "dataset": "digits",
        "recipe": {"epochs": 10, "batch_size": 32, "schedule": "cosine"},
        "variants": {"uniform": [0.5]},
        "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
        "retraining": {"pipelines": list(pipelines)} | ({} if pipelines == ("scratch",) else {"epochs": 3}),
        "tune": tune,
    }
    study = {"study": "s", "datasets": {"digits": {"validation": 100}}, "experiments": {"e": experiment}}
    study |= {"targets": {"here": {}}, "objectives": {"accuracy_floor": floor}}
    return experiment_plan(load_study(study), "e")


def reached(cell) -> Observed:
    """A result that only depends on the cell: best near a learning rate of 10^-1, more with a larger budget."""
    values = cell.setting.values
    share = values.get("epochs", 10) * values.get("data_share", 1.0) / 10
    score = 900 - 200 * abs(values["log10_lr"] + 1) - 100 * (1 - share) - 20 * (values["batch_size"] == 64)
    return Observed(values["log10_lr"] > -0.05, round(score), TESTED)


Chains = dict[int, list[SearchRound]]  # by bracket


def declared(plan: Plan, chains: Chains, bracket: int) -> list[SearchRound]:
    """The rounds that the next one of a bracket goes by."""
    learnt = rounds_learnt_from(plan, bracket).items()
    return [*(planned for other, most in learnt for planned in chains[other][:most]), *chains[bracket]]


def can_go_on(plan: Plan, chains: Chains, bracket: int) -> bool:
    """Whether a bracket has not ended, and waits for no other one."""
    ended = chains[bracket] and chains[bracket][-1].last
    return not ended and all(len(chains[other]) >= most for other, most in rounds_learnt_from(plan, bracket).items())


def known_of(rounds: list[SearchRound], result=reached, costs=None) -> dict:
    """What a round that goes by these is told: results of their cells alone."""
    observed = {cell: result(cell) for cell in cells_of(rounds)}
    return {"earlier": rounds, "observed": observed, "costs": costs or {}}


def run(plan: Plan, result=reached, costs=None, pick=min) -> list[SearchRound]:
    """All rounds of a search, bracket by bracket, and its decisions; of those that can `pick` chooses who goes on."""
    chains: Chains = {bracket: [] for bracket in range(plan.tuning["brackets"])}
    while going := [bracket for bracket in chains if can_go_on(plan, chains, bracket)]:
        bracket = pick(going)
        known = known_of(declared(plan, chains, bracket), result, costs)
        chains[bracket].append(next_rung(plan, bracket=bracket, number=len(chains[bracket]) + 1, **known))
        assert len(chains[bracket]) < 60
    rounds = [planned for own in chains.values() for planned in own]
    while not rounds[-1].ends_search:
        rounds.append(next_decision(plan, **known_of(rounds, result, costs)))
    return rounds


def cells_of(rounds: list[SearchRound]) -> set:
    return {cell for planned in rounds for cell in planned.cells}


def test_rungs_are_those_of_the_replay_and_the_best_are_promoted():
    rounds = run(plan_of())
    assert [len(planned.entries) for planned in rounds] == [16, 8, 4, 2, 1, 0]  # 16@1 8@2 4@3 2@4 1@10 (edgetune2022)
    assert [{cell.setting.values.get("epochs") for cell in each.cells} for each in rounds[:-1]] == [
        *({1}, {2}, {3}, {4}),
        {None},  # a whole training is the setting's own cell
    ]
    for before, after in itertools.pairwise(rounds[:-1]):
        order = sorted(before.entries, key=lambda entry: (reached(entry.cell).diverged, -reached(entry.cell).accuracy))
        kept = {entry.trial for entry in after.entries}
        assert kept == {entry.trial for entry in order[: len(kept)]}
    assert rounds[-1].winner == rounds[-2].cells[0]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_same_rounds_come_again_from_the_records_alone(sampler, tmp_path):
    """A run that was killed anywhere knows no more than rounds and records: each round follows from these."""
    plan = plan_of(sampler=sampler)
    *rungs, decision = run(plan)
    stored = Plan(**json.loads(json.dumps(plan.__dict__)))
    for number in range(len(rungs) + 1):
        for planned in rungs[:number]:
            write_json(tmp_path / f"{planned.number}.json", planned.content())
        earlier = [read_search_round(tmp_path / f"{planned.number}.json") for planned in rungs[:number]]
        known = {"earlier": earlier, "observed": {cell: reached(cell) for cell in reversed([*cells_of(earlier)])}}
        if number < len(rungs):
            assert next_rung(stored, bracket=0, number=number + 1, **known) == rungs[number]
    assert next_decision(stored, **known) == decision


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_one_trial_more_leaves_the_trials_before_it_as_they_are(sampler):
    few, more = (run(plan_of(sampler=sampler, trials=trials)) for trials in (16, 17))
    first = {entry.cell for each in few for entry in each.entries if entry.rung == 0}
    added = {entry.cell for each in more for entry in each.entries if entry.rung == 0} - first
    assert first <= cells_of(more) and len(added) == 1
    assert len(cells_of(few) - cells_of(more)) <= 4  # of each later rung the new trial may take one place


def test_tpe_learns_from_the_batch_before():
    """Its later trials lie nearer to the best learning rate than those drawn at random."""
    settings = {"trials": 48, "space": SMALL}

    def distance(sampler: str) -> float:
        trials = [entry.cell for each in run(plan_of(sampler=sampler, **settings)) for entry in each.entries]
        rates = [cell.setting.values["log10_lr"] for cell in trials if cell.setting.values.get("epochs") == 1]
        return sum(abs(rate + 1) for rate in rates[24:48]) / 24

    assert distance("tpe") < 0.5 * distance("random")


def test_budgets_over_data_cut_both_and_end_with_all():
    budget = {"kind": "multi", "min_epochs": 2, "min_share": 0.1}
    rounds = run(plan_of(budget=budget))
    parts = [rounds[place].cells[0].setting.values for place in range(5)]
    cut = [(values.get("epochs"), values.get("data_share")) for values in parts]
    assert cut == [(2, 0.1), (4, 0.2), (6, 0.3), (8, 0.4), (None, None)]  # edgetune2022, 4.3
    dataset = run(plan_of(budget={"kind": "dataset", "min_share": 0.25, "growth": "doubling"}))
    assert [each.cells[0].setting.values.get("data_share") for each in dataset[:-1]] == [0.25, 0.5, None]


def test_pipelines_that_inherit_are_cut_up_to_their_own_epochs_and_then_whole():
    variants = ["base", "uniform-0.5-fine_tune"]
    levels = {"log10_lr": [-2, -1], "log10_wd": [-5, -4], "batch_size": [32, 64], "variant": variants}
    plan = plan_of(pipelines=("scratch", "fine_tune"), sampler="grid", trials=None, eta=1.01, space=levels)
    cells = [[cell for each in run(plan) for cell in each.cells if cell.variant.name == name] for name in variants]
    base, tuned = ({cell.setting.values.get("epochs") for cell in each} for each in cells)
    assert tuned == {1, 2, None} and base > {1, 2, 3, 4}
    prior = Setting.of({"log10_lr": -1.0, "log10_wd": -4.0, "batch_size": 32})
    assert ranking.first_cells(plan) == plan.at("base", prior, [0])

    alone = plan_of(pipelines=("fine_tune",), trials=4, space=levels | {"variant": variants[1:]})
    cut = [each.cells[0].setting.values.get("epochs") for each in run(alone)[:-1]]
    assert cut == [1, 2, None]  # the longest training has 3 epochs

    begun = levels | {"variant": ["uniform-0.5-rewind_weights"]}
    plan = plan_of(pipelines=("rewind_weights",), trials=4, space=begun, budget={"schedule": "whole"})
    assert [each.cells[0].setting.stop for each in run(plan)[:-1]] == [1, 2, None]


def test_tables_tell_cut_trainings_after_pruning_from_whole_ones():
    """A row of cells.parquet has the recipe's epochs where its setting has none, and such a training is of 3 here."""
    variants = ["base", "uniform-0.5-fine_tune"]
    space = {"log10_lr": [-2, -1], "batch_size": [32, 64], "variant": variants}
    plan = plan_of(pipelines=("scratch", "fine_tune"), sampler="grid", trials=None, space=space)
    rounds, terms = run(plan), {"e": plan.tuning}
    own = {"experiment": "e", "model": "resnet8", "dataset": "digits", "stage": TUNING, "status": "ok", "epochs": 10}
    own |= {"val_correct": 9, "val_tested": 10, "val_top1": 90.0, "top1": 90.0}
    rows = [own | {"variant": each.variant.name, "seed": 0} | each.setting.values for each in cells_of(rounds)]
    placed = [Placed(1, each.bracket, each.rung, each.trial, each.cell) for one in rounds for each in one.entries]
    ended = Ended(winners=[rounds[-1].winner])
    trials = tuning_trials(pd.DataFrame(rows), placed, terms, ended)
    assert len(trials) == len(placed) and trials["winner"].sum() == 1  # of two rungs that have it
    passes = trials.groupby("variant")["passes"].unique().map(set)
    assert passes["base"] == passes["uniform-0.5-fine_tune"] == {1.0, 2.0, 3.0}
    (found,) = tuning(trials, terms, ended).to_dict("records")
    assert found["cells"] == len(rows) < len(trials) and found["whole"] == 4 * 10 + 4 * 3
    assert found["variant"] == "uniform-0.5-fine_tune"


def test_trials_of_unlike_whole_trainings_are_learnt_from_together():
    """On its last rung a search has whole trainings of 10 epochs and of 3: both are what TPE knows."""
    variants = ["base", "uniform-0.5-fine_tune"]
    proposals = [Proposal(name, Setting.of({"log10_lr": rate})) for name in variants for rate in (-3, -2, -1)]
    seen = [Seen(each, 0, trial, 10, True, Observed(False, 900, TESTED)) for trial, each in enumerate(proposals)]
    assert learnt_from(seen, hyperparameters=2) == seen


def test_brackets_of_hyperband_are_those_of_the_paper():
    plan = plan_of(trials=81, eta=3, brackets=3, budget={"min_epochs": 1})
    rounds = run(plan)
    sizes = [[rung.trials for rung in rungs] for rungs in brackets_of(plan)]
    assert sizes == [[9, 3, 1], [5, 1], [3]]
    assert [len(planned.entries) for planned in rounds] == [size for rungs in sizes for size in rungs] + [0]
    assert [planned.last for planned in rounds[:-1]] == [False, False, True, False, True, True]
    whole = {entry.cell for each in rounds for entry in each.entries if "epochs" not in entry.cell.setting.values}
    assert rounds[-1].winner in whole and len(whole) == 5


TPE_OF_TWO = {"sampler": "tpe", "ask": 3, "trials": 9, "eta": 3, "brackets": 2, "space": SMALL}


@pytest.mark.parametrize(("terms", "first"), [({}, []), ({"sampler": "tpe", "ask": 3}, [0, 0, 0])])
def test_a_bracket_goes_on_while_another_waits_for_its_last_trial(terms, first):
    """The rounds are the same whichever is faster. One of tpe waits for the trials of those before, not their rungs."""
    plan, order = plan_of(trials=9, eta=3, brackets=2, space=SMALL, **terms), []

    def hold_back_the_first(going: list[int]) -> int:
        order.append(max(going))
        return order[-1]

    held_back = run(plan, pick=hold_back_the_first)
    assert order == [*first, *[1] * order.count(1), *[0] * (order.count(0) - len(first))]
    assert order.count(0) - len(first) >= 2 and order.count(1) >= 2
    assert held_back == run(plan, pick=min)


def test_a_bracket_of_tpe_learns_from_the_trials_of_those_before_but_not_from_their_later_rungs():
    def of_second_bracket(result) -> list:
        rounds = run(plan_of(**TPE_OF_TWO), result)
        return [entry.cell for each in rounds for entry in each.entries if (entry.bracket, entry.rung) == (1, 0)]

    def turned_round(epochs: int | None):
        """What was good of trainings of so many epochs is bad, and the other way round."""

        def result(cell) -> Observed:
            found = reached(cell)
            turned = cell.setting.values.get("epochs") == epochs
            return replace(found, correct=TESTED - found.correct) if turned else found

        return result

    rungs = [rung.epochs for rung in brackets_of(plan_of(**TPE_OF_TWO))[0]]
    proposals = of_second_bracket(reached)
    assert of_second_bracket(turned_round(rungs[0])) != proposals
    assert of_second_bracket(turned_round(None)) == proposals


def test_a_grid_takes_all_combinations_and_whole_trainings_win():
    space = {"log10_lr": [-2, -1], "batch_size": [32, 64], "variant": ["base", "uniform-0.5"]}
    plan = plan_of(sampler="grid", trials=None, space=space)
    rounds = run(plan)
    assert len(rounds[0].cells) == 8
    assert len({proposal_of(cell) for cell in cells_of(rounds)}) == 8


def test_without_a_training_that_converged_there_is_no_winner():
    rounds = run(plan_of(), lambda cell: Observed(True, 0, TESTED))
    assert rounds[-1].last and rounds[-1].winner is None


def test_a_trial_that_diverged_is_the_last_to_be_promoted():
    rounds = run(plan_of(), lambda cell: replace(reached(cell), diverged=cell.variant.name == "base"))
    assert {cell.variant.name for cell in rounds[2].cells} == {"uniform-0.5"}


def test_wall_time_is_no_part_of_what_is_observed(tmp_path):
    known = {"experiment": "e", "variant": "base", "setting": {"log10_lr": -1.0}, "seed": 0, "status": "ok"}
    known |= {"val_correct": 90, "val_tested": 100}
    write_json(tmp_path / "a.json", known | {"seconds": 1.0, "epoch_seconds": [1.0]})
    write_json(tmp_path / "b.json", known | {"seconds": 9.0, "epoch_seconds": [7.0]})
    assert observe(tmp_path / "a.json") == observe(tmp_path / "b.json")


COSTS = {"base": Cost(flops=200, seconds=0.004), "uniform-0.5": Cost(flops=100, seconds=0.003)}


def test_the_cheapest_is_the_fastest_that_reaches_the_floor():
    """Deb's rule, by hand: who reaches the floor first, by latency; then the rest, by accuracy; diverged ones last."""
    trials = {
        "fast": (Observed(False, 900, TESTED), Cost(seconds=0.001)),
        "slow": (Observed(False, 990, TESTED), Cost(seconds=0.002)),
        "nearly": (Observed(False, 899, TESTED), Cost(seconds=0.0001)),
        "poor": (Observed(False, 500, TESTED), Cost(seconds=0.0001)),
        "diverged": (Observed(True, 0, TESTED), Cost(seconds=0.0001)),
    }
    assert sorted(trials, key=lambda name: rank_key(*trials[name], floor=0.9)) == list(trials)


def test_a_floor_is_relative_to_the_best_where_the_budget_is_cut():
    terms, seen = {"objective": "cheapest", "accuracy_floor": 90.0}, [Observed(False, 600, TESTED)]
    assert floor_of(terms, seen, whole=True) == pytest.approx(0.9)
    assert floor_of(terms, seen, whole=False) == pytest.approx(0.54)


def test_a_search_for_the_cheapest_takes_the_pruned_variant_where_it_is_accurate_enough():
    plan = plan_of(floor=80.0, objective="cheapest")
    assert run(plan, costs=COSTS)[-1].winner.variant.name == "uniform-0.5"
    slow = COSTS | {"uniform-0.5": Cost(seconds=0.005)}
    assert run(plan, costs=slow)[-1].winner.variant.name == "base"


def test_where_no_whole_training_reaches_the_floor_another_variant_gets_one():
    """The pruned variant is as good as the base on cut budgets, and never reaches the floor with a whole training."""

    def result(cell) -> Observed:
        capped = cell.variant.name != "base" and "epochs" not in cell.setting.values
        return replace(reached(cell), correct=min(reached(cell).correct, 690)) if capped else reached(cell)

    for seed in range(5):
        rounds = run(plan_of(floor=70.0, objective="cheapest", seed=seed), result, COSTS)
        *cut, other, last = rounds
        assert [len(planned.entries) for planned in rounds] == [16, 8, 4, 2, 1, 1, 0]
        assert {cell.variant.name for cell in cut[-1].cells} == {"uniform-0.5"}
        (entry,) = other.entries
        assert last.winner == entry.cell and (entry.cell.variant.name, entry.rung) == ("base", 4)
        of_base = [each for planned in cut for each in planned.entries if each.cell.variant.name == "base"]
        furthest = [each for each in of_base if each.rung == max(each.rung for each in of_base)]
        assert entry.trial == max(furthest, key=lambda each: (reached(each.cell).accuracy, -each.trial)).trial


def test_a_floor_that_nothing_reaches_says_what_came_nearest():
    last = run(plan_of(floor=99.0, objective="cheapest"), costs=COSTS)[-1]
    assert last.winner is None
    assert re.match(r"no training at full budget reached 99 % .* nearest came (base|uniform-0.5) at .* %", last.reason)


@pytest.mark.parametrize(("bound", "kept"), [({"flops": 150}, "uniform-0.5"), ({"latency_ms": 3.5}, "uniform-0.5")])
def test_a_constrained_search_tries_only_variants_that_keep_the_bound(bound, kept):
    rounds = run(plan_of(strategy="constrained", bound=bound), costs=COSTS)
    assert {cell.variant.name for cell in cells_of(rounds)} == {kept}


def test_a_bound_that_no_variant_keeps_is_one_line():
    with pytest.raises(InputError, match=r"tune.bound: no variant keeps the bound; allowed: 100 FLOPs or more"):
        run(plan_of(strategy="constrained", bound={"flops": 50}), costs=COSTS)


def test_costs_are_those_of_the_fastest_threads_and_batch_in_one_precision(tmp_path):
    widths = tmp_path / "variant=base" / "widths.json"
    write_json(widths, {"flops": 200})
    runs = [("fp32", 1, 0.004), ("fp32", 8, 0.016), ("int8", 1, 0.001)]
    entries = [{"precision": name, "batch": batch, "median_s": seconds} for name, batch, seconds in runs]
    write_json(tmp_path / "measured.json", {"architecture": {"variant": "base"}, "measured": entries})
    assert read_costs([widths], [tmp_path / "measured.json"], "fp32") == {"base": Cost(200, 0.002)}


def training_costs(configuration: tuple = ()) -> dict[str, Cost]:
    """Seconds of training: base takes twice as long as the pruned variant, small batches twice as long as others."""
    return {
        name: Cost(
            seconds=0.001,
            training={(size, configuration): PerImage(factor * 64 / size / 100, None) for size in (32, 64)},
            trained=1000,
            tested=500,
        )
        for name, factor in (("base", 2), ("uniform-0.5", 1))
    }


def test_the_ratio_is_that_of_the_paper():
    """edgetune2022, Eq 1, by hand: (training + inference time) / accuracy, on the trial's own budget."""
    terms = plan_of(objective="ratio_time", budget={"kind": "multi"}).tuning
    values = {"batch_size": 64, "epochs": 3, "data_share": 0.5}
    price = price_of(terms, "base", training_costs()["base"], values)
    assert price == pytest.approx(3 * 0.5 * 1000 * 0.02 + 500 * 0.001)
    assert rank_key(Observed(False, 800, TESTED), price=price) == (0.0, pytest.approx(price / 0.8))
    without_inference = terms | {"strategy": "tune_v2"}
    assert price_of(without_inference, "base", training_costs()["base"], values) == pytest.approx(30)
    assert price_of(plan_of().tuning, "base", training_costs()["base"], values) is None


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_search_by_time_takes_what_trains_fast_where_accuracies_are_near(sampler):
    rounds = run(plan_of(objective="ratio_time", sampler=sampler), costs=training_costs())
    assert (rounds[-1].winner.variant.name, rounds[-1].winner.setting.values["batch_size"]) == ("uniform-0.5", 64)


def test_training_a_trial_again_changes_no_promotion(tmp_path):
    """The wall time of a trial's own training is in no ratio: records with other times promote the same trials."""
    plan, promoted = plan_of(objective="ratio_time"), []
    first = next_rung(plan, bracket=0, number=1, earlier=[], observed={}, costs=training_costs())
    for slowness in (1.0, 50.0):
        observed = {}
        for number, cell in enumerate(first.cells):
            known = cell.content | {"setting": cell.setting.values, "status": "ok", "seconds": slowness * (1 + number)}
            known |= {"val_correct": reached(cell).correct, "val_tested": TESTED, "epoch_seconds": [slowness]}
            write_json(tmp_path / "record.json", known)
            observed |= dict([observe(tmp_path / "record.json")])
        known = {"earlier": [first], "observed": observed, "costs": training_costs()}
        promoted.append(next_rung(plan, bracket=0, number=2, **known))
    assert promoted[0] == promoted[1] and promoted[0].entries


def test_energy_that_no_counter_tells_is_one_line():
    with pytest.raises(
        InputError,
        match=r"no counter tells the energy of training and inference on the target with base; allowed: ratio_time",
    ):
        run(plan_of(objective="ratio_energy"), costs=training_costs())


def test_what_training_takes_is_read_by_batch_size_and_system_parameters(tmp_path):
    run_of = {"seconds_per_image": 0.25, "joules_per_image": 3.0}
    runs = [{"configuration": {"workers": 2}} | run_of]
    content = {"variant": "base", "batch_size": 32, "images": {"train": 10, "test": 5}, "runs": runs}
    write_json(tmp_path / "training=32.json", content)
    (cost,) = read_costs([], [], "fp32", [tmp_path / "training=32.json"]).values()
    assert cost.training == {(32, (("workers", 2),)): PerImage(0.25, 3.0)}
    assert (cost.trained, cost.tested) == (10, 5)


def test_system_parameters_that_do_not_act_are_no_other_configuration():
    values = {"workers": [0, 2], "prefetch": [2, 4]}
    acting = [(("workers", 0),), (("prefetch", 2), ("workers", 2)), (("prefetch", 4), ("workers", 2))]
    assert configurations(values) == acting
    assert configurations({}) == [()]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_system_parameters_are_hyperparameters_of_tune_v2_and_no_part_of_a_cell(sampler, tmp_path):
    plan = plan_of(objective="ratio_time", sampler=sampler)
    plan = replace(plan, tuning=plan.tuning | {"strategy": "tune_v2", "system": {"workers": [0, 2]}})
    none, two = (("workers", 0),), (("workers", 2),)
    fast = training_costs(two)
    costs = {
        name: replace(fast[name], training=fast[name].training | {key: PerImage(9.0, None) for key in cost.training})
        for name, cost in training_costs(none).items()
    }
    rounds = run(plan, costs=costs)
    tried = [{entry.configuration for entry in planned.entries} for planned in rounds if planned.entries]
    assert set.union(*tried) == {none, two} and tried[-1] == {two}
    assert not any("workers" in cell.setting.values for cell in cells_of(rounds))
    for planned in rounds:
        write_json(tmp_path / "round.json", planned.content())
        assert read_search_round(tmp_path / "round.json") == planned


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": 9, "brackets": 5}, ["tune.brackets: 5 brackets", "allowed: 1 to 4"]),
        ({"trials": 9, "space": {"batch_size": [32, 64]}}, ["tune.trials: 9 trials", "4 different settings"]),
    ],
)
def test_a_search_that_cannot_be_is_one_line(changes, words):
    with pytest.raises(InputError) as caught:
        check_searches({"e": plan_of(**changes)}, "study.yaml")
    assert all(word in str(caught.value) for word in ["study.yaml: experiments.e.", *words])
