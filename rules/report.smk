"""Result tables -> figures, tables as a paper prints them -> one page that opens without a network."""

from prunescape.analysis.results import ARMS, result_names
from prunescape.present.tables.arm_tables import PRINTED

# the parts of a study's summary on which the tables of a paper depend
TABLE_TERMS = ("analysis", "experiments", "reference", "trials")
# tables that only studies that compare arms have, and what these are made of
ARM_TABLES = PRINTED if STUDY.compares_arms else ()
ARM_RESULTS = ("trials", "benchmarks", *result_names(ARMS)) if STUDY.compares_arms else ()
# tables that only studies with a search have
SEARCH_TABLES = rules.analyse_searches.output if SEARCHES else []


rule draw_figures:
    """Draw landscapes, risk, looks and fronts: interactive HTML, SVG and PDF."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        roi=f"{RESULTS}/roi.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        pareto=f"{RESULTS}/pareto.parquet",
        inferred_roi=f"{RESULTS}/inferred_roi.parquet",
        inferred_ellipses=f"{RESULTS}/inferred_ellipses.parquet",
        verdicts=f"{RESULTS}/verdicts.parquet",
        looks=f"{RESULTS}/looks.parquet",
        efficiency=f"{RESULTS}/efficiency.parquet",
        curves=f"{RESULTS}/curves.parquet",
        trials=f"{RESULTS}/trials.parquet",
        trial_efficiency=f"{RESULTS}/trial_efficiency.parquet",
        fit=f"{RESULTS}/fit.parquet",
        importance=f"{RESULTS}/importance.parquet",
        effects=f"{RESULTS}/effects.parquet",
        interactions=f"{RESULTS}/interactions.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
        arm_scaled=f"{RESULTS}/arm_scaled.parquet",
        arm_changes=f"{RESULTS}/arm_changes.parquet",
        arm_pairs=f"{RESULTS}/arm_pairs.parquet",
        tuning_trials=[f"{RESULTS}/tuning_trials.parquet"] if SEARCHES else [],
        pipelines=[f"{RESULTS}/pipelines.parquet"] if STUDY.compares_pipelines else [],
    output:
        figures=f"{RESULTS}/figures/figures.json",  # stands for the drawings beside it, by their digests
    log:
        f"{RESULTS}/logs/draw_figures.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        study=STUDY.summary(),
        code=code_digest("draw_figures"),
    script:
        "../workflow_scripts/draw_figures.py"


rule write_tables:
    """Write the tables of a paper: Parquet, CSV, Markdown and LaTeX, with published values where there are any."""
    input:
        **{name: f"{RESULTS}/{name}.parquet" for name in ARM_RESULTS},
        cells=f"{RESULTS}/cells.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        risk=f"{RESULTS}/risk.parquet",
    output:
        expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=("confidence_ellipses", "performance_risk", "best_accuracies", *ARM_TABLES),
            kind=("parquet", "csv", "md", "tex"),
        ),
    log:
        f"{RESULTS}/logs/write_tables.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        study={name: part for name, part in STUDY.summary().items() if name in TABLE_TERMS},
        code=code_digest("write_tables"),
    script:
        "../workflow_scripts/write_tables.py"


rule write_report:
    """Write the page: findings per variant, tables, figures, how it was run."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
        landscapes=rules.analyse_cells.output,
        compared=rules.compare_targets.output,
        trials=f"{RESULTS}/trials.parquet",
        of_trials=rules.analyse_trials.output,
        searches=SEARCH_TABLES,
        architectures=rules.collect_architectures.output if STUDY.measures_first else [],
        int8=rules.collect_int8.output if STUDY.measures_int8 else [],
        figures=f"{RESULTS}/figures/figures.json",
    output:
        report=in_report(REPORT, "report", "All experiments", "Report", {"page": "the study's own report"}),
    log:
        f"{RESULTS}/logs/write_report.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        study=STUDY.summary(),
        code=code_digest("write_report"),
    script:
        "../workflow_scripts/write_report.py"


rule seal_results:
    """Write down the digests of tables and report, and of what decided every file but the cells'."""
    input:
        rules.collect_study.output,
        rules.collect_curves.output,
        rules.collect_benchmarks.output,
        rules.analyse_cells.output,
        rules.compare_targets.output,
        rules.collect_architectures.output if STUDY.measures_first else [],
        rules.collect_int8.output if STUDY.measures_int8 else [],
        rules.analyse_trials.output,
        SEARCH_TABLES,
        rules.write_tables.output,
        rules.write_report.output,
    output:
        manifest=file_in_report(MANIFEST_FILE),
    log:
        f"{RESULTS}/logs/seal_results.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        decided_by=lambda wildcards: decided_by(),
        code=code_digest("seal_results"),
    script:
        "../workflow_scripts/seal_results.py"


# the rules whose outputs are a study's results, in DAG order; whoever adds one names it here
RESULT_RULES = (
    "collect_study",
    "collect_curves",
    "collect_benchmarks",
    *(["collect_architectures"] if STUDY.measures_first else []),
    *(["collect_int8"] if STUDY.measures_int8 else []),
    "analyse_cells",
    "compare_targets",
    "analyse_trials",
    *(["analyse_searches"] if SEARCHES else []),
    "draw_figures",
    "write_tables",
    "write_report",
    "seal_results",
)
