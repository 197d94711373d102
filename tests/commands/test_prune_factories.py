"""`prunescape prune` on networks of other factories: cut, or refused in one line that says what to change."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from prunescape.commands.cli import main
from prunescape.errors import InputError
from prunescape.pruning.prune import prune_model
from prunescape.store.files import read_json

FACTORIES = """
import torch
from torch import nn

class Keywords(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 32, 3)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(32, 10)
    def forward(self, x):
        return self.fc(torch.flatten(input=self.pool(self.b(self.a(x))), start_dim=1))

class Averaged(Keywords):
    def forward(self, x):
        return self.fc(torch.mean(input=self.b(self.a(x)), dim=(2, 3)))

class Two(Keywords):
    def forward(self, x):
        return super().forward(x), x

def layers(classes, channels):
    return nn.Sequential(nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, classes))
def timms(num_classes=1000, in_chans=3):
    return layers(num_classes, in_chans)
def keywords(**keywords):
    return layers(1000, 3)
def fixed():
    return layers(1000, 3)
def lazy():
    return nn.Sequential(nn.LazyConv2d(16, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
def scripted():
    return torch.jit.script(Keywords())
def meta():
    with torch.device("meta"):
        return Keywords()
def bf16(): return Keywords().bfloat16()
def fp16(): return Keywords().half()
def fp64(): return Keywords().double()
"""
TORCHVISIONS = """
import torchvision
def make(classes=10): return torchvision.models.resnet18(num_classes=classes)
"""
REQUEST = {"input_shape": (3, 16, 16), "ratio": 0.6, "method": "uniform"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the modules `factories` and `torchvisions`."""
    (tmp_path / "factories.py").write_text(FACTORIES)
    (tmp_path / "torchvisions.py").write_text(TORCHVISIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("factories", "torchvisions"):
        sys.modules.pop(name, None)


def test_the_names_of_timm_are_known(folder):
    told = prune_model("factories:timms", **REQUEST | {"input_shape": (1, 16, 16)}, classes=10, out=folder / "out")
    weights = load_file(folder / "out/weights.safetensors")
    assert (weights["0.weight"].shape[1], len(weights["6.bias"])) == (1, 10)
    assert told["classes"] == read_json(folder / "out/widths.json")["classes"] == 10


@pytest.mark.parametrize("factory", ["Keywords", "Averaged"])
def test_arguments_by_name_are_followed(folder, factory):
    """The last layer's inputs follow the cut channels, which a trace that overlooks `input=` would hold."""
    told = prune_model(f"factories:{factory}", **REQUEST, out=folder / "out")
    weights = load_file(folder / "out/weights.safetensors")
    assert told["ratio_achieved"] == pytest.approx(0.6, rel=0.05) and "b" in told["layers"]
    assert weights["fc.weight"].shape[1] == told["layers"]["b"]["out"] < 32


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp64"])
def test_a_network_in_another_precision_is_cut_in_it(folder, precision):
    """As torch counts it for images of that type, and to the share that the same network has in float32."""
    told = prune_model(f"factories:{precision}", **REQUEST, out=folder / "out")
    same = prune_model("factories:Keywords", **REQUEST, out=folder / "single")
    assert (told["flops"], told["flops_base"]) == (same["flops"], same["flops_base"])
    types = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp64": torch.float64}
    assert {tensor.dtype for tensor in load_file(folder / "out/weights.safetensors").values()} == {types[precision]}


def test_a_factory_may_import_torchvision_itself(folder):
    """In a process of its own: here it may be imported already."""

    words = ["torchvisions:make", "--input-shape", "3,32,32", "--ratio", "0.6", "--method", "uniform", "--out", "out"]
    done = subprocess.run([sys.executable, "-m", "prunescape.commands.cli", "prune", *words], capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("factory", "classes", "said"),
    [
        (
            "fixed",
            10,
            r"for 10 classes the network's output is \(1, 1000\), where \(1, 10\) was expected; hint: a factory",
        ),
        ("keywords", 10, r"output is \(1, 1000\)"),
        ("Two", 10, "output is tuple"),
        ("lazy", None, "lazy layers, whose sizes are not known yet; hint: call the network once"),
        ("scripted", None, "a TorchScript module, whose layers cannot be cut; hint: return it unscripted"),
        ("meta", None, "weights on the meta device, which have no values; hint: make them on the cpu"),
    ],
)
def test_what_cannot_be_cut_as_asked_is_refused_in_one_line(folder, factory, classes, said, capsys):
    with pytest.raises(InputError, match=said):
        prune_model(f"factories:{factory}", **REQUEST, classes=classes, out=folder / "out")
    assert not (folder / "out").exists()
    options = ["--input-shape", "3,16,16", "--ratio", "0.6", "--method", "uniform", "--out", "out"]
    asked = [] if classes is None else ["--classes", str(classes)]
    assert main(["prune", f"factories:{factory}", *options, *asked]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("prunescape: error: ") and printed.count("\n") == 1


def test_a_network_that_keeps_its_own_classes_is_cut(folder):
    prune_model("factories:fixed", **REQUEST, out=folder / "out")
    assert len(load_file(folder / "out/weights.safetensors")["6.bias"]) == 1000
    assert torch.isfinite(load_file(folder / "out/weights.safetensors")["6.bias"]).all()
