"""The architectures: size and cost against the paper and torchvision, initialisation, export. Needs torchvision."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prunescape.config.models import ARCHITECTURES, architecture_of, network_values, task_of_model
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.counting import count_flops, count_parameters, evaluating
from prunescape.tasks.images.torchvision_import import import_torchvision
from support.code import loaded_by

IMAGE_MODELS = [model for model in ARCHITECTURES if task_of_model(model) == "images"]


def network_of(model, shape=(3, 32, 32), classes=10, seed=0):
    known = {"image_size": shape[1:], "hyperparameters": network_values(model, {})}
    network = build_model(architecture_of(model), model, in_channels=shape[0], classes=classes, **known)
    return initialise(network, seed).eval()


@pytest.mark.parametrize(
    ("model", "shape", "classes", "printed", "unit", "flops"),
    [
        ("resnet56", (3, 32, 32), 10, "0.85", 1e6, 2.5e8),
        ("mobilenet_v2", (3, 32, 32), 10, "2.2", 1e6, 6.1e8),
        ("resnet50", (3, 224, 224), 1000, "25.6", 1e6, 8.2e9),
    ],
)
def test_size_and_cost_are_those_of_table_3_2(model, shape, classes, printed, unit, flops):
    """matthiesen2023, Table 3.2: parameters to the printed digits, FLOPs within 3 %."""
    network = network_of(model, shape, classes)
    digits = len(printed.partition(".")[2])
    assert f"{count_parameters(network) / unit:.{digits}f}" == printed
    assert count_flops(network, shape) == pytest.approx(flops, rel=0.03)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_resnets_have_the_parameters_he_et_al_print(depth, millions):
    """He et al. 2015b, Table 6."""
    count = count_parameters(network_of(f"resnet{depth}")) / 1e6
    assert round(count, len(str(millions).partition(".")[2])) == millions


def test_mlperf_tinys_resnet_has_the_parameters_and_the_cost_of_its_keras_model():
    """By its keras_model.py with 16 filters: kernel, channels in and out, pixels out of each convolution.

    Keras' own summary (mlcommons/tiny, Logs/training_log.txt) has 78,186 trained parameters, layer by layer as here.
    """
    stem, stack1 = [(3, 3, 16, 32 * 32)], 2 * [(3, 16, 16, 32 * 32)]
    stack2 = [(3, 16, 32, 16 * 16), (3, 32, 32, 16 * 16), (1, 16, 32, 16 * 16)]
    stack3 = [(3, 32, 64, 8 * 8), (3, 64, 64, 8 * 8), (1, 32, 64, 8 * 8)]
    convolutions = [*stem, *stack1, *stack2, *stack3]
    with_bias = sum(kernel**2 * before * after + after for kernel, before, after, _ in convolutions)
    normalised = 2 * sum(after for kernel, _, after, _ in convolutions if kernel == 3)
    network = network_of("resnet8_mlperf_tiny")
    assert count_parameters(network) == with_bias + normalised + 64 * 10 + 10 == 78_186
    products = sum(kernel**2 * before * after * pixels for kernel, before, after, pixels in convolutions) + 64 * 10
    assert count_flops(network, (3, 32, 32)) == 2 * products == 2 * 12_501_632
    norm = network.block2.bn2
    assert (norm.eps, norm.momentum) == (1e-3, 0.01), "Keras' defaults are epsilon 0.001 and momentum 0.99"


@pytest.mark.parametrize(("model", "shape"), [*((m, (3, 32, 32)) for m in IMAGE_MODELS), ("resnet8", (1, 8, 8))])
def test_flops_equal_torchs_own_counter(model, shape):
    network = network_of(model, shape)
    counter = FlopCounterMode(display=False)
    with counter, evaluating(network):
        network(torch.zeros(1, *shape))
    assert count_flops(network, shape) == counter.get_total_flops()


def test_resnet50_is_exactly_torchvisions():
    import_torchvision()
    import torchvision

    theirs, ours = torchvision.models.resnet50(weights=None).eval(), network_of("resnet50", (3, 224, 224), 1000)
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(ours(image), theirs(image))
    assert count_parameters(ours) == sum(p.numel() for p in theirs.parameters()) == 25_557_032


@pytest.mark.parametrize("model", ["resnet8", "mobilenet_v2", "torchvision:shufflenet_v2_x0_5", "torchvision:vit_b_32"])
def test_one_seed_gives_the_same_weights_bit_for_bit(model):
    first = network_of(model, (3, 224, 224)).state_dict()
    network = network_of(model, (3, 224, 224), seed=1)
    other = {name: value.clone() for name, value in network.state_dict().items()}
    again = initialise(network, 0).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    changed = [name for name in first if not torch.equal(first[name], other[name])]
    assert all(name in changed for name in first if name.endswith("weight") and first[name].dim() > 1)


def test_initialise_leaves_the_global_random_state_alone():
    network = network_of("resnet8")
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    initialise(network, 0)
    assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(
    ("model", "layer", "fan"),
    [
        ("resnet56", "layer3.5.conv1", 9 * 64),  # fan-in
        ("resnet50", "layer3.0.conv1", 256),  # fan-out: 1 x 1 x 256 outputs, where fan-in would be 512
        ("mobilenet_v2", "blocks.15.conv1", 960),  # k k out
        ("mobilenet_v2", "blocks.15.conv2", 9 * 960),  # depthwise: Chen's formula leaves groups out
    ],
)
def test_he_standard_deviation_has_its_closed_form(model, layer, fan):
    """std = sqrt(2 / fan), He et al. 2015a; the sample's relative error is about 1 / sqrt(2 n)."""
    weight = network_of(model).get_submodule(layer).weight
    assert weight.std().item() == pytest.approx(math.sqrt(2 / fan), rel=4 / math.sqrt(2 * weight.numel()))


