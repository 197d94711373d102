"""Finished cells -> the next round's cells: a grid that reaches further, then fresh seeds at the points worth judging."""

from prunescape.store.records import GRID
from prunescape.space.rounds import read_round


def rounds_before(number=STUDY.most_rounds + 1):
    """The rounds that come before round `number`, in order, none after the last; Snakemake waits for each."""
    rounds = []
    for earlier in range(1, number):
        rounds.append(read_round(checkpoints.plan_round.get(round=earlier).output.plan))
        if rounds[-1].last:
            break
    return rounds


def cells_with(rounds):
    """The first cells and those of `rounds`, each once."""
    return list(dict.fromkeys([*STUDY.first_cells(), *(cell for planned in rounds for cell in planned.all_cells)]))


def all_cells():
    """Every cell of the study."""
    return cells_with(rounds_before())


def grid_cells_of(wildcards):
    """The cells of one variant's landscapes: those of the grid with all its extensions, without replicates."""
    planned = [cell for step in rounds_before() for cell in step.cells.get(GRID, [])]
    cells = [*STUDY.cells(wildcards.experiment), *planned]
    return [cell for cell in cells if (cell.experiment, cell.variant.name) == (wildcards.experiment, wildcards.variant)]


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
        experiments={name: STUDY.round_plan(name) for name in sorted(STUDY.experiments)},
        code=code_digest("plan_round"),
    script:
        "../workflow_scripts/plan_round.py"
