"""Simulated queues against closed forms: M/D/1 (Pollaczek and Khinchine; Erlang), D/D/1, and unlimited batches."""

import math

import numpy as np
import pytest

from prunescape.analysis.cost.scenarios import (
    SCENARIO_COLUMNS,
    Latency,
    scenarios,
    server_response,
    stream_response,
    unit_arrivals,
)
from prunescape.store.tables import write_result
from support.measurements import entry, measured

LOAD = {"query_images": 8, "server_rates": None, "stream_rates": None}
ONE = Latency(np.array([1]), np.array([0.01]))


def flat(batch: int, seconds: float) -> Latency:
    """Every run takes as long, whatever its images."""
    return Latency(np.array([1, batch]), np.array([seconds, seconds]))


@pytest.mark.parametrize("utilisation", [0.1, 0.5, 0.8])
def test_single_images_wait_as_pollaczek_and_khinchine_say(utilisation):
    """Mean response of M/D/1: S + rho S / (2 (1 - rho))."""
    found = stream_response(ONE, utilisation / 0.01, 1)
    assert found.utilisation == pytest.approx(utilisation)
    assert found.mean == pytest.approx(0.01 * (1 + utilisation / (2 * (1 - utilisation))), rel=0.04)


def waiting_at_most(t: float, rate: float, service: float) -> float:
    """Erlang's distribution of the wait in M/D/1: (1 - rho) sum_k (rate (kS - t))^k / k! exp(-rate (kS - t))."""
    terms = (rate * (k * service - t) for k in range(math.floor(t / service) + 1))
    return (1 - rate * service) * sum(x**k / math.factorial(k) * math.exp(-x) for k, x in enumerate(terms))


@pytest.mark.parametrize("utilisation", [0.5, 0.8])
def test_the_99th_percentile_is_erlangs(utilisation):
    found = stream_response(ONE, utilisation / 0.01, 1)
    assert waiting_at_most(found.p99 - 0.01, utilisation / 0.01, 0.01) == pytest.approx(0.99, abs=0.004)


@pytest.mark.parametrize(("batch", "seeds"), [(1, 40), (8, 12)])
def test_the_error_of_the_percentile_is_its_spread_over_seeds(batch, seeds):
    """At a load of 0.8; METHODS, 8.5 has 0.08 for 50,000 arrivals and single images, so 0.04 for four times as many.

    Twelve seeds tell a standard deviation to about 20 %, forty to 11 %.
    """
    latency, rate = Latency(np.array([1, batch]), np.array([0.01, 0.01])), 80.0 * batch
    found = [stream_response(latency, rate, batch, arrivals=unit_arrivals(seed=seed)) for seed in range(seeds)]
    p99 = np.array([each.p99 for each in found])
    told = np.mean([each.p99_relative_sd for each in found])
    assert told == pytest.approx(p99.std(ddof=1) / p99.mean(), rel=0.5)
    assert batch > 1 or 0.02 < told < 0.06


def test_above_a_load_of_0_9_there_is_a_mean_and_no_percentile():
    near, over = (stream_response(ONE, utilisation / 0.01, 1) for utilisation in (0.9, 0.95))
    assert near.p99 > near.mean > 0 and 0.03 < near.p99_relative_sd < 0.12
    assert over.mean > 0 and np.isnan([over.p99, over.p99_relative_sd]).all()
    rates = {"query_images": 8, "server_rates": [47.5], "stream_rates": [47.5, 95.0, 120.0]}
    table = scenarios(measured(entry("base", 10)), rates).set_index(["scenario", "rate"])
    assert table.loc[("multi-stream", 95.0), "reason"].startswith("no 99th percentile at a load above 0.9")
    assert table.loc[("multi-stream", 47.5), "reason"] == ""
    assert table.loc[("multi-stream", 120.0), "reason"].startswith("the load exceeds")


def test_constant_arrivals_have_an_exact_percentile_up_to_full_load():
    found = server_response(ONE, 1, 95.0, 1)
    assert (found.p99, found.p99_relative_sd) == (0.01, 0.0)


@pytest.mark.parametrize("load", [0.3, 1.5, 4.0])
def test_unlimited_batches_in_closed_form(load):
    """Runs of D s whatever the batch: an arrival finds one under way with probability D / (D + exp(-rD) / r), and then
    waits D / 2 on average (Poisson arrivals see time averages)."""
    seconds, rate = 0.01, load / 0.01
    busy = seconds / (seconds + math.exp(-rate * seconds) / rate)
    found = stream_response(flat(256, seconds), rate, 256)
    assert found.mean == pytest.approx(seconds + busy * seconds / 2, rel=0.01)


