"""Finished cells -> what they decide on.

Further cells: a wider grid or more settings of it, fresh seeds at kept points. And of trials those that are exported.
"""

from dataclasses import asdict
from functools import cache
from pathlib import Path

from prunescape.designs.exports import read_exports
from prunescape.designs.ranking import inherited_bases
from prunescape.designs.rounds import (
    candidate_cells,
    first_cells,
    have_rounds,
    planned_networks,
    present_rounds,
    read_round,
)
from prunescape.space.cells import setting_name, spells_out
from prunescape.space.settings import Setting
from prunescape.store.files import read_json, write_json

ALL_PLAN_PARAMS = {
    name: {k: v for k, v in asdict(plan).items() if v or k not in ("tuning", "bases_per_seed")}
    for name, plan in ALL_PLANS.items()
}
PLAN_PARAMS = {name: ALL_PLAN_PARAMS[name] for name in PLANS}
OF_TRIALS = [name for name, plan in PLANS.items() if plan.trials is not None]  # experiments
SETTINGS = f"{RESUMING}/{EXPERIMENT_PATH}.settings.json"
KNOWN_SETTINGS = {}  # by experiment, then by name
WRITTEN = ("settings", "networks")  # what a run writes down for its jobs


@cache
def cells_at_first():
    """Every cell that no result decides on: a job that asks for none of them spares their making."""
    return first_cells(PLANS)


@cache
def networks_of(experiment):
    """The networks of an experiment by their name in paths; the one that it declares has an empty name."""
    if experiment in SEARCHES:
        return {"": Setting(())}
    return planned_networks(PLANS, cells_at_first())[experiment]


@cache
def written_for_jobs(experiment):
    """What this job's run wrote down of an experiment, so that a job spares making all cells."""
    path = Path(SETTINGS.format(experiment=experiment))
    there = path.exists() and not workflow.is_main_process
    return dict.fromkeys(WRITTEN, {}) | (read_json(path) if there else {})


def network_named(wildcards):
    """The part of a setting that shapes the network of a job."""
    written = written_for_jobs(wildcards.experiment)["networks"].get(wildcards.network)
    return networks_of(wildcards.experiment)[wildcards.network] if written is None else Setting.of(written)


def setting_named(wildcards):
    """The values of a setting that its path names by a digest."""
    known = KNOWN_SETTINGS.setdefault(wildcards.experiment, dict(written_for_jobs(wildcards.experiment)["settings"]))
    if setting_name(wildcards) not in known:
        known.update(named_settings(wildcards.experiment))
    return known[setting_name(wildcards)]


def named_settings(experiment):
    """The values of every setting of an experiment, as far as its rounds are planned, that a path names by a digest."""
    if experiment in SEARCHES:
        cells = search_cells(experiment, present_search_rounds(experiment))
    else:
        cells = [cell for cell in cells_with(present_rounds(ROUND)) if cell.experiment == experiment]
    cells += [STUDY.ranking_cell(experiment, network) for network in networks_of(experiment).values()]
    return {setting_name(cell.wildcards): dict(cell.setting.texts) for cell in cells if not spells_out(cell.path)}


def write_settings():
    """Write these down for the jobs of this run: a name stands for one text for ever, so no file is out of date."""
    for experiment in sorted(STUDY.experiments):
        networks = {name: dict(setting.texts) for name, setting in networks_of(experiment).items()}
        written = {"settings": named_settings(experiment), "networks": networks}
        if written["settings"] or any(networks):
            write_json(SETTINGS.format(experiment=experiment), written)


def rounds_before(number=None):
    """The rounds that come before round `number`, or all of them, in order; Snakemake waits for each."""
    rounds = []
    following = have_rounds(PLANS)
    while following and len(rounds) + 1 != number:
        rounds.append(read_round(checkpoints.plan_round.get(round=len(rounds) + 1).output.plan))
        following = not rounds[-1].last
    return rounds


