"""SE-Inception (Hu et al. 2018, figure 2): an Inception network with an SE block after every module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sevis.nets.blocks import SqueezeExcitation, conv_norm, pick

__all__ = ["FAMILIES", "Inception", "InceptionNet", "Plan", "se_inception"]

Chain = tuple[tuple[int, int], ...]  # convolutions in turn, each (kernel, channels)


@dataclass(frozen=True)
class Plan:
    """One module.

    Attributes:
        chains: its branches of convolutions.
        projection: channels of the 1 x 1 convolution after the pooled branch; 0 passes the pooled features through.
        pool: "average" or "max".
        stride: of the last convolution of every branch, and of its pool.
        halved: whether a max-pool before the module halves the size.
    """

    chains: tuple[Chain, ...]
    projection: int
    pool: str = "average"
    stride: int = 1
    halved: bool = False


def _double(single: int, three: tuple[int, int], double: tuple[int, int], projection: int, pool: str = "average", stride: int = 1) -> Plan:
    """A module of BN-Inception: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and two 3 x 3; pool."""
    chains = ((1, three[0]), (3, three[1])), ((1, double[0]), (3, double[1]), (3, double[1]))
    return Plan(((((1, single),),) if single else ()) + chains, projection, pool, stride)


def _large(single: int, three: tuple[int, int], five: tuple[int, int], projection: int, halved: bool = False) -> Plan:
    """A module of GoogLeNet: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; max-pool."""
    return Plan((((1, single),), ((1, three[0]), (3, three[1])), ((1, five[0]), (5, five[1]))), projection, "max", halved=halved)


FAMILIES: dict[str, tuple[Plan, ...]] = {
    # Ioffe & Szegedy 2015, figure 5, with the widths of 4c and 4d as the authors of SENet have them: 3a to 3c, 4a to 4e, 5a, 5b
    "bn_inception": (
        _double(64, (64, 64), (64, 96), 32),
        _double(64, (64, 96), (64, 96), 64),
        _double(0, (128, 160), (64, 96), 0, "max", 2),
        _double(224, (64, 96), (96, 128), 128),
        _double(192, (96, 128), (96, 128), 128),
        _double(160, (128, 160), (128, 160), 128),
        _double(96, (128, 192), (160, 192), 128),
        _double(0, (128, 192), (192, 256), 0, "max", 2),
        _double(352, (192, 320), (160, 224), 128),
        _double(352, (192, 320), (192, 224), 128, "max"),
    ),
    # Szegedy et al. 2015, table 1: 3a, 3b, 4a to 4e, 5a, 5b
    "googlenet": (
        _large(64, (96, 128), (16, 32), 32),
        _large(128, (128, 192), (32, 96), 64),
        _large(192, (96, 208), (16, 48), 64, halved=True),
        _large(160, (112, 224), (24, 64), 64),
        _large(128, (128, 256), (24, 64), 64),
        _large(112, (144, 288), (32, 64), 64),
        _large(256, (160, 320), (32, 128), 128),
        _large(256, (160, 320), (32, 128), 128, halved=True),
        _large(384, (192, 384), (48, 128), 128),
    ),
}
POOLS: dict[str, Callable[..., nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def _conv(in_channels: int, channels: int, kernel: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return *conv_norm(in_channels, channels, kernel, stride=stride), nn.ReLU()


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, 2, padding=1)


class Inception(nn.Module):
    """The branches side by side on the channel axis, and the SE block on all of them: (N, C, H, W) -> (N, C', H', W')."""

    def __init__(self, in_channels: int, plan: Plan, width: float, attention: dict[str, Any]) -> None:
        super().__init__()
        chains = [_chain(in_channels, chain, plan.stride, width) for chain in plan.chains]
        projection = _conv(in_channels, round(plan.projection * width), 1) if plan.projection else ()
        pooled = nn.Sequential(POOLS[plan.pool](3, plan.stride, padding=1), *projection)
        self.channels = sum(round(chain[-1][1] * width) for chain in plan.chains)
        self.channels += round(plan.projection * width) or in_channels
        self.halve = _halve() if plan.halved else nn.Identity()
        self.branches = nn.ModuleList([*chains, pooled])
        self.se = SqueezeExcitation(self.channels, **attention)

    def forward(self, features: Tensor) -> Tensor:
        features = self.halve(features)
        gated: Tensor = self.se(torch.cat([branch(features) for branch in self.branches], dim=1))
        return gated


def _chain(in_channels: int, chain: Chain, stride: int, width: float) -> nn.Sequential:
    """Convolutions in turn, the last with the stride."""
    parts: list[nn.Module] = []
    for place, (kernel, channels) in enumerate(chain, 1):
        parts += _conv(in_channels, round(channels * width), kernel, stride if place == len(chain) else 1)
        in_channels = round(channels * width)
    return nn.Sequential(*parts)


class InceptionNet(nn.Module):
    """Stem, Inception modules, average pool and a linear layer: (N, 3, H, W) -> logits (N, classes)."""

    def __init__(self, stem: nn.Module, modules: list[Inception], classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.inceptions = nn.Sequential(*modules)
        self.linear = nn.Linear(modules[-1].channels, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.inceptions(self.stem(pictures)).mean(dim=(2, 3)))
        return logits


def se_inception(family: str = "bn_inception", *, classes: int = 1000, width: float = 1.0, **attention: Any) -> InceptionNet:
    """An SE-Inception network, randomly initialised; every convolution has a batch norm.

    Args:
        family: "bn_inception" (ten modules, the paper's table 2) or "googlenet" (nine).
        classes: how many logits it gives.
        width: factor on every channel count.
        attention: reduction, squeeze and excitation of every SqueezeExcitation.
    """
    plans = pick(FAMILIES, "family", family)
    first, channels = round(64 * width), round(192 * width)
    stem = nn.Sequential(*_conv(3, first, 7, 2), _halve(), *_conv(first, first, 1), *_conv(first, channels, 3), _halve())
    modules = []
    for plan in plans:
        modules.append(Inception(channels, plan, width, attention))
        channels = modules[-1].channels
    return InceptionNet(stem, modules, classes)
