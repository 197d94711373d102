"""What goes on around the jobs of a run: who holds the study, what is damaged, progress, and what the end says."""

import os
import shutil
from collections import Counter
from glob import glob
from pathlib import Path

from prunescape.designs.search_rounds import entries_of, left_behind
from prunescape.store.files import damaged_files
from prunescape.running.early_checks import (
    check_compiler,
    check_gpu,
    check_objectives,
    check_originals,
    check_searches,
    check_system,
    check_targets,
    shows_gpu,
)
from prunescape.running.deployments import deployment_line
from prunescape.running.jobs import require_no_jobs, require_slurm, stop_jobs_on_interrupt
from prunescape.running.restoring import is_restoring
from prunescape.running.run_lock import hold, holder, in_use
from prunescape.running.progress import Known
from prunescape.running.run_end import PARTIAL, Expected, architecture_lines, failed_lines, finished_lines
from prunescape.running.snakemake_output import watch_run
from prunescape.running.stages import rounds_ahead


include: "restore.smk"


def expected_files():
    """What a whole study has, as far as its rounds are planned by now."""
    rounds, searches = present_rounds(ROUND), [present_search_rounds(name) for name in SEARCHES]
    landscapes_planned = not have_rounds(PLANS) or bool(rounds and rounds[-1].last)
    return Expected(
        ALL_PLANS,
        records=cell_files("record.json", present_cells()),
        rounds=[ROUND.format(round=planned.number) for planned in rounds],
        measured=target_files(),
        data=data_files(),
        untrained=architecture_files() if STUDY.measures_first else [],
        all_planned=landscapes_planned and all(any(each.ends_search for each in known.values()) for known in searches),
        search_rounds=[path for known in searches for path in known],
        searches=STUDY.tuning_terms(),
        search_costs=present_costs(),
    )


def show_end(failed=False):
    """Print what the run reached; after a failure also what is missing, why, and where the partial report is."""
    WATCH.close()
    if failed:
        take_kept(WATCH.kept.values())
    if asked_for("architectures"):
        objectives = STUDY.objectives.model_dump(mode="json")
        lines = architecture_lines(architecture_files(), objectives, list(WATCH.failures.values()))
    elif failed:
        known = {"terms": STUDY.analysis_terms(), "failures": list(WATCH.failures.values())}
        lines = failed_lines(RESULTS, STUDY.summary(), expected_files(), **known)
    elif "write_report" in WATCH.finished:
        shutil.rmtree(f"{RESULTS}/{PARTIAL}", ignore_errors=True)  # an earlier failure's report is no longer true
        lines = finished_lines(RESULTS)
    elif is_restoring():
        return
    elif SEARCHES and not missing_deployments():
        lines = [deployment_line(path) for path in deployment_files()]
    else:
        lines = ["This run wrote no report: for one, run snakemake without naming a target."]
    print("", *lines, sep="\n", file=sys.stderr)


def asked_for(target):
    """Whether this run was given a target rule, and that one alone."""
    from snakemake.cli import get_argument_parser

    return set(get_argument_parser().parse_known_args(sys.argv[1:])[0].targets) == {target}


def missing_cells():
    """How many cells of the rounds planned by now have no record."""
    return sum(not os.path.exists(record) for record in expected_files().records)


def jobs_left():
    """How many jobs of each rule this run has not done yet, as far as they are planned."""
    return Counter(job.rule.name for job in workflow.dag.needrun_jobs())


def round_of_cells():
    """The round whose cells are to be trained first, 0 for the cells that no result decides on."""
    waiting = [int(job.wildcards.round) for job in workflow.dag.needrun_jobs() if job.rule.name == "plan_round"]
    return min(waiting) - 1 if waiting else len(present_rounds(ROUND))


def known_of_study():
    """What the progress of a run asks of the study."""
    return Known(
        cells=lambda: len(present_cells()),
        left=jobs_left,
        round=round_of_cells,
        ahead=lambda: rounds_ahead(PLANS, present_rounds(ROUND)),
        logs=workflow.logger_manager.get_logfile,
        retries=lambda: workflow.execution_settings.retries,
        submits=lambda: workflow.resource_settings.nodes is not None,
        kept=lambda wildcards: in_groups() and member_of(Wildcards(fromdict=wildcards)).is_kept,
    )


def forget_checkpoint(wildcards):
    """A trained cell, of which Snakemake knows, needs none, nor what a submission kept of it.

    One that stopped early leaves it to the next rung of its search.
    """
    if not stops_early(Wildcards(fromdict=wildcards)):
        Path(checkpoint_file(wildcards)).unlink(missing_ok=True)
    if in_groups():
        member_of(Wildcards(fromdict=wildcards)).forget()


