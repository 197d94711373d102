"""Finished cells -> the cells that they decide on: a wider grid or more settings of it, fresh seeds at kept points."""

from dataclasses import asdict
from functools import cache
from pathlib import Path

from prunescape.designs.rounds import (
    candidate_cells,
    first_cells,
    have_rounds,
    planned_networks,
    present_rounds,
    read_round,
)
from prunescape.space.cells import setting_name, spells_out
from prunescape.store.files import read_json, write_json

PLAN_PARAMS = {name: asdict(plan) for name, plan in PLANS.items()}
SETTINGS = f"{RESUMING}/{EXPERIMENT_PATH}.settings.json"
KNOWN_SETTINGS = {}  # by experiment, then by name


@cache
def cells_at_first():
    """Every cell that no result decides on: a job that asks for none of them spares their making."""
    return first_cells(PLANS)


@cache
def networks_of(experiment):
    """The networks of an experiment by their name in paths; the one that it declares has an empty name."""
    return planned_networks(PLANS, cells_at_first())[experiment]


def setting_named(wildcards):
    """The values of a setting that its path names by a digest; a job finds them in a file, and spares making all."""
    known = KNOWN_SETTINGS.setdefault(wildcards.experiment, {})
    written = Path(SETTINGS.format(experiment=wildcards.experiment))
    if not known and not workflow.is_main_process and written.exists():
        known.update(read_json(written, "settings")["settings"])
    if setting_name(wildcards) not in known:
        known.update(named_settings(wildcards.experiment))
    return known[setting_name(wildcards)]


def named_settings(experiment):
    """The values of every setting of an experiment, as far as its rounds are planned, that a path names by a digest."""
    cells = [cell for cell in cells_with(present_rounds(ROUND)) if cell.experiment == experiment]
    cells += [ranking_cell(experiment, network) for network in networks_of(experiment)]
    return {setting_name(cell.wildcards): dict(cell.setting.texts) for cell in cells if not spells_out(cell.path)}


def write_settings():
    """Write these down for the jobs of this run: a digest names one text for ever, so no file is ever out of date."""
    for experiment in sorted(STUDY.experiments):
        if named := named_settings(experiment):
            write_json(SETTINGS.format(experiment=experiment), {"settings": named})


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
    return list(dict.fromkeys([*cells_at_first(), *(cell for planned in rounds for cell in planned.cells)]))


def all_cells():
    """Every cell of the study."""
    return cells_with(rounds_before())


def cells_of(wildcards, rounds):
    """The cells of one variant of one network after these rounds: landscapes or trials, without fresh seeds."""
    cells = candidate_cells(PLANS[wildcards.experiment], rounds)
    named = [cell for cell in cells if cell.variant.name == wildcards.variant]
    return [cell for cell in named if cell.setting.network_path == wildcards.network]


def grid_cells_of(wildcards):
    """The same after all rounds."""
    return cells_of(wildcards, rounds_before())


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
