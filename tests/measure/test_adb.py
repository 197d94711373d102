"""Android targets against an adb that is a script here: no device and no real adb was at hand to test with.

The binary's output is as onnxruntime's own performance_result.h writes it, the battery's as Android's documentation of
batterystats and its sources tell.
"""

import pytest

from prunescape.errors import InputError
from prunescape.measure.adb import battery_mah, battery_volts, run_seconds
from prunescape.measure.benchmark import measure_on
from support import onnx_files

ADB = """#!/bin/sh
printf '%s\\n' "$*" >> {state}/calls
[ "$1" = -s ] || exit 99
if [ -e {state}/lost ]; then rm {state}/lost; echo "adb: device 'phone 1' not found" >&2; exit 1; fi
if [ -e {state}/unauthorized ]; then echo "error: device unauthorized." >&2; exit 1; fi
case $3 in
  push) cp "$4" "$5";;
  shell) [ $# -eq 4 ] && PATH="{state}/bin:$PATH" exec sh -c "$4";;
esac
"""
GETPROP = """case $1 in ro.product.model) echo "Pixel 12";; ro.soc.model) echo Tensor;; *) echo x/y:16;; esac"""
DUMPSYS = """
case "$*" in
  "battery") printf 'Current Battery Service state:\\n  level: 80\\n  voltage: 4000\\n';;
  "batterystats --charged --checkin") printf '9,0,i,vers,36,x\\n9,1000,l,pwi,uid,7.5\\n9,2000,l,pwi,uid,0.5,0,0\\n';;
esac
"""
# Runs of 1, 2, 3, ... ms into the result file and, when it runs for a time, 100 of them.
PERF_TEST = """#!/bin/sh
case "$*" in *"-m times"*) times=1;; *) times=0;; esac
while [ $# -gt 2 ]; do [ "$1" = -r ] && runs=$2; shift; done
if [ $times = 1 ]; then model=$1 result=$2; else model=$2; fi
grep -q broken $model && echo "Load model failed: Protobuf parsing failed." >&2 && exit 1
[ $times = 0 ] && echo "Total inference requests: 100" && exit
number=0
while [ $number -lt $runs ]; do
  number=$((number + 1))
  echo "m,$(printf 0.%03d $number),35299328,98,$((number - 1))" >> $result
done
"""


@pytest.fixture
def state(tmp_path):
    """The device's folder, with what its shell can run."""
    state = tmp_path / "state"
    (state / "bin").mkdir(parents=True)
    (state / "data").mkdir()
    scripts = {"bin/getprop": f"#!/bin/sh\n{GETPROP}", "bin/dumpsys": f"#!/bin/sh\n{DUMPSYS}"}
    scripts |= {"adb": ADB.format(state=state), "perf test": PERF_TEST}
    for name, text in scripts.items():
        (state / name).write_text(text)
        (state / name).chmod(0o755)
    (state / "good.onnx").write_text("model")
    (state / "broken.onnx").write_text("broken")
    return state


@pytest.fixture
def target(state):
    target = {"name": "phone", "kind": "adb", "serial": "phone 1", "folder": str(state / "data")}
    target |= {"adb": str(state / "adb"), "perf_test": str(state / "perf test")}
    return target | {"timeout_seconds": 20, "retries": 1, "retry_wait_seconds": 0}


def spec_of(state, *models, **changes):
    known = [{"id": name, "path": str(state / f"{name}.onnx"), "optional": name != "good"} for name in models]
    asked = {"threads": [1, 4], "batches": [8], "protocol": {"warmups": 2, "repeats": 7, "chunk_seconds": 0.1}}
    return onnx_files.spec_of(**{"models": known} | asked | changes)


def calls(state):
    """What adb was called with, less `-s` and the serial number, one text each."""
    return [line.removeprefix("-s phone 1 ") for line in (state / "calls").read_text().splitlines()]