def cells_with(rounds):
    """The first cells, those of `rounds`, and the bases that some of them inherit from, each once."""
    planned = [*cells_at_first(), *(cell for each in rounds for cell in each.cells)]
    return list(dict.fromkeys([*planned, *inherited_bases(PLANS, planned)]))


def all_cells():
    """Every cell of the study."""
    searched = [cell for name in SEARCHES for cell in search_cells(name, search_rounds(name))]
    return [*cells_with(rounds_before()), *searched]


def record_functions():
    """Input functions: the records of all landscapes and trials, and of each search; none hides the others."""
    of_searches = [
        lambda wildcards, name=name: cell_files("record.json", search_cells(name, search_rounds(name)))
        for name in SEARCHES
    ]
    return [lambda wildcards: cell_files("record.json", cells_with(rounds_before())), *of_searches]


def trial_cells():
    """Every cell of trials, among which those to export are chosen; no round adds any."""
    return [cell for name in OF_TRIALS for cell in candidate_cells(PLANS[name], [])]


@cache
def exports_in(path, written):
    """The choice in a file that was written at that time."""
    return read_exports(path)


def chosen_exports(path=None):
    """The trials to export, by experiment and folder of the variant: the finished choice, or that in the file `path`."""
    path = path or checkpoints.choose_exports.get().output.chosen
    return exports_in(path, Path(path).stat().st_mtime_ns)


def present_exports(experiment):
    """What an experiment exports as far as that is chosen by now."""
    if experiment in SEARCHES:
        return winner_exports(present_search_rounds(experiment))
    if experiment in OF_TRIALS and not Path(EXPORTS).exists():
        return []
    return export_paths(experiment, EXPORTS)


def export_paths(experiment, path=None):
    """What an experiment exports: every variant of every network, or what the chosen trials or a winner are of."""
    if experiment in SEARCHES:
        return winner_exports(decisions_of(experiment))
    if experiment not in OF_TRIALS:
        return variant_paths("onnx/export.json", experiment)
    return [f"{RESULTS}/{folder}/onnx/export.json" for folder in chosen_exports(path).get(experiment, {})]


def export_files(wildcards):
    """The choice, what every experiment exports, and what searches deploy."""
    chosen = [EXPORTS] if OF_TRIALS else []
    return [
        *chosen,
        *found_deployments(),
        *(path for experiment in sorted(STUDY.experiments) for path in export_paths(experiment)),
    ]


def exportable_files(name, wildcards):
    """One file of each cell of one variant of one network that is exported, or among which the best ones are.

    Those are the chosen trials, the winner of a search, or all of a landscape after all rounds, without fresh seeds.
    """
    if wildcards.experiment in SEARCHES:
        return cell_files(name, winners(decisions_of(wildcards.experiment)))
    if wildcards.experiment in OF_TRIALS:
        chosen = chosen_exports().get(wildcards.experiment, {}).get(VARIANT_PATH.format(**wildcards), [])
        return [f"{RESULTS}/{path}/{name}" for path in chosen]
    cells = candidate_cells(PLANS[wildcards.experiment], rounds_before())
    named = [cell for cell in cells if cell.variant.name == wildcards.variant]
    return cell_files(name, [cell for cell in named if cell.setting.network_path == wildcards.network])


def round_files(wildcards):
    """The plan of every round, those of searches too."""
    of_searches = [path for name in SEARCHES for path in search_rounds(name)]
    return [*(ROUND.format(round=planned.number) for planned in rounds_before()), *of_searches]


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


checkpoint choose_exports:
    """Choose the best trials of each arm and variant over all networks: only what holds one of them is exported."""
    input:
        records=lambda wildcards: cell_files("record.json", trial_cells()),
    output:
        chosen=EXPORTS,
    log:
        f"{RESULTS}/rounds/exports.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        plans={name: PLAN_PARAMS[name] for name in OF_TRIALS},
        code=code_digest("choose_exports"),
    script:
        "../workflow_scripts/choose_exports.py"
