"""Energy of a training: counters as Linux's powercap and NVIDIA's library have them, on stand-ins for both.

Independent sources: joules worked out by hand; the agent's own reader on the same folder; NVML's documentation.
"""

import sys
import types

import pytest
import torch
from torch import nn

from prunescape.analysis.study_tables import used_per_epoch
from prunescape.errors import Stopped
from prunescape.measure import agent
from prunescape.tasks.images.task import Task
from prunescape.training import energy, energy_counters
from prunescape.training.energy import Meter, energy_fields, nothing_used, open_meter
from prunescape.training.energy_counters import Counter, NoCounterError, nvml_counter, rapl_counter
from prunescape.training.loop import start_training
from prunescape.training.together import train_together
from support.small_images import three_classes
from support.trainings import CPU, Interrupting, recipe_with

RANGE = 1_000_000
ZONES = {"0": "package-0", "0:0": "core", "0:1": "dram", "1": "package-1", "2": "psys"}


@pytest.fixture
def powercap(tmp_path):
    """Two packages, the first with cores (within it) and memory (beside it), and the platform (around all)."""
    for number, name in ZONES.items():
        folder = tmp_path / f"intel-rapl:{number}"
        folder.mkdir()
        for file, text in (("name", name), ("max_energy_range_uj", RANGE), ("energy_uj", 900_000)):
            (folder / file).write_text(f"{text}\n")
    return tmp_path


def spend(powercap, **microjoules):
    for zone, more in microjoules.items():
        file = powercap / f"intel-rapl:{zone.removeprefix('z').replace('_', ':')}" / "energy_uj"
        file.write_text(f"{(int(file.read_text()) + more) % RANGE}\n")


def test_packages_and_memory_count_once_and_past_their_range(powercap, monkeypatch):
    """0.3 + 0.05 + 0.2 J: package 0 and 1 start again at 0; cores and platform are within and around what counts."""
    monkeypatch.setattr(agent, "POWERCAP", str(powercap))
    counter, (read, joules, _) = rapl_counter(powercap), agent.rapl_counter()
    before, agents = counter.read(), read()
    spend(powercap, z0=300_000, z0_0=250_000, z0_1=50_000, z1=200_000, z2=700_000)
    assert counter.covers == "package-0, dram, package-1"
    assert counter.joules(before, counter.read()) == pytest.approx(0.55, rel=1e-12) == joules(agents, read())


def test_a_counter_that_nobody_may_read_says_so(powercap, monkeypatch):
    """As on Linux since 5.10: energy_uj belongs to root. This user may be root, so the refusal is simulated."""
    refused = powercap / "intel-rapl:1" / "energy_uj"
    read_text = energy_counters.Path.read_text

    def read(path, *arguments):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *arguments)

    monkeypatch.setattr(energy_counters.Path, "read_text", read)
    with pytest.raises(NoCounterError, match=f"^{refused} may not be read by this user"):
        rapl_counter(powercap)


@pytest.mark.parametrize("content", [None, "", "no number"])
def test_a_counter_that_is_damaged_says_so(powercap, content):
    file = powercap / "intel-rapl:0" / "energy_uj"
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(NoCounterError, match="cannot be read"):
        rapl_counter(powercap)


def test_a_host_without_counters_says_so(tmp_path):
    with pytest.raises(NoCounterError, match="lists no package"):
        rapl_counter(tmp_path / "nowhere")


