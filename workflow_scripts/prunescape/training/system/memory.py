"""What one training takes from the store of system parameters, and adds to it."""

from __future__ import annotations

import hashlib
import json
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.errors import InputError
from prunescape.store.system_store import append_observations, read_observations
from prunescape.training.system.one_factor import text_of

GOALS = {"epoch_seconds": "seconds", "joules": "joules"}  # the column of the store that is minimised
ENOUGH = 5  # epochs of one key and configuration that are kept


class Memory:
    """The rows of this host in the store `path` (None: nothing is remembered), for a training `about` which it is.

    A store that cannot be used is named in one line, `problem`, and left aside.
    """

    def __init__(self, path: Path | str | None, about: Mapping[str, Any], goal: str) -> None:
        self.path, self.about, self.column = path, dict(about), GOALS[goal]
        text = json.dumps(self.about, sort_keys=True)
        self.host, self.key = socket.gethostname(), hashlib.sha256(text.encode()).hexdigest()
        self.problem: str | None = None
        self.rows: list[dict[str, Any]] = []
        if path is not None:
            self._try(self._read)

    def costs(self, key: str | None = None) -> dict[str, float]:
        """The median result of each configuration of one key, by default this training's; first epochs left out."""
        results = defaultdict(list)
        for row in self._rows_of(key or self.key):
            if row["profile"] is None and row[self.column] is not None:
                results[row["configuration"]].append(row[self.column])
        return {text: statistics.median(values) for text, values in results.items()}

    def profiles(self, configuration: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """The mean profile of each other key that has results, of first epochs with this configuration."""
        found = defaultdict(list)
        for row in self.rows:
            if row["key"] != self.key and row["profile"] and row["configuration"] == text_of(configuration):
                found[row["key"]].append(json.loads(row["profile"]))
        return {key: _mean(profiles) for key, profiles in found.items() if len(self.costs(key)) > 1}

    def add(
        self, configuration: Mapping[str, Any], seconds: float, joules: float | None, profile: Mapping | None = None
    ) -> None:
        """Remember one epoch; at once, so that a training that is killed later has not lost it."""
        text = text_of(configuration)
        alike = [row for row in self._rows_of(self.key) if row["configuration"] == text]
        row = {
            "host": self.host,
            "key": self.key,
            "about": json.dumps(self.about, sort_keys=True),
            "configuration": text,
            "seconds": seconds,
            "joules": joules,
            "profile": None if profile is None else json.dumps(dict(profile), sort_keys=True),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self.rows.append(row)
        kept = sum((each["profile"] is None) == (profile is None) for each in alike) < ENOUGH
        if self.path is not None and self.problem is None and kept:
            self._try(lambda: append_observations(self.path, [row]))

    def _read(self) -> None:
        self.rows = [row for row in read_observations(self.path) if row["host"] == self.host]

    def _rows_of(self, key: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["key"] == key]

    def _try(self, use: Any) -> None:
        try:
            use()
        except InputError as error:
            self.problem = str(error)
            print(f"system parameters: {self.problem}", file=sys.stderr, flush=True)


def _mean(profiles: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each feature that all profiles have."""
    names = set(profiles[0]).intersection(*profiles)
    return {name: statistics.fmean(profile[name] for profile in profiles) for name in sorted(names)}
