"""SKNet (Li et al. 2019, table 1): a ResNeXt-like network whose 3 x 3 convolutions select their kernel."""

from __future__ import annotations

from typing import Any

from torch import nn

from sevis.nets.blocks import Residual, SelectiveKernel, conv_norm, pick
from sevis.nets.se_resnet import STEMS, ResNet, projection, residual_stages

__all__ = ["DEPTHS", "sk_net"]

# blocks in each stage; 26 and 101 as in section 4 of the paper
DEPTHS: dict[int, tuple[int, ...]] = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def _branch(in_channels: int, planes: int, stride: int, selection: dict[str, Any]) -> nn.Sequential:
    """1 x 1, SK convolution, 1 x 1 to twice the planes."""
    return nn.Sequential(
        *conv_norm(in_channels, planes, 1),
        nn.ReLU(),
        SelectiveKernel(planes, planes, stride=stride, **selection),
        *conv_norm(planes, 2 * planes, 1),
    )


def sk_net(depth: int, *, classes: int = 1000, stem: str = "imagenet", width: float = 1.0, **selection: Any) -> ResNet:
    """An SKNet of one of DEPTHS, randomly initialised; it returns logits.

    Args:
        depth: 26, 50 or 101.
        classes: how many logits it gives.
        stem: "imagenet" or "cifar".
        width: factor on every channel count; the SK channels must stay divisible by the groups.
        selection: branches (M), groups (G), reduction (r) and minimum (L) of every SelectiveKernel.
    """
    if depth not in DEPTHS:
        raise ValueError(f"no SKNet of depth {depth!r}; choose from {', '.join(map(str, DEPTHS))}")

    def block(_: int, in_channels: int, planes: int, stride: int) -> Residual:
        branch = _branch(in_channels, planes, stride, selection)
        return Residual(branch, projection(in_channels, 2 * planes, stride), nn.Identity())

    first = round(64 * width)
    planes = tuple(round(c * width) for c in (128, 256, 512, 1024))
    layers = residual_stages(block, first, planes, DEPTHS[depth], 2)
    return ResNet(pick(STEMS, "stem", stem)(first), layers, planes[-1] * 2, classes)
