"""Plan the widths and the pipeline of one variant of a model."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import run_job


def plan_variant(
    plan: dict[str, Any],
    *,
    identity: str,
    weights: str | None,
    out: str,
    before: str | None = None,
    earlier: str | None = None,
    start: str | None = None,
    data: str | None = None,
    folder: str | None = None,
    given: str | None = None,
) -> None:
    """As `write_widths`; torch takes seconds to import, which the warm process of a run does once."""
    from prunescape.pruning.variant_plan import write_widths

    files = {"weights": weights, "before": before, "earlier": earlier, "start": start, "data": data, "folder": folder}
    write_widths(plan, identity=identity, out=out, **files, given=given)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other variants need too, in the process that will fork them."""
    from prunescape.training.gpu import import_for_children

    import_for_children("prunescape.pruning.variant_plan", "torch._dynamo")  # torch imports that to count FLOPs


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        plan_variant,
        log=snakemake.log[0],
        plan=snakemake.params.plan,
        identity=snakemake.input.identity,
        weights=snakemake.input.get("weights") or None,
        before=snakemake.input.get("before") or None,
        earlier=snakemake.input.get("earlier") or None,
        out=snakemake.output.widths,
        start=snakemake.output.get("start") or None,
        data=snakemake.input.get("data") or None,
        folder=snakemake.params.folder,
        given=snakemake.params.given,
    )
