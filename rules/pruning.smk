"""The widths of each variant -> widths.json; nonuniform ones rank the filters of the base trained at the prior."""


rule plan_variant:
    """Choose the channels each layer keeps, so that the network keeps the asked share of its FLOPs."""
    input:
        identity=data_identity,
        weights=ranking_weights,
        shared=ranking_source,
        data=ranking_data,
    output:
        widths=of_variant_in_report(f"{VARIANT}/widths.json", "widths"),
    log:
        f"{VARIANT}/plan.log",
    priority: 1  # before trainings: what cannot be planned should fail first
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("plan_variant"),
    params:
        plan=plan_params,
        code=plan_digest,
        folder=without_trigger(image_folder),  # the identity speaks for the images
    script:
        "../workflow_scripts/plan_variant.py"
