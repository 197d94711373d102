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
REMOTE = ("ssh", "adb")  # driven from the host that runs Snakemake


class Settings(Part):
    """What every kind of target takes: the settings that are measured, and how."""

    threads: Distinct[Count] = [1]
    batch: Distinct[Count] = [1]
    precisions: Distinct[Precision] = ["fp32"]
    provider: Provider = "CPUExecutionProvider"
    warmups: Annotated[int, Field(ge=0, le=1000)] = 5
    repeats: Annotated[int, Field(ge=2, le=10_000)] = 30
    chunk_seconds: Annotated[float, Field(ge=0, le=60)] = 0.25
    dataset_passes: Annotated[int, Field(ge=0, le=1000)] = 0
    flush_to_zero: Distinct[bool] | None = None


class Retried(Settings):
    """A host behind a connection that may drop; `timeout_seconds` bounds each step, the measurement among them."""

    timeout_seconds: Seconds = 3600
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    retry_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 10


class Local(Settings):
    """The host that runs the job."""

    kind: Literal["local"] = "local"


class Ssh(Retried):
    """A host that OpenSSH reaches, with Python, numpy and onnxruntime on it."""

    kind: Literal["ssh"]
    host: Host
    python: Text = "python3"
    folder: Text | None = None
    ssh_config: Text | None = None


class Adb(Retried):
    """An Android device, measured by onnxruntime_perf_test: `perf_test` is that binary's path on this host."""

    kind: Literal["adb"]
    serial: Address
    perf_test: Text
    adb: Text = "adb"
    folder: Annotated[str, Field(pattern=r"^/[^\x00-\x1f]+$")] = "/data/local/tmp"


class Slurm(Settings):
    """A node that Slurm gives to the job."""

    kind: Literal["slurm"]
    partition: SlurmName | None = None
    constraint: Constraint | None = None
    gpu: Annotated[int, Field(ge=0, le=64)] = 0


class Emulated(Settings):
    """The host that runs the job, held to less; `emulates` names the target that it stands for."""

    kind: Literal["emulated"]
    cpus: Count | None = None
    cpu_quota: Annotated[float, Field(ge=0.01, le=65_536, allow_inf_nan=False)] | None = None
    memory_mb: Annotated[int, Field(ge=16, le=2**30)] | None = None
    emulates: Name | None = None


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
