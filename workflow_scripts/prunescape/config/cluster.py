"""What submitted jobs ask a cluster for: partition, account, time, memory. None of it decides a result."""

import math
from typing import Annotated, Literal

from pydantic import Field

from prunescape.config.types import Part

SUBMITTED = ("prepare_data", "plan_variant", "train_cell", "export_onnx", "benchmark_target")
# All of these reach a shell, through Snakemake's executor: no quote, space, dollar or leading dash. Slurm's grammar of
# constraints needs & and |, which the executor quotes.
SlurmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.,-]*$", max_length=255)]
Constraint = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\[(][A-Za-z0-9_.,:&|*+()\[\]-]*$", max_length=255)]
GpuModel = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$", max_length=255)]
Minutes = Annotated[int, Field(ge=1, le=525_600)]
Megabytes = Annotated[int, Field(ge=1, le=2**30)]


class Request(Part):
    """What one rule's jobs ask for; what is left out is as for all rules."""

    partition: SlurmName | None = None
    """Left out: the cluster's own default."""
    account: SlurmName | None = None
    """To whom the job is billed; left out: the cluster's own default."""
    qos: SlurmName | None = None
    """Quality of service; left out: the cluster's own default."""
    constraint: Constraint | None = None
    """Features of the node, in Slurm's words: a100|h100; left out: any node."""
    gpu_model: GpuModel | None = None
    """Kind of GPU, for jobs that ask for one; left out: any."""
    minutes: Minutes | None = None
    """Time limit of a job, minutes."""
    memory_mb: Megabytes | None = None
    """Memory of a job, megabytes."""


class Cluster(Request):
    """What all submitted jobs ask a cluster for (docs/cluster.md); it decides no result."""

    minutes: Minutes = 240
    memory_mb: Megabytes = 2000
    growth: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 1.5
    """Each retry of a job asks for so many times the minutes and memory of the one before."""
    max_minutes: Minutes | None = None
    """The most minutes that a retry asks for, such as the partition's limit."""
    max_memory_mb: Megabytes | None = None
    """The most megabytes that a retry asks for."""
    rules: dict[Literal[SUBMITTED], Request] = {}
    """The keys of a request for the jobs of one rule."""

    def request(self, rule: str) -> Request:
        """What the first try of a rule's job asks for."""
        general = self.model_dump(include=set(Request.model_fields))
        special = self.rules[rule].model_dump(exclude_none=True) if rule in self.rules else {}
        return Request(**general | special)

    def minutes_of(self, rule: str, attempt: int) -> int:
        """Minutes for the `attempt`-th try (from 1) of a rule's job."""
        return self._grown(self.request(rule).minutes, attempt, self.max_minutes)

    def memory_mb_of(self, rule: str, attempt: int) -> int:
        """Megabytes for the `attempt`-th try (from 1) of a rule's job."""
        return self._grown(self.request(rule).memory_mb, attempt, self.max_memory_mb)

    def _grown(self, first: int, attempt: int, most: int | None) -> int:
        grown = math.ceil(first * self.growth ** (attempt - 1))
        return grown if most is None else min(grown, most)
