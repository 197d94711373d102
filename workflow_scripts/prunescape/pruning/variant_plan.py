"""The plan of one variant, widths and pipeline, from the data set's identity and the weights that rank filters."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from prunescape.config.models import FACTORIES
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, planned_network
from prunescape.models.counting import require_outputs
from prunescape.models.starting_weights import load_starting_weights
from prunescape.models.weights import load_weights, save_weights
from prunescape.pruning.planning import base_plan, finite, plan_content, plan_widths
from prunescape.pruning.retraining import INITIAL
from prunescape.pruning.scores import Batch
from prunescape.space.pipelines import plan_pipeline
from prunescape.space.recipe import Recipe
from prunescape.space.variants import BASE, SCRATCH
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.records import DIVERGED, WIDTHS
from prunescape.tasks.contract import task_module

EXAMPLES, BATCH = 1024, 64  # training examples of a score that looks at the loss, and how many of them at a time


def network_to_cut(
    plan: dict, images: Mapping[str, Any], weights: str | None, before: dict[str, Any] | None = None
) -> nn.Module:
    """The base for these `images`, or the network that was cut as the widths.json `before` says, with `weights`.

    Without, it is initialised with seed 0. Raises InputError where their training diverged.
    """
    if before:
        network = planned_network(before)
    else:
        known = {"in_channels": images["shape"][0], "image_size": images["shape"][1:], "classes": images["classes"]}
        network = build_model(plan["architecture"], plan["model"], **known, hyperparameters=plan.get("network", {}))
    initialise(network, 0)
    if weights is None:
        return network
    status = load_weights(network, weights).get("status")
    if status == DIVERGED or not finite(network):
        which = "a step" if before else "the base"
        what = f"{which} of {plan['model']} diverged at the prior and cannot rank filters"
        hint = "choose a prior with a smaller learning rate, or `ranking: initial`"
        raise InputError(what, where=weights, hint=hint)
    return network


def prepare_base(network: nn.Module, plan: dict, images: Mapping[str, Any], given: str | None) -> None:
    """Load the weights `given` to start from, if any, and check that a factory's network gives so many classes.

    Raises InputError where it does not, and where the weights cannot be had or do not fit.
    """
    shape, classes = images["shape"], images["classes"]
    if plan["architecture"] == FACTORIES:
        require_outputs(network, shape, classes, plan["model"])
    if given is not None:
        known = {"in_channels": shape[0], "image_size": shape[1:], "classes": classes}
        fresh = load_starting_weights(network, given, model=plan["model"], **known)
        print(f"weights: {given}; left as initialised: {', '.join(fresh) or 'nothing'}")


def ratio_of(plan: dict) -> float:
    """The share of FLOPs asked for; 1 for the base. Raises InputError for text that is no number.

    Step k of N of pruning asks for r^(k / N): each keeps the same share of what the one before left.
    """
    if plan["method"] == BASE.method:
        return 1.0
    try:
        step, steps = plan.get("step", (1, 1))
        return float(plan["ratio"]) ** (step / steps)
    except (TypeError, ValueError):
        raise InputError(f"the ratio is {plan['ratio']!r}", allowed="a number above 0 and below 1") from None


def ranking_batches(
    data: Path | str, identity: Path | str, examples: Mapping[str, Any], folder: str | None
) -> list[Batch]:
    """Batches of up to EXAMPLES training examples from all over the stored order, as they are, for the CPU.

    `examples` are the recipe's `scaling`, and the `partition` and `data_share` that say which are trained on.
    """
    task = task_module(read_json(identity, "task"))
    loaded = task.load_prepared(data, identity, folder=folder, workers=0)
    recipe = Recipe(epochs=1, batch_size=BATCH, **examples)
    taught = task.Task(loaded, torch.device("cpu"), recipe.scaling)
    stored, classes = taught.open_splits(recipe, torch.Generator()).train.evenly_spread(EXAMPLES)
    batches = zip(stored.split(BATCH), classes.split(BATCH), strict=True)
    return [(taught.inputs(part), of_part) for part, of_part in batches]


def stretched_pipeline(pipeline: dict[str, Any], share: float) -> dict[str, Any]:
    """The pipeline with segments that are stretched to cost as much as the base's, whose `share` of FLOPs is kept."""
    segments = [
        segment | {"factor": 1 / share} if isinstance(segment, dict) and segment["name"] == "stretched" else segment
        for segment in pipeline["segments"]
    ]
    return pipeline | {"segments": segments}


def write_widths(
    plan: dict,
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
    """Write the plan of one variant to `out` (JSON): FLOPs, parameters, every layer's channels, widths, pipeline.

    `plan` has model, architecture and method (base, uniform, nonuniform), pruned variants also ratio (text) and
    min_keep, those that rank filters score; `round_to` is by default 1, `pipeline`, as `plan_pipeline` gives it, that
    of scratch; `network` are its hyperparameters, where its model has any. `identity` names the images' "shape"
    [C, H, W] and "classes"; `weights` are those of the base trained at the prior, None to rank an untrained network.

    Where the plan has `examples`, its score looks at the loss, and `ranking_batches` takes them with the prepared
    `data` and the `folder` of images that are streamed. A pipeline that inherits weights leaves what is kept of them in
    `start` (safetensors), whose digest the plan names: of `weights`, of those that the base had `earlier`, or of its
    initial ones. A step of pruning cuts further what the plan of the step `before` left, whose training gave `weights`
    and whose start is `earlier`. A base that starts from weights `given`, published or a file, which the plan's
    `weights` identifies, leaves them in `start`, too. Raises InputError as `plan_widths` and when the training before
    diverged.
    """
    images = read_json(identity, "shape", "classes")
    shape, ratio = tuple(images["shape"]), ratio_of(plan)
    pipeline, cut = (
        plan.get("pipeline", plan_pipeline(SCRATCH)),
        read_json(before, *WIDTHS, "layers") if before else None,
    )
    network = network_to_cut(plan, images, weights, cut)
    if plan["method"] == BASE.method:
        prepare_base(network, plan, images, given)
    if plan["method"] == BASE.method:
        widths = base_plan(network, shape)
    else:
        options = {name: plan[name] for name in ("method", "score", "min_keep", "round_to") if name in plan}
        batches = ranking_batches(data, identity, plan["examples"], folder) if "examples" in plan else ()
        rewound = network_to_cut(plan, images, earlier, cut) if earlier or pipeline["start"] == INITIAL else None
        widths = plan_widths(network, shape, ratio=ratio, **options, batches=batches, earlier=rewound, before=cut)
    names = {name: plan[name] for name in ("model", "architecture", "method")}
    network = {"network": plan["network"]} if "network" in plan else {}
    content = plan_content(widths, **names, ratio=ratio, classes=images["classes"], input_shape=shape)
    content |= network | ({"round_to": widths.round_to} if "round_to" in plan else {})
    pipeline = stretched_pipeline(pipeline, widths.ratio_achieved)
    if given is not None:
        pipeline |= {"name": "given", "start": INITIAL}
    if start:
        save_weights(widths.network, start)
        pipeline |= {"weights_digest": file_digest(start)}
    write_json(out, content | {"pipeline": pipeline})
    off = abs(widths.ratio_achieved - ratio) / ratio
    print(f"{math.prod(shape)} inputs; {widths.flops} of {widths.flops_base} FLOPs kept; off by {off:.3%} of the ratio")
