"""How long an answer takes under load, in EdgeTune's two scenarios, and with which batch size.

Everything is deterministic but the arrivals, whose seed is fixed: a batch of b images takes L(b) seconds.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import MODEL, MODEL_COLUMNS, PLACE, PLACE_COLUMNS, RUN_COLUMNS, group_table

SERVER, STREAM = "server", "multi-stream"
LOADS = (0.1, 0.5, 0.8)
FIXED = ["threads", "flush_to_zero"]

SCENARIO_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "scenario": (
        "string",
        "server: queries at a fixed rate; multi-stream: single images, Poisson (in MLPerf the other way round)",
    ),
    "rate": ("float64", "queries, or single images, per second"),
    "query_images": ("int64", "images per query; 1 in multi-stream"),
    **MODEL_COLUMNS,
    **{name: RUN_COLUMNS[name] for name in FIXED},
    "batch": ("int64", "most images per run"),
    "top1": ("float64", "accuracy of the exported model, percent"),
    "utilisation": ("float64", "share of time that the load needs with full batches"),
    "mean_s": ("float64", "mean time from arrival to answer, seconds; null at a utilisation of 1 or more"),
    "p99_s": ("float64", "its 99th percentile, seconds; null as the mean, and in multi-stream at a load above 0.9"),
    "p99_relative_sd": ("float64", "standard deviation of p99_s between simulations, as a share of it; 0 for server"),
    "recommended": ("bool", "the batch size and threads with the lowest mean for this model, scenario and rate"),
    "reason": ("string", "why a time is null; empty otherwise"),
}
OVERLOADED = "the load exceeds what these runs can serve: the queue grows"
UNCERTAIN = "no 99th percentile at a load above 0.9: simulations of this length differ too much in it"
SEED = 0
ARRIVALS = 200_000
WARM_UP = 5_000  # arrivals that fill the queue and are not counted
SEGMENTS = 10  # of the counted arrivals, whose percentiles tell the error of that of all
HIGHEST_FOR_P99 = 0.9  # utilisation: at 0.95 the relative standard deviation of the percentile is 0.2


def scenarios(measured: pd.DataFrame, load: dict) -> pd.DataFrame:
    """Every model, number of threads and measured batch size under every rate of both scenarios, as SCENARIO_COLUMNS.

    `load` holds query_images (N), server_rates and stream_rates; where rates are None they are 10, 50 and 80 % of the
    highest throughput that any model reaches on the target, so that all models meet the same load. Of equal means the
    smaller batch, then fewer threads are recommended. Server times are those of a query, multi-stream of an image.
    """

    def of_target(here: pd.DataFrame) -> list[dict]:
        return [row for at_load in _loads(here, load) for row in _models(here, *at_load)]

    return group_table(measured, PLACE, of_target, SCENARIO_COLUMNS)


def _loads(here: pd.DataFrame, load: dict) -> Iterator[tuple[str, int, float]]:
    images = load["query_images"]
    best = 1 / here["seconds_per_image"].min()
    for scenario, size, rates in ((SERVER, images, load["server_rates"]), (STREAM, 1, load["stream_rates"])):
        for rate in rates or [share * best / size for share in LOADS]:
            yield scenario, size, float(rate)


def _models(here: pd.DataFrame, scenario: str, images: int, rate: float) -> list[dict]:
    rows, at_load = [], {"scenario": scenario, "rate": rate, "query_images": images}
    for model, settings in here.groupby(MODEL, sort=True):
        runs = [row for _, part in settings.groupby(FIXED, sort=True) for row in _runs(part, scenario, images, rate)]
        known = [row for row in runs if not np.isnan(row["mean_s"])]
        best = min(known, key=lambda row: (float(f"{row['mean_s']:.9g}"), row["batch"], row["threads"]), default=None)
        known = at_load | dict(zip(MODEL, model, strict=True))
        rows += [{**known, **row, "recommended": row is best} for row in runs]
    return rows


def _runs(part: pd.DataFrame, scenario: str, images: int, rate: float) -> list[dict]:
    """One row per measured batch size of one model with one number of threads."""
    part = part.sort_values("batch")
    latency = Latency(part["batch"].to_numpy(), part["latency_median_s"].to_numpy())
    rows = []
    for row in part.itertuples():
        batch = int(row.batch)
        of_queries = scenario == SERVER
        found = server_response(latency, images, rate, batch) if of_queries else stream_response(latency, rate, batch)
        known = {name: getattr(row, name) for name in (*FIXED, "batch", "top1")}
        times = {"utilisation": found.utilisation, "mean_s": found.mean, "p99_s": found.p99}
        rows.append({**known, **times, "p99_relative_sd": found.p99_relative_sd, "reason": _reason(found)})
    return rows


def _reason(found: "Response") -> str:
    if np.isnan(found.mean):
        return OVERLOADED
    return UNCERTAIN if np.isnan(found.p99) else ""


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
    mean: float = np.nan
    p99: float = np.nan
    p99_relative_sd: float = np.nan  # of the simulation


def server_response(latency: Latency, query: int, rate: float, batch: int) -> Response:
    """A query of `query` images every 1 / `rate` seconds, split into runs of `batch` images and one of the rest.

    EdgeTune's server scenario (edgetune2022, 3.4); MLPerf uses the two names the other way round. Decided: a run never
    mixes queries. Arrivals and service S are constant (D/D/1): while the utilisation `rate` · S is below 1 no query
    waits, and each takes S.
    """
    full, rest = divmod(query, batch)
    service = full * float(latency(batch)) + (float(latency(rest)) if rest else 0.0)
    utilisation = rate * service
    return Response(utilisation, service, service, 0.0) if utilisation < 1 else Response(utilisation)


def stream_response(latency: Latency, rate: float, batch: int, arrivals: np.ndarray | None = None) -> Response:
    """Single images arrive as a Poisson process of `rate` per second; a free model takes all that wait, up to `batch`.

    EdgeTune's multi-stream scenario (edgetune2022, 3.4; what MLPerf calls server). Decided:
    the model never idles to let a batch fill. The utilisation is `rate` · L(batch) / batch, the share of time that
    full batches need; where it is below 1 the queue is stable. Its percentile is left out above 0.9; its error is that
    of the mean of ten percentiles, each of a tenth of the arrivals (batch means: Law and Kelton, Simulation Modeling
    and Analysis, 9.5.3). `arrivals` (n,) replaces the drawn times at rate 1.
    """
    utilisation = rate * float(latency(batch)) / batch
    if not utilisation < 1:
        return Response(utilisation)
    times = (unit_arrivals() if arrivals is None else arrivals) / rate
    spent = (_one_by_one if batch == 1 else _in_batches)(times, latency(np.arange(1, batch + 1)))
    counted = spent[min(WARM_UP, len(spent) // 10) :]
    if utilisation > HIGHEST_FOR_P99:
        return Response(utilisation, float(counted.mean()))
    p99 = float(np.quantile(counted, 0.99))
    return Response(utilisation, float(counted.mean()), p99, _standard_error(counted) / p99)


def _standard_error(counted: np.ndarray) -> float:
    """Of the 99th percentile of (n,) successive response times; nan for fewer of them than segments."""
    if len(counted) < SEGMENTS:
        return np.nan
    found = [np.quantile(segment, 0.99) for segment in np.array_split(counted, SEGMENTS)]
    return float(np.std(found, ddof=1)) / np.sqrt(SEGMENTS)


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
        last = bisect_right(arrived, now, first + 1, min(first + most, count))
        now += cost[last - first - 1]
        ends.append(now)
        runs.append(last - first)
        first = last
    return np.repeat(ends, runs) - times
