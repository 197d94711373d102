"""A training whose system parameters nobody changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prunescape.training.loop import Training


class Unchanged:
    """System parameters that stay as they are."""

    def begin_epoch(self, training: Training) -> None:
        """Called before the first batch of an epoch, or of what is left of it."""

    def end_epoch(self, training: Training) -> None:
        """Called after its last batch."""

    def note_in(self, record: dict[str, Any]) -> None:
        """Add what was tried and chosen to the record of a finished training."""