def norms_of(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def unsettle_norms(network, images, least, most):
    """Scales uniform between `least` and `most`, normal shifts, and the running statistics of `images`."""
    generator = torch.Generator().manual_seed(1)
    for norm in norms_of(network):
        nn.init.uniform_(norm.weight, least, most, generator=generator)
        nn.init.normal_(norm.bias, generator=generator)
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    return network.eval()


@pytest.mark.parametrize("model", ["resnet8", "mobilenet_v2"])
def test_initialising_makes_used_batch_norms_the_identity_again(model):
    network = unsettle_norms(network_of(model), torch.randn(4, 3, 32, 32), 2.0, 3.0)
    initialise(network, 0)
    for norm in norms_of(network):
        for values, neutral in ((norm.weight, 1), (norm.bias, 0), (norm.running_mean, 0), (norm.running_var, 1)):
            assert torch.equal(values, torch.full_like(values, neutral))
        assert norm.num_batches_tracked == 0


def distance(sample, distribution):
    """Kolmogorov's distance times sqrt(n): one fair sample in 10^8 is above 3.2 (2 exp(-2 * 3.2^2))."""
    values = sample.detach().double().numpy().ravel()
    return stats.kstest(values, distribution.cdf).statistic * math.sqrt(values.size)


def test_cifar_resnets_classifier_is_he_normal_with_torchs_bias():
    """Idelbayev 2018: weight normal with std sqrt(2 / 64); bias as nn.Linear documents: uniform within 1 / sqrt(64)."""
    fc = network_of("resnet8", classes=1000).fc
    assert fc.weight.std().item() == pytest.approx(math.sqrt(2 / 64), rel=4 / math.sqrt(2 * fc.weight.numel()))
    assert distance(fc.weight, stats.norm(0, math.sqrt(2 / 64))) < 3.2
    assert distance(fc.bias, stats.uniform(-1 / 8, 2 / 8)) < 3.2 and fc.bias.abs().max() <= 1 / 8


class Written:
    """A network's tensors in the order in which they are written, taken one by one by plain functions."""

    def __init__(self, network):
        self.tensors = list(network.state_dict().values())

    def convolve(self, x, **options):
        """Convolution without bias, then batch norm as its formula stands (Ioffe and Szegedy 2015, Algorithm 2)."""
        x = F.conv2d(x, self.tensors.pop(0), **options)
        scale, shift, mean, variance, _ = (self.tensors.pop(0) for _ in range(5))
        column = (slice(None), None, None)
        return (x - mean[column]) / (variance[column] + 1e-5) ** 0.5 * scale[column] + shift[column]

    def classify(self, x):
        weight, bias = self.tensors
        return x.mean((2, 3)) @ weight.T + bias


def idelbayevs_resnet(network, images):
    """resnet.py of Idelbayev 2018, option A, in plain functions."""
    written = Written(network)
    x = written.convolve(images, padding=1).clamp(min=0)
    for planes in (16, 32, 64):
        for block in range((len(network.state_dict()) - 8) // 36):
            stride, skipped = (2 if planes > 16 and block == 0 else 1), x
            if stride == 2:
                skipped = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4))
            x = written.convolve(x, stride=stride, padding=1).clamp(min=0)
            x = (written.convolve(x, padding=1) + skipped).clamp(min=0)
    return written.classify(x)


