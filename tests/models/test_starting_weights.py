"""Published weights and files of weights: loaded as they are but for another number of classes, or refused in one line.

Files are in the format of the libraries' caches, with random weights. Needs torchvision, timm.
"""

import urllib.error

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file

from prunescape.config.models import architecture_of
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.starting_weights import load_starting_weights, read_state
from prunescape.models.timm_models import import_timm
from prunescape.tasks.images.torchvision_import import import_torchvision

RESNET, MOBILENET, VIT = "torchvision:resnet18", "timm:mobilenetv3_small_050", "timm:vit_tiny_patch16_224"
SHAPE = {"in_channels": 3, "image_size": (64, 64)}


def network_of(model, classes, seed, **changed):
    network = build_model(architecture_of(model), model, **SHAPE | changed, classes=classes)
    return initialise(network, seed)


def load(network, weights, model, classes, **changed):
    return load_starting_weights(network, str(weights), model=model, **SHAPE | changed, classes=classes)


@pytest.fixture
def torch_cache(tmp_path, monkeypatch):
    """The folder of torch's downloads; there is no network."""

    def download(*arguments, **keywords):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """A function that puts a file of weights where huggingface_hub looks for a repository; there is no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(repository, state):
        folder = tmp_path / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs/main").write_text("0" * 40)
        (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
        save_file(state, folder / "snapshots" / ("0" * 40) / "model.safetensors")

    return put


def test_published_weights_of_torchvision_come_from_torchs_cache(torch_cache):
    published = network_of(RESNET, 1000, seed=7)
    url = import_torchvision().models.ResNet18_Weights.DEFAULT.url
    torch.save(published.state_dict(), torch_cache / url.rpartition("/")[2])
    network, fresh = network_of(RESNET, 10, seed=0), network_of(RESNET, 10, seed=0)
    assert load(network, "published", RESNET, 10) == ["fc"]
    for name, tensor in network.state_dict().items():
        expected = fresh if name.startswith("fc.") else published
        assert torch.equal(tensor, expected.state_dict()[name]), name
    same = network_of(RESNET, 1000, seed=0)
    assert load(same, "published", RESNET, 1000) == [] and torch.equal(same.fc.weight, published.fc.weight)


def test_a_download_that_fails_is_one_line_with_the_address_and_the_place(torch_cache):
    said = r"no network.*put https://download.*resnet18-\w+\.pth at .*checkpoints"
    with pytest.raises(InputError, match=said) as error:
        load(network_of(RESNET, 10, seed=0), "published", RESNET, 10)
    assert "\n" not in str(error.value)


def test_a_damaged_file_in_torchs_cache_is_one_line(torch_cache):
    url = import_torchvision().models.ResNet18_Weights.DEFAULT.url
    (torch_cache / url.rpartition("/")[2]).write_bytes(b"half a file")
    with pytest.raises(InputError, match="its published weights cannot be had"):
        load(network_of(RESNET, 10, seed=0), "published", RESNET, 10)


@pytest.mark.parametrize("model", [MOBILENET, VIT])
def test_published_weights_of_timm_come_from_the_hubs_cache(hub_cache, model):
    """As timm loads them: other numbers of channels and classes, and another image size, are its own affair."""
    timm = import_timm()
    name = model.removeprefix("timm:")
    cfg = timm.models.get_pretrained_cfg(name)
    torch.manual_seed(5)
    published = timm.create_model(name)
    hub_cache(cfg.hf_hub_id, published.state_dict())
    network = network_of(model, 10, seed=0, in_channels=1)
    load(network, "published", model, 10, in_channels=1)
    with torch.no_grad():
        layer = "blocks.3.mlp.fc1.weight" if model == VIT else "blocks.2.1.conv_pw.weight"
        assert torch.equal(network.get_parameter(layer), published.get_parameter(layer))
        assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 10)


def test_published_weights_of_timm_that_are_not_here_are_one_line(hub_cache):
    with pytest.raises(InputError, match=r"timm cannot load.*hint: download a file of huggingface.co/timm/mobilenetv3"):
        load(network_of(MOBILENET, 10, seed=0), "published", MOBILENET, 10)
    with pytest.raises(InputError, match="timm:lcnet_035: timm knows no published weights of it"):
        load(network_of("timm:lcnet_035", 10, seed=0), "published", "timm:lcnet_035", 10)


@pytest.mark.parametrize("kind", ["given.safetensors", "given.pth"])
def test_a_file_is_loaded_and_another_model_is_refused(tmp_path, kind):
    published, file = network_of("resnet8", 7, seed=3), tmp_path / kind
    (save_file if kind.endswith("safetensors") else torch.save)(published.state_dict(), file)
    network = network_of("resnet8", 10, seed=0)
    assert load(network, file, "resnet8", 10) == ["fc"]
    assert torch.equal(network.conv1.weight, published.conv1.weight)
    with pytest.raises(InputError, match="lacks"):
        load(network_of("resnet20", 10, seed=0), file, "resnet20", 10)
    with pytest.raises(InputError, match=r"\"conv1.weight\" has shape \(16, 3, 3, 3\); allowed: \(16, 1, 3, 3\)"):
        load(network_of("resnet8", 10, seed=0, in_channels=1), file, "resnet8", 10, in_channels=1)


@pytest.mark.parametrize("content", [{"epoch": 3}, [1], {0: torch.zeros(1)}, {"model": {"fc.bias": torch.zeros(1)}}])
def test_another_content_of_a_pickled_file_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "given.pt")
    with pytest.raises(InputError, match=r"holds no state dict; .*torch.save\(network.state_dict\(\), FILE\)"):
        load(network_of("resnet8", 10, seed=0), tmp_path / "given.pt", "resnet8", 10)


def test_a_pickled_file_runs_no_code(tmp_path):
    torch.save({"a": print}, tmp_path / "given.pt")
    with pytest.raises(InputError, match=r"torch cannot read it as tensors \(UnpicklingError: .*hint: torch.save"):
        load(network_of("resnet8", 10, seed=0), tmp_path / "given.pt", "resnet8", 10)


@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_no_changed_byte_of_a_pickled_file_is_more_than_one_line(tmp_path, archive):
    file = tmp_path / "given.pt"
    torch.save({"fc.weight": torch.zeros(2)}, file, _use_new_zipfile_serialization=archive)
    whole, refused = file.read_bytes(), 0
    for place in range(0, 600, 3):
        file.write_bytes(whole[:place] + b"\x99" + whole[place + 1 :])
        try:
            read_state(str(file))
        except InputError as error:
            refused += "\n" not in str(error)
    assert refused > 20
    file.write_text("no pickle")
    with pytest.raises(InputError, match=r"given.pt: torch cannot read it as tensors"):
        read_state(str(file))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda weight: weight.to_sparse(), "dense tensors of floating-point numbers"),
        (lambda weight: weight.to("meta"), "no plain numbers of a network"),
        (lambda weight: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), "before it is quantised"),
        (lambda weight: weight.to(torch.int8), "dense tensors of floating-point numbers"),
        (lambda weight: weight.to(torch.complex64), "dense tensors of floating-point numbers"),
        (lambda weight: weight / 0, "not finite; hint: take weights of a training that converged"),
    ],
    ids=["sparse", "meta", "quantised", "whole numbers", "complex", "not finite"],
)
def test_numbers_that_are_no_weights_are_refused(tmp_path, changed, said):
    state = network_of("resnet8", 10, seed=3).state_dict()
    torch.save(state | {"fc.weight": changed(state["fc.weight"])}, tmp_path / "given.pt")
    with pytest.raises(InputError, match=f'"fc.weight" holds .*{said}'):
        load(network_of("resnet8", 10, seed=0), tmp_path / "given.pt", "resnet8", 10)
