"""Measures ONNX models on the host it runs on: `python agent.py SPEC.json`, or `-` for the spec on standard input.

One file that imports only numpy and onnxruntime (Python 3.8 or later), so that it can be sent to any target. Prints
one JSON object on standard output, progress on standard error; writes no file. Exit status 2: input it cannot use.

SPEC: models [{id, path}], data (npz with test_images uint8 and test_labels), threads [n], batches [n], provider,
protocol {warmups, repeats, chunk_seconds}. Pixel values are scaled to 0..1 and normalised by the mean and std that
the models carry in their metadata. Times are in seconds per run of one batch.
"""

import base64
import json
import math
import os
import platform
import socket
import sys
import time

# onnxruntime would write a file, start threads and send usage to its makers: nothing that a measurement needs.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    sys.exit("error: this Python (%s) lacks what the agent needs: %s" % (sys.executable, missing))  # noqa: UP031

NOISY_ABOVE = 0.03  # relative IQR past which a latency is flagged
ACCURACY_BATCH = 256
CPU_INFO, GOVERNOR = "/proc/cpuinfo", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
WANTED = {"models": list, "data": str, "threads": list, "batches": list, "provider": str, "protocol": dict}


class Refused(Exception):
    """Input that cannot be used; the text is one line."""


def main(arguments):
    """Run the spec named on the command line; returns the exit status."""
    if len(arguments) != 1:
        print("usage: agent.py SPEC.json (or - for standard input)", file=sys.stderr)
        return 2
    # Libraries that print must not spoil the result: only this descriptor still leads to standard output.
    result = os.dup(1)
    os.dup2(2, 1)
    try:
        content = measure(read_spec(arguments[0]))
    except Exception as error:
        kind = "" if isinstance(error, Refused) else type(error).__name__ + ": "
        print("error: " + " ".join((kind + str(error)).split()), file=sys.stderr)
        return 2
    with os.fdopen(result, "w") as stream:
        stream.write(json.dumps(content, allow_nan=False) + "\n")
    return 0


def read_spec(name):
    """The spec in file `name`; raises Refused for one without a needed key or with another type."""
    try:
        with sys.stdin if name == "-" else open(name) as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        raise Refused(f"the spec cannot be read ({error})") from None
    for key, kind in WANTED.items():
        if not isinstance(spec, dict) or not isinstance(spec.get(key), kind):
            raise Refused(f'the spec lacks "{key}", a {kind.__name__}')
    if spec["provider"] not in onnxruntime.get_available_providers():
        known = ", ".join(onnxruntime.get_available_providers())
        raise Refused("onnxruntime here has no {}; allowed: {}".format(spec["provider"], known))
    return spec


def measure(spec):
    """All that the spec asks for, with the environment before and after."""
    environment = describe_host(spec["provider"])
    images, labels = load_test_split(spec["data"])
    accuracy = [measure_accuracy(model, images, labels, spec) for model in spec["models"]]
    latency = []
    for threads in spec["threads"]:
        sessions = {model["id"]: open_session(model, threads, spec["provider"]) for model in spec["models"]}
        for batch in spec["batches"]:
            latency += measure_latency(sessions, images, threads, batch, spec["protocol"])
    environment["finished"], environment["load_average_after"] = utc_now(), load_average()
    return {"environment": environment, "protocol": spec["protocol"], "accuracy": accuracy, "latency": latency}


def load_test_split(path):
    """Test images uint8 (n, channels, height, width) and labels (n,)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["test_images"], file["test_labels"]
    except Exception as error:  # numpy and zipfile raise many kinds for one damaged file
        raise Refused(f"the test data cannot be read: {path} ({error})") from None


def open_session(model, threads, provider):
    """A session with `threads` threads inside an operator and one between operators."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model["path"], options, providers=[provider])
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise Refused("the model cannot be loaded: {} ({})".format(model["path"], error)) from None
    if session.get_providers()[0] != provider:
        raise Refused(f"onnxruntime fell back from {provider} to {session.get_providers()[0]}")
    return session


def normalise(session, images):
    """`images` uint8 as the float32 input of this session's model, by the mean and std in its metadata."""
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        mean, std = (np.array(json.loads(metadata["prunescape." + key]), np.float32) for key in ("mean", "std"))
    except KeyError as key:
        raise Refused(f"a model carries no {key} in its metadata") from None
    return (images.astype(np.float32) / np.float32(255) - mean[:, None, None]) / std[:, None, None]


