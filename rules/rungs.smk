"""Searches with budgets: finished rungs -> the next ones, bracket by bracket, and at last the winner of each search.

Each bracket has a chain of rounds of its own: none waits for another one, no search for another, nor for a landscape.
"""

from functools import cache

from snakemake.exceptions import IncompleteCheckpointException

from prunescape.designs import ranking
from prunescape.designs.brackets import rounds_learnt_from
from prunescape.designs.search_rounds import read_search_round


include: "search_costs.smk"


RUNG = f"{RESULTS}/rounds/{EXPERIMENT_PATH}/bracket={{bracket}}/round={{round}}.json"
DECISION = f"{RESULTS}/rounds/{EXPERIMENT_PATH}/decision={{decision}}.json"
DEPLOYED = f"{RESULTS}/deploy/{{deployed}}.json"


def deployed_names():
    """The experiment of each file that is deployed, by the file's name: that of its target, where one search has it."""
    targets = {name: plan.tuning["target"] for name, plan in SEARCHES.items()}
    shared = [target for target in targets.values() if [*targets.values()].count(target) > 1]
    return {f"{target}-{name}" if target in shared else target: name for name, target in targets.items()}


DEPLOYMENTS = deployed_names()


@cache
def search_round_in(path, written):
    """The round of a search in a file that was written at that time."""
    return read_search_round(path)


def round_chain(file_of, most=None):
    """Rounds of a search by their files, in order: up to the last one, or to the first that `file_of` has none for.

    `file_of` gives the file of a number, or None; `most` is how many rounds are asked for.
    """
    rounds = {}
    while len(rounds) != most and (path := file_of(len(rounds) + 1)):
        rounds[path] = search_round_in(path, Path(path).stat().st_mtime_ns)
        if rounds[path].last:
            break
    return rounds


def rungs_of(experiment, bracket, most=None):
    """The rounds of a bracket, or so many of them; Snakemake waits for each."""
    known = {"experiment": experiment, "bracket": bracket}
    return round_chain(lambda number: checkpoints.plan_rung.get(**known, round=number).output.plan, most)


def decisions_of(experiment, most=None):
    """The decisions of a search, or so many of them; Snakemake waits for each, so for all its brackets."""
    return round_chain(lambda n: checkpoints.choose_winner.get(experiment=experiment, decision=n).output.decision, most)


def search_rounds(experiment):
    """The rounds of all brackets of a search and its decisions; Snakemake waits for each."""
    decisions = decisions_of(experiment)
    brackets = [rungs_of(experiment, bracket) for bracket in brackets_in(experiment)]
    return dict(itertools.chain(*(rounds.items() for rounds in (*brackets, decisions))))


def rounds_of_search(experiment):
    """An input function: their files. One for each search, so that none hides the others."""
    return lambda wildcards: list(search_rounds(experiment))


def present_search_rounds(experiment):
    """Those that are planned by now."""
    patterns = [RUNG.replace("{bracket}", str(bracket)) for bracket in brackets_in(experiment)]
    found = {}
    for pattern in (*patterns, DECISION.replace("{decision}", "{round}")):
        pattern = pattern.replace("{experiment}", experiment)
        found |= round_chain(lambda number: existing(pattern.format(round=number)))
    return found


def existing(path):
    """The path of a file that is there."""
    return path if os.path.exists(path) else None


def brackets_in(experiment):
    """The numbers of the brackets of a search."""
    return range(SEARCHES[experiment].tuning["brackets"])


def of_each_bracket(experiment, files_of):
    """What `files_of` gives of the rounds of each bracket; of one with rounds to come, the file of the next.

    Left to Snakemake, the first bracket with rounds to come would hide the others, which would wait for it.
    """
    found = []
    for bracket in brackets_in(experiment):
        try:
            found += files_of(rungs_of(experiment, bracket))
        except IncompleteCheckpointException as waiting:
            found.append(waiting.targetfile)
    return list(dict.fromkeys(found))


def trained_cells(rounds):
    """The cells of the trials of these rounds of a search, each once."""
    return list(dict.fromkeys(cell for planned in rounds.values() for cell in planned.cells))


def trial_records(rounds):
    """Their records."""
    return cell_files("record.json", trained_cells(rounds))


def search_cells(experiment, rounds):
    """The cells of their trials, and the base that filters are ranked by, if any are."""
    return list(dict.fromkeys([*trained_cells(rounds), *ranking.first_cells(SEARCHES[experiment])]))


