"""SE-DenseNet: DenseNet-BC (Huang et al. 2017, table 1) whose dense layers gate the channels that they add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sevis.nets.blocks import SqueezeExcitation, pick
from sevis.nets.se_resnet import imagenet_stem

__all__ = ["DenseNet", "se_densenet"]


def _cifar_stem(channels: int) -> nn.Module:
    """3 x 3, stride 1, and no norm: every dense layer begins with one (Huang et al. 2017, section 3)."""
    return nn.Conv2d(3, channels, 3, padding=1, bias=False)


STEMS: dict[str, Callable[[int], nn.Module]] = {"cifar": _cifar_stem, "imagenet": imagenet_stem}


def _norm_conv(in_channels: int, channels: int, kernel: int) -> tuple[nn.Module, ...]:
    """Batch norm, ReLU, convolution: in that order, since others read the same features."""
    return nn.BatchNorm2d(in_channels), nn.ReLU(), nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2, bias=False)


class DenseLayer(nn.Module):
    """The features so far and k new channels, which have passed the SE block: (N, C, H, W) -> (N, C + k, H, W)."""

    def __init__(self, in_channels: int, growth_rate: int, bottleneck: int, attention: dict[str, Any]) -> None:
        super().__init__()
        narrow = bottleneck * growth_rate
        self.branch = nn.Sequential(*_norm_conv(in_channels, narrow, 1), *_norm_conv(narrow, growth_rate, 3))
        self.se = SqueezeExcitation(growth_rate, **attention)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features, self.se(self.branch(features))], dim=1)


class DenseNet(nn.Module):
    """Stem, dense blocks with transitions between, norm, average pool and a linear layer: (N, 3, H, W) -> logits (N, classes)."""

    def __init__(self, stem: nn.Module, blocks: nn.Sequential, features: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = blocks
        self.norm = nn.BatchNorm2d(features)
        self.linear = nn.Linear(features, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        features = F.relu(self.norm(self.blocks(self.stem(pictures))))
        logits: Tensor = self.linear(features.mean(dim=(2, 3)))
        return logits


def se_densenet(
    *,
    growth_rate: int = 32,
    block_config: Sequence[int] = (6, 12, 24, 16),
    classes: int = 1000,
    stem: str = "imagenet",
    stem_channels: int | None = None,
    compression: float = 0.5,
    bottleneck: int = 4,
    **attention: Any,
) -> DenseNet:
    """An SE-DenseNet, randomly initialised; as it stands, SE-DenseNet-121.

    Args:
        growth_rate: k, the channels that each dense layer adds; its SE block has max(k // reduction, 1) hidden units.
        block_config: dense layers in each block.
        classes: how many logits it gives.
        stem: "cifar" or "imagenet".
        stem_channels: what the stem gives; None takes 2 k, as DenseNet-BC does.
        compression: share of its channels that a transition keeps.
        bottleneck: width of a dense layer's 1 x 1 convolution, in k.
        attention: reduction, squeeze and excitation of every SqueezeExcitation.
    """
    channels = first = stem_channels or 2 * growth_rate
    parts: list[nn.Module] = []
    for number, layers in enumerate(block_config):
        if number:
            kept = int(channels * compression)
            parts.append(nn.Sequential(*_norm_conv(channels, kept, 1), nn.AvgPool2d(2)))
            channels = kept
        inputs = range(channels, channels + layers * growth_rate, growth_rate)
        parts.append(nn.Sequential(*(DenseLayer(c, growth_rate, bottleneck, attention) for c in inputs)))
        channels += layers * growth_rate
    return DenseNet(pick(STEMS, "stem", stem)(first), nn.Sequential(*parts), channels, classes)
