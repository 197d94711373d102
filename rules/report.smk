"""Tables -> figures, tables as a paper prints them -> one page that opens without a network."""


rule draw_figures:
    """Draw landscapes, risk and fronts: interactive HTML, SVG and PDF."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        roi=f"{RESULTS}/roi.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        risk=f"{RESULTS}/risk.parquet",
        pareto=f"{RESULTS}/pareto.parquet",
    output:
        figures=f"{RESULTS}/figures/figures.json",  # speaks for the drawings beside it, by their digests
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
        cells=f"{RESULTS}/cells.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        risk=f"{RESULTS}/risk.parquet",
    output:
        expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=("confidence_ellipses", "performance_risk", "best_accuracies"),
            kind=("parquet", "csv", "md", "tex"),
        ),
    log:
        f"{RESULTS}/logs/write_tables.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        priors=STUDY.priors(),
        reference=STUDY.reference,
        code=code_digest("write_tables"),
    script:
        "../workflow_scripts/write_tables.py"


rule write_report:
    """Write the page: the question, the answer per variant, tables, figures, how it was run."""
    input:
        cells=f"{RESULTS}/cells.parquet",
        ellipses=f"{RESULTS}/ellipses.parquet",
        risk=f"{RESULTS}/risk.parquet",
        verdicts=f"{RESULTS}/verdicts.parquet",
        band=f"{RESULTS}/band.parquet",
        spread=f"{RESULTS}/spread.parquet",
        shift=f"{RESULTS}/shift.parquet",
        similarity=f"{RESULTS}/similarity.parquet",
        risk_tests=f"{RESULTS}/risk_tests.parquet",
        benchmarks=f"{RESULTS}/benchmarks.parquet",
        compared=rules.compare_targets.output.tables,
        figures=f"{RESULTS}/figures/figures.json",
    output:
        report=REPORT,
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


# the rules whose outputs are a study's results, in DAG order; whoever adds one names it here
RESULT_RULES = (
    "collect_study",
    "map_landscapes",
    "estimate_risk",
    "judge_variants",
    "describe_seeds",
    "measure_band",
    "compare_targets",
    "draw_figures",
    "write_tables",
    "write_report",
)