def forget_left_behind(wildcards):
    """What trials of a search left for a later rung, and none goes on with, is of no more use."""
    for cell in left_behind(entries_of(present_search_rounds(wildcards["experiment"]).values())):
        Path(state_file(cell.path)).unlink(missing_ok=True)


def forget_ended():
    """Delete what a killed run had not come to: checkpoints of finished cells, and of trials that were left behind."""
    for name in SEARCHES:
        forget_left_behind({"experiment": name})
    kept = set(glob(f"{RESUMING}/*.safetensors"))
    for cell in present_cells() if kept else ():
        if (state := state_file(cell.path)) in kept and os.path.exists(cell_file(cell, "record.json")):
            Path(state).unlink()


def refuse_damaged():
    """Stop before anything runs: Snakemake deletes a job's outputs before the job can refuse a damaged input."""
    identities = expand(f"{DATA}/{{dataset}}.json", dataset=STUDY.used_datasets())
    of_searches = [RUNG.format(experiment="*", bracket="*", round="*"), DECISION.format(experiment="*", decision="*")]
    rounds = sorted(path for pattern in (ROUND.format(round="*"), *of_searches) for path in glob(pattern))
    widths, exports = variant_files("widths.json"), variant_files("onnx/export.json")
    of_seeds = [path for name in sorted(STUDY.experiments) for path in seed_plans_there(name)]
    results = [EXPORTS, FIGURES, MANIFEST_FILE]
    lines = damaged_files([*identities, *shared_files(), *widths, *of_seeds, *exports, *rounds, *results])
    if lines:
        sys.exit("\n".join(f"error: {line}" for line in lines))


def start_run():
    """Hold the study for this run alone, and end its jobs when a user interrupts it."""
    try:
        if workflow.executor_plugin.name == "slurm":
            require_slurm()
        if STUDY.device == "cuda" and trains_here() and missing_cells():
            check_gpu()
            if compiles():
                check_compiler("cuda")
        WATCH.hold = hold(RESUMING)
        WATCH.write_down()
        write_settings()
        forget_ended()
    except InputError as error:
        sys.exit(f"error: {error}")
    stop_jobs_on_interrupt()
    drop_rate_limit()


def drop_rate_limit():
    """Let cores alone limit how many jobs start, unless `--max-jobs-per-timespan` was given.

    With its default of 100 jobs a second, Snakemake (9.27) wakes its scheduler once a second more for each job that is
    done: in a run of thousands it does little else (docs/performance.md).
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def look_for_other_runs():
    """Say who works on this study; unlocking needs certainty that nobody does, nor any job of theirs."""
    try:
        if "--unlock" in sys.argv:
            require_no_jobs(RESUMING)
        elif other := holder(RESUMING):
            print(f"note: {in_use(RESULTS, other)}", file=sys.stderr)
    except InputError as error:
        sys.exit(f"error: {error}")


def trains_here():
    """Whether jobs run on this host, in this environment: their host's hardware can be asked before they do."""
    return workflow.resource_settings.nodes is None and not workflow.deployment_settings.deployment_method


def compiles():
    """Whether some cell's network is compiled."""
    return any("compiled" in experiment.values_of("internal") for experiment in STUDY.experiments.values())


def look_at_host():
    """Stop where a target here cannot be measured, original files or a compiler are lacking; say where no GPU is.

    A run stops at once for a lack of it.
    """
    missing = [name for name in STUDY.used_datasets() if not os.path.exists(f"{DATA}/{name}.json")]
    try:
        check_targets(STUDY.targets)
        if STUDY.measures_first or asked_for("architectures"):
            check_searches(STUDY.targets)
        check_originals(map(STUDY.dataset_options, missing))
        check_objectives({name: plan.tuning["objective"] for name, plan in SEARCHES.items()}, STUDY.device)
        for line in check_system(tried_systems(), STUDY.device) if missing_cells() else ():
            print(f"note: {line}", file=sys.stderr)
        if STUDY.device == "cpu" and compiles() and missing_cells():
            check_compiler("cpu")
    except InputError as error:
        sys.exit(f"error: {error}")
    if STUDY.device == "cuda" and not shows_gpu():
        print("note: device is cuda, and this host shows no GPU", file=sys.stderr)


announce_cells()
if workflow.is_main_process:
    WATCH = watch_run(workflow.output_settings, known_of_study(), forget_checkpoint, forget_left_behind)
    look_for_other_runs()
    refuse_damaged()
    if trains_here():
        look_at_host()
    try:
        restore(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
