"""What a study has lost is made again before anything else; what another config made is not taken for up to date.

Snakemake runs whatever depends on a job that runs. A prepared file that was deleted would train all cells again, though
it comes out as it was. Made first, by its name, it is compared by content as ever, and nothing is trained.
"""

import hashlib
import json

from snakemake.iocontainers import Wildcards

from prunescape.running.restoring import is_known, make_alone, unmark_finished
from prunescape.running.run_lock import holder, require_writable
from prunescape.store.files import read_json
from prunescape.store.manifest import lost_files

FIGURES = rules.draw_figures.output.figures
# what else than running jobs snakemake may be asked for
OTHER_WORK = """
    archive cleanup_metadata cleanup_shadow conda_cleanup_envs conda_create_envs_only d3dag dag delete_all_output
    delete_temp_output detailed_summary filegraph generate_unit_tests lint list_changes list_conda_envs list_rules
    list_target_rules list_untracked print_compilation report rulegraph summary touch unlock
""".split()


def jobs_beside_cells():
    """The jobs of all rules but `train_cell` and those that plan rounds: the rule's name and the job's wildcards."""
    for dataset in STUDY.used_datasets():
        yield "prepare_data", {"dataset": dataset}
    for experiment in sorted(STUDY.experiments):
        yield "declare_experiment", {"experiment": experiment}
        yield from (("train_start", known) for known in rewound_trainings(experiment))
        for known in planned_steps(experiment):
            yield "cut_step", known
            yield "train_step", known
        for known in planned_variants(experiment):
            yield planning_rule(known), known
            yield "export_onnx", known
            if STUDY.measures_first:
                yield "export_architecture", known
        for target in sorted(STUDY.targets):
            yield "benchmark_target", {"experiment": experiment, "target": target}
        if STUDY.measures_int8:
            yield "explain_int8", {"experiment": experiment}
    cells = present_cells()
    yield from (("train_seed_start", known) for known in seed_starts(cells))
    yield from (("cut_seed", known) for known in seed_cuts(cells))
    if STUDY.measures_first:
        yield from (("measure_architecture", known) for known in measured_architectures())
    for experiment in SEARCHES:
        yield from (("measure_training", known) for known in measured_trainings(experiment))
    if OF_TRIALS:
        yield "choose_exports", {}
    yield from ((rule, {}) for rule in RESULT_RULES if rule != "seal_results")


def planning_rule(known):
    """The rule that plans a variant."""
    if starts_from_given(Wildcards(fromdict=known)):
        return "start_base"
    if not Variant.parse(known["variant"]).inherits:
        return "plan_variant"
    return "plan_widths" if has_own_plan(Wildcards(fromdict=known)) else "cut_variant"


def decided_by():
    """A digest of the params that decide each file beside the cells', by the first file of its job."""
    return {output_of(*job): params_digest(*job) for job in jobs_beside_cells()}


def output_of(rule, known):
    """The first output of a job."""
    return str(workflow.get_rule(rule).output[0].apply_wildcards(known))


def params_digest(rule, known):
    """A digest of the params of a job that make it run again when they change."""
    wildcards, decisive = Wildcards(fromdict=known), {}
    for name, value in workflow.get_rule(rule).params.items():
        if not callable(value):
            decisive[name] = value
        elif "input" not in value.__code__.co_varnames[: value.__code__.co_argcount]:  # see without_trigger
            decisive[name] = value(wildcards)
    return hashlib.sha256(repr(sorted(decisive.items())).encode()).hexdigest()


def stale_files():
    """What Snakemake knows nothing of, as in results that were copied without .snakemake, and another config made."""
    sealed = read_json(MANIFEST_FILE)["decided_by"] if os.path.exists(MANIFEST_FILE) else {}
    for rule, known in jobs_beside_cells():
        path = output_of(rule, known)
        if os.path.exists(path) and not is_known(path):
            before = sealed.get(os.path.relpath(path, RESULTS))
            declared = rule == "declare_experiment" and trains_again(**known)
            if declared or before not in (None, params_digest(rule, known)):
                yield path


