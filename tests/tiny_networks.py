"""Networks of a few thousand weights with gates that differ between channels and pictures, and pictures to show them."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from sevis.nets.yolov5_se import YOLOv5, yolov5_se
from sevis.nets.zoo import Network

CLASSES = ("ant", "bee", "cat", "dog", "emu")
Module = TypeVar("Module", bound=nn.Module)


def alive(module: Module, seed: int = 0) -> Module:
    """The module in eval mode with weights and running statistics that no formula can do without."""
    random = torch.Generator().manual_seed(seed)
    for name, values in module.state_dict().items():
        if not values.is_floating_point():
            continue
        noise = torch.randn(values.shape, generator=random, dtype=torch.float32)
        if values.ndim > 1:
            fresh = noise / values[0].numel() ** 0.5
        elif name.endswith("running_var") or name.endswith("weight"):
            fresh = 1 + 0.5 * noise.clamp(-1.5, 1.5)
        else:
            fresh = 0.2 * noise
        values.copy_(fresh)
    return module.eval()


def se_net(depth: int = 18, *, width: float = 0.125, seed: int = 0, **options: object) -> nn.Module:
    """An SE-ResNet with 8 to 64 planes."""
    return alive(se_resnet(depth, classes=len(CLASSES), width=width, reduction=4, **options), seed)


def selective_net(*, seed: int = 0, branches: int = 2, stem: str = "cifar") -> nn.Module:
    """An SKNet-26 with 16 to 128 planes."""
    return alive(sk_net(26, classes=len(CLASSES), stem=stem, width=0.125, groups=4, minimum=4, branches=branches), seed)


def short(module: nn.Module) -> nn.Module:
    """The network with the first block of each stage alone: four gates."""
    for name in ("layer1", "layer2", "layer3", "layer4"):
        setattr(module, name, getattr(module, name)[:1])
    return module


class Plain(nn.Module):
    """A network without gates; with or without pooling before its linear layer."""

    def __init__(self, side: int, *, pooled: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.linear = nn.Linear(6 if pooled else 6 * (side // 2) ** 2, len(CLASSES))
        self._pooled = pooled

    def forward(self, pictures: Tensor) -> Tensor:
        features = torch.relu(self.conv(pictures))
        return self.linear(features.mean(dim=(2, 3)) if self._pooled else features.flatten(1))


def network(module: nn.Module, side: int = 32, name: str = "tiny") -> Network:
    """The module with preprocessing and class names."""
    return Network(name, module, Preprocessing(side, side), CLASSES)


def pictures(count: int, side: int = 32, seed: int = 1) -> list[np.ndarray]:
    """Different photographs-like pictures (side, side, 3) uint8: each has its own colour, gradient and grain."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(-1, 1, side)
    made = []
    for _ in range(count):
        colour, across, down = random.uniform(40, 215, 3), random.uniform(-60, 60, 3), random.uniform(-60, 60, 3)
        grain = random.normal(0, random.uniform(2, 60), (side, side, 3))
        values = colour + across * ramp[None, :, None] + down * ramp[:, None, None] + grain
        made.append(np.clip(values, 0, 255).astype(np.uint8))
    return made


def batch(count: int = 2, side: int = 32, seed: int = 1) -> Tensor:
    """Pictures as a network takes them, (N, 3, side, side)."""
    return (
        torch.randn((count, 3, side, side), generator=torch.Generator().manual_seed(seed))
        + torch.linspace(-1, 1, count)[:, None, None, None]
    )


def detector(bias: float = 2.0, classes: int = len(CLASSES)) -> YOLOv5:
    """An untrained one that is sure of many things where the bias of its objectness is high."""
    module = deepcopy(_warm_detector(classes))
    with torch.no_grad():
        for head in module.heads:
            assert isinstance(head, nn.Conv2d) and head.bias is not None
            head.weight.mul_(3)
            head.bias.view(3, -1)[:, 4:] = bias
    return module


@cache
def _warm_detector(classes: int) -> YOLOv5:
    """One whose norms have learned what passes through: in eval mode it would fade away otherwise."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        module = yolov5_se("n", classes=classes, width=0.125, reduction=4)
        for _ in range(30):
            module(torch.randn(8, 3, 64, 64))
    return module.eval()
