"""Gather every record of a study into one table, and its trials into another."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def collect_study(
    records: list[str],
    *,
    rounds: list[str],
    declared: dict[str, dict],
    plans: dict[str, dict[str, Any]],
    data: list[str],
    out: str,
    trials: str,
) -> None:
    """Write `out` (Parquet), and which settings are `trials` of which arm; `data` are the prepared data sets.

    `declared` names each experiment's declaration `shared` and its `widths` by the path of the variant. Raises
    InputError that names a damaged input, or a record that was trained by something else than its experiment declares.
    """
    from prunescape.analysis.study_tables import check_records, write_cells, write_trials
    from prunescape.designs.plan import Plan
    from prunescape.designs.rounds import Places, read_round
    from prunescape.designs.trials import trial_rows

    known = {name: Plan(**plan) for name, plan in plans.items()}
    check_records(records, declared)
    write_cells(records, out, places=Places(known, [read_round(path) for path in rounds]), data=data)
    write_trials(trial_rows(known), trials)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.study_tables", "prunescape.designs.rounds")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        collect_study,
        log=snakemake.log[0],
        records=list(snakemake.input.records),
        rounds=list(snakemake.input.rounds),
        declared=snakemake.params.declared,
        plans=snakemake.params.plans,
        data=list(snakemake.input.data),
        out=snakemake.output.cells,
        trials=snakemake.output.trials,
    )
