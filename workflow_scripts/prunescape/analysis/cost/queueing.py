"""Response times of images that wait for a model which takes a batch at a time.

Everything here is deterministic but the arrivals, whose seed is fixed: a batch of b images takes L(b) seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEED = 0
ARRIVALS = 50_000
WARM_UP = 5_000  # arrivals that fill the queue and are not counted


@dataclass(frozen=True)
class Latency:
    """L(b): seconds per run of b images, from `sizes` (rising) and `seconds`, both (k,)."""

    sizes: np.ndarray
    seconds: np.ndarray

    def __call__(self, images: np.ndarray | int) -> np.ndarray:
        """Linear between measured sizes; under the smallest as that one (padded); nan over the largest."""
        return np.interp(images, self.sizes, self.seconds, right=np.nan)


@dataclass(frozen=True)
class Response:
    """Seconds from arrival to answer; nan at a utilisation of 1 or more, where the queue grows without end."""

    utilisation: float
    mean: float
    p99: float


def server_response(latency: Latency, query: int, rate: float, batch: int) -> Response:
    """A query of `query` images every 1 / `rate` seconds, split into runs of `batch` images and one of the rest.

    EdgeTune's server scenario (edgetune2022, 3.4); MLPerf uses the two names the other way round. Decided: a run never
    mixes queries. Arrivals and service S are constant (D/D/1): while the utilisation `rate` · S is below 1 no query
    waits, and each takes S.
    """
    full, rest = divmod(query, batch)
    service = full * float(latency(batch)) + (float(latency(rest)) if rest else 0.0)
    utilisation = rate * service
    known = service if utilisation < 1 else np.nan
    return Response(utilisation, known, known)


def stream_response(latency: Latency, rate: float, batch: int, arrivals: np.ndarray | None = None) -> Response:
    """Single images arrive as a Poisson process of `rate` per second; a free model takes all that wait, up to `batch`.

    EdgeTune's multi-stream scenario (edgetune2022, 3.4; what MLPerf calls server). Decided:
    the model never idles to let a batch fill. The utilisation is `rate` · L(batch) / batch, the share of time that
    full batches need; where it is below 1 the queue is stable. `arrivals` (n,) replaces the drawn times at rate 1.
    """
    utilisation = rate * float(latency(batch)) / batch
    if not utilisation < 1:
        return Response(utilisation, np.nan, np.nan)
    times = (unit_arrivals() if arrivals is None else arrivals) / rate
    spent = (_one_by_one if batch == 1 else _in_batches)(times, latency(np.arange(1, batch + 1)))
    counted = spent[min(WARM_UP, len(spent) // 10) :]
    return Response(utilisation, float(counted.mean()), float(np.quantile(counted, 0.99)))


def unit_arrivals(count: int = ARRIVALS, seed: int = SEED) -> np.ndarray:
    """(count,) times of a Poisson process of rate 1; the same for every model, so that they meet the same load."""
    return np.cumsum(np.random.default_rng(seed).exponential(size=count))


def _one_by_one(times: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(n,) response times with runs of one image: D_n = max(A_n, D_{n-1}) + S, Lindley's recursion in closed form."""
    service = seconds[0]
    served = service * np.arange(1, len(times) + 1)
    return np.maximum.accumulate(times - served + service) + served - times


def _in_batches(times: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(n,) response times when each run takes all that wait, up to len(seconds); seconds[b - 1] for b images."""
    arrived, cost, most = times.tolist(), seconds.tolist(), len(seconds)
    ends, runs = [], []
    now, first, count = 0.0, 0, len(arrived)
    while first < count:
        now = max(now, arrived[first])
        last = first + 1
        while last < count and last - first < most and arrived[last] <= now:
            last += 1
        now += cost[last - first - 1]
        ends.append(now)
        runs.append(last - first)
        first = last
    return np.repeat(ends, runs) - times
