"""What a network costs: its parameters, and its multiply-adds for one picture."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["macs", "parameters"]


def parameters(module: nn.Module) -> int:
    """How many weights a network has; running statistics are not counted."""
    return sum(weights.numel() for weights in module.parameters())


def macs(module: nn.Module, side: int) -> int:
    """Multiply-adds of its convolutions and matrix products for one picture of side x side pixels, as the papers count.

    Free for a module on the meta device.
    """
    first = next(module.parameters())
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty((1, 3, side, side), device=first.device, dtype=first.dtype))
    return int(counter.get_total_flops()) // 2
