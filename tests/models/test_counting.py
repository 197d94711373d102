"""FLOPs against torch's own counter: networks of torchvision, and layers whose weight is computed before it is used."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils.flop_counter import FlopCounterMode

from prunescape.models.build import build_model
from prunescape.models.counting import count_flops, evaluating, example_input
from prunescape.pruning.planning import plan_widths

IMAGE = (3, 32, 32)
NETWORKS = (
    *("alexnet", "convnext_tiny", "densenet121", "densenet161", "efficientnet_b0", "efficientnet_b1"),
    *("efficientnet_b3", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5", "mnasnet0_75"),
    *("mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_400mf"),
    *("regnet_x_800mf", "regnet_y_400mf", "regnet_y_800mf", "resnet101", "resnet18", "resnet34", "resnet50"),
    *("resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "squeezenet1_0"),
    *("squeezenet1_1", "swin_s", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_16", "vit_b_32"),
    *("wide_resnet50_2",),
)


def torchs_count(network: nn.Module, shape) -> int:
    counter = FlopCounterMode(display=False)
    with evaluating(network), counter:
        network(example_input(network, shape))
    return counter.get_total_flops()


@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_networks_count_as_torch_counts_them(name):
    network = build_model("torchvision_models", f"torchvision:{name}", in_channels=3, classes=10)
    assert count_flops(network, (3, 224, 224)) == torchs_count(network, (3, 224, 224)) > 0


class Standardised(nn.Conv2d):
    """Qiao et al. 2019, arXiv 1903.10520: the weight is standardised before every use."""

    def forward(self, images):
        mean, std = self.weight.mean((1, 2, 3), keepdim=True), self.weight.std((1, 2, 3), keepdim=True)
        return F.conv2d(images, (self.weight - mean) / (std + 1e-5), self.bias, self.stride, self.padding)


MIDDLES = {
    "spectral norm": lambda: spectral_norm(nn.Conv2d(32, 64, 3, padding=1)),
    "old spectral norm": lambda: nn.utils.spectral_norm(nn.Conv2d(32, 64, 3, padding=1)),
    "weight norm": lambda: weight_norm(nn.Conv2d(32, 64, 3, padding=1)),
    "standardised": lambda: Standardised(32, 64, 3, padding=1),
    "transposed": lambda: nn.ConvTranspose2d(32, 64, 3, padding=1),
    "grouped": lambda: nn.Conv2d(32, 64, 3, padding=1, groups=4),
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_computed_weights_count_before_and_after_pruning(middle):
    """The layer itself stays whole, and so do those that it is tied to; the ratio is that of the whole network."""
    torch.manual_seed(0)
    convolutions = nn.Conv2d(3, 32, 3, padding=1), MIDDLES[middle](), nn.Conv2d(64, 64, 3, 2), nn.Conv2d(64, 64, 3)
    parts = [part for convolution in convolutions for part in (convolution, nn.ReLU())]
    network = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    plan = plan_widths(network, IMAGE, method="uniform", ratio=0.9)
    assert plan.flops_base == torchs_count(network, IMAGE) and plan.flops == torchs_count(plan.network, IMAGE)
    assert plan.ratio_achieved == pytest.approx(0.9, rel=0.01)


def test_products_of_attention_count_whatever_kernel_computes_them():
    """2 n d (n + n) for queries by keys and weights by values, Vaswani et al. 2017, section 3.2.1, per head."""

    class Attention(nn.Module):
        def forward(self, images):
            tokens = images.flatten(2).transpose(1, 2)[:, None]  # (1, 1 head, n, d)
            return F.scaled_dot_product_attention(tokens, tokens, tokens).mean((1, 2))

    tokens, channels = 32 * 32, 3
    assert count_flops(Attention(), IMAGE) == 2 * 2 * tokens * tokens * channels