@pytest.fixture
def nvml(monkeypatch):
    """NVIDIA's library with one GPU, which has used 5 kJ; `count` processes compute on it."""
    library = types.ModuleType("pynvml")
    library.NVMLError = type("NVMLError", (Exception,), {})
    library.used, library.count = 5_000_000, 1
    library.nvmlInit = lambda: None

    def handle(uuid):
        if uuid != "GPU-1234":
            raise library.NVMLError("Not Found")
        return "gpu"

    library.nvmlDeviceGetHandleByUUID = handle
    library.nvmlDeviceGetName = lambda gpu: "NVIDIA H200"
    library.nvmlDeviceGetTotalEnergyConsumption = lambda gpu: library.used
    library.nvmlDeviceGetComputeRunningProcesses = lambda gpu: [None] * library.count
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def test_a_gpu_tells_millijoules(nvml):
    """nvmlDeviceGetTotalEnergyConsumption: in millijoules, since the driver was loaded (NVML's documentation)."""
    counter = nvml_counter("1234", claimed=True)
    before = counter.read()
    nvml.used += 7000
    assert counter.joules(before, counter.read()) == pytest.approx(7.0) and counter.covers == "NVIDIA H200"


@pytest.mark.parametrize(
    ("count", "claimed", "others"), [(1, False, False), (2, True, True), (0, True, False), (0, False, True)]
)
def test_another_process_on_the_gpu_is_seen(nvml, count, claimed, others):
    """A driver that shows no process, as in a container, leaves only the claim."""
    nvml.count = count
    assert nvml_counter("1234", claimed=claimed).others() == others


def test_a_gpu_without_counter_or_library_says_so(nvml, monkeypatch):
    with pytest.raises(NoCounterError, match=r"tells no total energy \(Not Found\)"):
        nvml_counter("99", claimed=True)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert open_meter("1234").missing == "NVIDIA's library is not installed: install prunescape[nvidia]"


@pytest.fixture
def host(monkeypatch):
    """A host whose clocks and counters a test sets."""
    now = types.SimpleNamespace(own=0.0, host=0.0, energy=0, others=False, readable=True, time=0.0)

    def read():
        if not now.readable:
            raise PermissionError
        return (now.energy % RANGE,)

    monkeypatch.setattr(energy, "own_cpu_seconds", lambda: now.own)
    monkeypatch.setattr(energy, "host_cpu_seconds", lambda: now.host)
    monkeypatch.setattr(energy.time, "monotonic", lambda: now.time)
    now.rapl = Counter("rapl", "package-0", (RANGE,), 0.001, read)
    now.nvml = Counter("nvml", "GPU", (0,), 0.1, lambda: (now.energy,), lambda: now.others)
    return now


def epoch(meter, host, *, joules=0.5, own=2.0, others=0.1):
    used = nothing_used()
    meter.start()
    host.energy, host.own, host.host = host.energy + round(1e6 * joules), host.own + own, host.host + own + others
    meter.stop(used)
    host.energy += 300_000  # a test between two epochs does not count
    return used


def test_a_training_alone_on_its_host_has_joules(host):
    meter = Meter(host.rapl)
    used = [epoch(meter, host, joules=0.5), epoch(meter, host, joules=0.7)]
    found = energy_fields(meter, used, [1.0, 2.0], together=1)
    assert found["epoch_joules"] == pytest.approx([0.5, 0.7]) and found["energy_reason"] is None
    assert (found["energy_source"], found["energy_covers"]) == ("rapl", "package-0")
    row = used_per_epoch(found | {"epoch_seconds": [1.0, 2.0]})
    assert row["watts"] == pytest.approx(1.2 / 3) and row["epoch_joules"] == pytest.approx(0.6)
    assert row["others_cpu"] == pytest.approx(0.05) and row["epoch_cpu_seconds"] == pytest.approx(2)


def without_counter(host):
    return Meter(missing="no counter here"), {}, {}


def shared_host(host):
    return Meter(host.rapl), {"others": 0.3}, {}


def stacked(host):
    return Meter(host.nvml), {}, {"together": 4}


def shared_gpu(host):
    host.others = True
    return Meter(host.nvml), {}, {}


def unreadable(host):
    host.readable = False
    return Meter(host.rapl), {}, {}


def still(host):
    return Meter(host.rapl), {"joules": 0.0}, {}


