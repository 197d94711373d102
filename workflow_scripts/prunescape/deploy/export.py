"""Writes a network as ONNX and shows that onnxruntime computes what torch does."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from prunescape.errors import InputError
from prunescape.models.counting import first_line
from prunescape.store.files import whole_file

OPSET = 20
# Rounding differs by about 1e-5 of the largest logit (sums in another order, batch norm folded into convolutions);
# a wrong layer or layout shows at 1e-2 and above. This bound leaves a factor of ten or more on either side.
TOLERANCE = 1e-4
# Near ties may flip within that rounding: one example in a hundred may change its class.
TOP1_AGREEMENT = 0.99

NOT_MEASURED = "take another model; `snakemake cells` trains without an export"


def export_model(network: torch.nn.Module, inputs: np.ndarray, path: Path, **scaling: list[float]) -> dict:
    """Write `network` to `path` as ONNX with a free batch size and return how well it agrees with torch.

    `inputs` are what the network takes, n >= 3 examples, the first two of which trace it: normalised images float32 (n,
    channels, height, width), numbers of tokens int64 (n, length). The file's input is `input`, its output `logits`.
    What scales raw examples, `mean` and `std` per channel of pixels scaled to 0..1, travels in its metadata as JSON
    under `prunescape.mean` and `prunescape.std`. Equal weights give equal bytes.
    Raises InputError when torch cannot write the network as ONNX, when onnxruntime cannot run that, and, with the
    figures, when it does not compute what torch does.
    """
    network = network.eval()
    with whole_file(path) as temporary:
        try:
            trace_network(network, torch.from_numpy(inputs[:2]), temporary)
            finish_model(temporary, **scaling)
        except OSError:
            raise
        except Exception as error:  # of exporter, translator and checker, which have no common base
            what = f"torch cannot write the network as ONNX ({reason_of(error)})"
            raise InputError(what, where=Path(path).name, hint=NOT_MEASURED) from None
        return check_parity(network, inputs, temporary, name=Path(path).name)


def reason_of(error: BaseException) -> str:
    """The first line of what an error was raised for in the first place."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {first_line(error)}"


def finish_model(path: Path, **scaling: list[float]) -> None:
    """Give an ONNX file the metadata of `export_model` and nothing else beside its graph, and check it."""
    model = onnx.load(path)
    strip_metadata(model)
    onnx.helper.set_model_props(
        model, {f"prunescape.{name}": json.dumps(list(values)) for name, values in scaling.items()}
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def trace_network(network: torch.nn.Module, inputs: torch.Tensor, path: Path) -> None:
    """Write `network` to `path` as torch's exporter does, the batch size free; `inputs` (2, ...) trace it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its changes
        torch.onnx.export(
            network,
            (inputs,),
            path,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["input"],
            output_names=["logits"],
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )


def strip_metadata(message) -> None:
    """Empty `metadata_props` and `doc_string` throughout an ONNX message: they hold source paths of this machine."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                strip_metadata(part)


def check_parity(network: torch.nn.Module, inputs: np.ndarray, path: Path, *, name: str) -> dict:
    """What `compare_logits` finds at batch sizes 1, 3 and all; raises InputError past TOLERANCE or TOP1_AGREEMENT."""
    batches = sorted({1, min(3, len(inputs)), len(inputs)})
    try:
        session = _open_session(path)
        found = [session.run(["logits"], {"input": inputs[:size]})[0] for size in batches]
    except Exception as error:  # onnxruntime's exceptions have no common base
        what = f"onnxruntime cannot run the ONNX file ({reason_of(error)})"
        raise InputError(what, where=name, hint=NOT_MEASURED) from None
    parity = compare_logits(network, inputs, found)
    difference, agreement = parity["difference"], parity["top1_agreement"]
    if not (difference <= TOLERANCE and agreement >= TOP1_AGREEMENT):
        raise InputError(
            f"the ONNX file does not compute what torch does: largest difference {difference:.3g} of the largest "
            f"logit, same class on {agreement:.2%} of {len(inputs)} examples",
            where=name,
            allowed=f"at most {TOLERANCE:g}, at least {TOP1_AGREEMENT:.0%}",
        )
    return parity | {"batches": batches}


def compare_logits(network: torch.nn.Module, inputs: np.ndarray, found: list[np.ndarray]) -> dict:
    """How far ONNX logits `found` are from torch's: of the first examples each, in the last entry of all.

    Returns the largest |difference| of a logit over the largest |logit|, the share of examples with the same
    top-1 class, and the number of examples.
    """
    with torch.no_grad():
        expected = network(torch.from_numpy(inputs)).numpy()
    scale = max(float(np.abs(expected).max()), float(np.finfo(np.float32).tiny))
    return {
        "difference": max(float(np.abs(logits - expected[: len(logits)]).max()) for logits in found) / scale,
        "top1_agreement": float((found[-1].argmax(1) == expected.argmax(1)).mean()),
        "images": len(inputs),
    }


def logits_of(path: Path, inputs: np.ndarray) -> np.ndarray:
    """Logits (n, classes) of `inputs` by an ONNX file; InputError where onnxruntime cannot run it here."""
    try:
        return _open_session(path).run(["logits"], {"input": inputs})[0]
    except Exception as error:  # onnxruntime's exceptions have no common base
        raise InputError(f"onnxruntime cannot run it here ({error})", where=path.name) from None


def _open_session(path: Path):
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, at the import: it would send usage to its makers
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
