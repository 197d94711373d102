"""Where exported models are measured: one kind of host each, with its keys."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from prunescape.config.cluster import Constraint, SlurmName
from prunescape.config.messages import TAG, UNKNOWN_KIND
from prunescape.config.types import Count, Distinct, Name, Part

Precision = Literal["fp32", "int8", "fp16", "bf16", "sparse80", "sparse80-int8"]
# as onnxruntime lists all that it can be built with (a test compares), and what older versions had
PROVIDERS = tuple(
    f"{name}ExecutionProvider"
    for name in (
        *(
            "CPU",
            "CUDA",
            "Tensorrt",
            "NvTensorRTRTX",
            "ROCM",
            "MIGraphX",
            "OpenVINO",
            "Dnnl",
            "VitisAI",
            "QNN",
            "Nnapi",
        ),
        *("VSINPU", "Js", "CoreML", "ACL", "ArmNN", "Dml", "Rknpu", "WebNN", "WebGpu", "Xnnpack", "CANN", "Azure"),
    )
)
Provider = Literal[PROVIDERS]
# A host or serial number that starts with a dash would be read as an option by the program that gets it; a host may
# also reach a shell, through a proxy command of the user's own.
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\[][A-Za-z0-9_.:@%/+\[\]-]*$", max_length=255)]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\[][^\s\x00-\x1f]*$", max_length=255)]
Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$", max_length=1000)]
Seconds = Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)]
KINDS = ("local", "ssh", "adb", "slurm", "emulated")
# How a target is reached decides nothing of what is measured there.
REACHED_BY = ("timeout_seconds", "retries", "retry_wait_seconds", "ssh_config", "adb")
OF_UNTRAINED = ("frequency_mhz",)  # where only untrained variants are measured
REMOTE = ("ssh", "adb")  # driven from the host that runs Snakemake


class Settings(Part):
    """What every kind of target takes: the settings that are measured, and how."""

    threads: Distinct[Count] = [1]
    """Threads inside an operator; between operators always one."""
    batch: Distinct[Count] = [1]
    """Images per run."""
    precisions: Distinct[Precision] = ["fp32"]
    """Of the exported model: int8 is calibrated on training images; of sparse80, 80 % of the weights are zero."""
    provider: Provider = "CPUExecutionProvider"
    """Execution provider of onnxruntime."""
    warmups: Annotated[int, Field(ge=0, le=1000)] = 5
    """Runs that are not counted."""
    repeats: Annotated[int, Field(ge=2, le=10_000)] = 30
    """Samples per model, taken in turns over all models."""
    chunk_seconds: Annotated[float, Field(ge=0, le=60)] = 0.25
    """A sample is as many runs as fill this time, seconds."""
    dataset_passes: Annotated[int, Field(ge=0, le=1000)] = 0
    """Passes over the whole test set, timed each; 30 as in liao2022."""
    flush_to_zero: Distinct[bool] | None = None
    """Whether subnormal numbers are treated as zero; left out, both are measured where several cells are exported."""


class Retried(Settings):
    """A host behind a connection that may drop."""

    timeout_seconds: Seconds = 3600
    """The longest that a step, such as the measurement, may take, seconds."""
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """Further tries after a lost connection or a time-out."""
    retry_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 10
    """Seconds before the next try."""


class Local(Settings):
    """The host that runs the job."""

    kind: Literal["local"] = "local"
    frequency_mhz: Distinct[Count] | None = None
    """CPU frequencies at which untrained variants are measured, MHz; left out, as the host chooses."""


class Ssh(Retried):
    """A host that OpenSSH reaches, with Python, numpy and onnxruntime on it."""

    kind: Literal["ssh"]
    host: Host
    """As OpenSSH takes it: pi@raspberrypi."""
    python: Text = "python3"
    """Python on the host, 3.8 or later."""
    folder: Text | None = None
    """A folder on the host for files of the measurement; left out, its temporary folder."""
    ssh_config: Text | None = None
    """OpenSSH's configuration file here; left out, your own."""


class Adb(Retried):
    """An Android device, measured by onnxruntime_perf_test."""

    kind: Literal["adb"]
    serial: Address
    """Serial number, as adb devices lists it."""
    perf_test: Text
    """Path of the binary onnxruntime_perf_test on this host, built for the device."""
    adb: Text = "adb"
    """The program adb on this host."""
    folder: Annotated[str, Field(pattern=r"^/[^\x00-\x1f]+$")] = "/data/local/tmp"
    """A folder on the device for files of the measurement."""


class Slurm(Settings):
    """A node that Slurm gives to the job."""

    kind: Literal["slurm"]
    partition: SlurmName | None = None
    """Left out: as for other jobs, under `cluster`."""
    constraint: Constraint | None = None
    """Features of the node, in Slurm's words; left out, as for other jobs."""
    gpu: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs of the job."""


class Emulated(Settings):
    """The host that runs the job, held to less."""

    kind: Literal["emulated"]
    cpus: Count | None = None
    """CPUs that it may run on."""
    cpu_quota: Annotated[float, Field(ge=0.01, le=65_536, allow_inf_nan=False)] | None = None
    """Share of CPU time, in CPUs: 0.5 is half of one."""
    memory_mb: Annotated[int, Field(ge=16, le=2**30)] | None = None
    """The most memory, 2^20 bytes."""
    emulates: Name | None = None
    """Name of the target that it stands for, with which the report compares it."""


def kind_of(target: Any) -> str:
    """The tag of the kind that a target's settings ask for; local is the default."""
    kind = target.get("kind", "local") if isinstance(target, dict) else getattr(target, "kind", "local")
    return f"{TAG}{kind}"


Target = Annotated[
    Annotated[Local, Tag("kind=local")]
    | Annotated[Ssh, Tag("kind=ssh")]
    | Annotated[Adb, Tag("kind=adb")]
    | Annotated[Slurm, Tag("kind=slurm")]
    | Annotated[Emulated, Tag("kind=emulated")],
    Discriminator(kind_of, custom_error_type=UNKNOWN_KIND, custom_error_message=", ".join(KINDS)),
]
