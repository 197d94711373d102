"""Original files -> one prepared file per data set, and its identity."""


rule prepare_data:
    """Prepare one data set: uint8 images, labels, splits; its digest, mean and std."""
    output:
        data=f"{DATA}/{{dataset}}.npz",
        identity=f"{DATA}/{{dataset}}.json",
    log:
        f"{DATA}/{{dataset}}.log",
    conda:
        "../envs/data.yaml"
    resources:
        **cluster_resources("prepare_data"),
    params:
        content=data_params,
    script:
        "../workflow_scripts/prepare_data.py"
