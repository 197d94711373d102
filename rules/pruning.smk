"""The widths of each variant -> widths.json, and the weights that it starts from, if any -> start.safetensors.

Nonuniform variants, and those that inherit weights, rank the filters of the base trained at the prior. Some inherit the
weights that it had at an earlier epoch. With several steps of pruning the next ranks what the one before trained. Where
each seed inherits from its own base, its filters are chosen within the variant's widths.
"""


rule plan_variant:
    """Choose the channels each layer keeps, so that the network keeps the asked share of its FLOPs."""
    input:
        identity=data_identity,
        weights=ranking_weights,
        before=of_step_before("widths.json"),  # small, compared by content
        earlier=rewound_weights,
        shared=ranking_source,
        data=ranking_data,
    output:
        widths=of_variant_in_report(f"{VARIANT}/widths.json", "widths"),
    log:
        f"{VARIANT}/plan.log",
    wildcard_constraints:
        variant=INITIALISED_PATTERN,
    priority: 1  # before trainings: what cannot be planned should fail first
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("plan_variant"),
    params:
        plan=plan_params,
        code=plan_digest,
        folder=without_trigger(image_folder),  # the identity speaks for the images
        given=without_trigger(given_weights),  # the plan identifies them
    script:
        "../workflow_scripts/plan_variant.py"


use rule plan_variant as cut_variant with:
    output:
        widths=f"{VARIANT}/widths.json",
        start=f"{VARIANT}/{START}",
    wildcard_constraints:
        experiment=experiments_where(has_one_base),
        variant=INHERITING_PATTERN,


use rule plan_variant as plan_widths with:
    wildcard_constraints:
        experiment=experiments_where(has_bases_per_seed),
        variant=INHERITING_PATTERN,


rule cut_seed:
    """Choose which channels the cells of one seed keep of the base of that seed: as many as the variant's plan says."""
    input:
        identity=data_identity,
        planned=f"{VARIANT}/widths.json",  # small, compared by content
        weights=ranking_weights,
        earlier=rewound_weights,
        shared=ranking_source,
        data=ranking_data,
    output:
        widths=f"{OF_SEED}/widths.json",
        start=f"{OF_SEED}/{START}",
    log:
        f"{OF_SEED}/plan.log",
    wildcard_constraints:
        experiment=experiments_where(has_bases_per_seed),
        variant=INHERITING_PATTERN,
    priority: 1
    conda:
        "../envs/train.yaml"
    resources:
        **cluster_resources("plan_variant"),
    params:
        plan=seed_cut_params,
        code=digest_with_architecture("cut_seed"),
        folder=without_trigger(image_folder),
    script:
        "../workflow_scripts/cut_seed.py"


use rule plan_variant as cut_step with:
    output:
        widths=f"{STEP}/widths.json",
        start=f"{STEP}/{START}",
    log:
        f"{STEP}/plan.log",
    wildcard_constraints:
        variant=INHERITING_PATTERN,


use rule plan_variant as start_base with:
    output:
        widths=f"{VARIANT}/widths.json",
        start=f"{VARIANT}/{START}",
    wildcard_constraints:
        experiment=experiments_where(starts_from_weights),
        variant=BASE.name,


ruleorder: start_base > plan_variant