def short(host):
    return Meter(host.nvml), {}, {"seconds": [0.5]}


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (without_counter, "no counter here"),
        (shared_host, "others used 0.15 times the processor time"),
        (stacked, "4 cells trained in step"),
        (shared_gpu, "something else computed there"),
        (unreadable, "could not be read in a part"),
        (still, "stands still"),
        (short, "0.5 s of training are too short"),
    ],
)
def test_no_joules_and_why(host, case, reason):
    meter, use, about = case(host)
    found = energy_fields(meter, [epoch(meter, host, **use)], about.get("seconds", [100.0]), about.get("together", 1))
    assert found["epoch_joules"] is None and reason in found["energy_reason"]
    assert found["epoch_cpu_seconds"] == pytest.approx([2.0])
    row = used_per_epoch(found | {"epoch_seconds": [100.0]})
    assert row["epoch_joules"] is None and row["watts"] is None


def test_processor_load_does_not_matter_to_a_gpus_counter(host):
    meter = Meter(host.nvml)
    found = energy_fields(meter, [epoch(meter, host, others=50.0)], [100.0], together=1)
    assert found["epoch_joules"] == pytest.approx([0.5]) and found["energy_reason"] is None


def test_a_long_epoch_is_read_before_its_counter_passes_its_range_twice(host):
    """3 J in steps of 0.6 J with a range of 1 J: only a look a minute finds them all."""
    meter, used = Meter(host.rapl), nothing_used()
    meter.start()
    for _ in range(5):
        host.energy, host.time = host.energy + 600_000, host.time + 61
        meter.keep_up(used)
    meter.stop(used)
    assert used["joules"] == pytest.approx(3.0)


def counted(host, directory=None, after=10**9):
    """A training whose counter adds 0.25 J in every batch, that is 4 x 0.25 J an epoch, and 0.1 J in every test."""

    class Counting(nn.Linear):
        def forward(self, inputs):
            host.energy += 250_000 if self.training else 100_000
            host.own, host.host = host.own + 1, host.host + 1
            return super().forward(inputs)

    data = three_classes(60, 30, 20, channels=2, pixels=8)
    network = nn.Sequential(nn.Flatten(), Counting(128, 3))
    checkpointer = Interrupting(directory / "checkpoint.safetensors", "key") if directory else None
    hooks = {}
    if checkpointer:
        checkpointer.after = after
        hooks = {"between_batches": checkpointer.between_batches}
    # between two looks at most one range is used: of 1 J an epoch would look like none
    counter = Counter("rapl", "package-0", (100 * RANGE,), 0.001, lambda: (host.energy,))
    recipe = recipe_with(0.1, 0.0, epochs=3, batch_size=16)
    training = start_training(network, Task(data, CPU), recipe, seed=0, meter=Meter(counter), **hooks)
    if checkpointer:
        checkpointer.resume(training)
    train_together([training])
    return training.outcome.used


def test_every_epoch_of_a_training_is_measured_but_not_its_tests(host):
    used = counted(host)
    assert [part["joules"] for part in used] == pytest.approx([1.0] * 3)
    assert [part["cpu_seconds"] for part in used] == pytest.approx([4.0] * 3)


@pytest.mark.parametrize("after", [2, 5, 7])
def test_an_interrupted_training_keeps_what_it_used(host, tmp_path, after):
    """An epoch is 4 batches and a test: it ends after 2 batches, after the first test, after 2 of the second epoch."""
    with pytest.raises(Stopped):
        counted(host, tmp_path, after)
    assert [part["joules"] for part in counted(host, tmp_path)] == pytest.approx([1.0] * 3)


def test_own_processor_time_is_that_of_the_work():
    """Python's own clock of this process; the host's processes use at least as much, within two ticks of its clock."""
    before, host_before, clock = energy.own_cpu_seconds(), energy.host_cpu_seconds(), energy.time.process_time()
    while energy.time.process_time() - clock < 0.3:
        torch.ones(100).sum()
    own, host = energy.own_cpu_seconds() - before, energy.host_cpu_seconds() - host_before
    assert 0.3 <= own < 0.4 and host > own - 0.05
