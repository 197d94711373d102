"""The next round of one bracket of a search: more trials, or the best of a rung on the next one.

A round goes by what it declares, and by nothing else that may be finished: the earlier rounds of its bracket and, where
proposals learn from results, those in which earlier brackets got all their trials. So brackets do not wait for each
other after that, and it does not matter which is faster.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Any

from prunescape.analysis.search.budgets import Rung
from prunescape.analysis.search.objectives import (
    UNKNOWN,
    Cost,
    Costs,
    Observed,
    check_energy,
    floor_of,
    kept_variants,
    price_of,
    rank_key,
)
from prunescape.analysis.search.terms import TPE
from prunescape.designs.plan import Plan
from prunescape.designs.proposals import Seen, proposed
from prunescape.designs.search_rounds import Entry, SearchRound, entries_of
from prunescape.designs.tuning import brackets_of, is_whole, trial_cell
from prunescape.space.cells import Cell


@dataclass(frozen=True)
class Results:
    """What is known of a search with these `terms`: what its cells reached, and what its variants cost."""

    terms: Mapping[str, Any]
    observed: Mapping[Cell, Observed]
    costs: Costs

    def cost(self, cell: Cell) -> Cost:
        """What the variant of a cell costs."""
        return self.costs.get(cell.variant.name, UNKNOWN)

    def price(self, entry: Entry) -> float | None:
        """What an objective that asks for it divides by the accuracy of a trial."""
        cell = entry.cell
        return price_of(self.terms, cell.variant.name, self.cost(cell), cell.setting.values, entry.configuration)

    def floor(self, entries: Iterable[Entry]) -> float | None:
        """The accuracy that these entries of one rung must reach, a share; None where none is asked for."""
        cells = [entry.cell for entry in entries]
        return floor_of(self.terms, [self.observed[cell] for cell in cells], whole=all(map(is_whole, cells)))

    def ranked(self, entries: Iterable[Entry]) -> list[Entry]:
        """Entries of one rung by the objective of the search, the best first; equals in the order of their trials."""
        entries = list(entries)
        floor = self.floor(entries)

        def key(entry: Entry) -> tuple:
            cell, price = entry.cell, self.price(entry)
            return rank_key(self.observed[cell], self.cost(cell), floor, price), entry.bracket, entry.trial

        return sorted(entries, key=key)


def proposing_rounds(plan: Plan, bracket: int) -> int:
    """In how many rounds a bracket gets all its trials; its later ones promote."""
    if plan.tuning["sampler"] != TPE:
        return 1
    return ceil(brackets_of(plan)[bracket][0].trials / plan.tuning["ask"])


def rounds_learnt_from(plan: Plan, bracket: int) -> dict[int, int]:
    """By earlier bracket, how many of its rounds a bracket waits for and learns from: those that propose its trials."""
    earlier = range(bracket) if plan.tuning["sampler"] == TPE else ()
    return {each: proposing_rounds(plan, each) for each in earlier}


def next_rung(
    plan: Plan,
    *,
    bracket: int,
    number: int,
    earlier: Iterable[SearchRound],
    observed: Mapping[Cell, Observed],
    costs: Costs = MappingProxyType({}),
) -> SearchRound:
    """Round `number` of a bracket: it proposes trials until it has all of them, then promotes those of its last rung.

    `earlier` are its rounds before that one, and those of other brackets that it learns from; `observed` is what all of
    their cells reached, `costs` what variants cost. Raises InputError where no variant keeps the bound of the search.
    """
    plan = with_kept_variants(plan, costs)
    results = Results(plan.tuning, observed, costs)
    rungs, had = brackets_of(plan)[bracket], entries_of(earlier)
    own = [entry for entry in had if entry.bracket == bracket]
    begun = sum(entry.rung == 0 for entry in own)
    if begun < rungs[0].trials:
        entries = _proposed(plan, bracket, rungs[0], begun, had, results)
        last = len(rungs) == 1 and begun + len(entries) == rungs[0].trials
    else:
        entries = _promoted(plan, rungs, own, results)
        last = entries[0].rung + 1 == len(rungs)
    return SearchRound(plan.experiment, number, entries, last=last)


def with_kept_variants(plan: Plan, costs: Costs) -> Plan:
    """The plan with the variants that keep its bound alone; raises InputError without any, and without a counter."""
    check_energy(costs, plan.tuning["objective"], plan.tuning["strategy"])
    return replace(plan, tuning=plan.tuning | {"variants": kept_variants(plan.tuning, costs)})


def _proposed(plan: Plan, bracket: int, rung: Rung, begun: int, had: Iterable[Entry], results: Results) -> list[Entry]:
    """The next trials of a bracket that has `begun` of them: all, or as many as its sampler proposes at once."""
    rungs_of = brackets_of(plan)
    seen = [
        Seen(
            entry.proposal,
            entry.bracket,
            entry.trial,
            rungs_of[entry.bracket][entry.rung].epochs,
            is_whole(entry.cell),
            results.observed.get(entry.cell),
            results.cost(entry.cell),
            results.price(entry),
        )
        for entry in had
    ]
    drawn = proposed(plan, bracket, first=begun, most=rung.trials, seen=seen)
    return [
        Entry(bracket, 0, begun + place, trial_cell(plan, each, rung.epochs), each.configuration)
        for place, each in enumerate(drawn)
    ]


def _promoted(plan: Plan, rungs: list[Rung], own: list[Entry], results: Results) -> list[Entry]:
    """The best trials of the last rung that a bracket's `own` entries reached, on its next one."""
    reached = max(entry.rung for entry in own)
    following = rungs[reached + 1]
    ranked = results.ranked(entry for entry in own if entry.rung == reached)
    chosen = sorted(ranked[: following.trials], key=lambda entry: entry.trial)
    return [
        replace(entry, rung=reached + 1, cell=trial_cell(plan, entry.proposal, following.epochs)) for entry in chosen
    ]
