"""What a variant inherits from the base of ONE seed: within widths that all seeds share, by that base's own ranking."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from prunescape.models.build import initialise
from prunescape.models.weights import save_weights
from prunescape.pruning.planning import channels_kept, cut_and_check, flops_by_width
from prunescape.pruning.prunable import find_prunable
from prunescape.pruning.retraining import INITIAL
from prunescape.pruning.scores import Batch, Ranked, unit_scores
from prunescape.pruning.variant_plan import network_to_cut, ranking_batches
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.records import WIDTHS


def write_seed_cut(
    plan: dict[str, Any],
    *,
    widths: str,
    identity: str,
    weights: str | None,
    out: str,
    start: str,
    earlier: str | None = None,
    data: str | None = None,
    folder: str | None = None,
) -> None:
    """Write to `start` (safetensors) what the cells of one seed inherit, and to `out` (JSON) their plan.

    The plan is that of the variant in `widths`, whose layers keep as many channels whatever the seed, and the digest of
    `start`. Which channels these are, the scores of the seed's own base say: of its trained `weights`, or without them
    of its initial ones. Kept are these weights, or those that it had `earlier`, or, where the pipeline goes back before
    all training, its initial ones.

    `plan` has model, architecture, `score`, `seed` and, where the model has any, the hyperparameters `network`; with
    `examples` the score looks at the loss, and `identity`, `data` and `folder` are as for `write_widths`. Raises
    InputError for a damaged file, a training that diverged, and weights that are not finite.
    """
    variant = read_json(widths, *WIDTHS, "layers", "pipeline")
    images = read_json(identity, "shape", "classes")
    network = base_of_seed(plan, images, weights)
    rewound = None
    if earlier or variant["pipeline"]["start"] == INITIAL:
        rewound = base_of_seed(plan, images, earlier)
    batches = ranking_batches(data, identity, plan["examples"], folder) if "examples" in plan else ()
    kept = cut_within(
        network, tuple(images["shape"]), variant["layers"], score=plan["score"], batches=batches, earlier=rewound
    )
    save_weights(kept, start)
    write_json(out, variant | {"pipeline": variant["pipeline"] | {"weights_digest": file_digest(start)}})
    print(f"{variant['flops']} of {variant['flops_base']} FLOPs kept, by the base of seed {plan['seed']}")


def base_of_seed(plan: dict[str, Any], images: Mapping[str, Any], weights: str | None) -> nn.Module:
    """The base with these `weights`, or as the plan's seed initialises it. Raises InputError where it diverged."""
    network = network_to_cut(plan, images, weights)
    return network if weights else initialise(network, plan["seed"])


def cut_within(
    network: nn.Module,
    input_shape: tuple[int, ...],
    layers: Mapping[str, Mapping[str, Any]],
    *,
    score: str,
    batches: list[Batch] | tuple[()] = (),
    earlier: nn.Module | None = None,
) -> nn.Module:
    """`network` cut to as many channels as the `layers` of a widths.json say, those with the largest scores.

    It has the weights of `earlier`, where that is given: `network` with those it had before. Raises InputError for
    weights that are not finite.
    """
    structure = find_prunable(network, input_shape)
    units = np.array([layers[group.layer]["out"] // group.step for group in structure.prunable], np.int64)
    scores = unit_scores(Ranked(network, batches), structure, score)
    keep, costs = channels_kept(structure, units, scores), flops_by_width(network, structure)
    return cut_and_check(earlier or network, structure, keep, input_shape, costs, units)[0]