def chens_mobilenet(network, images):
    """MobileNetV2 at 32 x 32 (METHODS 1, after Chen 2018) in plain functions, ReLU6 as min(max(x, 0), 6)."""
    written, strides = Written(network), {24: 1, 32: 1, 64: 2, 96: 1, 160: 2, 320: 1}
    widths = [16, *[24] * 2, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320]
    x = written.convolve(images, padding=1).clamp(0, 6)
    for before, channels in zip([32, *widths], widths, strict=False):
        stride, hidden = (1 if channels == before else strides.get(channels, 1)), before * (1 if channels == 16 else 6)
        out = written.convolve(x).clamp(0, 6)
        out = written.convolve(out, stride=stride, padding=1, groups=hidden).clamp(0, 6)
        out = written.convolve(out)
        x = x + out if x.shape == out.shape else out
    return written.classify(written.convolve(x).clamp(0, 6))


@pytest.mark.parametrize(
    ("model", "reference", "scales"),
    [
        ("resnet8", idelbayevs_resnet, (0.5, 1.5)),
        ("resnet20", idelbayevs_resnet, (0.5, 1.5)),
        ("mobilenet_v2", chens_mobilenet, (2.0, 6.0)),  # large, so that ReLU6 meets values above 6
    ],
)
def test_logits_are_those_of_the_sources_written_in_plain_functions(model, reference, scales):
    """In float64, so that only another computation can differ; used batch norms, so that each statistic matters."""
    torch.manual_seed(2)
    used, images = torch.randn(8, 3, 32, 32).double(), torch.randn(4, 3, 32, 32).double()
    network = unsettle_norms(network_of(model).double(), used, *scales)
    with torch.no_grad():
        torch.testing.assert_close(network(images), reference(network, images), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 5), (2, 1, 1), (3, 33, 31)])
@pytest.mark.parametrize("model", ["resnet8", "mobilenet_v2"])
def test_any_image_size_trains_in_channels_last_too(model, shape):
    network = network_of(model, shape).train()
    images = torch.randn(4, *shape)
    network(images).sum().backward()
    with torch.no_grad():
        plain = network.eval()(images)
        network = network.to(memory_format=torch.channels_last)
        last = network(images.to(memory_format=torch.channels_last))
    assert plain.shape == (4, 10)
    torch.testing.assert_close(plain, last, rtol=1e-4, atol=1e-4)


def test_option_a_shortcut_is_strided_identity_between_zeros():
    shortcut = network_of("resnet8").layer2[0].shortcut
    x = torch.randn(1, 16, 6, 6)
    y = shortcut(x)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2]) and not y[:, :8].any() and not y[:, 24:].any()


def test_exports_to_onnx_with_a_dynamic_batch(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    network, file = network_of("resnet8", (1, 8, 8)), tmp_path / "model.onnx"
    options = {"dynamo": True, "input_names": ["input"], "output_names": ["logits"], "external_data": False}
    shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(network, (torch.randn(2, 1, 8, 8),), file, dynamic_shapes=shapes, verbose=False, **options)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    images = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        expected = network(images).numpy()
    assert session.run(None, {"input": images.numpy()})[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", ["torchvision:googlenet", "torchvision:inception_v3"])
def test_auxiliary_heads_are_left_out(model):
    network = network_of(model, (3, 96, 96)).train()
    output = network(torch.randn(2, 3, 96, 96))
    assert isinstance(output, torch.Tensor) and not any("aux" in name.lower() for name in network.state_dict())


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("resnet65", 'did you mean "resnet56"'),
        ("torchvision:resnet_50", 'did you mean "resnet50"'),
        ("torchvision:", "no model is called"),
        ("no_such_package:factory", "cannot be imported"),
        ("json:no_such_factory", "has no callable"),
        ("json:dumps", "the factory fails"),
        ("collections:Counter", "the factory returns Counter"),
        ("package/module:factory", "no model is called"),
    ],
)
def test_unknown_models_are_named_in_one_line(model, said):
    with pytest.raises(InputError, match=said):
        network_of(model)


def test_torchvision_takes_only_colour_images():
    with pytest.raises(InputError, match="3 channels, not 1"):
        network_of("torchvision:resnet18", (1, 32, 32))


def test_a_users_factory_gets_the_channels_and_classes_it_asks_for(tmp_path, monkeypatch):
    code = "from torch import nn\ndef small(in_channels, classes=4): return nn.Conv2d(in_channels, classes, 1)\n"
    (tmp_path / "their_models.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    network = network_of("their_models:small", (2, 4, 4), classes=7)
    assert network.weight.shape == (7, 2, 1, 1)


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("prunescape.config.models", ("torch", "numpy")),
        (
            "prunescape.models.build, prunescape.models.counting, prunescape.models.resnet_cifar",
            ("torch_pruning", "torchvision", "pandas", "prunescape.config.models"),
        ),
    ],
)
def test_training_imports_little(imported, absent):
    assert loaded_by(f"import {imported}", *absent) == set()
