"""Measures on an Android device with onnxruntime's onnxruntime_perf_test, pushed and run through `adb`.

Needs `adb` and that binary, built for the device, on this host. Latency only, with random inputs: the binary reports no
classes. Energy is Android's estimate of what the shell used of the battery.
"""

from __future__ import annotations

import re
import secrets
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prunescape.errors import InputError
from prunescape.measure.retrying import ConnectionLost, alone_on, with_retries

BINARY = "onnxruntime_perf_test"
PROVIDERS = {"CPUExecutionProvider": "cpu", "XnnpackExecutionProvider": "xnnpack", "NnapiExecutionProvider": "nnapi"}
ROUNDS = 3  # over all models, in alternating order, against a drift of the device's speed
BATTERY_SECONDS = 30  # long against the resolution of Android's estimate
SHELL = 2000  # Android's user id of what adb runs
STEP_SECONDS = 300
COULOMBS_PER_MAH = 3.6
GONE = ("not found", "offline", "no devices", "protocol fault", "closed", "cannot connect")
NOT_MEASURED = {"cpu_seconds_per_run": None, "cpu_samples_s": [], "peak_memory_bytes": None}
NOT_MEASURED |= {"latency_dataset_s": None, "dataset_samples_s": []}
HALF = "onnxruntime_perf_test does not tell whether this provider computes in 16 bits"


def measure(target: dict, spec: dict) -> dict:
    """What can be measured of `spec` on the device `target["serial"]`, in the agent's form (agent.py says more).

    Raises InputError with the target's name when the device cannot be reached, or a float model does not run there.
    """
    if spec["provider"] not in PROVIDERS:
        where = f"targets.{target['name']}.provider"
        raise InputError(f"{spec['provider']} cannot be asked for", where=where, allowed=", ".join(PROVIDERS))
    with alone_on("adb", target["serial"]):
        return with_retries(target, lambda: _attempt(Device(target), spec))


def _attempt(device: Device, spec: dict) -> dict:
    folder = f"{device.target['folder'].rstrip('/')}/prunescape-{secrets.token_hex(4)}"
    environment = device.describe(spec["provider"])
    device.shell(f"mkdir {shlex.quote(folder)}")
    try:
        device.push(device.target["perf_test"], f"{folder}/{BINARY}")
        device.shell(f"chmod 755 {shlex.quote(f'{folder}/{BINARY}')}")
        for number, model in enumerate(spec["models"]):
            device.push(model["path"], f"{folder}/{number}.onnx")
        found = Measurement(device, spec, folder).run()
    finally:
        device.shell(f"rm -rf {shlex.quote(folder)}", check=False)
    environment["finished"] = _now()
    return {"environment": environment, "protocol": spec["protocol"], "accuracy": [], **found}


@dataclass(frozen=True)
class Device:
    """The device behind a serial number."""

    target: dict

    def adb(self, *arguments: str, seconds: float = STEP_SECONDS) -> subprocess.CompletedProcess:
        """Run one adb command; raises ConnectionLost when it hangs or the device is gone."""
        command = [self.target["adb"], "-s", self.target["serial"], *arguments]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds
            )
        except subprocess.TimeoutExpired:
            raise ConnectionLost(f"adb {arguments[0]}: no end after {seconds:g} s") from None
        except OSError as error:
            raise InputError(f"adb cannot be run ({error.strerror})", where=self._key("adb")) from None
        said = (done.stderr or done.stdout).strip()
        if done.returncode != 0 and "unauthorized" in said:
            raise InputError("the device does not know this host", where=self._key("serial"), hint="allow it there")
        if done.returncode != 0 and said.startswith(("error:", "adb:")) and any(word in said for word in GONE):
            raise ConnectionLost(said.splitlines()[-1])
        return done

    def _key(self, name: str) -> str:
        return f"targets.{self.target['name']}.{name}"

    def shell(self, script: str, *, seconds: float = STEP_SECONDS, check: bool = True) -> subprocess.CompletedProcess:
        """Run a script in the device's shell; with `check` a failure is an InputError."""
        done = self.adb("shell", script, seconds=seconds)
        if check and done.returncode != 0:
            said = last_line(done.stdout + done.stderr)
            raise InputError(f"the device refuses: {said}", where=f"targets.{self.target['name']}")
        return done

    def push(self, source: str, place: str) -> None:
        """Copy one file to the device."""
        done = self.adb("push", source, place, seconds=self.target["timeout_seconds"])
        if done.returncode != 0:
            said = last_line(done.stderr or done.stdout)
            raise InputError(f"{source} cannot be sent: {said}", where=f"targets.{self.target['name']}")

    def describe(self, provider: str) -> dict[str, Any]:
        """What a latency depends on besides the model, as far as Android's properties say."""
        properties = {"host": "ro.product.model", "cpu": "ro.soc.model", "platform": "ro.build.fingerprint"}
        known = {name: self.shell(f"getprop {key}").stdout.strip() or None for name, key in properties.items()}
        return {"started": _now(), **known, "onnxruntime": None, "provider": provider}


