"""Gather every record of a study into one table, and its trials into another."""

from pathlib import Path

from prunescape.analysis.study_tables import check_records, write_cells, write_trials
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, read_round
from prunescape.designs.trials import trial_rows
from prunescape.running.job_log import job_log


def collect_study(
    records: list[Path],
    rounds: list[Path],
    *,
    declared: dict[str, dict],
    plans: dict[str, Plan],
    data: list[Path],
    out: Path,
    trials: Path,
) -> None:
    """Write `out` (Parquet), and which settings are `trials` of which arm; `data` are the prepared data sets.

    `declared` names each experiment's declaration `shared` and its `widths` by the path of the variant. Raises
    InputError that names a damaged input, or a record that was trained by something else than its experiment declares.
    """
    check_records(records, declared)
    write_cells(records, out, places=Places(plans, [read_round(path) for path in rounds]), data=data)
    write_trials(trial_rows(plans), trials)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        collect_study(
            [Path(path) for path in snakemake.input.records],
            [Path(path) for path in snakemake.input.rounds],
            declared=snakemake.params.declared,
            plans={name: Plan(**plan) for name, plan in snakemake.params.plans.items()},
            data=[Path(path) for path in snakemake.input.data],
            out=Path(snakemake.output.cells),
            trials=Path(snakemake.output.trials),
        )
