"""Decide which trial of a search has won once all its brackets have ended, or which trainings it takes before."""

from pathlib import Path

from prunescape.analysis.search.objectives import observe, read_costs
from prunescape.designs.plan import Plan
from prunescape.designs.search_rounds import read_search_round
from prunescape.designs.winner import next_decision
from prunescape.running.job_log import job_log
from prunescape.store.files import write_json


def choose_winner(
    plan: Plan,
    *,
    records: list[Path],
    earlier: list[Path],
    out: Path,
    widths: list[Path],
    measured: list[Path],
    trained: list[Path],
    precision: str,
) -> None:
    """Write a decision on the search of `plan` to `out` (JSON, see designs/search_rounds.py).

    `earlier` are the rounds of all its brackets and the decision before, if any, `records` those of all their trials.
    Where a search asks for costs, `widths`, `measured` in this `precision` and `trained` are as in plan_rung.
    Raises InputError that names a damaged input.
    """
    decided = next_decision(
        plan,
        earlier=map(read_search_round, earlier),
        observed=dict(map(observe, records)),
        costs=read_costs(widths, measured, precision, trained),
    )
    write_json(out, decided.content())


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        choose_winner(
            Plan(**snakemake.params.plan),
            records=[Path(path) for path in snakemake.input.records],
            earlier=[Path(path) for path in snakemake.input.earlier],
            widths=[Path(path) for path in snakemake.input.widths],
            measured=[Path(path) for path in snakemake.input.measured],
            trained=[Path(path) for path in snakemake.input.trained],
            precision=snakemake.params.precision,
            out=Path(snakemake.output.decision),
        )
