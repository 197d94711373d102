"""How a search ends, once all its brackets have: with a winner, or with the reason for none."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from prunescape.analysis.search.objectives import Costs, Observed, reaches
from prunescape.designs.brackets import Results, with_kept_variants
from prunescape.designs.plan import Plan
from prunescape.designs.search_rounds import Entry, SearchRound, entries_of
from prunescape.designs.tuning import brackets_of, budget_of, budgets_of, is_whole, trial_cell
from prunescape.space.cells import Cell


def next_decision(
    plan: Plan,
    *,
    earlier: Iterable[SearchRound],
    observed: Mapping[Cell, Observed],
    costs: Costs = MappingProxyType({}),
) -> SearchRound:
    """The decision that follows all rounds of all brackets, and the decision before it, if any: these are `earlier`.

    It is the last one, with the winner or the reason for none, unless variants without a whole training get one first.
    `observed` is what all of their cells reached, `costs` what variants cost.
    """
    plan, earlier = with_kept_variants(plan, costs), list(earlier)
    results, had = Results(plan.tuning, observed, costs), entries_of(earlier)
    number = 1 + max(planned.number for planned in earlier)
    winner, reason = winner_of(had, results)
    if winner is None and (entries := other_variants(plan, had, results)):
        return SearchRound(plan.experiment, number, entries)
    return SearchRound(plan.experiment, number, last=True, winner=winner, reason=reason)


def other_variants(plan: Plan, had: Iterable[Entry], results: Results) -> list[Entry]:
    """Whole trainings where no winner was found: of each variant that has none, of its best trial.

    A fast variant that keeps the floor of cut budgets takes the places of slower ones, and may miss the floor with a
    whole training. The best trial of a variant is the most accurate one of those with its largest budget.
    """
    had = list(had)
    whole = {entry.cell.variant.name for entry in had if is_whole(entry.cell)}
    left = [entry for entry in had if not results.observed[entry.cell].diverged]

    def key(entry: Entry) -> tuple:
        return budget_of(plan, entry.cell), results.observed[entry.cell].accuracy, -entry.bracket, -entry.trial

    left.sort(key=key)
    best = {entry.cell.variant.name: entry for entry in left if entry.cell.variant.name not in whole}
    last, brackets = budgets_of(plan).last, brackets_of(plan)
    return [
        replace(entry, rung=len(brackets[entry.bracket]) - 1, cell=trial_cell(plan, entry.proposal, last))
        for entry in sorted(best.values(), key=lambda entry: (entry.bracket, entry.trial))
    ]


def winner_of(entries: Iterable[Entry], results: Results) -> tuple[Cell | None, str]:
    """The best cell at full budget, or None and why there is none: all diverged, or none reaches the accuracy floor."""
    whole = [entry for entry in entries if is_whole(entry.cell)]
    best = next(iter(results.ranked(whole)), None)
    if best is None or results.observed[best.cell].diverged:
        return None, "every training at full budget diverged"
    observed = results.observed[best.cell]
    if reaches(observed, results.floor(whole)):
        return best.cell, ""
    nearest = f"{best.cell.variant.name} at {best.cell.setting}, with {100 * observed.accuracy:.2f} %"
    what = f"no training at full budget reached {results.terms['accuracy_floor']:g} % of the validation examples"
    return None, f"{what}; nearest came {nearest}"
