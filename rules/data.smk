"""Original files -> one prepared file per data set, and its identity."""

from prunescape.data.names import source_digest


def data_params(wildcards):
    """What decides the prepared data: the options and the original files' content, not the folder they lie in."""
    options = STUDY.dataset_options(wildcards.dataset)
    content = {name: value for name, value in options.items() if name != "folder"}
    return content | {"sources": source_digest(options)}


rule prepare_data:
    """Prepare one data set: uint8 images, labels, splits; its digest, mean and std."""
    output:
        data=f"{DATA}/{{dataset}}.npz",
        identity=f"{DATA}/{{dataset}}.json",
    log:
        f"{DATA}/{{dataset}}.log",
    conda:
        "../envs/data.yaml"
    params:
        content=data_params,
    script:
        "../workflow_scripts/prepare_data.py"
