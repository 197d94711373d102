"""The section `system` of an experiment: which system parameters are tried, for what, and where it is remembered."""

import os
from pathlib import Path
from typing import Any, Literal

from prunescape.config.types import Part
from prunescape.space.system_parameters import CHANGING

NOWHERE = "none"


class System(Part):
    """System parameters that are found and remembered (docs/system.md).

    Most change no result; threads, precision and memory_format are settled once for all cells.
    """

    parameters: dict[str, Any]
    """The values to try of each, the first one first."""
    goal: Literal["epoch_seconds", "joules"] = "epoch_seconds"
    """What is minimised: the wall time of an epoch; or its energy, which takes a counter and a training alone."""
    store: str | None = None
    """A file, shared by all studies, that remembers what was found; none: nothing is. Left out: in the user's cache."""

    @property
    def settled_values(self) -> dict[str, list[Any]]:
        """The values of those that change how sums are rounded: settled once per experiment."""
        return {name: self.parameters[name] for name in CHANGING if name in self.parameters}

    @property
    def store_path(self) -> str | None:
        """Where it is remembered."""
        if self.store == NOWHERE:
            return None
        return str(default_store()) if self.store is None else self.store


def default_store() -> Path:
    """The store in the user's cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder) / "prunescape" / "system.parquet"
