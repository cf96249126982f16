"""The networks that are timed: ImageNet's layout, seeded random weights, so that nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from sevis.inspector import Inspector
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net

__all__ = ["NETWORKS", "inspected", "picture"]

CLASSES = 1000
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "SE-ResNet-50": lambda: se_resnet(50, classes=CLASSES, stem="imagenet"),
    "SKNet-50": lambda: sk_net(50, classes=CLASSES),
    "small": lambda: se_resnet(18, classes=CLASSES, stem="imagenet", width=0.125),  # shows that the benchmarks run
}


def inspected(name: str, side: int, build: Callable[[], nn.Module] | None = None, device: Any = None) -> Inspector:
    """One of NETWORKS, or what `build` gives, behind an Inspector that shows it pictures of that side."""
    torch.manual_seed(0)
    module = (build or NETWORKS[name])().eval()
    return Inspector(Network(name, module, Preprocessing(side, side), tuple(map(str, range(CLASSES)))), device)


def picture(side: int, seed: int = 0) -> np.ndarray:
    """Noise, (side, side, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
