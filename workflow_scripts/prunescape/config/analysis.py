"""The section `analysis` of a study: what counts as near the best, for regions and for risk."""

from __future__ import annotations

from pydantic import model_validator

from prunescape.config.types import Distinct, Part, Points


class AnalysisTerms(Part):
    """Thresholds in percentage points under a landscape's best score (matthiesen2023, 3.3 and Eq 3.3).

    `thresholds` are the x of the x-ROIs. `risk_threshold`, one of them, is the base's region of good settings, over
    which risks and verdicts are taken.
    """

    thresholds: Distinct[Points] = [0.5, 1.0]
    risk_threshold: Points = 0.5

    @model_validator(mode="after")
    def _known_threshold(self) -> AnalysisTerms:
        if self.risk_threshold not in self.thresholds:
            allowed = ", ".join(f"{threshold:g}" for threshold in self.thresholds)
            raise ValueError(f"risk_threshold {self.risk_threshold:g} is none of the thresholds; allowed: {allowed}")
        return self
