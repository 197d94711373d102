"""The best cells of each variant -> ONNX; ONNX on each target -> one file of measurements."""


rule export_onnx:
    """Export the best cells of one variant and check each against torch on real images."""
    input:
        widths=f"{VARIANT}/widths.json",
        records=lambda wildcards: cell_files("record.json", grid_cells_of(wildcards)),
        weights=lambda wildcards: ancient(cell_files("weights.safetensors", grid_cells_of(wildcards))),
        identity=data_identity,
        data=ancient(data_file),
    output:
        exported=directory(f"{VARIANT}/onnx"),
    log:
        f"{VARIANT}/export.log",
    conda:
        "../envs/train.yaml"
    params:
        export=export_params,
        code=digest_with_architecture("export_onnx"),
        folder=image_folder,
    script:
        "../workflow_scripts/export_onnx.py"


rule benchmark_target:
    """Measure an experiment's exported models on one target, alone on this host."""
    input:
        exports=exported_variants,
        identity=data_identity,
        data=ancient(data_file),
    output:
        benchmark=f"{EXPERIMENT}/target={{target}}.json",
    log:
        f"{EXPERIMENT}/target={{target}}.log",
    conda:
        "../envs/bench.yaml"
    threads: workflow.cores  # all of them: no other job of the run shares the host
    params:
        target=target_params,
        code=code_digest("benchmark_target", "prunescape.bench.agent"),
    script:
        "../workflow_scripts/benchmark_target.py"
