"""The inputs that models of any shape get: batch and named sizes in their places, fixed sizes as they are."""

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from prunescape.commands.cli import main
from prunescape.errors import InputError
from prunescape.measure.agent import Refused, make_feed
from prunescape.measure.files import bench_files, model_inputs, target_named

FLOAT, WHOLE = TensorProto.FLOAT, TensorProto.INT64
UNKNOWN = "rank"


def write_model(path, **inputs):
    """A model that returns its inputs; a shape of UNKNOWN leaves the number of axes open."""
    declared = []
    for name, (kind, shape) in inputs.items():
        declared.append(helper.make_tensor_value_info(name, kind, None if shape == UNKNOWN else shape))
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in inputs]
    outputs = [helper.make_tensor_value_info(f"{name}_out", kind, None) for name, (kind, _) in inputs.items()]
    graph = helper.make_graph(nodes, "copy", declared, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def shapes_fed(path, batch, dims=None):
    """What the agent feeds, and what comes back from onnxruntime for it: the shape of each input."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = make_feed(session, None, batch, dims)
    returned = session.run(None, feed)
    assert [values.shape for values in returned] == [values.shape for values in feed.values()]
    return {name: values.shape for name, values in feed.items()}


@pytest.mark.parametrize(
    ("inputs", "batch", "dims", "shapes"),
    [
        ({"image": (FLOAT, ["n", 3, "h", "w"])}, 2, {"h": 32, "w": 24}, [(2, 3, 32, 24)]),
        ({"image": (FLOAT, ["n", 3, None, None])}, 2, {"image:2": 32, "image:3": 24}, [(2, 3, 32, 24)]),
        ({"ids": (WHOLE, ["n", "length"]), "mask": (WHOLE, ["n", "length"])}, 4, {"length": 7}, [(4, 7), (4, 7)]),
        ({"steps": (FLOAT, [16, "n", 8])}, 4, {}, [(16, 4, 8)]),
        ({"x": (FLOAT, ["n", 8]), "rate": (WHOLE, [])}, 8, {}, [(8, 8), ()]),
        ({"x": (FLOAT, ["n", 8]), "scales": (FLOAT, [4])}, 3, {}, [(3, 8), (4,)]),
        ({"x": (FLOAT, [1, 576]), "state": (FLOAT, [2, 1, 128])}, 1, {}, [(1, 576), (2, 1, 128)]),
        ({"x": (FLOAT, ["n", 8])}, 5, {"n": 5}, [(5, 8)]),
    ],
)
def test_each_input_has_the_shape_that_its_model_asks_for(tmp_path, inputs, batch, dims, shapes):
    found = shapes_fed(write_model(tmp_path / "model.onnx", **inputs), batch, dims)
    assert list(found.values()) == shapes and all(isinstance(found[name], tuple) for name in inputs)


@pytest.mark.parametrize(
    ("inputs", "batch", "said"),
    [
        ({"image": (FLOAT, ["n", 3, "h", "w"])}, 1, "its input image has free .*; hint: --dim h=SIZE w=SIZE"),
        ({"image": (FLOAT, [None, 3, None])}, 1, "hint: --dim image:2=SIZE"),
        ({"image": (FLOAT, ["?", 3, "?", "width"])}, 1, "hint: --dim image:2=SIZE width=SIZE"),
        ({"x": (FLOAT, [1, 576]), "state": (FLOAT, [2, 1, 128])}, 2, "its input x takes batches of 1 only"),
        ({"x": (TensorProto.STRING, ["n"])}, 1, "its input x is a tensor.string."),
    ],
)
def test_what_has_no_one_shape_is_refused(tmp_path, inputs, batch, said):
    with pytest.raises(Refused, match=said):
        shapes_fed(write_model(tmp_path / "model.onnx", **inputs), batch)


def test_an_unknown_number_of_axes_is_refused_before_anything_is_measured(tmp_path):
    """onnxruntime describes such an input and a scalar alike."""
    path = write_model(tmp_path / "model.onnx", x=(FLOAT, UNKNOWN))
    with pytest.raises(InputError, match=r"model\.onnx: its input x has no shape; hint: export"):
        bench_files([path], target_named(None, None))


def test_free_dimensions_have_their_name_and_their_place(tmp_path):
    path = write_model(tmp_path / "model.onnx", x=(FLOAT, ["n", 3, None]), rate=(WHOLE, []))
    assert model_inputs(path) == [("x", ["x:0", "n", "x:2"]), ("rate", [])]


def test_sizes_on_the_command_line(tmp_path, capsys):
    path = str(write_model(tmp_path / "model.onnx", image=(FLOAT, ["n", 3, "height", "width"])))
    assert main(["bench", path, "--repeats", "2", "--dim", "height=8", "width=6"]) == 0
    assert "batch 1: " in capsys.readouterr().out
    assert main(["bench", path, "--dim", "heigth=8", "width=6"]) == 2
    told = capsys.readouterr().err
    assert 'no model has a free dimension "heigth"; allowed: height, image:0' in told and 'mean "height"?' in told
    assert main(["bench", path, "--dim", "height"]) == 2
    assert '"height" is no size like height=320' in capsys.readouterr().err


@pytest.mark.parametrize(
    "kind", ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FLOAT16", "DOUBLE"]
)
def test_every_numeric_type_is_fed(tmp_path, kind):
    path = write_model(tmp_path / "model.onnx", x=(getattr(TensorProto, kind), ["n", 3]))
    (values,) = onnxruntime.InferenceSession(str(path)).run(
        None, make_feed(onnxruntime.InferenceSession(str(path)), None, 2)
    )
    assert values.dtype == helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind)) and values.shape == (2, 3)


def test_an_input_whose_value_decides_gets_it(tmp_path, capsys):
    """Gather refuses an index that its table does not have, and by default whole numbers are 0."""
    table = helper.make_tensor("table", FLOAT, [2, 3], range(6))
    node = helper.make_node("Gather", ["table", "rate"], ["row"])
    rate = helper.make_tensor_value_info("rate", WHOLE, [])
    row = helper.make_tensor_value_info("row", FLOAT, [3])
    graph = helper.make_graph([node], "lookup", [rate], [row], [table])
    path = str(tmp_path / "model.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    assert main(["bench", path, "--repeats", "2", "--value", "rate=1"]) == 0
    session = onnxruntime.InferenceSession(path)
    assert list(session.run(None, make_feed(session, None, 1, {}, {"rate": 1.0}))[0]) == [3, 4, 5]
    capsys.readouterr()
    assert main(["bench", path, "--repeats", "2", "--value", "rate=7"]) == 2
    told = capsys.readouterr().err
    assert "a run failed" in told and "--value INPUT=NUMBER" in told
    assert main(["bench", path, "--value", "rte=7"]) == 2
    assert 'no model has an input "rte"; allowed: rate; hint: did you mean "rate"?' in capsys.readouterr().err


def test_android_takes_sizes_by_name_only(tmp_path):
    path = write_model(tmp_path / "model.onnx", x=(FLOAT, ["n", None]))
    phone = target_named(None, None) | {"kind": "adb", "name": "phone"}
    for options in ({"dims": {"x:1": 3}}, {"values": {"x": 1.0}}):
        with pytest.raises(InputError, match="target phone: perf_test takes sizes by the names"):
            bench_files([path], phone, **options)
