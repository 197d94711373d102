"""Plan the widths of one variant of a model."""

from importlib import import_module
from typing import Any

from prunescape.jobs.warm import run_job


def plan_variant(**arguments: Any) -> None:
    """As in variant_plan.py; torch takes seconds to import, which the warm process of a run does once."""
    from prunescape.nets import variant_plan

    variant_plan.plan_variant(**arguments)


def preload(**arguments: Any) -> None:
    """Load what other variants need too, in the process that will fork them."""
    for module in ("prunescape.nets.variant_plan", "torch._dynamo"):  # torch imports that where FLOPs are counted
        import_module(module)


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        plan_variant,
        log=snakemake.log[0],
        plan=snakemake.params.plan,
        identity=snakemake.input.identity,
        weights=snakemake.input.get("weights") or None,
        out=snakemake.output.widths,
    )
