"""The timing agent and its table on small ONNX models whose answers numpy works out by itself. Needs onnxruntime."""

import ast
import base64
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from prunescape.errors import InputError
from prunescape.measure import agent
from prunescape.measure.benchmark import benchmark_target, with_accuracy, with_source
from prunescape.measure.local import AGENT, run_agent
from prunescape.measure.table import benchmark_columns, benchmark_rows
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.tables import arrow_schema
from prunescape.tasks.images.preparing import write_prepared
from support import onnx_files
from support.cells import named
from support.code import loaded_by
from support.small_images import noise, prepared_files

PROTOCOL = {"warmups": 1, "repeats": 4, "chunk_seconds": 0.002}
TARGET = onnx_files.local_target(batch=[1, 5], dataset_passes=3, **PROTOCOL)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data set of random images: 40 for training, 30 for testing, 2 channels, 3 classes."""
    files, arrays = prepared_files(tmp_path_factory.mktemp("data")), noise((2, 4, 4), 3, train=40, test=30)
    write_prepared(arrays, dataset="digits", **files)
    return files, arrays, read_json(files["identity"])


def write_linear(path, matrix, identity, keys=("mean", "std")):
    """An ONNX model: logits = flattened input @ matrix (32, 3); these keys of the identity are its metadata."""
    metadata = {key: identity[key] for key in keys}
    onnx_files.write_product(path, matrix.astype(np.float32), shape=(2, 4, 4), metadata=metadata)


def correct_by_numpy(matrix, arrays):
    train, test = (arrays[f"{split}_images"].astype(np.float64) / 255 for split in ("train", "test"))
    mean, std = train.mean((0, 2, 3)), train.std((0, 2, 3))
    normalised = (test - mean[:, None, None]) / std[:, None, None]
    return (normalised.reshape(len(test), -1) @ matrix).argmax(1) == arrays["test_labels"]


@pytest.fixture(scope="module")
def exports(prepared, tmp_path_factory):
    """Two variants' folders as export_onnx writes them, the second with a score that its model does not reach."""
    _, arrays, identity = prepared
    folders = []
    for seed, variant in enumerate(("base", "uniform-0.5")):
        folder = tmp_path_factory.mktemp(variant)
        matrix = np.random.default_rng(seed).normal(size=(32, 3))
        write_linear(folder / "rank-1.onnx", matrix, identity)
        correct = int(correct_by_numpy(matrix, arrays).sum()) + 5 * seed
        score = {"correct": correct, "tested": 30, "top1": 0.0, "file_bytes": 700, "encoded_bytes": 600}
        model = {"rank": 1, "precision": "fp32", "file": "rank-1.onnx", "cell": named(variant), **score}
        write_json(folder / "export.json", {"models": [model | {"sha256": file_digest(folder / "rank-1.onnx")}]})
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def benchmark(prepared, exports, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark") / "here.json"
    benchmark_target(TARGET, exports=exports, **prepared[0], out=out)
    return read_json(out)


def spec_of(prepared, exports, **changes):
    known = {"models": [{"id": "one", "path": str(exports[0] / "rank-1.onnx")}], "data": str(prepared[0]["data"])}
    return onnx_files.spec_of(**known | {"protocol": PROTOCOL} | changes)


def test_agent_imports_only_standard_library_numpy_and_onnxruntime():
    """The agent is sent to hosts that have nothing of ours, on Pythons from 3.8."""
    tree = ast.parse(AGENT.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert others == {"numpy", "onnxruntime", "pynvml"}
    assert "pynvml" not in {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}


def test_table_needs_neither_torch_nor_onnxruntime():
    assert loaded_by("import prunescape.measure.table, benchmark_target", "torch", "onnxruntime") == set()


def test_every_sample_is_kept_and_summed_up_as_numpy_does(benchmark):
    wanted = [(f"small/{variant}/rank-1", batch) for batch in (1, 5) for variant in ("base", "uniform-0.5")]
    assert [(entry["id"], entry["batch"]) for entry in benchmark["latency"]] == wanted
    for entry in benchmark["latency"]:
        samples = np.array(entry["samples_s"])
        assert samples.shape == (4,) and (samples > 0).all()
        low, high = np.quantile(samples, [0.25, 0.75])
        assert entry["median_s"] == pytest.approx(np.median(samples), rel=1e-12)
        assert entry["iqr_s"] == pytest.approx(high - low, rel=1e-9, abs=1e-15)
        assert entry["p90_s"] == pytest.approx(np.quantile(samples, 0.9), rel=1e-12)
        assert entry["noisy"] == ((high - low) / np.median(samples) > 0.03)
        assert len(entry["cpu_samples_s"]) == 4
        assert entry["cpu_seconds_per_run"] == pytest.approx(np.median(entry["cpu_samples_s"]), rel=1e-12)


def test_accuracy_is_what_numpy_finds_and_a_difference_is_told(prepared, benchmark):
    _, arrays, _ = prepared
    for seed, model in enumerate(benchmark["models"]):
        wanted = correct_by_numpy(np.random.default_rng(seed).normal(size=(32, 3)), arrays)
        bits = np.unpackbits(np.frombuffer(base64.b64decode(model["correct_bits"]), np.uint8))[:30]
        np.testing.assert_array_equal(bits.astype(bool), wanted)
        assert (model["correct"], model["tested"]) == (wanted.sum(), 30)
        assert model["correct_torch"] == wanted.sum() + 5 * seed
        assert model["accuracy_agrees"] is (seed == 0)


def test_environment_says_where_it_was_measured(benchmark):
    environment = benchmark["environment"]
    assert environment["host"] == os.uname().nodename
    assert environment["cpus"] == os.cpu_count()
    assert environment["provider"] == "CPUExecutionProvider" and environment["cpu"]


class FakeHost:
    """Two clocks that only fake sessions advance; `log` has a letter for each run and | for each look at the wall."""

    def __init__(self):
        self.wall, self.cpu, self.log = 0.0, 0.0, ""

    def perf_counter(self):
        self.log += "|"
        return self.wall

    def process_time(self):
        return self.cpu


class FakeSession:
    """A model called by one letter, each run of which takes these seconds on its host's clocks."""

    def __init__(self, host, name, wall, cpu):
        self.host, self.name, self.wall, self.cpu = host, name, wall, cpu

    def run(self, outputs, feed):
        self.host.wall, self.host.cpu = self.host.wall + self.wall, self.host.cpu + self.cpu
        self.host.log += self.name


TICK = 2.0**-10  # about 1 ms; sums of it are exact
COSTS = {"a": (TICK, 3 * TICK), "b": (2 * TICK, TICK), "c": (4 * TICK, 10 * TICK)}  # wall and CPU seconds of a run


@pytest.fixture
def fake_latency(monkeypatch):
    """What the agent measures, and what it ran, on three models of known cost: chunks of at least 25 ms."""
    host = FakeHost()
    monkeypatch.setattr(agent.time, "perf_counter", host.perf_counter)
    monkeypatch.setattr(agent.time, "process_time", host.process_time)
    sessions = {name: FakeSession(host, name, *costs) for name, costs in COSTS.items()}
    protocol = {"warmups": 5, "repeats": 3, "chunk_seconds": 0.025}
    entries = agent.measure_latency(sessions, dict.fromkeys(sessions), 1, 1, protocol)
    pieces = host.log.split("|")
    return {entry["id"]: entry for entry in entries}, pieces[::2], pieces[1::2]


def test_every_run_is_a_warm_up_or_timed_and_chunks_alternate(fake_latency):
    """Outside the clock only the warm-ups; inside it, after calibration, one chunk a sample in alternating order."""
    entries, untimed, chunks = fake_latency
    assert [piece for piece in untimed if piece] == ["aaaaa", "bbbbb", "ccccc"]
    runs = {name: entry["runs_per_sample"] for name, entry in entries.items()}
    assert chunks[-9:] == [name * runs[name] for name in "abccbaabc"]
    for name, (wall, _) in COSTS.items():
        tried = [len(chunk) for chunk in chunks[:-9] if chunk[0] == name]
        assert tried[0] == 1 and tried[-1] == runs[name] and tried == sorted(set(tried))
        assert 0.025 <= runs[name] * wall <= 0.030 + wall


def test_wall_and_cpu_seconds_are_those_of_one_run(fake_latency):
    entries, _, _ = fake_latency
    for name, (wall, cpu) in COSTS.items():
        assert entries[name]["samples_s"] == [wall] * 3 and entries[name]["cpu_samples_s"] == [cpu] * 3
        assert (entries[name]["median_s"], entries[name]["cpu_seconds_per_run"]) == (wall, cpu)


def test_sessions_get_the_threads_asked_for_and_one_between_operators(prepared, exports, monkeypatch):
    """As onnxruntime's own sessions report: accuracy with the most threads, latency with each number in turn."""
    opened, real = [], agent.onnxruntime.InferenceSession

    def recorded(*arguments, **options):
        session = real(*arguments, **options)
        opened.append(session.get_session_options())
        return session

    monkeypatch.setattr(agent.onnxruntime, "InferenceSession", recorded)
    protocol = {"warmups": 0, "repeats": 1, "chunk_seconds": 0.0}
    result = agent.measure(spec_of(prepared, exports, threads=[1, 3, 2], protocol=protocol))
    assert [entry["threads"] for entry in result["latency"]] == [1, 3, 2]
    assert [options.intra_op_num_threads for options in opened] == [3, 1, 3, 2]
    assert {options.inter_op_num_threads for options in opened} == {1}


def test_a_batch_larger_than_the_test_split_takes_images_again(prepared, exports):
    result = run_agent(spec_of(prepared, exports, batches=[64]))
    assert result["latency"][0]["batch"] == 64


def test_rows_fit_the_schema_and_lose_no_digit(benchmark):
    rows = benchmark_rows(benchmark)
    columns = benchmark_columns(["log10_wd", "log10_lr"])
    table = pa.Table.from_pylist(rows, schema=arrow_schema(columns))
    assert table.num_rows == 4 and table.column_names == list(columns)
    assert table.column_names[4:8] == ["rank", "log10_lr", "log10_wd", "seed"]
    nulls = {name for name in table.column_names if table[name].null_count}
    assert nulls == ({"energy_j"} if set(table["energy_source"].to_pylist()) == {"absent"} else set())
    entry, row = benchmark["latency"][3], table.slice(3, 1).to_pylist()[0]
    assert row["samples"] == entry["samples_s"] and row["latency_median_s"] == entry["median_s"]
    assert (row["variant"], row["batch"], row["threads"], row["rank"]) == ("uniform-0.5", 5, 1, 1)
    assert row["top1"] == 100 * row["correct"] / 30 and row["correct_torch"] == row["correct"] + 5


def test_both_treatments_of_subnormal_numbers_are_measured_and_reasons_told_once(prepared, exports, tmp_path):
    """Two runs of the agent: each model stands once, each setting twice, and what does not run has one reason."""
    (model,) = read_json(exports[0] / "export.json")["models"]
    (tmp_path / "rank-1.onnx").write_bytes((exports[0] / "rank-1.onnx").read_bytes())
    (tmp_path / "rank-1.int8.onnx").write_bytes(b"no model")
    broken = {"precision": "int8", "file": "rank-1.int8.onnx", "sha256": file_digest(tmp_path / "rank-1.int8.onnx")}
    models = [model, model | broken]
    write_json(tmp_path / "export.json", {"models": models})
    target = TARGET | {"batch": [1], "precisions": ["fp32", "int8"], "flush_to_zero": [False, True]}
    benchmark_target(target, exports=[tmp_path], **prepared[0], out=tmp_path / "here.json")
    found = read_json(tmp_path / "here.json")
    assert [entry["id"] for entry in found["models"]] == ["small/base/rank-1"]
    assert [entry["flush_to_zero"] for entry in found["latency"]] == [False, True]
    assert [entry["id"] for entry in found["not_run"]] == ["small/base/rank-1/int8"]
    assert all(len(entry["dataset_samples_s"]) == 3 for entry in found["latency"])
    assert [row["flush_to_zero"] for row in benchmark_rows(found)] == [False, True]


def test_energy_of_an_emulating_host_is_an_estimate_and_accuracy_may_be_unknown():
    measured, absent = {"energy_source": "measured"}, {"energy_source": "absent"}
    assert with_source(measured, {"kind": "emulated"}) == {"energy_source": "estimated"}
    assert with_source(absent, {"kind": "emulated"}) == absent and with_source(measured, {"kind": "ssh"}) == measured
    model = {"id": "one", "path": "here", "precision": "fp32", "correct": 20, "tested": 30, "top1": 66.7}
    known = with_accuracy(model, None)
    assert (known["correct"], known["top1"], known["accuracy_agrees"], known["correct_torch"]) == (None, None, None, 20)


def test_nothing_to_measure_is_a_result(prepared, tmp_path):
    write_json(tmp_path / "export.json", {"models": []})
    out = tmp_path / "here.json"
    benchmark_target(TARGET, exports=[tmp_path], **prepared[0], out=out)
    assert read_json(out)["models"] == [] and benchmark_rows(read_json(out)) == []


def test_agent_prints_one_json_and_leaves_no_file(prepared, exports, tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(spec_of(prepared, exports)))
    command = [sys.executable, "-I", str(AGENT), "spec.json"]
    done = subprocess.run(command, cwd=tmp_path, env={"TMPDIR": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    assert set(json.loads(done.stdout)) == {"environment", "protocol", "accuracy", "latency", "not_run"}
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [{"id": "one", "path": "nowhere.onnx"}]}, "cannot be loaded"),
        ({"data": "nowhere.npz"}, "test data cannot be read"),
        ({"provider": "AbacusProvider"}, "onnxruntime here has no AbacusProvider"),
        ({"threads": "two"}, 'lacks "threads"'),
    ],
)
def test_what_the_agent_refuses_ends_in_one_line(prepared, exports, changes, words):
    with pytest.raises(InputError, match=words) as caught:
        run_agent(spec_of(prepared, exports, **changes))
    assert "Traceback" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_without_metadata_or_with_infinite_logits_is_refused(prepared, exports, tmp_path):
    _, _, identity = prepared
    write_linear(tmp_path / "bare.onnx", np.ones((32, 3)), identity, keys=())
    with pytest.raises(InputError, match=r"prunescape\.mean"):
        run_agent(spec_of(prepared, exports, models=[{"id": "bare", "path": str(tmp_path / "bare.onnx")}]))
    write_linear(tmp_path / "infinite.onnx", np.full((32, 3), np.nan), identity)
    with pytest.raises(InputError, match="not finite"):
        run_agent(spec_of(prepared, exports, models=[{"id": "infinite", "path": str(tmp_path / "infinite.onnx")}]))


