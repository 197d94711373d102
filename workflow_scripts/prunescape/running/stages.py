"""The stage that a run is in and how much of it is done, from the rules of jobs that begin, end and fail."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prunescape.designs.plan import Plan
from prunescape.designs.rounds import DESIGNS, Round

CELL, NEXT_RUNG, EXPORTS = "train_cell", "plan_rung", "choose_exports"
NEXT = ("plan_round", NEXT_RUNG, "choose_winner")  # checkpoints that may ask for further cells
TRAINING = "training"
# in order; each with the rules of its jobs, and what these are called in a count
STAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "preparing": (
        (
            "prepare_data",
            "declare_experiment",
            "plan_variant",
            "start_base",
            "train_start",
            "cut_step",
            "train_step",
            "cut_variant",
            "plan_widths",
            "train_seed_start",
            "cut_seed",
            "export_architecture",
        ),
        "steps",
    ),
    "measuring": (("measure_architecture", "measure_remote_architecture", "measure_training"), "measurements"),
    TRAINING: ((CELL, *NEXT, EXPORTS), "cells"),
    "exporting": (("export_onnx",), "variants"),
    "benchmarking": (("benchmark_target", "benchmark_remote_target"), "targets"),
    "explaining int8": (("explain_int8",), "experiments"),
    "deploying": (("write_deployment",), "targets"),
    "analysing": (
        (
            "collect_study",
            "collect_curves",
            "collect_benchmarks",
            "analyse_cells",
            "compare_targets",
            "analyse_trials",
            "analyse_searches",
            "collect_architectures",
            "collect_int8",
        ),
        "steps",
    ),
    "report": (("draw_figures", "write_tables", "write_report", "seal_results"), "steps"),
}
NAMES = list(STAGES)
# what the rounds of a design may add
ADDED = {
    "extension": "the grid may grow",
    "adaptive": "results choose more settings",
    "replicates": "verdicts may ask for more seeds",
    "confirmation": "the best settings may get fresh seeds",
}


@dataclass(frozen=True)
class Counts:
    """How many jobs of a stage are done, failed, and known to be its jobs by now."""

    done: int
    failed: int
    total: int


class JobCounts:
    """Counts the jobs of a run by rule, and tells its stage: the first one that has jobs left, never an earlier one.

    `awaits`: the rule of a checkpoint that has finished, of a round first, until `plan` tells which jobs follow.
    """

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.failed: dict[int, str] = {}
        self.round = self.place = self.earlier_cells = 0
        self.awaits = ""

    def plan(self, left: Mapping[str, int]) -> None:
        """Take these numbers of jobs by rule, failed ones among them, as those that are not done."""
        self.left = Counter(left) - Counter(self.failed.values())
        self.awaits = ""
        self._move()

    def begin_job(self, job: int, rule: str) -> None:
        """A job begins, perhaps again after it failed."""
        if job in self.failed:
            self.left[self.failed.pop(job)] += 1
        if rule == CELL:
            self.place = max(self.place, NAMES.index(TRAINING))
        self._move()

    def finish_job(self, rule: str) -> None:
        """A job succeeded."""
        self.left[rule] -= 1
        self.done[rule] += 1
        if rule in NEXT or (rule == EXPORTS and not self.awaits):
            self.awaits = rule
        self._move()

    def fail_job(self, job: int, rule: str) -> None:
        """A job failed."""
        if job not in self.failed:
            self.left[rule] -= 1
            self.failed[job] = rule
            self._move()

    def begin_round(self, number: int) -> None:
        """The cells from now on are those of round `number`; 0 are the first cells."""
        self.round, self.earlier_cells = number, self.done[CELL]

    def _move(self) -> None:
        """Go to the first stage from this one on that has jobs left, if any has."""
        left = {rule for rule, number in self.left.items() if number > 0}
        waiting = [place for place in range(self.place, len(NAMES)) if left & set(STAGES[NAMES[place]][0])]
        if waiting and not self.awaits:
            self.place = waiting[0]

    @property
    def stage(self) -> str:
        """The name of the stage."""
        return self.training if self.is_training else NAMES[self.place]

    @property
    def training(self) -> str:
        """What the training of the cells is called now: after the first cells it is a round."""
        return f"round {self.round}" if self.round else TRAINING

    @property
    def is_training(self) -> bool:
        """Whether cells are trained, or a round is planned or exports chosen from them."""
        return NAMES[self.place] == TRAINING

    @property
    def unit(self) -> str:
        """What the jobs of the stage are called."""
        return STAGES[NAMES[self.place]][1]

    def counts(self) -> Counts:
        """The jobs of the stage: of trainings the cells of this round."""
        return self.cells() if self.is_training else self._counts(STAGES[NAMES[self.place]][0])

    def cells(self) -> Counts:
        """The cells of this round."""
        return self._counts((CELL,), self.earlier_cells)

    def _counts(self, rules: tuple[str, ...], earlier: int = 0) -> Counts:
        done = sum(self.done[rule] for rule in rules) - earlier
        failed = sum(rule in rules for rule in self.failed.values())
        return Counts(done, failed, done + failed + sum(max(0, self.left[rule]) for rule in rules))


def rounds_ahead(plans: Mapping[str, Plan], rounds: Iterable[Round]) -> str:
    """What rounds after these `rounds` may add, in words; empty where none can follow."""
    rounds = list(rounds)
    if rounds and rounds[-1].last:
        return ""
    order = list(DESIGNS)
    coming = set()
    for name, plan in plans.items():
        had = [planned.steps[name].design for planned in rounds if name in planned.steps]
        for design in order[order.index(had[-1]) if had else 0 :]:
            if DESIGNS[design].most_rounds(plan) > had.count(design):
                coming.add(design)
    return ", and ".join(ADDED.get(design, "results may ask for more cells") for design in order if design in coming)
