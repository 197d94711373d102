"""Judge from fresh seeds whether each pruned variant needs tuning again. Needs cells.parquet of the study."""

from pathlib import Path

from prunescape.analysis.cells_table import read_cells
from prunescape.analysis.verdict.study_verdicts import judge_study
from prunescape.analysis.verdict.verdicts import VERDICT_COLUMNS
from prunescape.running.job_log import job_log
from prunescape.store.tables import write_result


def judge_variants(cells: Path | str, terms: dict[str, dict], *, parquet: Path | str, csv: Path | str) -> None:
    """Write the verdict on every pruned variant of whatever cells exist.

    `terms` holds for each experiment margin, alpha, alpha_screen and sigma. Raises InputError for an unusable table.
    """
    write_result(judge_study(read_cells(cells, partial=True), terms), VERDICT_COLUMNS, parquet=parquet, csv=csv)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        judge_variants(
            snakemake.input.cells,
            snakemake.params.terms,
            parquet=snakemake.output.verdicts,
            csv=snakemake.output.verdicts_csv,
        )