def test_missing_precisions_and_changed_data_are_refused(prepared, exports, tmp_path):
    files, arrays, _ = prepared
    places = {"exports": exports, "identity": files["identity"], "out": tmp_path / "here.json"}
    with pytest.raises(InputError, match="there is no int8 model"):
        benchmark_target(TARGET | {"precisions": ["int8"]}, data=files["data"], **places)
    other = arrays | {"test_labels": arrays["test_labels"][::-1].copy()}
    write_prepared(other, dataset="digits", **prepared_files(tmp_path, "other"))
    with pytest.raises(InputError, match="not the one its identity names"):
        benchmark_target(TARGET, data=tmp_path / "other.npz", **places)


def test_the_agent_ends_when_its_caller_is_gone(prepared, exports):
    """Killed outright, the caller cannot clean up: the agent must notice by itself."""
    spec = spec_of(prepared, exports, protocol={"warmups": 0, "repeats": 10_000, "chunk_seconds": 0.05})
    command = [sys.executable, "-I", str(AGENT), "-"]
    agent_process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    agent_process.stdin.write(json.dumps(spec).encode())
    agent_process.stdin.close()
    agent_process.stderr.readline()
    agent_process.stderr.close()
    try:
        assert agent_process.wait(timeout=10) != 0
    finally:
        if agent_process.poll() is None:
            os.kill(agent_process.pid, signal.SIGKILL)
            time.sleep(0.1)