def trains_again(experiment):
    """Whether an experiment's cells were trained from another declaration than now: by what it says, or a record."""
    shared, wildcards = Path(SHARED.format(experiment=experiment)), Wildcards(fromdict={"experiment": experiment})
    if shared.exists():
        declared = {"network": {}} | read_json(shared, "recipe", "code")
    elif record := next(shared.parent.rglob("record.json"), None):
        content = read_json(record, "recipe", "network", "provenance")
        network = {name: content["network"].get(name) for name in network_params(wildcards)}
        declared = {"recipe": content["recipe"], "code": content["provenance"]["code_digest"], "network": network}
    else:
        return False
    recipe = json.loads(json.dumps(recipe_params(wildcards)))
    if recipe.get("precision") == "auto":
        recipe["precision"] = declared["recipe"]["precision"]  # was settled by a probe, once
    now = {"recipe": recipe, "code": training_digest(wildcards), "network": network_params(wildcards)}
    return any(declared[name] != value for name, value in now.items())


def caches():
    """The files that later jobs only read, with the folders of what was made from each: level by level, in DAG order.

    An experiment that is trained again is left out: Snakemake runs what depends on its declaration only if that is made
    in the same run.
    """
    folders = {name: EXPERIMENT.format(experiment=name) for name in sorted(STUDY.experiments)}
    kept = [name for name in folders if not trains_again(name)]
    prepared = {
        f"{DATA}/{dataset}.{kind}": [folders[name] for name in folders if STUDY.experiments[name].dataset == dataset]
        for dataset in STUDY.used_datasets()
        for kind in ("npz", "json")
    }
    planned = [path for name in kept for path in variant_paths("widths.json", name) + inherited_paths(name)]
    rewound = {path: rewinding_folders(name) for name in kept for path in rewound_paths(name)}
    exports = {path: [folders[name]] for name in kept for path in present_exports(name)}
    yield prepared, "record.json"
    yield {SHARED.format(experiment=name): [folders[name]] for name in kept}, "record.json"
    yield rewound, "record.json"
    for path in [path for name in kept for path in step_paths(name)]:
        yield {path: [os.path.dirname(os.path.dirname(path))]}, "record.json"
    yield {path: [os.path.dirname(path)] for path in planned}, "record.json"
    yield from seed_caches(kept)
    yield exports, "target=*.json"


def seed_caches(experiments):
    """The same of what cells of single seeds inherit, seed by seed: a new seed has lost nothing."""
    cells = [cell for cell in present_cells() if cell.experiment in experiments]
    for seed in sorted({cell.seed for cell in cells}):
        own, product = [cell for cell in cells if cell.seed == seed], f"seed={seed}/record.json"
        starts = {REWOUND_OF_SEED.format(**known): rewinding_folders(known["experiment"]) for known in seed_starts(own)}
        yield starts, product
        cuts = [(known, name) for known in seed_cuts(own) for name in ("widths.json", START)]
        yield {f"{OF_SEED}/{name}".format(**known): [VARIANT.format(**known)] for known, name in cuts}, product


def unusable_caches(stale):
    """The caches of the first level with any that are stale, or lost while there is something that was made of them."""
    for level, product in caches():
        lost = [path for path, folders in level.items() if path in stale or is_lost(path, folders, product)]
        if lost:
            return lost
    return []


def is_lost(path, folders, product):
    """Whether a file, or a model that it answers for, is gone, but something that was made of it is in `folders`."""
    whole = os.path.exists(path) and not (path.endswith("export.json") and lost_files(Path(path)))
    return not whole and any(next(Path(folder).rglob(product), None) for folder in folders)


def restore(arguments):
    """Make lost and stale caches again, in runs of their own with the `arguments` of this one, and drop stale results.

    A dry run only names them: what it plans is the most that a run would do.
    """
    from snakemake.cli import get_argument_parser

    known = get_argument_parser().parse_known_args(arguments)[0]
    if any(getattr(known, work) for work in OTHER_WORK):
        return
    if not known.dryrun:
        for folder in (".snakemake", RESUMING):
            require_writable(folder)
        if holder(RESUMING) is None:
            unmark_finished(RESULTS)
    if set(known.targets) - {"all", "cells"}:
        return
    words = [word for word in arguments if word not in known.targets]
    while lost := unusable_caches(stale := set(stale_files())):
        print(f"note: deleted, or made of another config: {', '.join(lost)}", file=sys.stderr)
        if known.dryrun:
            print(
                "note: a run makes these first, and trains only what that changes: at most what follows",
                file=sys.stderr,
            )
            return
        make_alone([*words, "--force", "--", *lost], folder=workflow.rundir)
    for path in [*sorted(stale), *([FIGURES] if os.path.exists(FIGURES) and lost_files(Path(FIGURES)) else [])]:
        print(f"note: made again, since it is not whole or of another config: {path}", file=sys.stderr)
        if not known.dryrun:
            os.unlink(path)
    if trains_here():
        measure_first(words, known)