def test_every_run_after_the_warm_ups_is_a_sample(state, target):
    """7 repeats in three rounds of 3, 2 and 2 runs after 2 warm-ups, of which run i takes i ms."""
    result = measure_on(target, spec_of(state, "good"))
    assert [(entry["threads"], entry["batch"]) for entry in result["latency"]] == [(1, 8), (4, 8)]
    for entry in result["latency"]:
        assert entry["samples_s"] == pytest.approx([0.003, 0.004, 0.005, 0.003, 0.004, 0.003, 0.004])
        assert entry["median_s"] == 0.004 and entry["peak_memory_bytes"] is None
    assert (result["environment"]["host"], result["environment"]["cpu"]) == ("Pixel 12", "Tensor")
    assert result["accuracy"] == [] and list((state / "data").iterdir()) == []
    runs = [call for call in calls(state) if "-m times" in call]
    assert "-e cpu -x 4 -y 1 -f batch:8 -m times -r 5 0.onnx" in runs[3]


def test_energy_is_androids_estimate_over_a_long_run(state, target):
    """0.5 mAh at 4 V are 0.5 x 3.6 C x 4 V = 7.2 J for 100 runs; charging is feigned away and comes back."""
    entry = measure_on(target, spec_of(state, "good", threads=[1]))["latency"][0]
    assert entry["energy_source"] == "estimated" and entry["energy_j"] == pytest.approx(0.072, rel=1e-12)
    shells = [call.removeprefix("shell ") for call in calls(state)]
    order = [shells.index(text) for text in shells if text.startswith("dumpsys battery")]
    assert shells[order[0]].startswith("dumpsys battery unplug") and shells[order[-1]] == "dumpsys battery reset"
    (state / "bin" / "dumpsys").write_text("#!/bin/sh\nexit 0\n")
    entry = measure_on(target, spec_of(state, "good", threads=[1]))["latency"][0]
    assert (entry["energy_source"], entry["energy_j"]) == ("absent", None)


def test_what_does_not_run_there_says_why(state, target):
    half = {"id": "half", "path": str(state / "good.onnx"), "optional": True, "half": "float16"}
    spec = spec_of(state, "good", "broken", threads=[1])
    spec["models"].append(half)
    result = measure_on(target, spec)
    assert {entry["id"] for entry in result["latency"]} == {"good"}
    why = {entry["id"]: entry["why"] for entry in result["not_run"]}
    assert why["broken"] == "Load model failed: Protobuf parsing failed." and "16 bits" in why["half"]
    (state / "good.onnx").write_text("broken")
    with pytest.raises(InputError, match=r"targets\.phone: good: Load model failed"):
        measure_on(target, spec_of(state, "good"))
    assert list((state / "data").iterdir()) == []


def test_a_device_that_is_gone_is_tried_again(state, target):
    (state / "lost").touch()
    assert measure_on(target, spec_of(state, "good"))["latency"]
    (state / "lost").touch()
    with pytest.raises(InputError, match=r"targets\.phone: the target cannot be reached: .*not found"):
        measure_on(target | {"retries": 0}, spec_of(state, "good"))


def test_failures_that_stay_are_one_line_at_once(state, target):
    (state / "unauthorized").touch()
    with pytest.raises(InputError, match="the device does not know this host"):
        measure_on(target, spec_of(state, "good"))
    assert len(calls(state)) == 1
    with pytest.raises(InputError, match=r"targets\.phone\.adb: adb cannot be run"):
        measure_on(target | {"adb": "no-such-adb"}, spec_of(state, "good"))
    with pytest.raises(InputError, match="CUDAExecutionProvider cannot be asked for; allowed: CPU"):
        measure_on(target, spec_of(state, "good", provider="CUDAExecutionProvider"))


def test_texts_of_the_device_are_read_as_their_sources_print_them():
    printed = "Session creation time cost: 0.02 s\nm,0.0167,35299328,98,0\nm,1.5e-05,35299328,98,1\n"
    assert run_seconds(printed) == [0.0167, 1.5e-05]
    assert battery_mah("9,1000,l,pwi,uid,1\n9,2000,l,pwi,uid,0.0820,0,0.134,0.0342\n") == 0.082
    assert battery_mah("9,2000,l,pwi,uid,0\n") is None and battery_mah("") is None
    assert battery_volts("  voltage: 4321\n") == 4.321 and battery_volts("") is None
