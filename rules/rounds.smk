"""Finished cells -> the cells that they decide on: a wider grid or more settings of it, fresh seeds at kept points."""

from dataclasses import asdict

from prunescape.designs.rounds import (
    first_cells,
    have_rounds,
    landscape_cells,
    planned_networks,
    present_rounds,
    read_round,
)

PLAN_PARAMS = {name: asdict(plan) for name, plan in PLANS.items()}
FIRST_CELLS = first_cells(PLANS)
NETWORKS = planned_networks(PLANS, FIRST_CELLS)


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
    """The cells of the landscapes of one variant of one network, without fresh seeds."""
    cells = landscape_cells(PLANS[wildcards.experiment], rounds_before())
    named = [cell for cell in cells if cell.variant.name == wildcards.variant]
    return [cell for cell in named if cell.setting.network_path == wildcards.network]


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
