"""Memory, energy, whole passes and subnormal numbers as the agent measures them. Needs onnxruntime, no such hardware:

the energy counters are a folder in the form of Linux's powercap and a stand-in for NVIDIA's library.
"""

import sys
import types

import numpy as np
import pytest

from prunescape.measure import agent
from prunescape.measure.local import run_agent
from support.onnx_files import PROTOCOL, spec_of, write_product

MIB = 2**20


def test_peak_memory_is_that_of_the_model_and_its_batch(tmp_path):
    """32 MiB of weights, and outputs of 4096 float32 per image: 16 MiB at batch 1024."""
    random = np.random.default_rng(0)
    large = write_product(tmp_path / "large", random.normal(size=(2048, 4096)).astype(np.float32))
    small = write_product(tmp_path / "small", random.normal(size=(64, 4096)).astype(np.float32))
    entries = run_agent(spec_of(large))["latency"] + run_agent(spec_of(small, batches=[1, 1024]))["latency"]
    peak = {(entry["id"], entry["batch"]): entry["peak_memory_bytes"] for entry in entries}
    assert 31 * MIB < peak["large", 1] - peak["small", 1] < 110 * MIB
    assert 15 * MIB < peak["small", 1024] - peak["small", 1] < 50 * MIB
    assert peak["small", 1] < 40 * MIB


def test_subnormal_numbers_are_kept_or_flushed_as_asked(tmp_path):
    """1 x 2^-130, a subnormal float32, is 0 where subnormal numbers are flushed (IEEE 754 says it is not)."""
    path = write_product(tmp_path / "tiny", np.full((1, 1), 2.0**-130, np.float32))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from prunescape.measure import agent; import numpy as np;"
        "spec = {'provider': 'CPUExecutionProvider', 'protocol': {'flush_to_zero': sys.argv[3] == '1'}};"
        "session = agent.open_session({'path': sys.argv[2]}, 1, spec);"
        "print(session.run(None, {'input': np.ones((1, 1), np.float32)})[0].view(np.int32)[0, 0])"
    )
    import subprocess

    scripts = str(agent.__file__).rsplit("/", 3)[0]
    for flush, wanted in (("0", 2**19), ("1", 0)):  # the bits of 2^-130 are 2^(149 - 130)
        done = subprocess.run([sys.executable, "-c", code, scripts, path, flush], capture_output=True, text=True)
        assert done.stdout.strip() == str(wanted), done.stderr


def test_every_setting_says_whether_subnormal_numbers_were_flushed(tmp_path):
    path = write_product(tmp_path / "one", np.ones((2, 2), np.float32))
    for flush in (False, True):
        result = run_agent(spec_of(path, protocol=PROTOCOL | {"flush_to_zero": flush}))
        assert [entry["flush_to_zero"] for entry in result["latency"]] == [flush]


def test_models_that_cannot_run_say_why_and_others_are_measured(tmp_path):
    ones = np.ones((2, 2), np.float32)
    paths = [
        write_product(tmp_path / "good", ones),
        write_product(tmp_path / "fixed", ones, batch=4),
        write_product(tmp_path / "future", ones, opset=999),
        write_product(tmp_path / "old", ones, opset=9, ir_version=4),
    ]
    (tmp_path / "broken").write_bytes(b"no model")
    result = run_agent(spec_of(*paths, str(tmp_path / "broken"), batches=[4, 1]))
    measured = {(entry["id"], entry["batch"]) for entry in result["latency"]}
    assert measured == {("good", 1), ("good", 4), ("old", 1), ("old", 4), ("fixed", 4)}
    why = {(entry["id"], entry.get("batch")): entry["why"] for entry in result["not_run"]}
    assert set(why) == {("fixed", 1), ("future", None), ("broken", None)}
    assert why["fixed", 1] == "its input input takes batches of 4 only"
    assert "opset" in why["future", None].lower() and "\n" not in why["future", None]