def measure_accuracy(model, images, labels, spec):
    """Correct top-1 classes over the whole test split, with one bit per image (packed, base64)."""
    session = open_session(model, max(spec["threads"]), spec["provider"])
    correct = []
    for start in range(0, len(images), ACCURACY_BATCH):
        logits = session.run(["logits"], {"input": normalise(session, images[start : start + ACCURACY_BATCH])})[0]
        if not np.isfinite(logits).all():
            raise Refused("model {}: a logit is not finite".format(model["id"]))
        correct.append(logits.argmax(1) == labels[start : start + ACCURACY_BATCH])
    bits = np.concatenate(correct)
    progress("{}: {} of {} correct".format(model["id"], bits.sum(), len(bits)))
    packed = base64.b64encode(np.packbits(bits).tobytes()).decode()
    return {"id": model["id"], "correct": int(bits.sum()), "tested": len(bits), "correct_bits": packed}


def measure_latency(sessions, images, threads, batch, protocol):
    """Latency of every session at one batch size: one entry per model with all raw samples.

    A sample is one chunk of back-to-back runs. The chunks are taken in turn over the models, in alternating order,
    so that a drift of the host's speed meets all of them alike.
    """
    feeds = {name: {"input": first_images(session, images, batch)} for name, session in sessions.items()}
    runs = {name: calibrate(sessions[name], feeds[name], protocol) for name in sessions}
    walls, cpus = {name: [] for name in sessions}, {name: [] for name in sessions}
    for repeat in range(protocol["repeats"]):
        for name in list(sessions) if repeat % 2 == 0 else reversed(list(sessions)):
            wall, cpu = time_chunk(sessions[name], feeds[name], runs[name])
            walls[name].append(wall / runs[name])
            cpus[name].append(cpu / runs[name])
        progress("threads {}, batch {}: repeat {} of {}".format(threads, batch, repeat + 1, protocol["repeats"]))
    about = {"threads": threads, "batch": batch}
    return [{"id": name, **about, "runs_per_sample": runs[name], **summarise(walls[name], cpus[name])} for name in runs]


def first_images(session, images, batch):
    """A batch of real images, taken again from the start when there are fewer."""
    return normalise(session, np.take(images, range(batch), axis=0, mode="wrap"))


def calibrate(session, feed, protocol):
    """Warm up, then find how many runs make a chunk of at least `chunk_seconds` at the speed of now."""
    for _ in range(protocol["warmups"]):
        session.run(["logits"], feed)
    runs, wanted = 1, 1.1 * protocol["chunk_seconds"]  # to spare, for a later chunk may meet a faster moment
    while True:
        wall, _ = time_chunk(session, feed, runs)
        if wall >= wanted:
            return runs
        # at most tenfold at once: the first runs are short and slow
        runs = max(runs + 1, min(10 * runs, math.ceil(runs * wanted / max(wall, 1e-9))))


def time_chunk(session, feed, runs):
    """Wall and CPU seconds (all threads of this process) of `runs` runs back to back."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(runs):
        session.run(["logits"], feed)
    return time.perf_counter() - wall, time.process_time() - cpu


def summarise(walls, cpus):
    """Median, interquartile range and 90th percentile of the samples (linear interpolation), and the samples."""
    low, median, high, late = (float(value) for value in np.percentile(walls, [25, 50, 75, 90]))
    return {
        "median_s": median,
        "iqr_s": high - low,
        "p90_s": late,
        "relative_iqr": (high - low) / median,
        "noisy": (high - low) / median > NOISY_ABOVE,
        "cpu_seconds_per_run": float(np.median(cpus)),
        "samples_s": walls,
        "cpu_samples_s": cpus,
    }


def describe_host(provider):
    """What a latency depends on besides the model."""
    count = os.cpu_count()
    return {
        "started": utc_now(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cpus": count,
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count,
        "governor": first_line(GOVERNOR),
        "load_average_before": load_average(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "provider": provider,
        "providers": onnxruntime.get_available_providers(),
    }


def cpu_model():
    """The processor's name; on Linux from /proc/cpuinfo, where ARM boards call it otherwise."""
    try:
        with open(CPU_INFO) as file:
            pairs = [line.partition(":") for line in file]
    except OSError:
        pairs = []
    found = {key.strip(): value.strip() for key, _, value in pairs}
    names = [found.get(key) for key in ("model name", "Model", "Hardware")]
    return next((name for name in names if name), platform.processor() or platform.machine())


def first_line(path):
    """The first line of a file, or None where it cannot be read."""
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return None


def load_average():
    """Load over 1, 5 and 15 minutes, or None where the system does not tell."""
    return list(os.getloadavg()) if hasattr(os, "getloadavg") else None


def utc_now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def progress(text):
    """One line on standard error; when nobody reads it any more, the agent ends, for its caller is gone."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
