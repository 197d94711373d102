"""Decide from the trials of one search so far which ones its next round trains, and on which budget."""

from pathlib import Path

from prunescape.analysis.search.objectives import observe, read_costs
from prunescape.designs.plan import Plan
from prunescape.designs.tuning import next_search_round, read_search_round
from prunescape.running.job_log import job_log
from prunescape.store.files import write_json


def plan_rung(
    plan: Plan,
    *,
    number: int,
    records: list[Path],
    earlier: list[Path],
    out: Path,
    widths: list[Path] | None = None,
    measured: list[Path] | None = None,
    trained: list[Path] | None = None,
    precision: str = "fp32",
) -> None:
    """Write round `number` of the search of `plan` to `out` (JSON, see designs/tuning.py).

    `records` are those of all its trials so far, `earlier` the rounds before. Where a search asks for costs, `widths`
    are the plans of its variants, `measured` what its target measured of them untrained, also in this `precision`, and
    `trained` what their training takes.
    Raises InputError that names a damaged input, or where no variant keeps the bound of the search.
    """
    rounds = [read_search_round(path) for path in earlier]
    observed = dict(map(observe, records))
    costs = read_costs(widths or [], measured or [], precision, trained or [])
    write_json(out, next_search_round(plan, number=number, earlier=rounds, observed=observed, costs=costs).content())


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        plan_rung(
            Plan(**snakemake.params.plan),
            number=int(snakemake.wildcards.round),
            records=[Path(path) for path in snakemake.input.records],
            earlier=[Path(path) for path in snakemake.input.earlier],
            widths=[Path(path) for path in snakemake.input.widths],
            measured=[Path(path) for path in snakemake.input.measured],
            trained=[Path(path) for path in snakemake.input.trained],
            precision=snakemake.params.precision,
            out=Path(snakemake.output.plan),
        )
