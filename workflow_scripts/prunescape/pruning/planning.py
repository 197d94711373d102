"""Plans a variant: how many and which channels each layer keeps for a share of the FLOPs."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from prunescape.config.models import ROUND_TO
from prunescape.errors import InputError, nearest
from prunescape.models.counting import count_flops, count_parameters, first_line
from prunescape.pruning.prunable import Structure, find_prunable
from prunescape.pruning.scores import SCORES, Batch, Ranked, unit_scores
from prunescape.pruning.surgery import cut, side_width
from prunescape.pruning.widths import (
    ALLOWED_ERROR,
    FlopsByWidth,
    InBlocks,
    adjust,
    lowest_units,
    ranked_units,
    uniform_units,
    units_per_block,
)
from prunescape.space.variants import METHODS

AUTO = (8, 1)  # the first that reaches the ratio: docs/performance.md has the measurements
ROUNDED_ERROR = 0.1  # of the ratio asked for, where widths are multiples of a block


@dataclass(frozen=True)
class Plan:
    """The widths of a variant and what they cost.

    `layers`: {layer: {"out": channels kept, "of": all, "flops_share": share of that layer's FLOPs kept}} of every layer
    that may be cut; `modules`: the new widths of every changed layer, for `rebuild`; `network`: cut to these widths,
    with the weights of the channels kept. FLOPs are 2 x multiply-accumulates for one image. Widths are multiples of
    `round_to`, or all that a layer has.
    """

    flops: int
    flops_base: int
    parameters: int
    parameters_base: int
    layers: dict[str, dict]
    modules: dict[str, dict]
    network: nn.Module
    round_to: int = 1

    @property
    def ratio_achieved(self) -> float:
        """r = F_pruned / F_original (matthiesen2023, 2.2.2)."""
        return self.flops / self.flops_base


def check_request(method: str, ratio: float, score: str, min_keep: float, round_to: int | str = 1) -> None:
    """Raises InputError for a method, ratio, score, `min_keep` or block that is not allowed."""
    if round_to not in ROUND_TO or isinstance(round_to, float):
        raise InputError(f"round_to is {round_to}", allowed=", ".join(map(str, ROUND_TO)))
    if method not in METHODS:
        raise InputError(f'no method is called "{method}"', allowed=", ".join(METHODS), hint=nearest(method, METHODS))
    if score not in SCORES:
        raise InputError(f'no score is called "{score}"', allowed=", ".join(SCORES), hint=nearest(score, SCORES))
    if not is_number(ratio) or not 0 < ratio < 1:
        raise InputError(f"the ratio is {ratio}", allowed="the share of FLOPs to keep, above 0 and below 1")
    if not is_number(min_keep) or not 0 <= min_keep < 1:
        raise InputError(f"min_keep is {min_keep}", allowed="the least share of a layer's channels, 0 or more, below 1")


def is_number(value) -> bool:
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))


def flops_by_width(network: nn.Module, structure: Structure) -> FlopsByWidth:
    """The network's FLOPs as a function of the units kept."""
    layers, groups = dict(network.named_modules()), structure.prunable
    slopes: dict[str, dict[str, np.ndarray]] = {}
    for index, group in enumerate(groups):
        for tie in group.ties:
            sides = slopes.setdefault(tie.layer, {axis: np.zeros(len(groups), np.int64) for axis in ("out", "in")})
            sides[tie.axis][index] += group.step * tie.per_channel
    flops = structure.counted.flops
    changing = {
        name: (
            flops[f"{name}.weight"],
            *(side_width(layers[name], axis) for axis in ("out", "in")),
            *(sides[axis] for axis in ("out", "in")),
        )
        for name, sides in slopes.items()
        if f"{name}.weight" in flops
    }
    nothing = np.zeros(len(groups), np.int64)
    for index, group in enumerate(groups):
        if group.attention_flops:  # products between queries, keys and values: one share per head
            own = nothing.copy()
            own[index] = 1
            changing[f"{group.layer}: attention"] = (group.attention_flops, group.units, 1, own, nothing)
    fixed = sum(flops.values()) - sum(entry[0] for entry in changing.values())
    return FlopsByWidth(changing, fixed, np.array([group.units for group in groups], np.int64))


def channels_kept(structure: Structure, units: np.ndarray, scores: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The channels with the largest scores, sorted, `units[g]` units of layer g."""
    keep = {}
    for group, count, score in zip(structure.prunable, units, scores, strict=True):
        best = np.argsort(-score, kind="stable")[:count]
        keep[group.layer] = np.sort(group.members[best].ravel())
    return keep


def check_reachable(
    widths: InBlocks, lowest: np.ndarray, full: int, ratio: float, min_keep: float, round_to: int
) -> None:
    """Raises InputError that names the smallest reachable share of the base's `full` FLOPs when `ratio` is below it."""
    least = int(widths.total(lowest))
    if least - ratio * full > ALLOWED_ERROR * ratio * full:
        fewest = "one channel" if round_to == 1 else f"a block of {round_to} channels"
        smaller = [name for name, reason in (("min_keep", min_keep > 0), ("round_to", round_to > 1)) if reason]
        raise InputError(
            f"the ratio {ratio} is below {math.ceil(1000 * least / full) / 1000}, the smallest this network can reach: "
            f"{widths.model.fixed / full:.1%} of its FLOPs are in layers that are never cut and every other layer "
            f"keeps at least {fewest} and {min_keep:.0%} of them",
            hint="ask for a larger ratio" + "".join(f" or a smaller {name}" for name in smaller),
        )


def check_reached(widths: InBlocks, blocks: np.ndarray, full: int, ratio: float, round_to: int) -> None:
    """Raises InputError where the nearest network of whole blocks is uncut, or farther off than ROUNDED_ERROR."""
    reached, whole = int(widths.total(blocks)) / full, bool((blocks == widths.full).all())
    if round_to > 1 and (whole or abs(reached - ratio) > ROUNDED_ERROR * ratio):
        nearest = "the whole network" if whole else f"{reached:.3g}"
        what = f"with widths in multiples of {round_to}, the nearest to the ratio {ratio} is {nearest}"
        raise InputError(what, hint="ask for another ratio or a smaller round_to")


def base_plan(network: nn.Module, input_shape) -> Plan:
    """The plan of the base: every layer keeps all its channels. Raises InputError for images it does not take."""
    structure = find_prunable(network, input_shape)
    flops, parameters = sum(structure.counted.flops.values()), count_parameters(network)
    layers = {g.layer: {"out": g.channels, "of": g.channels, "flops_share": 1.0} for g in structure.prunable}
    return Plan(flops, flops, parameters, parameters, layers, {}, network)


def plan_widths(
    network: nn.Module,
    input_shape,
    *,
    method: str,
    ratio: float,
    score: str = "l1_layer",
    min_keep: float = 0.1,
    round_to: int | str = 1,
    batches: Sequence[Batch] = (),
    earlier: nn.Module | None = None,
    before: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan the widths of `network` for images of `input_shape` (C, H, W) that keep the share `ratio` of its FLOPs.

    uniform: one keep-share for all layers; nonuniform: filters ranked by `score` over the whole network
    (matthiesen2023, 2.2.3). Either way each layer keeps its filters with the largest scores, at least one and at least
    `min_keep` of them; scores that look at the loss need `batches` of training examples. |achieved - ratio| <= 1 % of
    ratio, or the nearest that whole channels reach.

    With `round_to` 8, 16 or 32 every layer keeps a multiple of so many channels, or all of them: at least a block, so a
    layer with less than one stays whole. Blocks are then ranked by the mean score of their filters, and the nearest
    ratio that blocks reach may be up to ROUNDED_ERROR off. "auto" is the first of AUTO that comes so near.

    The plan's network has the weights of `earlier`, where that is given: `network` with those it had before. One that
    was cut already, as the widths.json `before` says, is cut further: ratio, `min_keep` and the plan are of the base.

    Raises InputError for a request that is not allowed or cannot be reached, and for a network that cannot be cut.
    """
    check_request(method, ratio, score, min_keep, round_to)
    structure = find_prunable(network, input_shape)
    structure.require_prunable()
    model, scores = flops_by_width(network, structure), unit_scores(Ranked(network, batches), structure, score)
    steps = np.array([group.step for group in structure.prunable])
    full = before["flops_base"] if before else int(model.total(model.full))
    lowest = np.minimum(lowest_units(units_before(structure, before), min_keep), model.full)

    def units_with(block: int) -> np.ndarray:
        blocks = InBlocks(model, units_per_block(steps, block))
        return blocks.units(search_blocks(blocks, blocks.of(lowest), scores, method, full, ratio, min_keep, block))

    block, units = first_reachable(units_with) if round_to == "auto" else (round_to, units_with(round_to))
    smaller, modules = cut_and_check(
        earlier or network, structure, channels_kept(structure, units, scores), input_shape, model, units
    )
    shares = dict(zip(model.names, (model.per_layer(units) / model.flops).tolist(), strict=True))
    layers = {
        group.layer: {"out": int(count) * group.step, "of": group.channels, "flops_share": shares[group.layer]}
        for group, count in zip(structure.prunable, units, strict=True)
    }
    flops, base = int(model.total(units)), int(model.total(model.full))
    plan = Plan(flops, base, count_parameters(smaller), count_parameters(network), layers, modules, smaller, block)
    return of_base(plan, before) if before else plan


def units_before(structure: Structure, before: Mapping[str, Any] | None) -> np.ndarray:
    """The units (G,) that the layers of the base have, of a network that was cut as the widths.json `before` says."""
    if before is None:
        return np.array([group.units for group in structure.prunable], np.int64)
    return np.array([before["layers"][group.layer]["of"] // group.step for group in structure.prunable], np.int64)


def of_base(plan: Plan, before: Mapping[str, Any]) -> Plan:
    """The plan of a network that was cut as the widths.json `before` says, as that of one cut of the base."""
    layers = {
        name: known | {"of": had["of"], "flops_share": known["flops_share"] * had["flops_share"]}
        for name, known in plan.layers.items()
        for had in [before["layers"][name]]
    }
    return replace(
        plan,
        flops_base=before["flops_base"],
        parameters_base=before["parameters_base"],
        layers=before["layers"] | layers,
        modules=before["modules"] | plan.modules,
    )


def first_reachable(units_with: Callable[[int], np.ndarray]) -> tuple[int, np.ndarray]:
    """The first block of AUTO with which the ratio can be reached, and the units; raises what the last one does."""
    for block in AUTO[:-1]:
        with suppress(InputError):
            return block, units_with(block)
    return AUTO[-1], units_with(AUTO[-1])


def search_blocks(
    widths: InBlocks,
    lowest: np.ndarray,
    scores: list[np.ndarray],
    method: str,
    full: int,
    ratio: float,
    min_keep: float,
    round_to: int,
) -> np.ndarray:
    """The blocks (G,) that each layer keeps, `lowest` (G,) or more, for the share `ratio` of `full` FLOPs.

    Raises InputError where no such network is near.
    """
    check_reachable(widths, lowest, full, ratio, min_keep, round_to)
    target = ratio * full
    if method == "uniform":
        start = uniform_units(widths, target, lowest)
    else:
        start = ranked_units(widths, target, lowest, widths.scores(scores))
    kept = adjust(widths, target, start, lowest)
    check_reached(widths, kept, full, ratio, round_to)
    return kept


def cut_and_check(network, structure, keep, input_shape, model, units) -> tuple[nn.Module, dict]:
    """The cut network and its widths; raises InputError unless it runs and costs exactly what was planned."""
    try:
        smaller, modules = cut(network, structure.prunable, keep)
        flops = count_flops(smaller, input_shape)
    except (InputError, RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"the network cannot be cut: it does not run at other widths ({first_line(error)})") from None
    planned = int(model.total(units))
    if flops != planned:
        raise InputError(f"the network cannot be cut: {flops} FLOPs remain where {planned} were planned")
    return smaller, modules


def plan_content(plan: Plan, *, model: str, architecture: str, method: str, ratio: float, classes, input_shape) -> dict:
    """What widths.json holds for this plan."""
    return {
        "model": model,
        "architecture": architecture,
        "method": method,
        "ratio": ratio,
        "ratio_achieved": plan.ratio_achieved,
        "flops": plan.flops,
        "flops_base": plan.flops_base,
        "parameters": plan.parameters,
        "parameters_base": plan.parameters_base,
        "in_channels": input_shape[0],
        "classes": classes,
        "input_shape": list(input_shape),
        "layers": plan.layers,
        "modules": plan.modules,
    }


def finite(network: nn.Module) -> bool:
    """Whether every weight is a finite number."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in network.parameters())
