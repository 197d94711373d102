"""The sections `analysis` and `objectives` of a study: thresholds near the best score, and limits of a target."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from prunescape.config.types import Count, Distinct, Part, Percent, Points

RISK_THRESHOLD = 0.5  # percentage points (matthiesen2023, Eq 3.4)
OF_ARCHITECTURES = ("latency_limit_ms", "memory_limit_mb", "size_limit_kb")  # limits that training does not decide
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class AnalysisTerms(Part):
    """Thresholds in percentage points under a landscape's best score (matthiesen2023, 3.3 and Eq 3.3)."""

    thresholds: Distinct[Points] = [0.5, 1.0]
    """Percentage points: of each one region of interest and one confidence ellipse; grids extend by the largest."""
    risk_threshold: Points = RISK_THRESHOLD
    """One of the thresholds: that of the base's good settings, over which risks and verdicts are taken."""

    @model_validator(mode="after")
    def _known_threshold(self) -> Self:
        if self.risk_threshold not in self.thresholds:
            allowed = ", ".join(f"{threshold:g}" for threshold in self.thresholds)
            raise ValueError(f"risk_threshold {self.risk_threshold:g} is none of the thresholds; allowed: {allowed}")
        return self


class Objectives(Part):
    """Limits that a recommended model must keep, each optional, and the load of the two scenarios."""

    accuracy_floor: Percent | None = None
    """Least top-1 of the exported model, percent."""
    latency_limit_ms: Positive | None = None
    """Longest run of one batch, median, milliseconds."""
    memory_limit_mb: Positive | None = None
    """Largest peak memory, 10^6 bytes."""
    size_limit_kb: Positive | None = None
    """Largest ONNX file, 10^3 bytes."""
    query_images: Count = 8
    """Images per query of the server scenario."""
    server_rates: Distinct[Positive] | None = None
    """Queries per second; left out, they are chosen from the measured throughput."""
    stream_rates: Distinct[Positive] | None = None
    """Single images per second, at random; left out, they are chosen from the measured throughput."""

    @property
    def limits_architectures(self) -> bool:
        """Whether some limit can be held against a network before it is trained: any but that of accuracy."""
        return any(getattr(self, name) is not None for name in OF_ARCHITECTURES)