@dataclass(frozen=True)
class Measurement:
    """The models of `spec`, lying in `folder` on the device as 0.onnx, 1.onnx, ..., at every setting."""

    device: Device
    spec: dict
    folder: str

    def run(self) -> dict[str, list[dict]]:
        """`latency` and `not_run` as in the agent's result."""
        latency, not_run, running = [], [], {}
        for number, model in enumerate(self.spec["models"]):
            if "half" in model:
                not_run.append({"id": model["id"], "why": HALF})
            else:
                running[number] = model
        for threads in self.spec["threads"]:
            for batch in self.spec["batches"]:
                entries, refused = self._setting(running, threads, batch)
                latency, not_run = latency + entries, not_run + refused
        return {"latency": latency, "not_run": not_run}

    def _setting(self, running: dict[int, dict], threads: int, batch: int) -> tuple[list[dict], list[dict]]:
        """The entries of all models at one setting, and those that do not run at it."""
        from prunescape.measure.agent import summarise

        setting = {"threads": threads, "batch": batch}
        samples, reasons = self._rounds(list(running), threads, batch)
        refused = [{"id": running[number]["id"], "why": why, **setting} for number, why in reasons.items()]
        for number, why in reasons.items():
            if not running[number].get("optional"):
                raise InputError(why, where=f"targets.{self.device.target['name']}: {running[number]['id']}")
        flush = {"flush_to_zero": bool(self.spec["protocol"].get("flush_to_zero")), "runs_per_sample": 1}
        entries = []
        for number in (number for number in running if number not in reasons):
            timing = summarise(samples[number], samples[number]) | NOT_MEASURED
            entries.append(
                {"id": running[number]["id"], **setting, **flush, **timing, **self._energy(number, **setting)}
            )
        return entries, refused

    def _rounds(self, numbers: list[int], threads: int, batch: int) -> tuple[dict[int, list[float]], dict[int, str]]:
        """The samples of every model, taken in rounds of alternating order, and why some have none."""
        samples: dict[int, list[float]] = {number: [] for number in numbers}
        reasons: dict[int, str] = {}
        for turn in range(ROUNDS):
            order = numbers if turn % 2 == 0 else numbers[::-1]
            for number in (number for number in order if number not in reasons):
                taken, why = self._samples(number, turn, threads, batch)
                samples[number] += taken
                if why:
                    reasons[number] = why
        return samples, reasons

    def _command(self, number: int, threads: int, batch: int, *options: str) -> str:
        flush = ["-z"] if self.spec["protocol"].get("flush_to_zero") else []
        parts = [f"./{BINARY}", "-I", "-e", PROVIDERS[self.spec["provider"]], "-x", str(threads), "-y", "1", *flush]
        sizes = {"batch": batch, **self.spec.get("dims", {})}
        parts += [part for name, size in sizes.items() for part in ("-f", f"{name}:{size}")]
        parts += [*options, f"{number}.onnx"]
        return f"cd {shlex.quote(self.folder)} && {shlex.join(parts)}"

    def _samples(self, number: int, turn: int, threads: int, batch: int) -> tuple[list[float], str]:
        """Seconds of each run after the warm-ups, of this round's share of the repeats; or why there are none."""
        protocol = self.spec["protocol"]
        repeats = len(range(turn, protocol["repeats"], ROUNDS))
        if repeats == 0:
            return [], ""
        runs, warmups = protocol["warmups"] + repeats, protocol["warmups"]
        script = self._command(number, threads, batch, "-m", "times", "-r", str(runs))
        limit = self.device.target["timeout_seconds"]
        done = self.device.shell(
            f"{script} result.csv && cat result.csv; s=$?; rm -f result.csv; exit $s", seconds=limit, check=False
        )
        seconds = run_seconds(done.stdout)
        if done.returncode != 0 or len(seconds) < runs:
            return [], last_line(done.stdout + done.stderr)
        print(f"{number}.onnx: threads {threads}, batch {batch}: {repeats} runs", file=sys.stderr, flush=True)
        return seconds[warmups:], ""

    def _energy(self, number: int, threads: int, batch: int) -> dict[str, Any]:
        """Joules per run that Android estimates the shell took from the battery while the model ran."""
        script = self._command(number, threads, batch, "-m", "duration", "-t", str(BATTERY_SECONDS))
        try:
            # While charging, Android estimates nothing.
            self.device.shell("dumpsys battery unplug && dumpsys batterystats --reset")
            done = self.device.shell(script, seconds=STEP_SECONDS + BATTERY_SECONDS)
            used = battery_mah(self.device.shell("dumpsys batterystats --charged --checkin").stdout)
            volts = battery_volts(self.device.shell("dumpsys battery").stdout)
        except InputError:
            used = volts = None
        finally:
            self.device.shell("dumpsys battery reset", check=False)
        runs = re.search(r"Total inference requests:\s*(\d+)", done.stdout) if used and volts else None
        if not runs or int(runs[1]) == 0:
            return {"energy_j": None, "energy_source": "absent"}
        joules = used * COULOMBS_PER_MAH * volts
        return {"energy_j": joules / int(runs[1]), "energy_source": "estimated", "energy_runs": int(runs[1])}


def run_seconds(output: str) -> list[float]:
    """The seconds of every run in the binary's result file: lines `model,seconds,peak memory,CPU %,number`."""
    found = re.findall(r"^[^,\n]*,([0-9.]+(?:[eE][-+]?\d+)?),\d+,[^,\n]*,\d+\s*$", output, re.MULTILINE)
    return [float(seconds) for seconds in found]


def battery_mah(stats: str) -> float | None:
    """The shell's mAh in `dumpsys batterystats --checkin`, lines `version,user,l,pwi,uid,mAh,...`; None without one."""
    found = re.search(rf"^\d+,{SHELL},l,pwi,uid,([0-9.]+)", stats, re.MULTILINE)
    return float(found[1]) if found and float(found[1]) > 0 else None


def battery_volts(state: str) -> float | None:
    """The voltage in `dumpsys battery`, which has millivolts."""
    found = re.search(r"^\s*voltage:\s*(\d+)", state, re.MULTILINE)
    return int(found[1]) / 1000 if found and int(found[1]) > 0 else None


def last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
