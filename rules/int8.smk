"""Exported int8 models -> what each loses, and of those that lose more than a point why, and what mends it."""

from prunescape.analysis.results import INT8, result_names


rule explain_int8:
    """Score an experiment's int8 models beside their float ones, and try other ways where one loses too much."""
    input:
        exports=lambda wildcards: export_paths(wildcards.experiment),
        identity=data_identity,
        data=ancient(data_file),
    output:
        explained=INT8_EXPLAINED,
    log:
        f"{EXPERIMENT}/int8.log",
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("export_onnx"),
    params:
        scaling=scaling_params,
        code=explain_digest,
        folder=without_trigger(image_folder),
    script:
        "../workflow_scripts/explain_int8.py"


rule collect_int8:
    """Gather what int8 costs each model, and the layers of those that lose too much, into tables."""
    input:
        explained=int8_files(),
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=result_names(INT8)),
        csv=[file_in_report(f"{RESULTS}/{name}.csv") for name in result_names(INT8)],
    log:
        f"{RESULTS}/logs/collect_int8.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_int8"),
    script:
        "../workflow_scripts/collect_int8.py"