class FakeSession:
    """A session whose runs take a fixed time on the agent's clock and a fixed energy from a counter."""

    def __init__(self, clock, seconds, spend):
        self.clock, self.seconds, self.spend = clock, seconds, spend

    def run(self, outputs, feed):
        self.clock[0] += self.seconds
        self.spend()


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(agent.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """Two packages, the first with cores (within it) and memory (beside it), and the platform (around all)."""
    zones = {"0": "package-0", "0:0": "core", "0:1": "dram", "1": "package-1", "2": "psys"}
    for number, name in zones.items():
        folder = tmp_path / f"intel-rapl:{number}"
        folder.mkdir()
        for file, text in (("name", name), ("max_energy_range_uj", "1000000"), ("energy_uj", "0")):
            (folder / file).write_text(f"{text}\n")
    monkeypatch.setattr(agent, "POWERCAP", str(tmp_path))
    return tmp_path


def adder(powercap, spent):
    """Adds microjoules to zones, whose counters start again at zero past a million."""

    def spend():
        for number, more in spent.items():
            file = powercap / f"intel-rapl:{number}" / "energy_uj"
            file.write_text(f"{(int(file.read_text()) + more) % 1_000_000}\n")

    return spend


def test_energy_of_a_run_is_what_packages_and_memory_used(powercap, clock):
    """2 + 1 + 3 mJ a run; cores are within their package and the platform around it: neither counts again."""
    (powercap / "intel-rapl:1" / "energy_uj").write_text("990000\n")  # starts again at zero within the window
    spend = adder(powercap, {"0": 2000, "0:0": 1500, "0:1": 1000, "1": 3000, "2": 9000})
    session = FakeSession(clock, 0.01, spend)
    found = agent.measure_energy(session, {}, agent.energy_counter("CPUExecutionProvider"))
    assert found["energy_source"] == "measured" and found["energy_j"] == pytest.approx(0.006, rel=1e-12)
    assert found["energy_seconds"] >= 1 and found["energy_runs"] == pytest.approx(100, abs=1)


def test_a_counter_that_is_missing_unreadable_or_stands_still_is_absent(powercap, clock, monkeypatch):
    absent = {"energy_j": None, "energy_source": "absent"}
    still = FakeSession(clock, 0.1, lambda: None)
    assert agent.measure_energy(still, {}, agent.energy_counter("CPUExecutionProvider")) == absent
    energy = powercap / "intel-rapl:0" / "energy_uj"
    energy.unlink()  # root reads what a user may not: a missing file stands for one that cannot be read
    assert agent.energy_counter("CPUExecutionProvider") is None
    monkeypatch.setattr(agent, "POWERCAP", str(powercap / "nowhere"))
    assert agent.measure_energy(still, {}, agent.energy_counter("CPUExecutionProvider")) == absent


def test_a_gpus_total_energy_is_read_through_nvidias_library(clock, monkeypatch):
    """nvmlDeviceGetTotalEnergyConsumption gives millijoules (NVML's documentation); GPU 3 is the visible one."""
    used = [5_000_000]
    library = types.ModuleType("pynvml")
    library.nvmlInit = lambda: None
    library.nvmlDeviceGetHandleByIndex = lambda index: {3: "gpu"}[index]
    library.nvmlDeviceGetHandleByUUID = None
    library.nvmlDeviceGetTotalEnergyConsumption = lambda device: {"gpu": used}[device][0]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")

    def spend():
        used[0] += 7000

    found = agent.measure_energy(FakeSession(clock, 0.5, spend), {}, agent.energy_counter("CUDAExecutionProvider"))
    assert found["energy_j"] == pytest.approx(7.0) and found["energy_seconds"] >= 5
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert agent.energy_counter("CUDAExecutionProvider") is None


def test_a_pass_runs_every_image_once(monkeypatch):
    """7 images in batches of 3 are runs of 3, 3 and 1, timed alone."""
    clock, sizes = [0.0], []

    class Session:
        def get_inputs(self):
            return [types.SimpleNamespace(name="input")]

        def run(self, outputs, feed):
            sizes.append(len(feed["input"]))
            clock[0] += 0.25 * len(feed["input"])

    def slowly(session, images):
        clock[0] += 100
        return images

    monkeypatch.setattr(agent, "normalise", slowly)
    monkeypatch.setattr(agent.time, "perf_counter", lambda: clock[0])
    assert agent.time_pass(Session(), np.zeros((7, 1)), 3) == pytest.approx(0.25 * 7)
    assert sizes == [3, 3, 1]
    order = []
    monkeypatch.setattr(agent, "time_pass", lambda session, images, batch: order.append(session) or len(order))
    feeds, sessions = {"a": None, "b": None}, {"a": "a", "b": "b"}
    passes = agent.time_passes(sessions, feeds, np.zeros((7, 1)), 3, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert passes["a"] == {"latency_dataset_s": 4.0, "dataset_samples_s": [1, 4, 5]}
    assert agent.time_passes(sessions, feeds, None, 3, 3)["b"] == {"latency_dataset_s": None, "dataset_samples_s": []}
