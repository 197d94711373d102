"""Measures ONNX models on the host it runs on: `python agent.py SPEC.json`, or `-` for the spec on standard input.

One file that imports only numpy and onnxruntime (Python 3.8 or later; pynvml where it is and a GPU computes), so that
it can be sent to any target. Prints one JSON object on standard output, progress on standard error; leaves no file.
Exit status 2: input it cannot use.

SPEC: models [{id, path; optional: sha256}], data (npz with test_labels and one of EXAMPLES; null takes random inputs,
of the sizes in dims {name or INPUT:AXIS: size} and with the values {input: number}), threads [n], batches [n],
provider, protocol {warmups, repeats, chunk_seconds; optional: dataset_passes, flush_to_zero}.
An `optional` model may fail: why is told in `not_run`; one with `half` (float16, bfloat16) has to compute in it. Pixel
values are scaled to 0..1, samples of recordings to -1..1, and normalised by the mean and std that the models carry in
their metadata; a model that takes int64 gets the numbers of tokens as they are. Times are in seconds per run of one
batch.
"""

import base64
import glob
import hashlib
import json
import math
import os
import platform
import socket
import subprocess
import sys
import tempfile
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
POWERCAP, STATUS = "/sys/class/powercap", "/proc/self/status"
# Convolutions and products: where nearly all of a network's time goes.
HEAVY = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "LSTM")
RAPL_PERIOD, NVML_PERIOD = 0.001, 0.1  # seconds between updates of an energy counter
WINDOW_PERIODS, LEAST_WINDOW = 50, 1.0  # so that the counter's grain is 2 % of what it counts, or less
MEMORY_RUNS = 3
EXAMPLES = ("test_images", "test_tokens", "test_waves")  # arrays of examples, by what they are
FULL_SCALE = {"uint8": 255, "int16": 32768}  # pixels, and samples of recordings
FLOATS = ("float16", "float32", "float64")
WHOLE = ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
VALUES = "; hint: inputs were random, whole numbers 0: --value INPUT=NUMBER gives one that a model needs"
SPEC = {"models": list, "data": (str, type(None)), "threads": list, "batches": list, "provider": str, "protocol": dict}


class Refused(Exception):
    """Input that cannot be used; the text is one line."""


def main(arguments):
    """Run the spec named on the command line; returns the exit status."""
    if arguments == ["--peak-memory"]:
        sys.stdout.write(f"{measure_own_peak(json.load(sys.stdin))}\n")
        return 0
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
    for key, kind in SPEC.items():
        if not isinstance(spec, dict) or key not in spec or not isinstance(spec[key], kind):
            name = getattr(kind, "__name__", "str or null")
            raise Refused(f'the spec lacks "{key}", a {name}')
    if spec["provider"] not in onnxruntime.get_available_providers():
        known = ", ".join(onnxruntime.get_available_providers())
        raise Refused("onnxruntime here has no {}; allowed: {}".format(spec["provider"], known))
    return spec


def measure(spec):
    """All that the spec asks for, with the environment before and after."""
    environment = describe_host(spec["provider"])
    check_files(spec["models"])
    images, labels = load_test_split(spec["data"]) if spec["data"] else (None, None)
    models, accuracy, not_run = [], [], []
    for model in spec["models"]:
        try:
            accuracy += try_model(model, images, labels, spec)
            models.append(model)
        except Refused as reason:
            not_run.append(refusal(model, reason))
    latency, counter = [], energy_counter(spec["provider"])
    for threads in spec["threads"]:
        sessions = {model["id"]: open_session(model, threads, spec) for model in models}
        for batch in spec["batches"]:
            feeds, refused = make_feeds(models, sessions, images, batch, spec)
            not_run += [{**entry, "threads": threads, "batch": batch} for entry in refused]
            entries = measure_latency(sessions, feeds, threads, batch, spec["protocol"])
            passes = time_passes(sessions, feeds, images, batch, spec["protocol"].get("dataset_passes", 0))
            for entry in entries:
                model = next(model for model in models if model["id"] == entry["id"])
                session, feed = sessions[entry["id"]], feeds[entry["id"]]
                costs = {"peak_memory_bytes": peak_memory(model, feed, threads, spec)}
                costs.update(measure_energy(session, feed, counter))
                latency.append({**entry, **costs, **passes[entry["id"]]})
            progress(f"threads {threads}, batch {batch}: memory, energy and whole passes")
    environment["finished"], environment["load_average_after"] = utc_now(), load_average()
    found = {"accuracy": accuracy, "latency": latency, "not_run": not_run}
    return {"environment": environment, "protocol": spec["protocol"], **found}


