"""What a study asks of the model it would run on a target: limits, and the load that it must bear. Needs pydantic."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from prunescape.config.types import Count, Distinct, Part

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Objectives(Part):
    """Limits that a recommended model must keep, each optional, and the load of the two scenarios.

    `accuracy_floor` is the least top-1 of the exported model, percent; `memory_limit_mb` the largest peak memory, 10^6
    bytes; `size_limit_kb` the largest ONNX file, 10^3 bytes. `server_rates` are queries of `query_images` images per
    second, `stream_rates` single images per second; without them both are chosen from the measured throughput.
    """

    accuracy_floor: Percent | None = None
    memory_limit_mb: Positive | None = None
    size_limit_kb: Positive | None = None
    query_images: Count = 8
    server_rates: Distinct[Positive] | None = None
    stream_rates: Distinct[Positive] | None = None
