"""The widths of each variant -> widths.json; nonuniform ones rank the filters of the base trained at the prior."""


def ranks_trained_filters(wildcards):
    """Whether a variant's plan needs the base's trained weights."""
    trained = experiment_of(wildcards).pruning.ranking == "trained"
    return trained and Variant.parse(wildcards.variant).method == "nonuniform"


def ranking_weights(wildcards):
    """The trained base, where the plan ranks its filters; what it shares with all cells speaks for it."""
    if not ranks_trained_filters(wildcards):
        return []
    return ancient(cell_file(STUDY.ranking_cell(wildcards.experiment), "weights.safetensors"))


def ranking_source(wildcards):
    """What decides the ranking weights: new recipe, code or data plan again, a deleted record does not."""
    return SHARED if ranks_trained_filters(wildcards) else []


def plan_digest(wildcards):
    """The digest of the planning code; the base keeps all its widths, so only its architecture and the counts matter."""
    base = Variant.parse(wildcards.variant) == BASE
    return digest_with_architecture("prunescape.nets.counting" if base else "plan_variant")(wildcards)


def plan_params(wildcards):
    """What to cut, and how: only what decides this variant, so that a new score leaves the base and uniform alone."""
    experiment, variant = experiment_of(wildcards), Variant.parse(wildcards.variant)
    plan = {"architecture": experiment.architecture, "method": variant.method, "model": experiment.model}
    if variant != BASE:
        plan |= {"min_keep": experiment.pruning.min_keep, "ratio": variant.ratio}
    if variant.method == "nonuniform":
        plan |= {"ranking": experiment.pruning.ranking, "score": experiment.pruning.score}
    return dict(sorted(plan.items()))


rule plan_variant:
    """Choose the channels each layer keeps, so that the network keeps the asked share of its FLOPs."""
    input:
        identity=data_identity,
        weights=ranking_weights,
        shared=ranking_source,
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
