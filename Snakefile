# Cells are trained, measured where they will run, analysed and reported; rules/ is in that order.
from snakemake.utils import min_version

min_version("9.27")


report: "rules/captions/workflow.rst"


include: "rules/config.smk"
include: "rules/common.smk"
include: "rules/params.smk"
include: "rules/cluster.smk"
include: "rules/data.smk"
include: "rules/pruning.smk"
include: "rules/training.smk"
include: "rules/rounds.smk"
include: "rules/bench.smk"
include: "rules/analysis.smk"
include: "rules/report.smk"
include: "rules/run.smk"


localrules:
    all,
    cells,


rule cells:
    """Only the trainings."""
    input:
        record_functions(),


rule all:
    """The whole study, to its report; what was deleted is made again."""
    default_target: True
    input:
        rules.cells.input,
        lambda wildcards: cell_files("weights.safetensors", all_cells()),
        round_files,
        shared_files() + [f"{DATA}/{name}.{kind}" for name in STUDY.used_datasets() for kind in ("npz", "json")],
        lambda wildcards: variant_files("widths.json") + inherited_files() + seed_files(all_cells()),
        export_files,
        architecture_files if STUDY.measures_first else [],
        target_files() + int8_files(),
        [getattr(rules, name).output for name in RESULT_RULES],
        items_for_report,


onstart:
    start_run()


onsuccess:
    show_end()


onerror:
    show_end(failed=True)
