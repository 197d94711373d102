"""Cut what the cells of one seed inherit out of that seed's own base."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import run_job


def cut_seed(plan: dict[str, Any], files: dict[str, str | None]) -> None:
    """As `write_seed_cut` with these `files`; torch takes seconds to import, which the warm process does once."""
    from prunescape.pruning.seed_cuts import write_seed_cut

    write_seed_cut(plan, **files)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other cuts need too, in the process that will fork them."""
    from prunescape.training.gpu import import_for_children

    import_for_children("prunescape.pruning.seed_cuts", "torch._dynamo")  # torch imports that to count FLOPs


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        cut_seed,
        log=snakemake.log[0],
        plan=snakemake.params.plan,
        files={
            "widths": snakemake.input.planned,
            "identity": snakemake.input.identity,
            "weights": snakemake.input.get("weights") or None,
            "earlier": snakemake.input.get("earlier") or None,
            "data": snakemake.input.get("data") or None,
            "folder": snakemake.params.folder,
            "out": snakemake.output.widths,
            "start": snakemake.output.start,
        },
    )
