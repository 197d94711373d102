"""Widths -> untrained models -> what inference with each costs on each target, before and beside the trainings."""

from prunescape.analysis.results import ARCHITECTURE, result_names


include: "untrained.smk"


rule export_architecture:
    """Export one variant with untrained weights: it needs widths, and of the data what calibrates int8."""
    input:
        widths=f"{VARIANT}/widths.json",
        identity=data_identity,
        data=ancient(data_file),
    output:
        exported=UNTRAINED_MODELS,  # speaks for the models beside it, by their digests
    log:
        f"{UNTRAINED}/export.log",
    priority: 1  # before trainings
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("export_onnx"),
    params:
        precisions=STUDY.precisions(),
        code=untrained_export_digest,
        folder=without_trigger(image_folder),
    script:
        "../workflow_scripts/export_architecture.py"


rule measure_architecture:
    """Measure one untrained variant on the host of this job, alone on it; what was measured before is taken as it is."""
    input:
        exported=UNTRAINED_MODELS,
        identity=data_identity,
        data=ancient(data_file),
    output:
        measured=UNTRAINED_MEASURED,
    log:
        f"{UNTRAINED}/measured={{target}}.log",
    wildcard_constraints:
        target=targets_pattern(remote=False),
    priority: 1
    conda:
        "../envs/bench.yaml"
    threads: bench_threads
    resources:
        **measuring_resources(),
    params:
        target=untrained_target_params,
        architecture=architecture_params,
        code=architecture_digest,
        reached_by=without_trigger(reached_by),
        kept=without_trigger(lambda wildcards: MEASURED_BEFORE),
    script:
        "../workflow_scripts/measure_architecture.py"


use rule measure_architecture as measure_remote_architecture with:
    wildcard_constraints:
        target=targets_pattern(remote=True),
    localrule: True
    threads: 1
    resources:
        slurm_extra=None,


rule collect_architectures:
    """Gather what was measured of untrained variants: how to run each, and which of them a target rules out."""
    input:
        measured=architecture_files,
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=result_names(ARCHITECTURE)),
        csv=expand(f"{RESULTS}/{{name}}.csv", name=result_names(ARCHITECTURE)),
    log:
        f"{RESULTS}/logs/collect_architectures.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        objectives=STUDY.objectives.model_dump(mode="json"),
        code=code_digest("collect_architectures"),
    script:
        "../workflow_scripts/collect_architectures.py"


rule architectures:
    """Only these measurements and their tables: what each target rules out before a cell is trained."""
    input:
        rules.collect_architectures.output,
    localrule: True


if workflow.is_main_process and "architectures" in sys.argv[1:] and not STUDY.targets:
    sys.exit(f"error: {SOURCE}: targets: there is none to measure on; hint: add one (docs/targets.md)")
