"""Decide from the trials of one bracket of a search which ones its next round trains, and on which budget."""

from pathlib import Path

from prunescape.analysis.search.objectives import observe, read_costs
from prunescape.designs.brackets import next_rung
from prunescape.designs.plan import Plan
from prunescape.designs.search_rounds import read_search_round
from prunescape.running.job_log import job_log
from prunescape.store.files import write_json


def plan_rung(
    plan: Plan,
    *,
    bracket: int,
    number: int,
    records: list[Path],
    earlier: list[Path],
    out: Path,
    widths: list[Path] | None = None,
    measured: list[Path] | None = None,
    trained: list[Path] | None = None,
    precision: str = "fp32",
) -> None:
    """Write round `number` of a bracket of the search of `plan` to `out` (JSON, see designs/search_rounds.py).

    `earlier` are the rounds that it goes by, `records` those of all their trials. Where a search asks for costs,
    `widths` are the plans of its variants, `measured` what its target measured of them untrained, also in this
    `precision`, and `trained` what their training takes.
    Raises InputError that names a damaged input, or where no variant keeps the bound of the search.
    """
    planned = next_rung(
        plan,
        bracket=bracket,
        number=number,
        earlier=map(read_search_round, earlier),
        observed=dict(map(observe, records)),
        costs=read_costs(widths or [], measured or [], precision, trained or []),
    )
    write_json(out, planned.content())


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        plan_rung(
            Plan(**snakemake.params.plan),
            bracket=int(snakemake.wildcards.bracket),
            number=int(snakemake.wildcards.round),
            records=[Path(path) for path in snakemake.input.records],
            earlier=[Path(path) for path in snakemake.input.earlier],
            widths=[Path(path) for path in snakemake.input.widths],
            measured=[Path(path) for path in snakemake.input.measured],
            trained=[Path(path) for path in snakemake.input.trained],
            precision=snakemake.params.precision,
            out=Path(snakemake.output.plan),
        )
