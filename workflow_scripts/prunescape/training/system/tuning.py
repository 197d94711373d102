"""Neutral system parameters of one training: probed an epoch each, or remembered (pipetune2020, Algorithm 1)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prunescape.tasks.system import decode_by
from prunescape.training.energy import energy_fields
from prunescape.training.system.memory import Memory
from prunescape.training.system.one_factor import (
    Values,
    allows,
    best_configuration,
    configuration_of,
    first_configuration,
    next_configuration,
    text_of,
)
from prunescape.training.system.profile import Profiler
from prunescape.training.system.similarity import most_similar
from prunescape.training.system.unchanged import Unchanged

if TYPE_CHECKING:
    from prunescape.training.loop import Training

# where the configuration of the last epochs comes from
ONE, PROBED, REMEMBERED, SIMILAR, UNFINISHED, NOT_MEASURED = (
    *("one value", "probed", "remembered", "similar", "unfinished"),
    "not measured",
)


class Tuning(Unchanged):
    """Finds the best of the `values` of neutral system parameters while a training goes on.

    The first epoch has the first values; it is profiled and warms caches up, so its time is not compared. Then a
    configuration that the store knows for this very training is taken, or that of a similar one; else each epoch tries
    one, a factor at a time, and the best is kept. `goal` is what is minimised: epoch_seconds, or joules.
    """

    def __init__(self, values: Values, *, goal: str, memory: Memory, cores: int) -> None:
        self.values, self.goal, self.memory, self.cores = values, goal, memory, cores
        self.first = first_configuration(values)
        self.epochs: list[dict[str, Any]] = []
        self.similar: dict[str, Any] | None = None
        self.reason: str | None = None
        self.profiler: Profiler | None = None
        self.source, self.configuration = UNFINISHED, self.first
        self._choose(REMEMBERED)
        if all(len(tried) == 1 for tried in values.values()):
            self.source = ONE

    @property
    def settled(self) -> bool:
        """Whether the configuration stays for the rest of the training."""
        return self.source != UNFINISHED

    def begin_epoch(self, training: Training) -> None:
        """Apply the configuration of this epoch."""
        decode_by(training.splits, self.configuration)
        self.whole = training.epoch.batches == 0
        self.profiler = None
        if self.whole and not self.epochs and not self.settled and self.configuration == self.first:
            self.profiler = Profiler()
            self.profiler.start()

    def end_epoch(self, training: Training) -> None:
        """Note what the epoch took, and decide on the next one's configuration."""
        profile = self.profiler.stop(worked_through(training)) if self.profiler else None
        seconds, used = training.epoch.seconds, training.epoch.used
        energy = energy_fields(training.meter, [used], [seconds], 1)
        joules = energy["epoch_joules"][0] if energy["epoch_joules"] else None
        first = not self.epochs
        self.epochs.append(
            {
                "epoch": len(training.outcome.history) + 1,
                **{"configuration": self.configuration, "seconds": seconds, "joules": joules},
                "use": self._use(first),
            }
        )
        if not self.whole or (first and profile is None) or self.source == ONE:
            return
        self.memory.add(self.configuration, seconds, joules, profile)
        if self.settled:
            return
        if self.goal == "joules" and joules is None:
            self.source, self.reason, self.configuration = NOT_MEASURED, energy["energy_reason"], self.first
        elif not (profile and self._like_a_known_one(profile)):
            self._choose(PROBED)

    def note_in(self, record: dict[str, Any]) -> None:
        """Add the field `system`: what was tried, chosen, reused and gained."""
        record["system"] = {
            "goal": self.goal,
            "values": {name: list(values) for name, values in self.values.items()},
            "cores": self.cores,
            "first": self.first,
            "configuration": self.configuration,
            "source": self.source,
            "epochs": self.epochs,
            "gain": self.gain(),
            "similar": self.similar,
            "store": None if self.memory.path is None else str(self.memory.path),
            "problem": self.memory.problem or self.reason,
        }

    def gain(self) -> float | None:
        """The first configuration's result over that of the last one, medians; None where either has no result.

        A training that reused a configuration compares with what the store knows of the first one.
        """
        costs = self.memory.costs()
        before, after = costs.get(text_of(self.first)), costs.get(text_of(self.configuration))
        return before / after if before and after else None

    def _use(self, first: bool) -> str:
        """What an epoch was for: part of one that was interrupted, a first one, a probe, or one that is settled."""
        if not self.whole:
            return "part"
        return "settled" if self.settled else "first" if first else "probe"

    def _choose(self, source: str) -> None:
        """The next configuration to try; without one the best is settled, from `source`."""
        costs = self.memory.costs()
        following = next_configuration(self.values, costs)
        if following is None:
            self.source, self.configuration = source, best_configuration(self.values, costs)
            print(f"system parameters: {text_of(self.configuration)} ({source})", file=sys.stderr, flush=True)
        else:
            self.configuration = following

    def _like_a_known_one(self, profile: Mapping[str, float]) -> bool:
        """Take over the best configuration of the nearest known profile, where it is near and allowed here."""
        if self.memory.costs():
            return False  # this very training is known in part: what is left is probed
        found = most_similar(self.memory.profiles(self.first), profile)
        if found is None:
            return False
        self.similar = found.content()
        costs = self.memory.costs(found.nearest)
        allowed = [text for text in costs if allows(self.values, configuration_of(text))]
        if not found.near or not allowed:
            return False
        self.source, self.configuration = SIMILAR, configuration_of(min(allowed, key=costs.get))
        print(f"system parameters: {text_of(self.configuration)} ({SIMILAR})", file=sys.stderr, flush=True)
        return True


def worked_through(training: Training) -> dict[str, float]:
    """The images of the epoch that has just ended, and the bytes of their files."""
    crops = getattr(training.splits.train, "crops", None)
    read = {} if crops is None else {"bytes": float(crops.listing["bytes"].sum())}
    return {"images": float(training.epoch.examples)} | read
