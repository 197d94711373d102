"""The best cells of each variant -> ONNX; ONNX on each target -> one file of measurements."""


include: "architectures.smk"


rule export_onnx:
    """Export the best cells of one variant, or the chosen ones, and check each against torch on real images."""
    input:
        widths=f"{VARIANT}/widths.json",
        records=lambda wildcards: exportable_files("record.json", wildcards),
        weights=lambda wildcards: ancient(exportable_files("weights.safetensors", wildcards)),
        identity=data_identity,
        data=ancient(data_file),
    output:
        # speaks for the models beside it, by their digests
        exported=of_variant_in_report(f"{VARIANT}/onnx/export.json", "export"),
    log:
        f"{VARIANT}/export.log",
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("export_onnx"),
    params:
        export=export_params,
        code=export_digest,
        folder=without_trigger(image_folder),
    script:
        "../workflow_scripts/export_onnx.py"


rule benchmark_target:
    """Measure an experiment's exported models on the host of this job, alone on it."""
    input:
        exports=lambda wildcards: export_paths(wildcards.experiment),
        identity=data_identity,
        data=ancient(data_file),
    output:
        benchmark=f"{EXPERIMENT}/target={{target}}.json",
    log:
        f"{EXPERIMENT}/target={{target}}.log",
    wildcard_constraints:
        target=targets_pattern(remote=False),
    conda:
        "../envs/bench.yaml"
    threads: bench_threads
    resources:
        **measuring_resources(),
    params:
        target=target_params,
        code=bench_digest,
        reached_by=without_trigger(reached_by),
    script:
        "../workflow_scripts/benchmark_target.py"


# The host that runs Snakemake drives these: it has the user's keys, and the target does the work.
use rule benchmark_target as benchmark_remote_target with:
    wildcard_constraints:
        target=targets_pattern(remote=True),
    localrule: True
    threads: 1
    resources:
        slurm_extra=None,


include: "int8.smk"
include: "tuning.smk"
