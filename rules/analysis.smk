"""Records -> one table of cells -> regions, ellipses, risk, what seeds tell, the band. No job here needs torch."""


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
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_study"),
        experiments=declared_files(),
        design={
            name: {"seeds": sorted(plan.seeds), "select_on": plan.select_on}
            for name, plan in sorted(STUDY.experiments.items())
        },
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
    localrule: True
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
    localrule: True
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
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        terms={name: plan.verdict.model_dump() for name, plan in sorted(STUDY.experiments.items())},
        code=code_digest("judge_variants"),
    script:
        "../workflow_scripts/judge_variants.py"


rule describe_seeds:
    """Describe what several seeds tell: membership, spread, shift of the optimum, similarity, descriptive tests."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        membership=f"{RESULTS}/membership.parquet",
        spread=f"{RESULTS}/spread.parquet",
        shift=f"{RESULTS}/shift.parquet",
        similarity=f"{RESULTS}/similarity.parquet",
        risk_tests=f"{RESULTS}/risk_tests.parquet",
        membership_csv=f"{RESULTS}/membership.csv",
        spread_csv=f"{RESULTS}/spread.csv",
        shift_csv=f"{RESULTS}/shift.csv",
        similarity_csv=f"{RESULTS}/similarity.csv",
        risk_tests_csv=f"{RESULTS}/risk_tests.csv",
    log:
        f"{RESULTS}/logs/describe_seeds.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("describe_seeds"),
    script:
        "../workflow_scripts/describe_seeds.py"


rule measure_band:
    """Measure the slope of each landscape's good band, and its ratio of rate x decay to batch size and momentum."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        band=f"{RESULTS}/band.parquet",
        band_csv=f"{RESULTS}/band.csv",
    log:
        f"{RESULTS}/logs/measure_band.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        recipes={
            name: [experiment.recipe.batch_size, experiment.recipe.momentum]
            for name, experiment in sorted(STUDY.experiments.items())
        },
        code=code_digest("measure_band"),
    script:
        "../workflow_scripts/measure_band.py"


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
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        objectives=STUDY.objectives.model_dump(mode="json"),
        code=code_digest("compare_targets"),
    script:
        "../workflow_scripts/compare_targets.py"
