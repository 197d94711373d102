"""Searches with budgets -> their tables, and the winner of each -> what is deployed on its target.

`snakemake tune` trains nothing else.
"""

from prunescape.analysis.results import TUNING, result_names


include: "rungs.smk"


rule tune:
    """Only what the searches need: the model to deploy on the target of each, and the rounds that lead to it."""
    input:
        deployment_files(),
        [rounds_of_search(name) for name in SEARCHES],
    localrule: True


rule measure_training:
    """Measure what training a variant takes per image, once for each batch size: no repeated training changes it."""
    input:
        shared=SHARED,
        identity=data_identity,
        widths=f"{VARIANT}/widths.json",
        data=ancient(data_file),
    output:
        measured=TRAINING_MEASURED,
    log:
        f"{UNTRAINED}/training={{batch_size}}.log",
    wildcard_constraints:
        batch_size="[0-9]+",
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: training_bench_threads
    resources:
        **cluster_resources("train_cell", gpu=1 if STUDY.device == "cuda" else 0),
    params:
        prior=lambda wildcards: experiment_of(wildcards).prior_setting.training.values,
        configurations=lambda wildcards: configurations_of(wildcards.experiment),
        code=training_bench_digest,
        folder=without_trigger(image_folder),
    script:
        "../workflow_scripts/measure_training.py"


rule analyse_searches:
    """Find every trial's place on its rungs, what the rungs cost, and what each search found."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        rounds=lambda wildcards: [path for name in SEARCHES for path in search_rounds(name)],
        widths=[path for name in SEARCHES for path in searched_widths(name)],
        measured=[path for name in SEARCHES for path in searched_costs(name)],
        trained=[path for name in SEARCHES for path in searched_speeds(name)],
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=result_names(TUNING)),
        csv=expand(f"{RESULTS}/{{name}}.csv", name=result_names(TUNING)),
    log:
        f"{RESULTS}/logs/analyse_searches.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        terms=STUDY.tuning_terms(),
        precisions=SEARCH_PRECISIONS,
        code=code_digest("analyse_searches"),
    script:
        "../workflow_scripts/analyse_searches.py"


rule write_deployment:
    """Write down the winner of a search as its target measured it, beside a copy of its ONNX file."""
    input:
        decisions=lambda wildcards: list(decisions_of(DEPLOYMENTS[wildcards.deployed])),
        exports=lambda wildcards: winner_exports(decisions_of(DEPLOYMENTS[wildcards.deployed])),
        benchmark=deployed_target,
        identity=lambda wildcards: f"{DATA}/{STUDY.experiments[DEPLOYMENTS[wildcards.deployed]].dataset}.json",
    output:
        deployment=DEPLOYED,
        model=f"{RESULTS}/deploy/{{deployed}}.onnx",
    log:
        f"{RESULTS}/logs/write_deployment-{{deployed}}.log",
    wildcard_constraints:
        deployed="|".join(map(re.escape, DEPLOYMENTS)) or "(?!)",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        strategy=lambda wildcards: SEARCHES[DEPLOYMENTS[wildcards.deployed]].tuning["strategy"],
        data=lambda wildcards: f"{DATA}/{STUDY.experiments[DEPLOYMENTS[wildcards.deployed]].dataset}.npz",
        code=code_digest("write_deployment"),
    script:
        "../workflow_scripts/write_deployment.py"