def check_files(models):
    """Raise Refused for a file that is not the one its spec names, damaged on its way to this host, say."""
    for model in (model for model in models if "sha256" in model):
        with open(model["path"], "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != model["sha256"]:
            raise Refused("{}: the ONNX file is damaged: its SHA-256 is not the exported one's".format(model["id"]))


def try_model(model, images, labels, spec):
    """A list with the model's accuracy, empty without data; raises Refused where it does not run as it should."""
    session = open_session(model, max(spec["threads"]), spec)
    if "half" in model:
        check_half(model, images, spec)
    return [] if images is None else [measure_accuracy(model, session, images, labels)]


def refusal(model, reason):
    """Why an optional model is not run; one that is not optional ends everything."""
    if not model.get("optional"):
        raise reason
    progress("{}: not run here: {}".format(model["id"], reason))
    return {"id": model["id"], "why": " ".join(str(reason).split())}


def load_test_split(path):
    """Test images uint8 (n, channels, height, width), tokens (n, length) or waves int16 (n, 1, samples), and labels."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file[next(name for name in EXAMPLES if name in file.files)], file["test_labels"]
    except Exception as error:  # numpy and zipfile raise many kinds for one damaged file
        raise Refused(f"the test data cannot be read: {path} ({error})") from None


def open_session(model, threads, spec, profile=None):
    """A session with `threads` threads inside an operator and one between operators."""
    options, provider = onnxruntime.SessionOptions(), spec["provider"]
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4 if model.get("optional") else 3
    if spec["protocol"].get("flush_to_zero"):
        # The first session of a process decides this for its main thread: never mixed within one process.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    try:
        session = onnxruntime.InferenceSession(model["path"], options, providers=[provider])
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise Refused("the model cannot be loaded: {} ({})".format(model["path"], error)) from None
    if session.get_providers()[0] != provider:
        raise Refused(f"onnxruntime fell back from {provider} to {session.get_providers()[0]}")
    return session


def check_half(model, images, spec):
    """Raise Refused where the provider casts a 16-bit model's products back to 32: it would time something else."""
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(model, 1, spec, profile=os.path.join(folder, "profile"))
        run_once(session, make_feed(session, images, 1))
        with open(session.end_profiling()) as file:
            events = json.load(file)
    seen = [event["args"] for event in events if event.get("args", {}).get("op_name") in HEAVY]
    kinds = {kind for args in seen for shapes in args.get("input_type_shape", []) for kind in shapes}
    if kinds - {model["half"]}:
        others = ", ".join(sorted(kinds - {model["half"]}))
        raise Refused("{} computes {} in {}".format(spec["provider"], model["half"], others))


def normalise(session, images):
    """`images` (n, channels, ...) as the float32 input of this session's model, by the mean and std in its metadata.

    Numbers of tokens, for a model that takes int64, only change their type.
    """
    if session.get_inputs()[0].type == "tensor(int64)":
        return images.astype(np.int64)
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        mean, std = (np.array(json.loads(metadata["prunescape." + key]), np.float32) for key in ("mean", "std"))
    except KeyError as key:
        raise Refused(f"a model carries no {key} in its metadata") from None
    mean, std = (each.reshape(-1, *[1] * (images.ndim - 2)) for each in (mean, std))
    return (images.astype(np.float32) / np.float32(FULL_SCALE[images.dtype.name]) - mean) / std


def measure_accuracy(model, session, images, labels):
    """Correct top-1 classes over the whole test split, with one bit per image (packed, base64)."""
    name, correct = session.get_inputs()[0].name, []
    for start in range(0, len(images), ACCURACY_BATCH):
        logits = run_once(session, {name: normalise(session, images[start : start + ACCURACY_BATCH])})[0]
        if not np.isfinite(logits).all():
            raise Refused("model {}: a logit is not finite".format(model["id"]))
        correct.append(logits.argmax(1) == labels[start : start + ACCURACY_BATCH])
    bits = np.concatenate(correct)
    progress("{}: {} of {} correct".format(model["id"], bits.sum(), len(bits)))
    packed = base64.b64encode(np.packbits(bits).tobytes()).decode()
    return {"id": model["id"], "correct": int(bits.sum()), "tested": len(bits), "correct_bits": packed}


def run_once(session, feed, hint=""):
    """The outputs of one run; raises Refused with onnxruntime's reason and a hint."""
    try:
        return session.run(None, feed)
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise Refused(f"a run failed ({error}){hint}") from None


def make_feeds(models, sessions, images, batch, spec):
    """A feed for every model that runs with this batch, by id, and why the others do not."""
    feeds, refused = {}, []
    for model in models:
        session = sessions[model["id"]]
        try:
            feed = make_feed(session, images, batch, spec.get("dims", {}), spec.get("values", {}))
            run_once(session, feed, hint=VALUES if images is None else "")
            feeds[model["id"]] = feed
        except Refused as reason:
            refused.append(refusal(model, reason))
    return feeds, refused


def make_feed(session, images, batch, dims=None, values=None):
    """A batch of real images, taken again from the start when there are fewer; without images, random numbers.

    An input named in `values` is full of that number.
    """
    if images is not None:
        name = session.get_inputs()[0].name
        return {name: normalise(session, np.take(images, range(batch), axis=0, mode="wrap"))}
    random = np.random.default_rng(0)
    entries = session.get_inputs()
    shapes = input_shapes(entries, batch, dims or {})
    feed = {entry.name: random_input(entry, shape, random) for entry, shape in zip(entries, shapes)}  # noqa: B905
    for name in set(values or {}) & set(feed):
        feed[name] = np.full_like(feed[name], values[name])
    return feed


def input_shapes(entries, batch, dims):
    """The shapes of a model's inputs: sizes of the model, sizes in `dims` by name or as INPUT:AXIS, and the batch.

    The batch is the one dimension of an input that is still free; several, and it is the first where that is free. A
    scalar, or an input whose sizes are all fixed, is fed as it is.
    """
    known = [known_sizes(entry, dims) for entry in entries]
    shapes = [filled_shape(entry, sizes, batch) for entry, sizes in zip(entries, known)]  # noqa: B905
    first = shapes[0]
    if shapes == known and first and first[0] != batch:
        raise Refused(f"its input {entries[0].name} takes batches of {first[0]} only")
    return shapes


def known_sizes(entry, dims):
    """The sizes of one input with those in `dims` filled in; others are names or None."""
    return [dims.get(f"{entry.name}:{axis}", dims.get(size, size)) for axis, size in enumerate(entry.shape)]


def filled_shape(entry, shape, batch):
    """The shape of one input with the batch filled in; raises Refused when more is free than that."""
    free = [axis for axis, size in enumerate(shape) if not isinstance(size, int)]
    if len(free) > 1:
        named = [str(size) for size in shape]
        unknown = [
            named[axis] if shape[axis] and named.count(named[axis]) == 1 else f"{entry.name}:{axis}"
            for axis in free
            if axis > 0
        ]
        asked = " ".join(f"{name}=SIZE" for name in unknown)
        raise Refused(f"its input {entry.name} has free dimensions besides the batch; hint: --dim {asked}")
    return [batch if axis in free else size for axis, size in enumerate(shape)]


def random_input(entry, shape, random):
    """Standard normal numbers, or zeros where the model wants whole ones: indices of what is not known here."""
    kind = entry.type.replace("tensor(", "").rstrip(")")
    kind = {"float": "float32", "double": "float64"}.get(kind, kind)
    if kind in FLOATS:
        return np.asarray(random.standard_normal(shape), kind)
    if kind in WHOLE:
        return np.zeros(shape, kind)
    raise Refused(f"its input {entry.name} is a {entry.type}, of which no values are known here")


def measure_latency(sessions, feeds, threads, batch, protocol):
    """Latency at one batch size of every session that has a feed: one entry per model with all raw samples.

    A sample is one chunk of back-to-back runs. The chunks are taken in turn over the models, in alternating order,
    so that a drift of the host's speed meets all of them alike.
    """
    runs = {name: calibrate(sessions[name], feeds[name], protocol) for name in feeds}
    walls, cpus = {name: [] for name in feeds}, {name: [] for name in feeds}
    for repeat in range(protocol["repeats"]):
        for name in list(feeds) if repeat % 2 == 0 else reversed(list(feeds)):
            wall, cpu = time_chunk(sessions[name], feeds[name], runs[name])
            walls[name].append(wall / runs[name])
            cpus[name].append(cpu / runs[name])
        progress("threads {}, batch {}: repeat {} of {}".format(threads, batch, repeat + 1, protocol["repeats"]))
    about = {"threads": threads, "batch": batch, "flush_to_zero": bool(protocol.get("flush_to_zero"))}
    return [{"id": name, **about, "runs_per_sample": runs[name], **summarise(walls[name], cpus[name])} for name in runs]


def time_passes(sessions, feeds, images, batch, passes):
    """Seconds of whole passes of the test split through every model, in turn, alternating; none without a split."""
    samples = {name: [] for name in feeds}
    for turn in range(passes if images is not None else 0):
        for name in list(feeds) if turn % 2 == 0 else reversed(list(feeds)):
            samples[name].append(time_pass(sessions[name], images, batch))
    medians = {name: float(np.median(taken)) if taken else None for name, taken in samples.items()}
    return {name: {"latency_dataset_s": medians[name], "dataset_samples_s": samples[name]} for name in feeds}


def time_pass(session, images, batch):
    """Seconds of all runs that take the whole test split through the model; normalising it is not counted."""
    name, seconds = session.get_inputs()[0].name, 0.0
    for start in range(0, len(images), batch):
        feed = {name: normalise(session, images[start : start + batch])}
        wall, _ = time_chunk(session, feed, 1)
        seconds += wall
    return seconds


def peak_memory(model, feed, threads, spec):
    """Peak memory in bytes of a session and its runs, in a fresh process; None where the system does not tell."""
    if not os.path.exists(STATUS):
        return None
    shapes = {name: [str(values.dtype), values.shape, values.ravel()[:1].tolist()] for name, values in feed.items()}
    asked = {**spec, "models": [model], "threads": threads, "feed": shapes}
    command = [sys.executable, "-I", os.path.abspath(__file__), "--peak-memory"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True)
    lines = done.stdout.split()
    if done.returncode != 0 or not lines:
        progress("{}: its memory could not be measured (status {})".format(model["id"], done.returncode))
        return None
    return int(lines[-1])


def measure_own_peak(spec):
    """The highest resident memory of this process less what it had before the session, the inputs among them."""
    feed = {name: np.full(shape, (first or [0])[0], kind) for name, (kind, shape, first) in spec["feed"].items()}
    before = memory_kib("VmRSS")
    session = open_session(spec["models"][0], spec["threads"], spec)
    for _ in range(MEMORY_RUNS):
        session.run(None, feed)
    return 1024 * (memory_kib("VmHWM") - before)


def memory_kib(field):
    """A figure of this process's own status; getrusage would tell the peak of the process that started it."""
    with open(STATUS) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def energy_counter(provider):
    """What reads the energy used where this provider computes, or None.

    A counter is (read, joules, period): `read()` gives its state, `joules(before, after)` what was used between two,
    `period` the seconds between its updates.
    """
    return nvml_counter() if provider.startswith(("CUDA", "Tensorrt", "NvTensorRT")) else rapl_counter()


def rapl_counter():
    """Running average power limit: the packages and their memory, as Linux's powercap tells them, in microjoules."""
    zones = []
    for folder in sorted(glob.glob(os.path.join(POWERCAP, "intel-rapl:*"))):
        name, largest = (first_line(os.path.join(folder, part)) for part in ("name", "max_energy_range_uj"))
        if name is not None and name.startswith(("package", "dram")) and largest is not None:
            zones.append((os.path.join(folder, "energy_uj"), int(largest)))
    if not zones or any(first_line(path) is None for path, _ in zones):
        return None

    def read():
        return [int(first_line(path)) for path, _ in zones]

    def joules(before, after):
        used = [late - before[index] for index, late in enumerate(after)]
        return sum(more + (zones[index][1] if more < 0 else 0) for index, more in enumerate(used)) / 1e6

    return read, joules, RAPL_PERIOD


def nvml_counter():
    """The first visible NVIDIA GPU's total energy (Volta and later), in millijoules, through nvidia-ml-py."""
    try:
        import pynvml

        pynvml.nvmlInit()
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        find = pynvml.nvmlDeviceGetHandleByIndex if first.isdigit() else pynvml.nvmlDeviceGetHandleByUUID
        device = find(int(first) if first.isdigit() else first)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(device)
    except Exception:  # no library, no driver, no such counter: there is nothing to read
        return None

    def read():
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(device)

    return read, lambda before, after: (after - before) / 1e3, NVML_PERIOD


def measure_energy(session, feed, counter):
    """Joules of one run, idle power included, over a window that is long against the counter's updates."""
    if counter is None:
        return {"energy_j": None, "energy_source": "absent"}
    read, joules, period = counter
    window, runs = max(LEAST_WINDOW, WINDOW_PERIODS * period), 0
    started, before = time.perf_counter(), read()
    while time.perf_counter() - started < window:
        session.run(None, feed)
        runs += 1
    spent = joules(before, read())
    seconds = time.perf_counter() - started
    if spent <= 0:  # a virtual machine may show a counter that stands still
        return {"energy_j": None, "energy_source": "absent"}
    return {"energy_j": spent / runs, "energy_source": "measured", "energy_runs": runs, "energy_seconds": seconds}


def calibrate(session, feed, protocol):
    """Warm up, then find how many runs make a chunk of at least `chunk_seconds` at the speed of now."""
    for _ in range(protocol["warmups"]):
        session.run(None, feed)
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
        session.run(None, feed)
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
