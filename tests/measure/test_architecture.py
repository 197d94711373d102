"""Untrained variants on a target: what is measured and reused, the search, the CPU frequency. Needs onnxruntime."""

import sys
from pathlib import Path

import numpy as np
import pytest

from prunescape.errors import InputError
from prunescape.measure import architecture, frequency
from prunescape.measure.architecture import measure_architecture
from prunescape.measure.inference_search import MOST_OF_GRID, InferenceSetting, axes_of, require_optuna, search
from prunescape.store.files import file_digest, read_json, write_json
from support import onnx_files
from support.small_images import prepare_noise

TARGET = onnx_files.local_target(batch=[1, 4], precisions=["fp32"], retries=0)
MHZ = 1000  # kHz


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_noise(tmp_path_factory.mktemp("data"), (2, 4, 4), 3, train=12, test=9)


def export(folder: Path, identity: Path, graph: str = "a1", seed: int = 0) -> Path:
    """An export of one model on images of noise, as export_untrained leaves it; `graph` stands for its graph."""
    folder.mkdir(exist_ok=True)
    known = read_json(identity)
    shape, classes = known["shape"], known["classes"]
    matrix = np.random.default_rng(seed).normal(size=(int(np.prod(shape)), classes)).astype(np.float32)
    metadata = {key: known[key] for key in ("mean", "std")}
    file = Path(onnx_files.write_product(folder / "fp32.onnx", matrix, shape=tuple(shape), metadata=metadata))
    sizes = {"file_bytes": file.stat().st_size, "encoded_bytes": 1}
    model = {"precision": "fp32", "file": file.name, "sha256": file_digest(file), "graph_digest": graph, **sizes}
    about = {"model": "m", "flops": 1, "parameters": 1, "widths_digest": "w", "architecture_digest": "a"}
    write_json(folder / "export.json", {"models": [model], **about})
    return folder / "export.json"


@pytest.fixture
def measure(prepared, tmp_path):
    """Measures an export with changes of the target; every measurement is kept in one folder."""

    def run(graph="a1", code="c", **changes):
        named = {"experiment": "e", "network": "", "variant": "base"}
        out, made = tmp_path / "out.json", export(tmp_path / "export", Path(prepared["identity"]), graph)
        files = {name: Path(prepared[name]) for name in ("identity", "data")}
        measure_architecture(TARGET | changes, named, export=made, **files, kept=tmp_path / "kept", code=code, out=out)
        return read_json(out)

    return run


def reused(content):
    return {(entry["threads"], entry["batch"]): entry["reused"] for entry in content["measured"]}


def test_every_setting_is_measured_once_until_something_that_decides_it_changes(measure):
    first = measure()
    assert reused(first) == {(1, 1): False, (1, 4): False} and first["strategy"] == "grid"
    assert all(len(entry["samples_s"]) == onnx_files.PROTOCOL["repeats"] for entry in first["measured"])
    assert measure()["measured"][0]["samples_s"] == first["measured"][0]["samples_s"]
    assert reused(measure(name="another", dataset_passes=3)) == {(1, 1): True, (1, 4): True}
    assert reused(measure(batch=[1, 2, 4])) == {(1, 1): True, (1, 2): False, (1, 4): True}
    for changes in ({"graph": "b"}, {"code": "other"}, {"repeats": 3}):
        assert not any(reused(measure(**changes)).values()), changes


def test_a_damaged_measurement_is_made_again(measure, tmp_path):
    measure()
    for path in (tmp_path / "kept").iterdir():
        path.write_text("{}")
    assert not any(reused(measure()).values())


def test_many_settings_are_searched_and_the_best_of_them_is_found(measure, monkeypatch):
    """The stand-in costs least at 16 images; of 64 settings at most 30 are measured."""

    def stand_in(target, spec):
        samples = [abs(np.log2(batch) - 4) + 1 for batch in spec["batches"]]
        entry = {"id": "fp32", "threads": spec["threads"][0], "energy_source": "absent", "samples_s": [1.0]}
        measured = [
            entry | {"batch": batch, "median_s": cost * batch}
            for batch, cost in zip(spec["batches"], samples, strict=True)
        ]
        return {"latency": measured, "environment": {}, "not_run": []}

    monkeypatch.setattr(architecture, "measure_on", stand_in)
    found = measure(threads=[1, 2, 3, 4], batch=[2**power for power in range(16)])
    assert found["strategy"] == "tpe" and found["settings"] == 64 and len(found["measured"]) == MOST_OF_GRID
    best = min(found["measured"], key=lambda entry: entry["median_s"] / entry["batch"])
    assert best["batch"] == 16
    again = measure(threads=[1, 2, 3, 4], batch=[2**power for power in range(16)])
    assert reused(again) == dict.fromkeys(reused(found), True), "the same seed proposes the same settings"


def test_a_search_keeps_away_from_settings_that_do_not_run():
    axes = axes_of({"threads": list(range(1, 9)), "batch": list(range(1, 9))}, settable=False)
    tried = search(axes, lambda setting: None if setting.batch > 4 else 1 / setting.threads, seed=1)
    assert tried[0] == InferenceSetting(1, 1) and len(set(tried)) == len(tried) <= MOST_OF_GRID
    assert InferenceSetting(8, 1) in tried


def test_without_optuna_a_search_is_refused_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr("prunescape.measure.inference_search.find_spec", lambda name: None)
    require_optuna("here", MOST_OF_GRID)
    with pytest.raises(
        InputError, match=r"targets\.here: 31 settings .* Optuna's TPE, which is not here; .*\[optuna\]"
    ):
        require_optuna("here", MOST_OF_GRID + 1)


@pytest.fixture
def policies(tmp_path):
    """A host of two clock domains, 600 to 1500 MHz, as Linux's cpufreq shows them."""
    for number in (0, 4):
        folder = tmp_path / f"policy{number}"
        folder.mkdir()
        bounds = {"scaling_min_freq": 600, "scaling_max_freq": 1500, "cpuinfo_min_freq": 600, "cpuinfo_max_freq": 1500}
        for name, mhz in bounds.items():
            (folder / name).write_text(f"{mhz * MHZ}\n")
    return str(tmp_path / "policy*")


def test_a_frequency_is_held_on_every_cpu_and_put_back(policies):
    folders = sorted(Path(policies).parent.glob("policy*"))

    def read():
        return [[int((folder / name).read_text()) for name in (frequency.LEAST, frequency.MOST)] for folder in folders]

    before = read()
    assert frequency.unsettable(policies) == ""
    with frequency.held_at(1000, policies):
        assert read() == [[1000 * MHZ] * 2] * 2
    assert read() == before
    with pytest.raises(InputError, match=r"do not run at 2000 MHz.*600 to 1500 MHz"), frequency.held_at(2000, policies):
        pass
    assert read() == before


def test_why_no_frequency_is_set_stands_in_the_result(measure, tmp_path, monkeypatch):
    assert measure()["frequency_reason"] == frequency.NOT_ASKED
    assert frequency.unsettable(str(tmp_path / "none*")) == frequency.NONE
    monkeypatch.setattr(frequency, "unsettable", lambda: frequency.NONE)
    found = measure(frequency_mhz=[600, 1000])
    assert found["frequency_reason"] == frequency.NONE
    assert [entry["frequency_mhz"] for entry in found["measured"]] == [None, None]
