"""Records -> one table of cells -> regions of interest, ellipses, risk. No job here needs torch."""


rule collect_study:
    """Gather every record and measurement into two tables."""
    input:
        records=lambda wildcards: cell_files("record.json", all_cells()),
        rounds=round_files,
        shared=shared_files(),
        widths=variant_files("widths.json"),
        benchmarks=target_files(),
    output:
        cells=f"{RESULTS}/cells.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
    log:
        f"{RESULTS}/logs/collect_study.log",
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_study"),
        experiments=declared_files(),
        seeds={name: sorted(experiment.seeds) for name, experiment in sorted(STUDY.experiments.items())},
    script:
        "../workflow_scripts/collect_study.py"


rule map_landscapes:
    """Find the region of interest of each landscape and fit its confidence ellipse."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        roi=f"{RESULTS}/roi.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        roi_csv=f"{RESULTS}/roi.csv",
        ellipses_csv=f"{RESULTS}/ellipses.csv",
    log:
        f"{RESULTS}/logs/map_landscapes.log",
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("map_landscapes"),
    script:
        "../workflow_scripts/map_landscapes.py"


rule estimate_risk:
    """Estimate what carrying the base's good settings over costs each variant."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        risk=f"{RESULTS}/risk.parquet",
        risk_csv=f"{RESULTS}/risk.csv",
    log:
        f"{RESULTS}/logs/estimate_risk.log",
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("estimate_risk"),
    script:
        "../workflow_scripts/estimate_risk.py"


rule judge_variants:
    """Judge from fresh seeds whether each pruned variant needs tuning again, with a known error rate."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        verdicts=f"{RESULTS}/verdicts.parquet",
        verdicts_csv=f"{RESULTS}/verdicts.csv",
    log:
        f"{RESULTS}/logs/judge_variants.log",
    conda:
        "../envs/analyse.yaml"
    params:
        terms={name: plan.verdict.model_dump() for name, plan in sorted(STUDY.experiments.items())},
        code=code_digest("judge_variants"),
    script:
        "../workflow_scripts/judge_variants.py"


rule compare_targets:
    """Compare the exported models on their targets, and recommend one for each objective."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
    output:
        tables=[f"{RESULTS}/{name}.parquet" for name in COMPARED],
        csv=[f"{RESULTS}/{name}.csv" for name in COMPARED],
    log:
        f"{RESULTS}/logs/compare_targets.log",
    conda:
        "../envs/analyse.yaml"
    params:
        objectives=STUDY.objectives.model_dump(mode="json"),
        code=code_digest("compare_targets"),
    script:
        "../workflow_scripts/compare_targets.py"
