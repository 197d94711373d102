"""The widths of each variant -> widths.json; nonuniform ones rank the filters of the base trained at the prior."""


def ranks_trained_filters(wildcards):
    """Whether a variant's plan needs the base's trained weights."""
    trained = experiment_of(wildcards).pruning.ranking == "trained"
    return trained and Variant.parse(wildcards.variant).method == "nonuniform"


def ranking_weights(wildcards):
    """The trained base, where the plan ranks its filters; its recipe and data speak for it."""
    if not ranks_trained_filters(wildcards):
        return []
    return ancient(cell_file(STUDY.ranking_cell(wildcards.experiment), "weights.safetensors"))


def ranking_recipe(wildcards):
    """What the ranking weights are trained by: a new recipe or training code plans again, a deleted record does not."""
    return RECIPE if ranks_trained_filters(wildcards) else []


def plan_digest(wildcards):
    """The digest of the planning code; the base keeps all its widths, so only its architecture and the counts matter."""
    base = Variant.parse(wildcards.variant) == BASE
    return digest_with_architecture("prunescape.nets.counting" if base else "plan_variant")(wildcards)


def plan_params(wildcards):
    """What to cut, and how filters are ranked."""
    experiment, variant = experiment_of(wildcards), Variant.parse(wildcards.variant)
    return {
        "architecture": experiment.architecture,
        "method": variant.method,
        "min_keep": experiment.pruning.min_keep,
        "model": experiment.model,
        "ranking": experiment.pruning.ranking,
        "ratio": variant.ratio,
        "score": experiment.pruning.score,
    }


rule plan_variant:
    """Choose the channels each layer keeps, so that the network keeps the asked share of its FLOPs."""
    input:
        identity=data_identity,
        weights=ranking_weights,
        recipe=ranking_recipe,
    output:
        widths=f"{VARIANT}/widths.json",
    log:
        f"{VARIANT}/plan.log",
    conda:
        "../envs/train.yaml"
    params:
        plan=plan_params,
        code=plan_digest,
    script:
        "../workflow_scripts/plan_variant.py"
