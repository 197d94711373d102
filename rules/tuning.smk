"""Searches with budgets -> their tables, and the winner of each -> what is deployed on its target."""

from prunescape.analysis.results import TUNING, result_names


include: "rungs.smk"


rule tune:
    """Only what the searches need: the model to deploy on the target of each."""
    input:
        deployment_files(),
    localrule: True


rule analyse_searches:
    """Find every trial's place on its rungs, what the rungs cost, and what each search found."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        rounds=lambda wildcards: [path for name in SEARCHES for path in rung_files(name, rungs_before(name))],
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
        rounds=lambda wildcards: rung_files(
            DEPLOYMENTS[wildcards.deployed], rungs_before(DEPLOYMENTS[wildcards.deployed])
        ),
        exports=lambda wildcards: winner_exports(rungs_before(DEPLOYMENTS[wildcards.deployed])),
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
