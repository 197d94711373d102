"""Finished cells -> the cells that they decide on: a grid that reaches further, fresh seeds at points worth judging."""

from dataclasses import asdict

from prunescape.designs.plan import experiment_plan
from prunescape.designs.rounds import first_cells, have_rounds, present_rounds, read_round
from prunescape.store.records import GRID

PLANS = {name: experiment_plan(STUDY, name) for name in sorted(STUDY.experiments)}
PLAN_PARAMS = {name: asdict(plan) for name, plan in PLANS.items()}
FIRST_CELLS = first_cells(PLANS)


def rounds_before(number=None):
    """The rounds that come before round `number`, or all of them, in order; Snakemake waits for each."""
    rounds = []
    following = have_rounds(PLANS)
    while following and len(rounds) + 1 != number:
        rounds.append(read_round(checkpoints.plan_round.get(round=len(rounds) + 1).output.plan))
        following = not rounds[-1].last
    return rounds


def cells_with(rounds):
    """The first cells and those of `rounds`, each once."""
    return list(dict.fromkeys([*FIRST_CELLS, *(cell for planned in rounds for cell in planned.cells)]))


def all_cells():
    """Every cell of the study."""
    return cells_with(rounds_before())


def grid_cells_of(wildcards):
    """The cells of one variant's landscapes: those of the grid with all its extensions, without fresh seeds."""
    steps = [
        planned.steps[wildcards.experiment] for planned in rounds_before() if wildcards.experiment in planned.steps
    ]
    added = [cell for step in steps if step.stage == GRID for cell in step.cells]
    plan = PLANS[wildcards.experiment]
    cells = [*plan.grid(plan.axes, plan.seeds), *added]
    return [cell for cell in cells if cell.variant.name == wildcards.variant]


def round_files(wildcards):
    """The plan of every round."""
    return [ROUND.format(round=planned.number) for planned in rounds_before()]


checkpoint plan_round:
    """Decide from all cells so far which ones to add: one checkpoint for the whole study."""
    input:
        records=lambda wildcards: cell_files("record.json", cells_with(rounds_before(int(wildcards.round)))),
        earlier=lambda wildcards: expand(ROUND, round=range(1, int(wildcards.round))),
    output:
        plan=ROUND,
    log:
        f"{RESULTS}/rounds/round={{round}}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        plans=PLAN_PARAMS,
        code=code_digest("plan_round"),
    script:
        "../workflow_scripts/plan_round.py"
