"""Records -> one table of cells -> the tables of results. No job here needs torch."""

from prunescape.analysis.results import LANDSCAPE, PIPELINES, TARGET, TRIALS, result_names

# the tables that come from cells alone; those about pipelines only where a study compares some
CELL_TABLES = result_names(LANDSCAPE) + (result_names(PIPELINES) if STUDY.compares_pipelines else [])


rule collect_study:
    """Gather every record into one table, and the trials of each arm into another; it waits for no target."""
    input:
        records=lambda wildcards: cell_files("record.json", all_cells()),
        rounds=round_files,
        shared=shared_files(),
        widths=lambda wildcards: variant_files("widths.json") + seed_plans(all_cells()),
        data=ancient(data_files()),
    output:
        cells=file_in_report(f"{RESULTS}/cells.parquet"),
        trials=file_in_report(f"{RESULTS}/trials.parquet"),
    log:
        f"{RESULTS}/logs/collect_study.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_study", *task_modules("prepared", STUDY.experiments.values())),
        declared=lambda wildcards: declared_files(),
        plans=ALL_PLAN_PARAMS,
    script:
        "../workflow_scripts/collect_study.py"


rule collect_curves:
    """Gather the epochs of every training into one table."""
    input:
        records=lambda wildcards: cell_files("record.json", all_cells()),
        cells=f"{RESULTS}/cells.parquet",  # checks the records
    output:
        curves=file_in_report(f"{RESULTS}/curves.parquet"),
    log:
        f"{RESULTS}/logs/collect_curves.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_curves"),
    script:
        "../workflow_scripts/collect_curves.py"


rule collect_benchmarks:
    """Gather every measurement into one table."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        benchmarks=target_files(),
    output:
        benchmarks=file_in_report(f"{RESULTS}/benchmarks.parquet"),
    log:
        f"{RESULTS}/logs/collect_benchmarks.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code_digest("collect_benchmarks"),
    script:
        "../workflow_scripts/collect_benchmarks.py"


rule analyse_cells:
    """Find regions of interest, ellipses, risk, verdicts, and what several seeds tell."""
    input:
        cells=f"{RESULTS}/cells.parquet",
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=CELL_TABLES),
        csv=[file_in_report(f"{RESULTS}/{name}.csv") for name in CELL_TABLES],
    log:
        f"{RESULTS}/logs/analyse_cells.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        terms=STUDY.analysis_terms(),
        code=code_digest("analyse_cells"),
    script:
        "../workflow_scripts/analyse_cells.py"


rule compare_targets:
    """Compare the exported models on their targets, and recommend one for each objective."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
        architectures=[f"{RESULTS}/architectures.parquet"] if STUDY.measures_first else [],
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=result_names(TARGET)),
        csv=[file_in_report(f"{RESULTS}/{name}.csv") for name in result_names(TARGET)],
    log:
        f"{RESULTS}/logs/compare_targets.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        objectives=STUDY.objectives.model_dump(mode="json"),
        risk_threshold=STUDY.analysis.risk_threshold,
        code=code_digest("compare_targets"),
    script:
        "../workflow_scripts/compare_targets.py"


rule analyse_trials:
    """Find the best settings of each arm and variant of designs with a space, and what fresh seeds confirm."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        trials=f"{RESULTS}/trials.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
    output:
        tables=expand(f"{RESULTS}/{{name}}.parquet", name=result_names(TRIALS)),
        csv=[file_in_report(f"{RESULTS}/{name}.csv") for name in result_names(TRIALS)],
    log:
        f"{RESULTS}/logs/analyse_trials.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        terms=STUDY.trial_terms(),
        code=code_digest("analyse_trials"),
    script:
        "../workflow_scripts/analyse_trials.py"
