"""What all cells of an experiment share -> shared.json; one job per cell -> its record and weights."""


rule declare_experiment:
    """Write down recipe, data and training code: small, for every cell and every plan that ranks trained filters.

    An input, not params of the cells: while the base's training runs again, Snakemake does not look at the params and
    inputs of jobs behind it, and nonuniform cells are behind it, although only an ancient() file ties them.
    """
    input:
        identity=data_identity,
    output:
        shared=SHARED,
    log:
        f"{EXPERIMENT}/shared.log",
    localrule: not PROBED  # a probe has to run where the trainings will
    conda:
        "../envs/train.yaml"
    threads: settling_threads
    resources:
        **(cluster_resources("declare_experiment", gpu=1 if STUDY.device == "cuda" else 0) if PROBED else {}),
    params:
        recipe=recipe_params,
        network=network_params,
        code=training_digest,
        batch_sizes=without_trigger(batch_sizes),  # a check that decides nothing
        parts=without_trigger(parts_params),  # another
        probe=without_trigger(probe_params),  # what was settled stays
        settle=without_trigger(settle_params),
    script:
        "../workflow_scripts/declare_experiment.py"


rule train_start:
    """Train the base at the prior as far as an epoch to which a pipeline rewinds; the whole training passes there."""
    input:
        shared=SHARED,  # small, compared by content
        identity=data_identity,  # small, compared by content
        widths=f"{NETWORK}/variant={BASE.name}/widths.json",  # small, compared by content
        data=ancient(data_file),  # large: identity speaks for it
    output:
        weights=REWOUND,
    log:
        REWOUND.replace(".safetensors", ".log"),
    priority: 1  # plans wait for it
    conda:
        "../envs/train.yaml"
    threads: cell_threads
    resources:
        **cluster_resources("train_cell", gpu=1 if STUDY.device == "cuda" else 0),
    params:
        cell=ranking_content,
        epochs=lambda wildcards: int(wildcards.epoch),
        code=code_digest("train_start"),
        folder=without_trigger(image_folder),  # the identity speaks for the images
        checkpoint=without_trigger(checkpoint_of(REWOUND)),
    script:
        "../workflow_scripts/train_start.py"


use rule train_start as train_seed_start with:
    output:
        weights=REWOUND_OF_SEED,
    log:
        REWOUND_OF_SEED.replace(".safetensors", ".log"),
    params:
        cell=ranking_content,
        epochs=lambda wildcards: int(wildcards.epoch),
        code=code_digest("train_start"),
        folder=without_trigger(image_folder),
        checkpoint=without_trigger(checkpoint_of(REWOUND_OF_SEED)),


use rule train_start as train_step with:
    input:
        shared=SHARED,
        identity=data_identity,
        widths=f"{STEP}/widths.json",
        data=ancient(data_file),
        start=ancient(f"{STEP}/{START}"),  # the widths' file speaks for it
    output:
        weights=f"{STEP}/{TRAINED}",
    log:
        f"{STEP}/train.log",
    params:
        cell=step_content,
        epochs=lambda wildcards: experiment_of(wildcards).retraining.epochs,
        code=code_digest("train_start"),
        folder=without_trigger(image_folder),
        checkpoint=without_trigger(checkpoint_of(f"{STEP}/{TRAINED}")),


rule train_cell:
    """Train one cell as its variant's pipeline says. A diverged training is a result, not an error."""
    input:
        shared=SHARED,  # small, compared by content
        identity=data_identity,  # small, compared by content
        widths=of_plan("widths.json"),  # small, compared by content
        data=ancient(data_file),  # large: identity speaks for it
        start=inherited_weights,  # the widths' file speaks for it
    output:
        record=f"{CELL}/record.json",
        weights=f"{CELL}/weights.safetensors",
    log:
        f"{CELL}/train.log",
    localrule: bool(cells_here())  # on the node, jobs of one submission need no Snakemake of their own
    conda:
        "../envs/train.yaml"
    threads: cell_threads
    resources:
        **training_resources(),
    params:
        cell=cell_content,  # what the path says, and what it only names
        levels=cell_level_digests,
        folder=without_trigger(image_folder),  # the identity speaks for the images
        system=without_trigger(system_params),
        checkpoint=without_trigger(checkpoint_file),
        cells_per_gpu=without_trigger(lambda wildcards: STUDY.cells_per_gpu),
    script:
        "../workflow_scripts/train_cell.py"