def test_batches_of_one_are_the_same_in_both_ways_of_counting():
    """The recursion in closed form (batch 1) and the walk over batches, whose runs here serve one image each."""
    apart = np.array([0.0, 0.004, 0.02, 0.021, 0.5])
    alone = stream_response(ONE, 1.0, 1, arrivals=apart)
    assert alone.mean == pytest.approx(np.mean([0.010, 0.016, 0.010, 0.019, 0.010]))


def test_a_queue_by_hand():
    """L(1) = 10, L(2) = 12 ms. At 0 one image starts; at 1, 2 and 3 ms three more come. The run of 0 ends at 10; then
    two are taken (10 to 22), then the last (22 to 32): responses 10, 21, 20, 29 ms."""
    latency = Latency(np.array([1, 2]), np.array([0.010, 0.012]))
    found = stream_response(latency, 1.0, 2, arrivals=np.array([0.0, 0.001, 0.002, 0.003]))
    assert found.mean == pytest.approx(0.020)


def test_latency_between_measured_sizes_is_linear_and_padded_below():
    latency = Latency(np.array([2, 4]), np.array([0.010, 0.020]))
    assert latency(np.array([1, 2, 3, 4])) == pytest.approx([0.010, 0.010, 0.015, 0.020])
    assert np.isnan(latency(5))


def test_queries_at_a_fixed_rate_never_wait_below_full_load():
    """D/D/1: N = 8 in runs of 3: L(3) + L(3) + L(2) = 14 + 14 + 12 = 40 ms."""
    latency = Latency(np.array([1, 2, 4]), np.array([0.010, 0.012, 0.016]))
    found = server_response(latency, 8, 20.0, 3)
    assert (found.utilisation, found.mean, found.p99) == pytest.approx((0.8, 0.040, 0.040))
    assert np.isnan(server_response(latency, 8, 25.0, 3).mean)
    assert np.isnan(stream_response(ONE, 100.0, 1).mean)


def test_arrivals_are_a_poisson_process_and_fixed():
    times = unit_arrivals()
    gaps = np.diff(times)
    assert gaps.mean() == pytest.approx(1, abs=0.02) and gaps.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(times, unit_arrivals())


def study():
    """base: 10 ms for 1 image, 20 ms for 8 (400 images a second, the best); slow: one image at a time, 50 a second."""
    return measured(entry("base", 10), entry("base", 20, batch=8), entry("slow", 20))


def test_the_batch_that_answers_soonest_is_recommended():
    table = scenarios(study(), LOAD)
    assert sorted(table["rate"].unique()) == pytest.approx([5, 25, 40, 200, 320])
    server = table.query("scenario == 'server' and rate == 25")
    best = server[server["recommended"]].set_index("variant")
    assert best.loc["base", ["batch", "mean_s", "utilisation"]].tolist() == pytest.approx([8, 0.020, 0.5])
    assert "slow" not in best.index and server.set_index("variant").loc["slow", "reason"].startswith("the load exceeds")
    light = scenarios(study(), {**LOAD, "stream_rates": [0.1]}).query("scenario == 'multi-stream'")
    chosen = light[light["recommended"]].set_index("variant")["batch"]
    assert chosen.to_dict() == {"base": 1, "slow": 1}  # nobody waits: both batch sizes do alike, the smaller is named
    heavy = table.query("scenario == 'multi-stream' and rate == 200 and variant == 'base'")
    assert heavy[heavy["recommended"]]["batch"].tolist() == [8]
    assert np.isnan(heavy.query("batch == 1")["mean_s"]).all()


def test_rates_from_the_config_are_taken_and_the_table_fits_its_schema(tmp_path):
    table = scenarios(study(), {"query_images": 4, "server_rates": [2.0], "stream_rates": [3.0, 6.0]})
    assert table.groupby("scenario")["rate"].unique().map(list).to_dict() == {"multi-stream": [3, 6], "server": [2]}
    assert set(table.query("scenario == 'server'")["query_images"]) == {4}
    write_result(table, SCENARIO_COLUMNS, parquet=tmp_path / "s.parquet", csv=tmp_path / "s.csv")
    assert scenarios(study().iloc[:0], LOAD).empty