def present_cells():
    """Every cell of the study that is planned by now."""
    searched = [cell for name in SEARCHES for cell in search_cells(name, present_search_rounds(name))]
    return [*cells_with(present_rounds(ROUND)), *searched]


def winners(rounds):
    """The winner of a search whose last decision is among these, in a list; empty without one."""
    return [planned.winner for planned in rounds.values() if planned.winner is not None]


def winner_exports(rounds):
    """What a winner exports, as a list of paths."""
    return [f"{RESULTS}/{winner.variant_path}/onnx/export.json" for winner in winners(rounds)]


def deployment_files():
    """What every search deploys."""
    return expand(DEPLOYED, deployed=sorted(DEPLOYMENTS))


def found_deployments():
    """The same of searches that found a winner."""
    found = [name for name, experiment in sorted(DEPLOYMENTS.items()) if winners(decisions_of(experiment))]
    return expand(DEPLOYED, deployed=found)


def missing_deployments():
    """What is not deployed yet."""
    return [path for path in deployment_files() if not os.path.exists(path)]


def deployed_target(wildcards):
    """What was measured of the winner on the target that it is deployed on."""
    experiment = DEPLOYMENTS[wildcards.deployed]
    return f"{EXPERIMENT}/target={{target}}.json".format(
        experiment=experiment, target=SEARCHES[experiment].tuning["target"]
    )


def rungs_before(wildcards):
    """How many rounds of which brackets a round of a bracket goes by: those it learns from, and its own before it."""
    bracket = int(wildcards.bracket)
    return rounds_learnt_from(SEARCHES[wildcards.experiment], bracket) | {bracket: int(wildcards.round) - 1}


def rung_files_before(wildcards):
    """Their files."""
    numbers = [(bracket, number) for bracket, most in rungs_before(wildcards).items() for number in range(1, most + 1)]
    return [RUNG.format(experiment=wildcards.experiment, bracket=each, round=number) for each, number in numbers]


def rung_records_before(wildcards):
    """The records of all their trials."""
    chains = [rungs_of(wildcards.experiment, bracket, most) for bracket, most in rungs_before(wildcards).items()]
    return list(dict.fromkeys(itertools.chain(*map(trial_records, chains))))


def decided_by_files(wildcards, files_of):
    """What `files_of` gives of the rounds of every bracket of a search, and of the decisions before this one."""
    before = decisions_of(wildcards.experiment, int(wildcards.decision) - 1)
    return list(dict.fromkeys([*of_each_bracket(wildcards.experiment, files_of), *files_of(before)]))


checkpoint plan_rung:
    """Decide from the trials of one bracket so far which ones to train next, and on which budget."""
    input:
        records=rung_records_before,
        earlier=rung_files_before,
        widths=lambda wildcards: searched_widths(wildcards.experiment),
        measured=lambda wildcards: searched_costs(wildcards.experiment),
        trained=lambda wildcards: searched_speeds(wildcards.experiment),
    output:
        plan=RUNG,
    log:
        f"{RESULTS}/rounds/{EXPERIMENT_PATH}/bracket={{bracket}}/round={{round}}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        plan=lambda wildcards: ALL_PLAN_PARAMS[wildcards.experiment],
        precision=lambda wildcards: SEARCH_PRECISIONS[wildcards.experiment],
        code=code_digest("plan_rung"),
    script:
        "../workflow_scripts/plan_rung.py"


checkpoint choose_winner:
    """Decide which trial of a search has won, or which variants get a whole training before that is decided again."""
    input:
        records=lambda wildcards: decided_by_files(wildcards, trial_records),
        earlier=lambda wildcards: decided_by_files(wildcards, list),
        widths=lambda wildcards: searched_widths(wildcards.experiment),
        measured=lambda wildcards: searched_costs(wildcards.experiment),
        trained=lambda wildcards: searched_speeds(wildcards.experiment),
    output:
        decision=DECISION,
    log:
        f"{RESULTS}/rounds/{EXPERIMENT_PATH}/decision={{decision}}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        plan=lambda wildcards: ALL_PLAN_PARAMS[wildcards.experiment],
        precision=lambda wildcards: SEARCH_PRECISIONS[wildcards.experiment],
        code=code_digest("choose_winner"),
    script:
        "../workflow_scripts/choose_winner.py"


if workflow.is_main_process and "tune" in sys.argv[1:] and not SEARCHES:
    sys.exit(f"error: {SOURCE}: no experiment has a search; hint: give one a section `tune` (docs/search.md)")
