"""What all cells of an experiment share -> recipe.json; one job per cell -> its record and weights."""

from dataclasses import asdict


def recipe_params(wildcards):
    """The recipe with every default spelled out, keys sorted: parameters compare by their text."""
    return dict(sorted(asdict(experiment_of(wildcards).recipe).items()))


rule declare_recipe:
    """Write down the recipe and the training code's digest, for every cell and every plan that ranks trained filters.

    They are an input, not params of the cells: Snakemake skips the params of jobs behind one that runs anyway, as
    nonuniform cells are behind the base's training, although only an ancient() file ties them.
    """
    output:
        recipe=RECIPE,
    log:
        f"{EXPERIMENT}/recipe.log",
    conda:
        "../envs/train.yaml"
    params:
        recipe=recipe_params,
        code=digest_with_architecture("train_cell"),
    script:
        "../workflow_scripts/declare_recipe.py"


rule train_cell:
    """Train one cell from scratch. A diverged training is a result, not an error."""
    input:
        recipe=RECIPE,  # small, compared by content
        identity=data_identity,  # small, compared by content
        widths=f"{VARIANT}/widths.json",  # small, compared by content
        data=ancient(data_file),  # large: identity speaks for it
    output:
        record=f"{CELL}/record.json",
        weights=f"{CELL}/weights.safetensors",
    log:
        f"{CELL}/train.log",
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1 if STUDY.device == "cuda" else 0,
    script:
        "../workflow_scripts/train_cell.py"
